"""A table of labels (CSV, TSV, compressed or not), with or without a folder of images."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.files import FileImages, Outside, points_outside
from lt_core.datasets.images import ImageStore, NoImages
from lt_core.datasets.kinds import as_asked, kind_asked
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.options import COLUMN_OPTIONS, KIND, options_of
from lt_core.datasets.tables.columns import Roles, holds_no_label, is_called_split, roles_of, split_of
from lt_core.datasets.tables.image_folder import given_folder, neighbouring_folder
from lt_core.datasets.tables.label_columns import LabelMatrix, from_names, from_zero_one
from lt_core.datasets.tables.text import Table, is_table_name, read_table
from lt_core.params import Choice, Param
from lt_core.problems import Problem

SEPARATOR = Param(
    "separator", "auto", Choice(("auto", "|", ";", ",", "/"), help="The sign between several labels in one cell.")
)


class TableReader:
    """Any table with a column of labels, or columns of 0 and 1."""

    key = "table"
    title = "CSV or TSV table, with or without a folder of images"
    priority = 0
    options = (SEPARATOR, KIND)
    columns = COLUMN_OPTIONS

    def sniff(self, path: Path) -> str | None:
        """Return the reason by name; a zip is a table only if it holds one table and nothing else."""
        if not path.is_file() or not is_table_name(path.name):
            return None
        if path.suffix.lower() == ".zip" and not _zip_of_one_table(path):
            return None
        return f"the name ends in {''.join(path.suffixes[-2:])}"

    def read(self, source: Source) -> LabeledImages:
        """Return the rows of the table, in order, as a data set."""
        values, named = options_of(source, self.options, columns=self.columns)
        separator = None if values["separator"] == "auto" else values["separator"]
        path = Path(source.name)
        table = read_table(path)
        roles = roles_of(table, labels=source.labels, given=named)
        matrix = _labels(table, roles, source, separator)
        ids = None if roles.image is None else table.cells(roles.image).to_numpy(dtype=np.str_)
        images, about_images = _images(source, path, len(table.frame), ids)
        folder = images.root if isinstance(images, FileImages) else None
        return LabeledImages(
            key=re.sub(r"[^a-z0-9]+", "-", path.name.split(".")[0].lower()).strip("-") or "table",
            title=path.name,
            class_names=matrix.class_names,
            matrix=matrix.labels,
            images=images,
            kind=as_asked(matrix.kind, kind_asked(values), matrix.labels, path.name),
            source=replace(source, images=source.images if folder is None else str(folder)),
            ids=ids,
            split=None if roles.split is None else split_of(table, roles.split),
            groups=None if roles.patient is None else _groups(table, roles.patient),
            about=_about(len(table.frame), roles, matrix, folder),
            warnings=(
                *table.notes,
                *roles.notes,
                *_left_out(table, roles),
                *matrix.notes,
                *_about_ids(ids),
                *about_images,
            ),
        )


READER = TableReader()


def _labels(table: Table, roles: Roles, source: Source, separator: str | None) -> LabelMatrix:
    if roles.form == "names":
        return from_names(table, roles.labels[0], separator=separator)
    return from_zero_one(table, roles.labels, keep_no_finding=bool(source.labels))


def _images(source: Source, path: Path, rows: int, ids: NDArray[np.str_] | None) -> tuple[ImageStore, list[str]]:
    """Return the images of the rows, and what to tell about those that are not there."""
    if ids is None:
        if source.images is not None:
            raise Problem(f"{path.name} has no column that names images, so {source.images} cannot be used: say which "
                          "column does with the option image, or leave --images out")  # fmt: skip
        return NoImages(rows), ["no column names images: labels only"]
    names: list[str] = ids.tolist()
    index, notes = (given_folder(source.images, path), []) if source.images else neighbouring_folder(names, path)
    if index is None:
        return NoImages(rows), notes
    try:
        images = FileImages(index.root, names, index)
    except Outside as refusal:
        row = next(k for k, name in enumerate(names) if points_outside(name))
        raise Outside(f"row {row + 1} of {path.name}: {refusal}; give names of files in that folder") from None
    for rows_of, what in ((images.missing(), "not in the folder"), (images.refused(), "links out of the folder")):
        if rows_of:
            first = ", ".join(names[k] or "(no name)" for k in rows_of[:3])
            notes.append(f"{len(rows_of):,} of {rows:,} images are {what} {index.root.name}: {first}"
                         + (" ..." if len(rows_of) > 3 else ""))  # fmt: skip
    return images, notes


def _groups(table: Table, column: str) -> NDArray[np.str_]:
    """Patient of every row; a row without one is a patient of its own, so that no two strangers are tied together."""
    names = table.cells(column).to_numpy(dtype=object)
    for row in np.flatnonzero(names == ""):
        names[row] = f"(row {row + 1})"
    return names.astype(np.str_)


def _about(rows: int, roles: Roles, matrix: LabelMatrix, folder: Path | None) -> str:
    said = [f"table of {rows:,} rows", matrix.about]
    if roles.image is not None:
        where = f" in the folder {folder.name!r}" if folder else ""
        said.append(f"images named by the column {roles.image!r}{where}")
    if roles.patient is not None:
        said.append(f"patients or lesions by {roles.patient!r}")
    if roles.split is not None:
        said.append(f"parts by {roles.split!r}")
    return "; ".join(said)


def _left_out(table: Table, roles: Roles) -> list[str]:
    """Say which columns look like labels or parts and are not used, and why."""
    used = {roles.image, roles.patient, roles.split, *roles.labels}
    free = [name for name in table.columns if name not in used]
    empty = [name for name in free if roles.form == "zero-one" and holds_no_label(table.frame[name])]
    parts = [name for name in free if roles.split is None and is_called_split(name)]
    notes = [f"no label is known in {', '.join(empty)}: not used as classes"] if empty else []
    if parts:
        notes.append(f"{parts[0]!r} holds other words than train, val and test: not used as parts")
    return notes


def _about_ids(ids: Sequence[str] | NDArray[np.str_] | None) -> list[str]:
    if ids is None:
        return []
    names, counts = np.unique(np.asarray(ids), return_counts=True)
    repeated = names[(counts > 1) & (names != "")]
    if not len(repeated):
        return []
    return [f"{len(repeated):,} images have more than one row ({', '.join(repeated[:3])}): each row counts as an image"]


def _zip_of_one_table(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/") and "__MACOSX" not in n]
    except (OSError, zipfile.BadZipFile):
        return True
    return len(names) == 1 and is_table_name(names[0])
