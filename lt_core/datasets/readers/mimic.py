"""MIMIC-CXR-JPG (Johnson et al. 2019, arXiv:1901.07042): CheXpert or NegBio labels of studies, joined with images."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.chest.observations import POLICIES, Observations, is_observation, observed, says_no_finding
from lt_core.datasets.images import ImageStore, NoImages
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.assembled import Found, data_set, unused
from lt_core.datasets.layouts.beside import tables_beside
from lt_core.datasets.layouts.merging import NamedRows, positions
from lt_core.datasets.layouts.parts import parts_of
from lt_core.datasets.layouts.persons import groups_of, words_of
from lt_core.datasets.layouts.pictures import check_no_images, images_named
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Change, Column
from lt_core.datasets.tables.columns import named, plain
from lt_core.datasets.tables.peek import Glimpse, peek
from lt_core.datasets.tables.text import Table, read_table

_FEWEST = 10
_KEYS = ("dicom_id", "subject_id", "study_id")


@dataclass(frozen=True, eq=False)
class _Images:
    """The images that tables beside the labels list: (N,) names, studies, patients, and view and part where known."""

    ids: NDArray[np.str_]
    study: NDArray[np.str_]
    patient: NDArray[np.str_] | None
    view: NDArray[np.object_] | None
    split: NDArray[np.str_] | None
    tables: tuple[str, ...]
    changes: tuple[Change, ...]


class MimicReader:
    """``mimic-cxr-2.0.0-chexpert.csv`` or ``-negbio.csv``: rows are studies, and images where these are listed.

    Beside it ``...-metadata.csv`` (images with their view) and ``...-split.csv`` (images with their part) turn
    studies into images. ``Support Devices`` is a class; ``No Finding`` is the absence of findings.
    """

    key = "mimic"
    title = "MIMIC-CXR-JPG (mimic-cxr-2.0.0-chexpert.csv, with metadata and split beside it)"
    priority = 15
    options = POLICIES
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the columns that tell: ``study_id`` and observations of CheXpert, and no others."""
        glimpse = peek(path)
        if glimpse is None or not is_mimic(glimpse):
            return None
        count = sum(map(is_observation, glimpse.columns))
        return f"the header has study_id and {count} observations of CheXpert"

    def companions(self, path: Path) -> tuple[Path, ...]:
        """Return the tables of images and parts beside the labels, and, beside CheXpert's labels, those of NegBio."""
        joined = (_file_beside(path, "metadata", "ViewPosition"), _file_beside(path, "split", "split"))
        return tuple(file for file in (*joined, _other_labels(path)) if file is not None)

    def read(self, source: Source) -> LabeledImages:
        """Return one row an image where the images are listed, else one row a study."""
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        table = read_table(path)
        seen = observed(table, [column for column in table.columns if is_observation(column)], values)
        by_image = any(plain(name) == "dicomid" for name in table.columns)
        listed = None if by_image else _listed(path)
        if listed is None:
            found = _of_rows(source, path, table, seen, "dicom_id" if by_image else "study_id")
        else:
            found = _joined(source, path, table, seen, listed)
        if other := _other_labels(path):
            note = (
                f"labels of {path.name}; those of {other.name} beside it are another labeller's: give its path for them"
            )
            found = replace(found, warnings=[*found.warnings, note])
        return data_set(source, self.key, path, found, values)


READER = MimicReader()


def is_mimic(glimpse: Glimpse) -> bool:
    """Return whether the columns are keys of MIMIC-CXR and observations of CheXpert, hardly any other."""
    observations = sum(map(is_observation, glimpse.columns))
    others = [name for name in glimpse.columns if name and not is_observation(name)]
    keyed = glimpse.has("study_id") and not glimpse.has("fpath")
    return keyed and observations >= _FEWEST and len(others) <= len(_KEYS) + 6


def _columns(table: Table, key: str) -> list[Column]:
    columns = [Column(named(table, key), "image", "" if key == "dicom_id" else "a row is a study")]
    for name in table.columns:
        if plain(name) == "subjectid":
            columns.append(Column(name, "patient"))
        elif says_no_finding(name):
            columns.append(Column(name, "unused", "the absence of findings is no class"))
        elif is_observation(name):
            columns.append(Column(name, "label", "1, 0, -1 (uncertain) or blank (not mentioned)"))
    return [*columns, *unused(table.columns, columns)]


