"""ISIC challenges: one-hot ground truth (2018 task 3, 2019) and the training tables of 2020 and 2024."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.assembled import Found, data_set, unused
from lt_core.datasets.layouts.merging import NamedRows
from lt_core.datasets.layouts.persons import groups_of
from lt_core.datasets.layouts.pictures import images_named
from lt_core.datasets.notes import counted
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Change, Column
from lt_core.datasets.skin.beside import joined, tables_of_lesions
from lt_core.datasets.skin.diagnoses import NAMES, spelled_out
from lt_core.datasets.skin.lesions import described
from lt_core.datasets.tables.columns import named
from lt_core.datasets.tables.label_columns import from_names, from_zero_one
from lt_core.datasets.tables.peek import Glimpse, peek
from lt_core.datasets.tables.text import Table, read_table
from lt_core.params import Choice, Param
from lt_core.problems import Problem

LABEL = Param("label", "target", Choice(
    ("target", "diagnosis"),
    ("malignant or benign (column target)", "the diagnosis written beside it"),
    help="What a table of ISIC 2020 or 2024 is read for; those of 2018 and 2019 have one label only."))  # fmt: skip
_LEAST_CODES = 4
_BESIDE_TARGET = ("benign_malignant", "anatom_site_general_challenge", "anatom_site_general", "iddx_full", "diagnosis",
                  "age_approx")  # fmt: skip
_DIAGNOSES = ("diagnosis", "iddx_full")


class IsicReader:
    """``ISIC_2019_Training_GroundTruth.csv`` and its like, with metadata beside; ``train.csv`` of 2020 and 2024."""

    key = "isic"
    title = "ISIC challenge ground truth (2018 task 3, 2019, 2020, 2024)"
    priority = 14
    options = (LABEL,)
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the columns that tell, in any order."""
        glimpse = peek(path)
        if glimpse is None:
            return None
        codes = _codes(glimpse.columns)
        if glimpse.has("image") and len(codes) >= _LEAST_CODES and _is_one_hot(glimpse, codes):
            return f"the header has image, {', '.join(codes)}"
        if _has_target(glimpse):
            return f"the header has target beside {', '.join(n for n in _BESIDE_TARGET if glimpse.has(n))}"
        return None

    def companions(self, path: Path) -> tuple[Path, ...]:
        """Return the tables of lesions and persons beside a ground truth, which are read with it."""
        glimpse = peek(path)
        return () if glimpse is None or _has_target(glimpse) else tuple(tables_of_lesions(path))

    def read(self, source: Source) -> LabeledImages:
        """Return one row an image; ``Source.labels`` are classes, or the name of a label column of 2020 and 2024."""
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        table = read_table(path)
        if len(_codes(table.columns)) >= _LEAST_CODES:
            return data_set(source, self.key, path, _of_one_hot(source, path, table), values)
        column, classes = _label_column(table, source.labels, values)
        found = _of_target(source, path, table, column)
        data = data_set(replace(source, labels=classes), self.key, path, found, values)
        return replace(data, source=replace(data.source, labels=source.labels))


READER = IsicReader()


def _codes(columns: Any) -> list[str]:
    return [name for name in columns if name.upper() in NAMES]


def _is_one_hot(glimpse: Glimpse, codes: list[str]) -> bool:
    return all(cell in ("0", "1", "0.0", "1.0", "") for code in codes for cell in glimpse.cells(code))


def _has_target(glimpse: Glimpse) -> bool:
    image = glimpse.has("image_name") or glimpse.has("isic_id")
    return image and glimpse.has("target") and any(glimpse.has(name) for name in _BESIDE_TARGET)


def _of_one_hot(source: Source, path: Path, table: Table) -> Found:
    image, codes = named(table, "image"), _codes(table.columns)
    matrix = from_zero_one(table, codes)
    rows = NamedRows.of(table.cells(image), image, path.name)
    labels = rows.union(matrix.labels)
    columns = [Column(image, "image"), *(Column(code, "label", NAMES[code.upper()]) for code in codes)]
    person, lesion, more, changes = joined(path, rows.ids)
    metadata, groups = _of_person(person, lesion, len(rows), columns)
    images, notes = images_named(source, path, rows.ids)
    one = (labels == 1).sum(axis=1)
    unknown = np.asarray(np.isnan(labels).any(axis=1))
    unk = next((k for k, code in enumerate(codes) if code.upper() == "UNK"), None)
    changes = [
        Change("merged", rows.repeated, "rows are about an image that has a row already: one row an image"),
        Change("unknown", int(unknown.sum()), "images have an empty label cell"),
        *changes,
    ]
    warnings = [*table.notes, *matrix.notes, *notes, *more, *_not_one(one, unknown)]
    if unk is not None and (only := int((labels[:, unk] == 1).sum())):
        said = "images are UNK, none of the other classes: UNK is a class as any other here"
        warnings.append(counted(only, said))
    return Found(
        tuple(codes), labels, rows.ids, images,
        about=f"ISIC ground truth of {len(rows):,} dermatoscopic images in {len(codes)} columns: {spelled_out(codes)}",
        columns=[*columns, *unused(table.columns, columns)], changes=[c for c in changes if c.count],
        warnings=warnings, kind="single" if bool((one == 1).all()) and not unknown.any() else "multi",
        groups=groups, metadata=metadata,
    )  # fmt: skip


