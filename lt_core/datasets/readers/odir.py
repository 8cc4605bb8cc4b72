"""ODIR-5K: labels per patient, two eyes a patient; the workbook of the challenge and Kaggle's ``full_df.csv``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.fundus.keywords import CLASSES, NORMAL, class_of, cut, is_suspected
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.assembled import Found, data_set, unused
from lt_core.datasets.layouts.persons import ages_of, groups_of, words_of
from lt_core.datasets.layouts.pictures import images_named
from lt_core.datasets.notes import some
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Change, Column
from lt_core.datasets.tables.columns import named
from lt_core.datasets.tables.label_columns import from_zero_one
from lt_core.datasets.tables.peek import peek
from lt_core.datasets.tables.text import Table, read_table
from lt_core.params import Choice, Param
from lt_core.problems import Problem

EYES = Param("eyes", "patient", Choice(
    ("patient", "keywords"),
    ("the labels of the patient for both eyes", "the labels of each eye, from its own diagnostic keywords"),
    help="ODIR-5K labels patients: a finding of one eye is said of the other too, unless by keywords."))  # fmt: skip
_SIDES = ("left", "right")
_TELLING = ("ID", "Left-Fundus", "Right-Fundus", "N", *CLASSES)


class OdirReader:
    """``ODIR-5K_Training_Annotations(Updated)_V2.xlsx`` or ``full_df.csv``."""

    key = "odir"
    title = "ODIR-5K annotations (.xlsx or full_df.csv)"
    priority = 15
    options = (EYES,)
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the columns that tell: those of both eyes and the eight letters."""
        glimpse = peek(path)
        if glimpse is not None and glimpse.has(*_TELLING):
            return "the header has Left-Fundus, Right-Fundus and N, D, G, C, A, H, M, O"
        return None

    def read(self, source: Source) -> LabeledImages:
        """Return one row an eye, left before right, two of a patient in one group; ``Source.labels`` are classes."""
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        table = read_table(path)
        eyes = _eyes(table)
        found = _found(source, path, table, eyes, by_keywords=values["eyes"] == "keywords")
        return data_set(source, self.key, path, found, values)


READER = OdirReader()


@dataclass(frozen=True, eq=False)
class _Eyes:
    """N eyes: the ``row`` of the table (N,), the side (0 left, 1 right) and the name of the image."""

    row: NDArray[np.intp]
    side: NDArray[np.intp]
    names: NDArray[np.str_]
    changes: list[Change]


def _eyes(table: Table) -> _Eyes:
    """Two eyes a row, or, where rows are about one eye each (Kaggle), those eyes, each once."""
    sides = [table.cells(named(table, f"{side.title()}-Fundus")).to_numpy(dtype=np.str_) for side in _SIDES]
    rows = np.arange(len(table.frame), dtype=np.intp)
    row, side = np.repeat(rows, 2), np.tile(np.array([0, 1], np.intp), len(rows))
    names = np.stack(sides, axis=1).reshape(-1)
    changes = []
    own = next((name for name in table.columns if name.lower() == "filename"), None)
    if own is not None:
        mine = table.cells(own).to_numpy(dtype=np.str_)
        about = names == mine[row]
        lost = int((~about.reshape(-1, 2).any(axis=1)).sum())
        changes.append(Change("dropped", lost, f"rows name in {own!r} neither of their two eyes: not used"))
        row, side, names = row[about], side[about], names[about]
    empty = names == ""
    changes.append(Change("dropped", int(empty.sum()), "eyes have no image: not used"))
    first = ~pd.Series(names).duplicated().to_numpy() | empty
    changes.append(Change("merged", int((~first).sum()), "rows are about an image that has a row already"))
    use = first & ~empty
    if not use.any():
        raise Problem(f"{table.path.name} names no image in Left-Fundus and Right-Fundus: there is nothing to load")
    return _Eyes(row[use], side[use], names[use], [change for change in changes if change.count])


