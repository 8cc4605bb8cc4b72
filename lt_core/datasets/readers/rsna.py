"""RSNA challenges: Pneumonia Detection 2018 (boxes per patient) and Intracranial Hemorrhage 2019 (long format)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.boxes import Boxes
from lt_core.datasets.chest.hemorrhage import ANY, ANY_LABEL, is_hemorrhage, long_format
from lt_core.datasets.images import ImageStore
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.assembled import Found, data_set, unused
from lt_core.datasets.layouts.beside import tables_beside
from lt_core.datasets.layouts.merging import NamedRows, positions
from lt_core.datasets.layouts.persons import numbers_of, words_of
from lt_core.datasets.layouts.pictures import images_named
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Change, Column
from lt_core.datasets.tables.columns import named
from lt_core.datasets.tables.peek import peek
from lt_core.datasets.tables.text import Table, read_table
from lt_core.problems import Problem

FRAME = (1024.0, 1024.0)
"""Width and height in pixels of the images of the challenge, in which the boxes are given."""
OPACITY = "Lung Opacity"
DETAILED = (OPACITY, "No Lung Opacity / Not Normal", "Normal")
_BOX = ("x", "y", "width", "height")


class RsnaReader:
    """``stage_2_train_labels.csv``, ``stage_2_detailed_class_info.csv`` or the hemorrhage table ``ID,Label``."""

    key = "rsna"
    title = "RSNA challenges (pneumonia boxes per patient, intracranial hemorrhage in long format)"
    priority = 15
    options = (ANY,)
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the columns that tell."""
        glimpse = peek(path)
        if glimpse is None:
            return None
        if glimpse.has("patientId", "Target", *_BOX):
            return "the header has patientId, x, y, width, height and Target"
        if glimpse.has("patientId", "class") and set(glimpse.cells("class")) & set(DETAILED):
            return "the header has patientId and class, with the classes of the RSNA pneumonia challenge"
        if is_hemorrhage(glimpse):
            return f"the header is ID,Label and names end in a subtype of hemorrhage or {ANY_LABEL!r}"
        return None

    def read(self, source: Source) -> LabeledImages:
        """Return one row an image, however many rows the table has of it."""
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        table = read_table(path)
        there = {name.lower() for name in table.columns}
        if {"patientid", "target", *_BOX} <= there:
            found = _of_targets(source, path, table)
        elif {"patientid", "class"} <= there:
            found = _of_classes(source, path, table)
        else:
            found = _of_hemorrhage(source, path, table, values)
        return data_set(source, self.key, path, found, values)


READER = RsnaReader()


def _of_targets(source: Source, path: Path, table: Table) -> Found:
    """Several rows a patient, one a box: the image shows an opacity if any row says so."""
    patient, target = named(table, "patientId"), named(table, "Target")
    rows = NamedRows.of(table.cells(patient), patient, path.name)
    labels = _zero_one(table, target)[:, None]
    images, notes = images_named(source, path, rows.ids)
    masks, cleaned = _masks(table, rows, labels[:, 0] == 1, images)
    detailed = _beside(path, "class")
    metadata = None
    if detailed is not None:
        classes = words_of(detailed.frame[named(detailed, "class")])
        where = positions(rows.ids, detailed.cells(named(detailed, "patientId")).to_numpy(dtype=np.str_))
        metadata = pd.DataFrame({"class": np.append(classes, np.array([None], object))[where]})
    columns = [Column(patient, "image", "one image a patient; also the patient"),
               Column(target, "label", f"1 is {OPACITY}"), *(Column(named(table, n), "box") for n in _BOX)]  # fmt: skip
    changes = _differing(rows, labels, "both 0 and 1")
    return Found(
        (OPACITY,), rows.union(labels), rows.ids, images,
        about=f"RSNA pneumonia table of {len(table.frame):,} rows on {len(rows):,} images, counted by image; "
        f"{len(masks):,} boxes in the {FRAME[0]:g} pixel frame",
        columns=[*columns, *unused(table.columns, columns)], changes=[*table.changes, *_more(rows), *changes, *cleaned],
        warnings=[*table.notes, *notes], groups=rows.ids, masks=masks if len(masks) else None, metadata=metadata,
    )  # fmt: skip


