"""A table with its roles, as a data set: labels, images, patients, parts, metadata, and what was done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.files import FileImages
from lt_core.datasets.images import ImageStore, NoImages
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.notes import counted
from lt_core.datasets.reading import Change, Column, Reading
from lt_core.datasets.tables.coded import names_of
from lt_core.datasets.tables.columns import Roles, holds_no_label, is_called_split, split_of
from lt_core.datasets.tables.label_matrix import Labels, labels_of
from lt_core.datasets.tables.metadata import metadata_of
from lt_core.datasets.tables.picture_store import images_of
from lt_core.datasets.tables.repeats import Rows
from lt_core.datasets.tables.text import Table
from lt_core.problems import Problem

NAMED_ROWS = 1 << 22
"""The names of images are kept for at most so many rows, unless a folder of images is given: they fill the memory."""


def assembled(source: Source, table: Table, roles: Roles, values: Mapping[str, Any]) -> LabeledImages:
    """Return the data set of ``table`` under ``roles`` and the options ``values`` of the table reader.

    ``ids`` are None where no column names images, and for more than ``NAMED_ROWS`` rows without a folder of images.
    """
    path = table.path
    labels, rows = labels_of(table, roles, values, keep_no_finding=bool(source.labels))
    first = None if rows is None else rows.first
    ids, images, about_images = _images(source, table, roles, first)
    folder = images.root if isinstance(images, FileImages) else None
    used = {roles.image, roles.patient, roles.split, *roles.labels}
    metadata, described, odd = metadata_of(table, [name for name in table.columns if name not in used], first)
    changes = [
        *table.changes,
        *labels.changes,
        *odd,
        *_nameless(table, roles),
        *_conflicts(table, roles, rows, described),
    ]
    repeats = [] if rows is not None else _about_ids(table, roles)
    split = None if roles.split is None else split_of(table, roles.split)
    groups = None if roles.patient is None else _groups(table, roles.patient)
    return LabeledImages(
        key=re.sub(r"[^a-z0-9]+", "-", path.name.split(".")[0].lower()).strip("-") or "table",
        title=path.name,
        class_names=labels.class_names,
        matrix=labels.matrix,
        images=images,
        kind=labels.kind,
        source=replace(source, images=source.images if folder is None else str(folder)),
        ids=ids,
        split=split if split is None or first is None else split[first],
        groups=groups if groups is None or first is None else groups[first],
        about=_about(len(table.frame), roles, labels, folder),
        warnings=(*table.notes, *roles.notes, *_left_out(table, roles), *labels.notes, *repeats, *about_images),
        uncertain=labels.uncertain,
        metadata=metadata,
        reading=Reading("table", columns=_columns(table, roles, described), changes=tuple(changes),
                        options=tuple(values.items())),
    )  # fmt: skip


def _images(
    source: Source, table: Table, roles: Roles, first: NDArray[np.intp] | None
) -> tuple[NDArray[np.str_] | None, ImageStore, list[str]]:
    """Names of the images, the images, and what to tell about those that are not there."""
    n = len(table.frame) if first is None else len(first)
    if roles.image is None:
        if source.images is not None:
            raise Problem(f"{table.path.name} has no column that names images, so {source.images} cannot be used: say "
                          "which column does with the option image, or leave --images out")  # fmt: skip
        return None, NoImages(n), ["no column names images: labels only"]
    if n > NAMED_ROWS and source.images is None:
        return None, NoImages(n), [f"more than {NAMED_ROWS:,} rows: labels only, the names of the images are not kept; "
                                   "give their folder with --images"]  # fmt: skip
    cells = table.frame[roles.image]
    ids = names_of(cells if first is None else cells.iloc[first])
    images, notes = images_of(source, table.path, ids.tolist())
    return ids, images, notes


def _groups(table: Table, column: str) -> NDArray[np.str_]:
    """Patient of every row; a row without one is a patient of its own, so that no two strangers are tied together."""
    coded = table.coded(column)
    groups: NDArray[np.str_] = np.take(np.array(coded.words, dtype=np.str_), coded.codes)
    empty = np.flatnonzero(groups == "")
    if not len(empty):
        return groups
    own = [f"(row {row + 1})" for row in empty]
    groups = groups.astype(f"U{max(groups.dtype.itemsize // 4, max(map(len, own)))}")
    groups[empty] = own
    return groups


def _columns(table: Table, roles: Roles, described: list[Column]) -> tuple[Column, ...]:
    """Every column of the table, what it is taken for, and why."""
    by_name = {column.name: column for column in described}
    written = "its cells are 0 and 1" if roles.form == "zero-one" else "its cells name classes"
    for name in roles.labels:
        by_name[name] = Column(name, "label", written)
    if roles.split is not None:
        by_name[roles.split] = Column(roles.split, "split", "its cells are train, val and test")
    if roles.patient is not None:
        by_name[roles.patient] = Column(roles.patient, "patient", "it is called like a patient, a case or a lesion")
    if roles.image is not None:
        by_name[roles.image] = Column(roles.image, "image", "it names an image a row")
    return tuple(by_name.get(name, Column(name, "unused", "not recognised: not used")) for name in table.columns)


def _nameless(table: Table, roles: Roles) -> list[Change]:
    if roles.image is None:
        return []
    count = int((table.cells(roles.image) == "").sum())
    return [Change("unknown", count, "rows name no image: kept, without an image")] if count else []


def _conflicts(table: Table, roles: Roles, rows: Rows | None, described: list[Column]) -> list[Change]:
    """What the rows of one image say differently about it: the first row counts."""
    if rows is None:
        return []
    names = [name for name in (roles.patient, roles.split, *(column.name for column in described)) if name is not None]
    counted = [(name, rows.differing_cells(table.coded(name))) for name in names]
    return [Change("merged", count, f"images have rows with different {name!r}: the first row counts")
            for name, count in counted if count]  # fmt: skip


def _about(rows: int, roles: Roles, labels: Labels, folder: Path | None) -> str:
    said = [f"table of {rows:,} rows", labels.about]
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


def _about_ids(table: Table, roles: Roles) -> list[str]:
    if roles.image is None or table.are_distinct(roles.image):
        return []
    names = table.coded(roles.image)
    repeated = [names.words[k] for k in np.flatnonzero(names.counts > 1) if names.words[k]]
    if not repeated:
        return []
    said = f"images have more than one row ({', '.join(repeated[:3])}): each row counts as an image"
    return [counted(len(repeated), said)]
