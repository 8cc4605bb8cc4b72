"""NIH ChestX-ray14 (Wang et al. 2017): the table of findings, or the list of boxes."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.boxes import Boxes
from lt_core.datasets.chest.nih_boxes import FRAME, BoxList, box_list, is_box_list, merged
from lt_core.datasets.chest.nih_parts import official_parts
from lt_core.datasets.images import ImageStore
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.assembled import Found, data_set, unused
from lt_core.datasets.layouts.beside import files_in, tables_beside
from lt_core.datasets.layouts.merging import NamedRows, positions
from lt_core.datasets.layouts.persons import ages_of, groups_of, numbers_of, words_of
from lt_core.datasets.layouts.pictures import images_named
from lt_core.datasets.layouts.words import Words
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Change, Column
from lt_core.datasets.tables.columns import named, plain
from lt_core.datasets.tables.label_columns import is_no_finding
from lt_core.datasets.tables.peek import peek
from lt_core.datasets.tables.text import Table, read_table
from lt_core.params import Param
from lt_core.problems import Problem

FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia",
    "Infiltration", "Mass", "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax",
)  # fmt: skip
_SPELLED = {plain(name): name for name in FINDINGS} | {"infiltrate": "Infiltration"}
_EMPTY = ("", "nan")


class NihReader:
    """``Data_Entry_2017*.csv`` with the boxes and official parts beside it, or ``BBox_List_2017.csv`` alone."""

    key = "nih"
    title = "NIH ChestX-ray14 (Data_Entry_2017.csv, BBox_List_2017.csv)"
    priority = 15
    options: tuple[Param, ...] = ()
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the columns that tell; a folder is one where exactly one table in it is a table of findings."""
        if path.is_dir():
            tables = _tables_in(path)
            return f"{tables[0].name} in it has Image Index and Finding Labels" if len(tables) == 1 else None
        glimpse = peek(path)
        if glimpse is None:
            return None
        if glimpse.has("Image Index", "Finding Labels"):
            return "the header has Image Index and Finding Labels"
        return "the header has Image Index, Finding Label and Bbox [x,y,w,h]" if is_box_list(glimpse) else None

    def read(self, source: Source) -> LabeledImages:
        """Return one row an image with 14 findings, or, of a list of boxes, with the findings that are boxed."""
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        if path.is_dir():
            tables = _tables_in(path)
            if len(tables) != 1:
                raise Problem(f"{path.name} holds {len(tables)} tables of NIH ChestX-ray14: name the one to load")
            path = tables[0]
            source = replace(source, name=str(path))
        table = read_table(path)
        glimpse = peek(path)
        if glimpse is not None and is_box_list(glimpse):
            return data_set(source, self.key, path, _of_boxes(source, path, table), values)
        return data_set(source, self.key, path, _of_findings(source, path, table), values)


READER = NihReader()


def _tables_in(folder: Path) -> list[Path]:
    found = []
    for file in files_in(folder):
        glimpse = peek(file)
        if glimpse is not None and glimpse.has("Image Index", "Finding Labels"):
            found.append(file)
        elif glimpse is not None and not is_box_list(glimpse):
            return []
    return found


def _of_findings(source: Source, path: Path, table: Table) -> Found:
    image, finding = named(table, "Image Index"), named(table, "Finding Labels")
    rows = NamedRows.of(table.cells(image), image, path.name)
    classes, labels, changes, warnings = _findings(table, finding)
    changes += _repeats(rows, labels)
    columns, groups, metadata, odd = _persons(table, rows)
    images, notes = images_named(source, path, rows.ids)
    split, outside, told = official_parts(path, rows.ids)
    masks, boxed = _boxes_beside(path, classes, rows.ids, images)
    columns = [Column(image, "image"), Column(finding, "label", "findings joined by |"), *columns]
    return Found(
        classes, rows.union(labels), rows.ids, images,
        about=f"NIH ChestX-ray14 table of {len(rows):,} images, findings from {finding!r} separated by '|'"
        + ("" if masks is None else f"; {len(masks):,} boxes in the {FRAME[0]:g} pixel frame"),
        columns=[*columns, *unused(table.columns, columns)], changes=[*table.changes, *changes, *odd, *outside, *boxed],
        warnings=[*table.notes, *warnings, *notes, *told], split=split, groups=groups, masks=masks, metadata=metadata,
    )  # fmt: skip


def _findings(table: Table, column: str) -> tuple[tuple[str, ...], NDArray[np.float32], list[Change], list[str]]:
    """The 14 findings in alphabetical order, then words that are none of them; labels of the rows of the table."""
    words = Words.of(table.frame[column], lambda cell: [_spelled(word) for word in cell.split("|")])
    others = sorted({word for found in words.sets for word in found} - set(FINDINGS) - {"No Finding", ""})
    classes = (*FINDINGS, *others)
    labels = words.matrix(classes, lambda found: any(found))
    empty = words.count(lambda found: not any(found))
    both = words.count(lambda found: "No Finding" in found and any(w not in ("No Finding", "") for w in found))
    respelled = _respelled(words)
    changes = [
        Change("unknown", empty, f"rows have nothing in {column!r}: their findings are unknown"),
        Change("repaired", both, "rows say No Finding beside a finding: the finding counts"),
        Change("repaired", respelled, "rows spell a finding otherwise (Infiltrate is Infiltration)"),
    ]
    warnings = [
        f"column {column!r} of {table.path.name} holds {word!r} in row {words.row_of(word) + 1}, none of the 14 "
        "findings of ChestX-ray14: it is a class of its own" for word in others[:5]
    ]  # fmt: skip
    return classes, labels, [change for change in changes if change.count], warnings