def _of_classes(source: Source, path: Path, table: Table) -> Found:
    """Three classes that exclude each other, as published: ``Normal`` is one of them."""
    patient, column = named(table, "patientId"), named(table, "class")
    rows = NamedRows.of(table.cells(patient), patient, path.name)
    words = table.cells(column).to_numpy(dtype=np.str_)
    kind = positions(words, DETAILED)
    if (kind < 0).any():
        row = int(np.argmax(kind < 0))
        raise Problem(f"column {column!r} of {path.name} holds {str(words[row])!r} in row {row + 1}, where one of "
                      f"{', '.join(DETAILED)} is expected: mend that cell")  # fmt: skip
    labels = np.eye(len(DETAILED), dtype=np.float32)[kind]
    images, notes = images_named(source, path, rows.ids)
    beside = _beside(path, "Target")
    masks: Boxes | None = None
    cleaned: list[Change] = []
    if beside is not None:
        where = positions(beside.cells(named(beside, "patientId")).to_numpy(dtype=np.str_), rows.ids)
        own = NamedRows(where, rows.first, rows.ids)
        masks, cleaned = _masks(beside, own, (_zero_one(beside, "Target") == 1) & (where >= 0), images)
    columns = [Column(patient, "image", "one image a patient; also the patient"), Column(column, "label")]
    together = rows.union(labels)
    return Found(
        DETAILED, together, rows.ids, images,
        about=f"RSNA pneumonia classes of {len(rows):,} images, which exclude each other: Normal is a class here",
        columns=[*columns, *unused(table.columns, columns)],
        changes=[*table.changes, *_more(rows), *_differing(rows, labels, "several classes"), *cleaned],
        warnings=[*table.notes, *notes],
        kind="single" if (together.sum(axis=1) == 1).all() else "multi", groups=rows.ids,
        masks=masks if masks is not None and len(masks) else None,
    )  # fmt: skip


def _of_hemorrhage(source: Source, path: Path, table: Table, values: dict[str, Any]) -> Found:
    table_id, label = named(table, "ID"), named(table, "Label")
    classes, ids, labels, changes = long_format(table, table_id, _zero_one(table, label), values)
    images, notes = images_named(source, path, ids)
    columns = [Column(table_id, "image", "the name up to the last _; what follows is the class"),
               Column(label, "label", "0 or 1")]  # fmt: skip
    told = [f"{ANY_LABEL!r} is 1 where any of the subtypes is: it is their union, not a finding of its own"]
    return Found(
        classes, labels, ids, images,
        about=f"RSNA hemorrhage table of {len(table.frame):,} rows on {len(ids):,} images, one row a class",
        columns=[*columns, *unused(table.columns, columns)], changes=[*table.changes, *changes],
        warnings=[*table.notes, *notes, *(told if ANY_LABEL in classes else [])],
    )  # fmt: skip


def _zero_one(table: Table, column: str) -> NDArray[np.float32]:
    """Labels of one column, NaN where empty; raise ``Problem`` for anything but 0, 1 and nothing."""
    column = named(table, column)
    values = numbers_of(table.frame[column])
    odd = (values != 0) & (values != 1)
    wrong = odd & ~table.frame[column].str.strip().str.lower().isin(["", "nan"]).to_numpy() if odd.any() else odd
    if wrong.any():
        row = int(np.argmax(wrong))
        where = f"column {column!r} of {table.path.name} holds {table.cells(column).iloc[row]!r} in row {row + 1}"
        raise Problem(f"{where}, where 0 or 1 is expected: mend that cell")
    return values.astype(np.float32)


def _masks(
    table: Table, rows: NamedRows, positive: NDArray[np.bool_], images: ImageStore
) -> tuple[Boxes, list[Change]]:
    xywh = np.stack([numbers_of(table.frame[named(table, name)]) for name in _BOX], axis=1)
    zeros = np.zeros(int(positive.sum()), np.intp)
    boxes, changes = Boxes.clean(rows.image[positive], zeros, xywh[positive], images, FRAME)
    return boxes, list(changes)


def _more(rows: NamedRows) -> list[Change]:
    what = "rows are about an image that has a row already (one row a box): one row an image"
    return [Change("merged", rows.repeated, what)] if rows.repeated else []


def _differing(rows: NamedRows, labels: NDArray[np.float32], what: str) -> list[Change]:
    images = rows.differing(labels)
    if not len(images):
        return []
    examples = tuple(rows.ids[images[:3]].tolist())
    return [Change("merged", len(images), f"images have rows that say {what}: any row counts", examples)]


def _beside(path: Path, column: str) -> Table | None:
    """The other table of the pneumonia challenge, told by its name and its columns."""
    for file in tables_beside(path, r"(detailed_class_info|train_labels)"):
        glimpse = peek(file)
        if glimpse is not None and glimpse.has("patientId", column):
            return read_table(file)
    return None