def _not_one(one: NDArray[np.int64], unknown: NDArray[np.bool_]) -> list[str]:
    odd = int(((one != 1) & ~unknown).sum())
    return [counted(odd, "images have not exactly one class: the set is read as multi-label")] if odd else []


def _of_person(
    person: Table | None, lesion: NDArray[np.str_] | None, n: int, columns: list[Column]
) -> tuple[pd.DataFrame | None, NDArray[np.str_] | None]:
    """Metadata and lesions of the images, from the tables beside; their columns are added to ``columns``."""
    if person is None:
        return None, None
    metadata, described_by, _ = described(person, {"image"}, np.arange(n))
    if lesion is not None:
        columns.append(Column("lesion_id", "patient", "from the table beside it; images of one lesion belong together"))
    columns += [Column(column.name, column.role, f"{column.why}, from the table beside it") for column in described_by]
    return metadata, lesion


def _label_column(table: Table, asked: tuple[str, ...], values: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The column of labels, and the classes asked for."""
    lower = {name.lower(): name for name in table.columns}
    if len(asked) == 1 and asked[0].strip().lower() in lower:
        return lower[asked[0].strip().lower()], ()
    if values["label"] == "target":
        return named(table, "target"), asked
    there = [lower[name] for name in _DIAGNOSES if name in lower]
    if not there:
        raise Problem(f"{table.path.name} has no column diagnosis or iddx_full: leave the option label at target")
    return there[0], asked


def _of_target(source: Source, path: Path, table: Table, column: str) -> Found:
    lower = {name.lower(): name for name in table.columns}
    image = lower.get("image_name") or named(table, "isic_id")
    rows = NamedRows.of(table.cells(image), image, path.name)
    classes, all_labels, about = _target(table) if column.lower() == "target" else _diagnosis(table, column)
    labels = rows.union(all_labels)
    columns = [Column(image, "image"), Column(column, "label", about)]
    group = lower.get("patient_id") or lower.get("lesion_id")
    if group:
        columns.append(Column(group, "patient"))
    metadata, described_by, odd = described(table, {column for column in (image, column, group) if column}, rows.first)
    columns += described_by
    images, notes = images_named(source, path, rows.ids)
    changes = [
        Change("merged", rows.repeated, "rows are about an image that has a row already: one row an image"),
        Change("unknown", int(np.isnan(labels).all(axis=1).sum()), f"images have nothing in {column!r}"),
        *odd,
    ]
    single = not np.isnan(labels).any() and bool(((labels == 1).sum(axis=1) == 1).all())
    return Found(
        classes, labels, rows.ids, images, about=f"ISIC table of {len(rows):,} dermatoscopic images, {about}",
        columns=[*columns, *unused(table.columns, columns, "not read")], changes=[c for c in changes if c.count],
        warnings=[*table.notes, *notes], kind="single" if single else "multi",
        groups=None if group is None else groups_of(table.frame[group])[rows.first], metadata=metadata,
    )  # fmt: skip


def _target(table: Table) -> tuple[tuple[str, ...], NDArray[np.float32], str]:
    """Benign and malignant as two classes, of which an image has one; both unknown where the cell is empty."""
    malignant = from_zero_one(table, [named(table, "target")]).labels[:, 0]
    return ("benign", "malignant"), np.stack([1 - malignant, malignant], axis=1), "benign or malignant by 'target'"


def _diagnosis(table: Table, column: str) -> tuple[tuple[str, ...], NDArray[np.float32], str]:
    # A diagnosis may hold commas ("Nevus, Atypical, Dysplastic"): no separator occurs in these columns.
    matrix = from_names(table, column, separator="\0")
    return matrix.class_names, matrix.labels, f"diagnoses from {column!r}"