@lru_cache(10_000)
def _spelled(word: str) -> str:
    word = word.strip()
    if word.lower() in _EMPTY:
        return ""
    return "No Finding" if is_no_finding(word) else _SPELLED.get(plain(word), word)


def _respelled(words: Words) -> int:
    per_set = words.rows_per_set()
    return sum(int(n) for cell, found, n in zip(words.cells, words.sets, per_set, strict=True)
               if any(spelled in FINDINGS and raw.strip() != spelled
                      for raw, spelled in zip(cell.split("|"), found, strict=True)))  # fmt: skip


def _repeats(rows: NamedRows, labels: NDArray[np.float32]) -> list[Change]:
    if not rows.repeated:
        return []
    differing = rows.differing(labels)
    changes = [Change("merged", rows.repeated, "rows are about an image that has a row already: one row an image")]
    if len(differing):
        examples = tuple(rows.ids[differing[:3]].tolist())
        changes.append(Change("merged", len(differing), "images have rows with different findings: an image has the "
                              "findings of all its rows", examples))  # fmt: skip
    return changes


def _persons(table: Table, rows: NamedRows) -> tuple[list[Column], NDArray[np.str_] | None, pd.DataFrame, list[Change]]:
    """Patients, and age, sex, view and number of the visit where the table has them."""
    by_plain = {plain(name): name for name in reversed(table.columns)}
    columns: list[Column] = []
    groups: NDArray[np.str_] | None = None
    changes: list[Change] = []
    metadata: dict[str, NDArray[Any]] = {}
    if name := by_plain.get("patientid"):
        columns.append(Column(name, "patient"))
        groups = groups_of(table.frame[name])[rows.first]
    if name := by_plain.get("patientage"):
        columns.append(Column(name, "metadata", "age in years; 060Y is 60"))
        ages, changes = ages_of(table.frame[name])
        metadata["age"] = ages[rows.first]
    for key, what in (("patientgender", "sex"), ("patientsex", "sex"), ("viewposition", "view")):
        if name := by_plain.get(key):
            columns.append(Column(name, "metadata", what))
            metadata[what] = words_of(table.frame[name])[rows.first]
    if name := by_plain.get("followup"):
        columns.append(Column(name, "metadata", "number of the visit, from 0"))
        metadata["follow-up"] = numbers_of(table.frame[name])[rows.first]
    return columns, groups, pd.DataFrame(metadata, index=range(len(rows))), changes


def _boxes_beside(
    path: Path, classes: tuple[str, ...], ids: NDArray[np.str_], images: ImageStore
) -> tuple[Boxes | None, list[Change]]:
    lists: list[tuple[Path, BoxList]] = []
    for file in tables_beside(path, "bbox"):
        glimpse = peek(file)
        if glimpse is not None and is_box_list(glimpse):
            lists.append((file, box_list(read_table(file))))
    if not lists:
        return None, []
    boxes, changes = merged(lists)
    row = positions(boxes.image, ids)
    kind = positions([_spelled(word) for word in boxes.finding], classes)
    ours = (row >= 0) & (kind >= 0)
    if not ours.any():
        return None, []
    masks, cleaned = Boxes.clean(row[ours], kind[ours], boxes.xywh[ours], images, FRAME)
    elsewhere = int((row < 0).sum())
    if elsewhere:
        changes.append(Change("dropped", elsewhere, "boxes are on images that the table does not list: not used"))
    return masks, [*changes, *cleaned]


def _of_boxes(source: Source, path: Path, table: Table) -> Found:
    """A list of boxes alone: a finding is present where it is boxed, and unknown elsewhere."""
    boxes = box_list(table)
    findings = np.array([_spelled(word) for word in boxes.finding])
    if (findings == "").any():
        row = int(np.argmax(findings == "")) + 1
        raise Problem(f"row {row} of {path.name} names no finding: fill in {table.columns[1]!r} or remove the row")
    rows = NamedRows.of(pd.Series(boxes.image), table.columns[0], path.name)
    classes = tuple(sorted(set(findings.tolist())))
    kind = positions(findings, classes)
    labels = np.full((len(rows), len(classes)), np.nan, np.float32)
    labels[rows.image, kind] = 1
    images, notes = images_named(source, path, rows.ids)
    masks, cleaned = Boxes.clean(rows.image, kind, boxes.xywh, images, FRAME)
    columns = [Column(table.columns[0], "image"), Column(table.columns[1], "label"),
               *(Column(name, "box", f"{what}, read by position") for name, what in zip(
                   table.columns[2:6], ("left", "top", "width", "height"), strict=True))]  # fmt: skip
    respelled = int((findings != boxes.finding).sum())
    repaired = Change("repaired", respelled, "boxes spell a finding otherwise (Infiltrate is Infiltration)")
    what = "labels are unknown: a list of boxes does not say that a finding is absent (Data_Entry_2017 does)"
    unboxed = Change("unknown", int(np.isnan(labels).sum()), what)
    numbered = all(re.fullmatch(r"\d{8}_\d{3}\.\w+", name) for name in rows.ids)
    return Found(
        classes, labels, rows.ids, images,
        about=f"{len(table.frame):,} boxes on {len(rows):,} images, counted by image; patients by the image names",
        columns=[*columns, *unused(table.columns, columns)],
        changes=[*table.changes, *([repaired] if respelled else []), unboxed, *cleaned],
        warnings=[*table.notes, *notes], masks=masks,
        groups=np.array([str(int(name[:8])) for name in rows.ids]) if numbered else None,
    )  # fmt: skip