def _found(source: Source, path: Path, table: Table, eyes: _Eyes, *, by_keywords: bool) -> Found:
    columns = [Column(named(table, f"{side.title()}-Fundus"), "image") for side in _SIDES]
    if by_keywords:
        labels, uncertain, changes, warnings, used = _by_keywords(table, eyes)
    else:
        labels, changes, warnings, used = _by_patient(table, eyes)
        uncertain = None
    columns += used
    patient = named(table, "ID")
    columns.append(Column(patient, "patient", "two eyes a patient"))
    metadata: dict[str, NDArray[np.generic]] = {"eye": np.array(_SIDES, object)[eyes.side]}
    lower = {name.lower(): name for name in table.columns}
    odd: list[Change] = []
    if name := lower.get("patient age"):
        ages, odd = ages_of(table.frame[name])
        metadata["age"] = ages[eyes.row]
        columns.append(Column(name, "metadata", "age in years"))
    if name := lower.get("patient sex"):
        metadata["sex"] = words_of(table.frame[name])[eyes.row]
        columns.append(Column(name, "metadata", "sex"))
    images, notes = images_named(source, path, eyes.names)
    how = "from the keywords of each eye" if by_keywords else "of the patient, for both eyes"
    return Found(
        tuple(CLASSES.values()), labels, eyes.names, images,
        about=f"ODIR-5K: {len(eyes.names):,} eyes of {len(set(table.cells(patient))):,} patients, labels {how}",
        columns=[*columns, *unused(table.columns, columns)], changes=[*eyes.changes, *changes, *odd],
        warnings=[*table.notes, *notes, *warnings], groups=groups_of(table.frame[patient])[eyes.row],
        uncertain=uncertain, metadata=pd.DataFrame(metadata, index=range(len(eyes.names))),
    )  # fmt: skip


def _by_patient(table: Table, eyes: _Eyes) -> tuple[NDArray[np.float32], list[Change], list[str], list[Column]]:
    letters = [named(table, letter) for letter in CLASSES]
    of_row = from_zero_one(table, letters).labels
    normal = from_zero_one(table, [named(table, NORMAL)]).labels[:, 0] == 1
    contrary = int((normal & (of_row == 1).any(axis=1)).sum())
    silent = int((~normal & (of_row == 0).all(axis=1)).sum())
    changes = [
        Change("repaired", contrary, "rows say normal (N) beside a finding: the finding counts"),
        Change("repaired", silent, "rows have neither normal (N) nor a finding: read as no finding"),
    ]
    warnings = ["a finding in one eye is also said of the other, as ODIR-5K labels patients: the option eyes=keywords "
                "reads the keywords of each eye"]  # fmt: skip
    columns = [Column(letter, "label", name) for letter, name in zip(letters, CLASSES.values(), strict=True)]
    columns.append(Column(named(table, NORMAL), "label", "the absence of the others, no class"))
    return of_row[eyes.row], [change for change in changes if change.count], warnings, columns


def _by_keywords(
    table: Table, eyes: _Eyes
) -> tuple[NDArray[np.float32], NDArray[np.bool_], list[Change], list[str], list[Column]]:
    names = [named(table, f"{side.title()}-Diagnostic Keywords") for side in _SIDES]
    cells = np.stack([table.cells(name).to_numpy(dtype=object) for name in names], axis=1)[eyes.row, eyes.side]
    labels = np.zeros((len(cells), len(CLASSES)), np.float32)
    uncertain = np.zeros(labels.shape, np.bool_)
    place = {letter: k for k, letter in enumerate(CLASSES)}
    unheard: dict[str, int] = {}
    for k, cell in enumerate(cells):
        words = cut(str(cell))
        classes = [class_of(word) for word in words]
        if not any(words) or all(letter == "" for letter in classes):
            labels[k] = np.nan  # nothing is said of the eye, only of the picture
            continue
        for word, letter in zip(words, classes, strict=True):
            if letter is None:
                unheard[word] = unheard.get(word, 0) + 1
            elif letter in place:
                labels[k, place[letter]] = 1
                uncertain[k, place[letter]] |= is_suspected(word)
        if None in classes and labels[k, place["O"]] == 0:
            labels[k, place["O"]] = np.nan
    changes = [
        Change("unknown", int(np.isnan(labels).all(axis=1).sum()), "eyes have no keyword about the eye"),
        Change("unknown", sum(unheard.values()), "keywords are in no class here: whether the eye has another finding "
               "is unknown", tuple(sorted(unheard))),
    ]  # fmt: skip
    suspected = int(uncertain.any(axis=1).sum())
    warnings = [f"{suspected:,} eyes have a finding that is only suspected: counted as there"] if suspected else []
    if unheard:
        warnings.append(f"keywords that are not known here: {some(sorted(unheard), 10)}")
    columns = [Column(name, "label", "keywords of the eye, by a table of ours") for name in names]
    return labels, uncertain, [change for change in changes if change.count], warnings, columns