def _of_rows(source: Source, path: Path, table: Table, seen: Observations, key: str) -> Found:
    """NamedRows as they are: images if they have a ``dicom_id``, else studies, of which one may be several images."""
    column = named(table, key)
    rows = NamedRows.of(table.cells(column), column, path.name)
    images: ImageStore
    if key == "dicom_id":
        images, notes = images_named(source, path, rows.ids)
    else:
        check_no_images(source, path, "lists studies, not images, and no table of images lies beside it")
        images, notes = NoImages(len(rows)), [
            "rows are studies, not images: put mimic-cxr-2.0.0-metadata.csv or -split.csv beside the table for images"
        ]  # fmt: skip
    repeats = [Change("merged", rows.repeated, f"rows repeat a {key}: a finding counts if any of them has it")]
    patient = next((name for name in table.columns if plain(name) == "subjectid"), None)
    return Found(
        seen.class_names, rows.union(seen.labels), rows.ids, images,
        about=f"MIMIC-CXR table of {len(rows):,} {'images' if key == 'dicom_id' else 'studies'}",
        columns=_columns(table, key), changes=[*table.changes, *seen.changes, *(repeats if rows.repeated else [])],
        warnings=[*table.notes, *notes], uncertain=rows.any(seen.uncertain),
        groups=None if patient is None else groups_of(table.frame[patient])[rows.first],
    )  # fmt: skip


def _joined(source: Source, path: Path, table: Table, seen: Observations, listed: _Images) -> Found:
    column = named(table, "study_id")
    rows = NamedRows.of(table.cells(column), column, path.name)
    study = positions(listed.study, rows.ids)
    labels = np.full((len(listed.ids), len(seen.class_names)), np.nan, np.float32)
    labels[study >= 0] = rows.union(seen.labels)[study[study >= 0]]
    uncertain = np.zeros(labels.shape, np.bool_)
    uncertain[study >= 0] = rows.any(seen.uncertain)[study[study >= 0]]
    without = len(rows) - len(np.unique(study[study >= 0]))
    changes = [
        Change("unknown", int((study < 0).sum()), "images belong to a study without labels: their labels are unknown"),
        Change("dropped", without, "studies with labels have no image in the tables beside: not used"),
        Change("merged", rows.repeated, "rows repeat a study_id: a finding counts if any of them has it"),
        *listed.changes,
    ]
    images, notes = images_named(source, path, listed.ids)
    metadata = pd.DataFrame({"study": listed.study} | ({} if listed.view is None else {"view": listed.view}))
    return Found(
        seen.class_names, labels, listed.ids, images,
        about=f"{len(listed.ids):,} images of {len(rows):,} studies of MIMIC-CXR, labels of {path.name} joined by "
        f"study_id with {' and '.join(listed.tables)}",
        columns=_columns(table, "study_id"), changes=[*table.changes, *seen.changes, *(c for c in changes if c.count)],
        warnings=[*table.notes, *notes], split=listed.split, groups=listed.patient, uncertain=uncertain,
        metadata=metadata,
    )  # fmt: skip


def _listed(path: Path) -> _Images | None:
    """The images of the tables of metadata and parts beside the labels, or None where neither is there."""
    files = _file_beside(path, "metadata", "ViewPosition"), _file_beside(path, "split", "split")
    metadata, split = (None if file is None else read_table(file) for file in files)
    base = metadata or split
    if base is None:
        return None
    rows = NamedRows.of(base.cells(named(base, "dicom_id")), "dicom_id", base.path.name)
    study = base.cells(named(base, "study_id")).to_numpy(dtype=np.str_)[rows.first]
    has_patient = any(plain(name) == "subjectid" for name in base.columns)
    patient = base.cells(named(base, "subject_id")).to_numpy(dtype=np.str_)[rows.first] if has_patient else None
    view = None if metadata is None else words_of(metadata.frame[named(metadata, "ViewPosition")])[rows.first]
    part, changes = None, []
    if split is not None:
        column = named(split, "split")
        said = parts_of(split.frame[column], column, split.path.name)
        where = positions(rows.ids, split.cells(named(split, "dicom_id")).to_numpy(dtype=np.str_))
        part = np.where(where >= 0, said[where], "")
        if lacking := int((where < 0).sum()):
            changes.append(Change("unknown", lacking, f"images are not in {split.path.name}: in no part"))
    tables = tuple(table.path.name for table in (metadata, split) if table is not None)
    return _Images(rows.ids, study, patient, view, part, tables, tuple(changes))


def _file_beside(path: Path, word: str, column: str) -> Path | None:
    for file in tables_beside(path, rf"mimic.*{word}"):
        glimpse = peek(file)
        if glimpse is not None and glimpse.has("dicom_id", "study_id", column):
            return file
    return None


def _other_labels(path: Path) -> Path | None:
    """The labels of NegBio of the same studies, beside those of CheXpert: of the two the latter are read by default."""
    if "chexpert" not in path.name.lower():
        return None
    called = path.name.lower().replace("chexpert", "negbio").split(".csv")[0]
    found = tables_beside(path, rf"^{re.escape(called)}\.csv")
    return next((file for file in found if (glimpse := peek(file)) is not None and is_mimic(glimpse)), None)
