"""VinDr-CXR (Nguyen et al. 2022, arXiv:2012.15029) and relatives: boxes or labels per reader; images are counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.boxes import Boxes
from lt_core.datasets.chest.observations import observed, says_no_finding
from lt_core.datasets.chest.vindr_boxes import CORNERS, NO_FINDING_ID, Marks, frame_of, marks_of, reader_column
from lt_core.datasets.chest.votes import READERS, decided
from lt_core.datasets.images import ImageStore
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.assembled import Found, data_set, unused
from lt_core.datasets.layouts.beside import tables_beside
from lt_core.datasets.layouts.merging import NamedRows, positions
from lt_core.datasets.layouts.pictures import images_named
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Change, Column
from lt_core.datasets.tables.columns import named, plain
from lt_core.datasets.tables.label_columns import is_zero_one
from lt_core.datasets.tables.peek import Glimpse, peek
from lt_core.datasets.tables.text import Table, read_table
from lt_core.problems import Problem

FINDINGS = frozenset(map(plain, (
    "Aortic enlargement", "Atelectasis", "Calcification", "Cardiomegaly", "Clavicle fracture", "Consolidation", "Edema",
    "Emphysema", "Enlarged PA", "ILD", "Infiltration", "Lung Opacity", "Lung cavity", "Lung cyst", "Mediastinal shift",
    "Nodule/Mass", "Pleural effusion", "Pleural thickening", "Pneumothorax", "Pulmonary fibrosis", "Rib fracture",
    "Other lesion", "COPD", "Lung tumor", "Pneumonia", "Tuberculosis", "Other diseases", "Other disease", "No finding",
)))  # fmt: skip
"""The 22 findings and 6 diagnoses of VinDr-CXR, as column names are compared."""
_FEWEST = 8


class VindrReader:
    """``train.csv`` of the VinBigData challenge, ``annotations_*.csv`` (boxes) or ``image_labels_*.csv`` (labels)."""

    key = "vindr"
    title = "VinDr-CXR (boxes or labels per reader)"
    priority = 15
    options = (READERS,)
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the columns that tell."""
        glimpse = peek(path)
        if glimpse is None or not glimpse.has("image_id"):
            return None
        if glimpse.has("class_name", *CORNERS):
            return "the header has image_id, class_name and x_min, y_min, x_max, y_max"
        return _one_hot(glimpse)

    def read(self, source: Source) -> LabeledImages:
        """Return one row an image; a finding is positive as the option ``readers`` says (any reader by default)."""
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        table = read_table(path)
        there = {name.lower() for name in table.columns}
        if {"class_name", *CORNERS} <= there:
            found = _of_boxes(source, path, table, values)
        else:
            found = _of_labels(source, path, table, values)
        return data_set(source, self.key, path, found, values)


READER = VindrReader()


def _one_hot(glimpse: Glimpse) -> str | None:
    known = [name for name in glimpse.columns if plain(name) in FINDINGS]
    if not any(says_no_finding(name) for name in known):
        return None
    if reader_column(list(glimpse.columns)) is not None:
        return "the header has image_id, rad_id and No finding"
    return f"the header has image_id and {len(known)} findings of VinDr-CXR" if len(known) >= _FEWEST else None


def _of_boxes(source: Source, path: Path, table: Table, values: dict[str, Any]) -> Found:
    marks = marks_of(table)
    rows, c = marks.rows, len(marks.classes)
    if not c:
        raise Problem(f"{path.name} says No finding in every row: there is no class to load")
    votes, per_image = _votes(marks)
    labels, disagreed = decided(votes, per_image[:, None], values["readers"])
    images, notes = images_named(source, path, rows.ids)
    frame, where = frame_of(table, path, rows)
    masks, cleaned = _masks(marks, labels, images, frame)
    columns = [Column(named(table, "image_id"), "image"), Column(named(table, "class_name"), "label"),
               *(Column(named(table, name), "box", where) for name in CORNERS)]  # fmt: skip
    if who := reader_column(table.columns):
        columns.append(Column(who, "reader"))
    clash = Change("repaired", _clashes(marks), "readers say No finding and mark one too: the finding counts")
    return Found(
        marks.classes, labels, rows.ids, images,
        about=f"{int((marks.kind >= 0).sum()):,} boxes of readers on {len(rows):,} images, counted by image "
        f"({values['readers']} of the readers); boxes {where}",
        columns=[*columns, *unused(table.columns, columns, _why(table))],
        changes=[*table.changes, *disagreed, *([clash] if clash.count else []), *cleaned],
        warnings=[*table.notes, *notes], masks=masks,
    )  # fmt: skip


