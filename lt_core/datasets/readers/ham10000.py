"""HAM10000 (Tschandl et al. 2018): its metadata as Harvard or Kaggle give it, and tables made from it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.assembled import Found, data_set, unused
from lt_core.datasets.layouts.merging import NamedRows
from lt_core.datasets.layouts.persons import groups_of
from lt_core.datasets.layouts.pictures import images_named
from lt_core.datasets.options import COLUMN_OPTIONS, options_of
from lt_core.datasets.reading import Change, Column
from lt_core.datasets.skin.diagnoses import NAMES, spelled_out
from lt_core.datasets.skin.lesions import described
from lt_core.datasets.tables.columns import Roles, named, roles_of, split_of
from lt_core.datasets.tables.label_columns import from_names
from lt_core.datasets.tables.peek import Glimpse, peek
from lt_core.datasets.tables.text import Table, first_rows_of, read_table
from lt_core.params import Param
from lt_core.problems import Problem

_GLANCE = 1 << 16
_BESIDE = ("dx_type", "localization", "lesion_id")


class Ham10000Reader:
    """``HAM10000_metadata`` with a column ``dx`` of one diagnosis an image, lesions as groups."""

    key = "ham10000"
    title = "HAM10000 metadata (columns dx, lesion_id, image_id ...)"
    priority = 15
    options: tuple[Param, ...] = ()
    columns = COLUMN_OPTIONS

    def sniff(self, path: Path) -> str | None:
        """Return the columns that tell: ``dx`` beside two of those that only HAM10000 has, or pixels as a table."""
        glimpse = _glimpse(path)
        if glimpse is None:
            return None
        if _is_pixels(glimpse):
            return "the header has pixel0000, pixel0001 ... and label"
        if glimpse.has("dx") and sum(glimpse.has(name) for name in _BESIDE) >= 2:
            return f"the header has dx, {', '.join(name for name in _BESIDE if glimpse.has(name))}"
        return None

    def read(self, source: Source) -> LabeledImages:
        """Return one row an image, single-label, in the order of the table; ``Source.labels`` are diagnoses.

        The column ``dx`` is the label, unless ``Source.labels`` is the name of another column.
        """
        values, given = options_of(source, self.options, columns=self.columns)
        path = Path(source.name)
        glimpse = _glimpse(path)
        if glimpse is not None and _is_pixels(glimpse):
            raise Problem(f"{path.name} holds pixels as a table, without the names of images and lesions: load "
                          "HAM10000_metadata.csv with the images, or DermaMNIST as .npz")  # fmt: skip
        table = read_table(path)
        label, classes = _label(table, source.labels)
        roles = roles_of(table, labels=[label], given=given)
        found = _found(source, path, table, roles)
        data = data_set(replace(source, labels=classes), self.key, path, found, values)
        return replace(data, source=replace(data.source, labels=source.labels))


READER = Ham10000Reader()


def _glimpse(path: Path) -> Glimpse | None:
    """The first rows; Harvard's file is called ``HAM10000_metadata``, ``.tab`` or ``.csv``."""
    glimpse = peek(path)
    if glimpse is not None or not re.fullmatch(r"ham10000_metadata[^.]*(\.tab|\.txt)?", path.name, re.IGNORECASE):
        return glimpse
    try:
        with path.open("rb") as file:
            rows = first_rows_of(file.read(_GLANCE), path.name)
    except (OSError, Problem):
        return None
    cells = [tuple(cell.strip() for cell in row) for row in rows]
    return Glimpse(cells[0], tuple(cells[1:])) if cells else None


def _is_pixels(glimpse: Glimpse) -> bool:
    return sum(re.fullmatch(r"pixel\d+", name) is not None for name in glimpse.columns) > 100


def _label(table: Table, asked: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The column of labels, and the diagnoses asked for."""
    lower = {name.lower(): name for name in table.columns}
    if len(asked) == 1 and asked[0].strip().lower() in lower:
        return lower[asked[0].strip().lower()], ()
    return named(table, "dx"), asked


def _found(source: Source, path: Path, table: Table, roles: Roles) -> Found:
    matrix = from_names(table, roles.labels[0])
    image = roles.image
    if image is None:
        raise Problem(f"{path.name} has no column image_id: say which column names the image with the option image")
    rows = NamedRows.of(table.cells(image), image, path.name)
    labels = rows.union(matrix.labels)
    changes = [
        Change("merged", rows.repeated, "rows are about an image that has a row already: one row an image"),
        Change("unknown", _without_label(matrix.labels), f"rows have nothing in {roles.labels[0]!r}"),
    ]
    taken = {image, *roles.labels, *(name for name in (roles.patient, roles.split) if name)}
    metadata, described_by, odd = described(table, taken, rows.first)
    columns = [Column(image, "image"), Column(roles.labels[0], "label", "one diagnosis an image")]
    if roles.patient:
        columns.append(Column(roles.patient, "patient", "images of one lesion belong together"))
        alone = int((table.cells(roles.patient) == "").sum())
        changes.append(Change("repaired", alone, f"rows have nothing in {roles.patient!r}: each a lesion of its own"))
    if roles.split:
        columns.append(Column(roles.split, "split"))
    columns += described_by
    images, notes = images_named(source, path, rows.ids)
    in_full = spelled_out(matrix.class_names)
    single = matrix.kind == "single" and bool(((labels == 1).sum(axis=1) == 1).all())
    return Found(
        matrix.class_names, labels, rows.ids, images,
        about=f"table of {len(rows):,} dermatoscopic images, diagnoses from {roles.labels[0]!r}"
        + (f" ({in_full})" if in_full else ""),
        columns=[*columns, *unused(table.columns, columns)], changes=[c for c in (*changes, *odd) if c.count],
        warnings=[*table.notes, *roles.notes, *matrix.notes, *notes, *_unheard_of(matrix.class_names, roles.labels[0])],
        kind="single" if single else "multi",
        split=None if roles.split is None else split_of(table, roles.split)[rows.first],
        groups=None if roles.patient is None else groups_of(table.frame[roles.patient])[rows.first],
        metadata=metadata,
    )  # fmt: skip


def _without_label(labels: NDArray[np.float32]) -> int:
    return int(np.isnan(labels).all(axis=1).sum())


def _unheard_of(classes: tuple[str, ...], column: str) -> list[str]:
    others = [name for name in classes if name.upper() not in NAMES] if column.lower() == "dx" else []
    return [f"{', '.join(others[:5])}: no diagnosis of HAM10000, kept as it is written"] if others else []