def _votes(marks: Marks) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Readers who mark each finding on each image (N, C), and the readers of each image (N,)."""
    _, reader = np.unique(marks.reader, return_inverse=True)
    n, c, r = len(marks.rows), len(marks.classes), int(reader.max(initial=0)) + 1
    pair = marks.rows.image * r + reader
    per_image = np.bincount(np.unique(pair) // r, minlength=n)
    seen = np.unique((pair * c + marks.kind)[marks.kind >= 0])
    votes = np.bincount((seen // (c * r)) * c + seen % c, minlength=n * c).reshape(n, c)
    return votes, per_image


def _clashes(marks: Marks) -> int:
    """Number of pairs of image and reader with both No finding and a finding."""
    pairs = np.char.add(np.char.add(marks.rows.image.astype(np.str_), "\n"), marks.reader)
    return len(np.intersect1d(pairs[marks.kind < 0], pairs[marks.kind >= 0]))


def _masks(
    marks: Marks, labels: NDArray[np.float32], images: ImageStore, frame: NDArray[np.float64] | None
) -> tuple[Boxes, list[Change]]:
    """The boxes of the findings that are positive."""
    image = marks.rows.image
    marked = marks.kind >= 0
    positive = marked & (labels[image, marks.kind] == 1)
    reader = marks.reader[positive] if (marks.reader != "").any() else None
    boxes, changes = Boxes.clean(image[positive], marks.kind[positive], marks.xywh[positive], images, frame, reader)
    few = int((marked & ~positive).sum())
    what = "boxes are of findings that too few readers see: not shown"
    return boxes, [*([Change("dropped", few, what)] if few else []), *changes]


def _of_labels(source: Source, path: Path, table: Table, values: dict[str, Any]) -> Found:
    """One row an image and a reader, one column a finding."""
    image, who = named(table, "image_id"), reader_column(table.columns)
    columns = [name for name in table.columns if name not in (image, who) and _is_label(table, name)]
    if not columns:
        raise Problem(f"{path.name} has no columns of 0 and 1 beside image_id: choose another reader")
    rows = NamedRows.of(table.cells(image), image, path.name)
    seen = observed(table, columns, {"uncertain": "unknown", "blank": "unknown"})
    votes, asked = (np.zeros((len(rows), len(seen.class_names)), np.intp) for _ in range(2))
    np.add.at(votes, rows.image, seen.labels == 1)
    np.add.at(asked, rows.image, ~np.isnan(seen.labels))
    labels, disagreed = decided(votes, asked, values["readers"])
    images, notes = images_named(source, path, rows.ids)
    masks, cleaned = _boxes_beside(path, seen.class_names, rows, labels, images)
    roles = [Column(image, "image"), *([Column(who, "reader")] if who else []), *(
        Column(name, "unused", "the absence of findings is no class") if says_no_finding(name)
        else Column(name, "label", "0 or 1 by each reader") for name in columns)]  # fmt: skip
    return Found(
        seen.class_names, labels, rows.ids, images,
        about=f"{len(table.frame):,} readings of {len(rows):,} images, counted by image ({values['readers']} of the "
        "readers)" if rows.repeated else f"VinDr-CXR labels of {len(rows):,} images",
        columns=[*roles, *unused(table.columns, roles)], changes=[*table.changes, *seen.changes, *disagreed, *cleaned],
        warnings=[*table.notes, *notes], masks=masks,
    )  # fmt: skip


def _is_label(table: Table, name: str) -> bool:
    return plain(name) in FINDINGS or is_zero_one(table.frame[name])


def _boxes_beside(
    path: Path, classes: tuple[str, ...], rows: NamedRows, labels: NDArray[np.float32], images: ImageStore
) -> tuple[Boxes | None, list[Change]]:
    """The boxes of ``annotations_train.csv`` beside ``image_labels_train.csv``, those of positive findings."""
    part = path.name.lower().removeprefix("image_labels").split(".")[0]
    if part == path.name.lower().split(".")[0]:
        return None, []
    for file in tables_beside(path, rf"^annotations{part}\."):
        glimpse = peek(file)
        if glimpse is not None and glimpse.has("image_id", "class_name", *CORNERS):
            marks = marks_of(read_table(file))
            image = positions(marks.rows.ids, rows.ids)[marks.rows.image]
            kind = positions([*marks.classes, ""], classes)[marks.kind]
            ours = image >= 0
            kept = Marks(NamedRows(image[ours], rows.first, rows.ids), classes, kind[ours], marks.reader[ours],
                         marks.xywh[ours])  # fmt: skip
            boxes, changes = _masks(kept, labels, images, None)
            return (boxes, changes) if len(boxes) else (None, changes)
    return None, []


def _why(table: Table) -> str:
    numbered = any(plain(name) == "classid" for name in table.columns)
    return f"the order of the classes; {NO_FINDING_ID} is No finding" if numbered else ""
