"""PadChest (Bustos et al. 2020, arXiv:1901.07441): lists of findings in one column, more than 170 of them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.assembled import Found, data_set, unused
from lt_core.datasets.layouts.merging import NamedRows
from lt_core.datasets.layouts.persons import groups_of, numbers_of, words_of
from lt_core.datasets.layouts.pictures import images_named
from lt_core.datasets.layouts.words import Words
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Change, Column
from lt_core.datasets.tables.columns import named, plain
from lt_core.datasets.tables.lists import is_list, items_of
from lt_core.datasets.tables.metadata import OLDEST
from lt_core.datasets.tables.peek import peek
from lt_core.datasets.tables.text import Table, read_table
from lt_core.params import Choice, Param
from lt_core.problems import Problem

NOT_FINDINGS = ("unchanged", "exclude", "suboptimal study")
"""Words that say how the study compares or whether it can be used, not what is seen."""
_NORMAL = "normal"
_METADATA = {
    "patientsexdicom": "sex",
    "projection": "view",
    "viewpositiondicom": "position",
    "methodlabel": "labelled by",
}

STATUS = Param("status", "out", Choice(
    ("out", "class"), ("not a finding: left out and counted", "a class like the others"),
    help="What 'unchanged', 'exclude' and 'suboptimal study' are, which say nothing of what is seen."))  # fmt: skip


class PadchestReader:
    """``PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv``: ``Labels`` holds lists such as ``['normal']``."""

    key = "padchest"
    title = "PadChest (ImageID, PatientID and Labels as lists)"
    priority = 15
    options = (STATUS,)
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the columns that tell."""
        glimpse = peek(path)
        if glimpse is None or not glimpse.has("ImageID", "Labels"):
            return None
        lists = [cell for cell in glimpse.cells("Labels") if cell.startswith("[")]
        if not lists or not (glimpse.has("PatientID") or glimpse.has("StudyID")):
            return None
        return "the header has ImageID and Labels, whose cells are lists in brackets"

    def read(self, source: Source) -> LabeledImages:
        """Return one row an image; ``normal`` is the absence of findings, an empty list is unknown."""
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        table = read_table(path)
        image, column = named(table, "ImageID"), named(table, "Labels")
        rows = NamedRows.of(table.cells(image), image, path.name)
        words = Words.of(table.frame[column], _cut)
        _check(table, column, words)
        status = frozenset(NOT_FINDINGS if values["status"] == "out" else ())
        classes = tuple(sorted({word for found in words.sets for word in found} - status - {_NORMAL}))
        labels = words.matrix(classes, lambda found: any(word not in status for word in found))
        columns, metadata, odd = _metadata(table, rows)
        patient = next((name for name in table.columns if plain(name) == "patientid"), None)
        columns += [Column(image, "image"), Column(column, "label", "a list of findings in brackets")]
        columns += [] if patient is None else [Column(patient, "patient")]
        images, notes = images_named(source, path, rows.ids)
        found = Found(
            classes, rows.union(labels), rows.ids, images,
            about=f"PadChest table of {len(rows):,} images, {len(classes)} findings from the lists in {column!r}; "
            "normal is the absence of findings",
            columns=[*columns, *unused(table.columns, columns, "")],
            changes=[*table.changes, *_changes(words, status), *_repeats(rows), *odd], warnings=[*table.notes, *notes],
            groups=None if patient is None else groups_of(table.frame[patient])[rows.first], metadata=metadata,
        )  # fmt: skip
        return data_set(source, self.key, path, found, values)


READER = PadchestReader()


def _cut(cell: str) -> list[str]:
    """The words of a list written as text, in lower case, each once, single blanks; ``nan`` and empty ones are none."""
    text = cell.strip()
    words = map(_word, items_of(text) if is_list(text) else ())
    return list(dict.fromkeys(word for word in words if word))


@lru_cache(maxsize=4096)
def _word(text: str) -> str:
    word = " ".join(text.split()).lower()
    return "" if word in ("nan", "none") else word


def _check(table: Table, column: str, words: Words) -> None:
    """Raise ``Problem`` for a cell that is neither empty nor a list."""
    for k, cell in enumerate(words.cells):
        text = cell.strip()
        if text.lower() in ("", "nan") or (text.startswith("[") and text.endswith("]")):
            continue
        row = int(np.argmax(words.of_row == k)) + 1
        raise Problem(f"column {column!r} of {table.path.name} holds {text[:60]!r} in row {row}, where a list such as "
                      "['normal'] is expected: mend that cell")  # fmt: skip


def _changes(words: Words, status: frozenset[str]) -> list[Change]:
    """What was left out, repaired and cannot be known, counted by rows."""
    per_set = words.rows_per_set()
    left_out = {word: words.count(lambda found, word=word: word in found) for word in sorted(status)}  # type: ignore[misc]
    untidy = sum(int(n) for cell, found, n in zip(words.cells, words.sets, per_set, strict=True)
                 if found and _tidy(found) != " ".join(cell.split()).replace('"', "'"))  # fmt: skip
    empty = words.count(lambda found: not found)
    only = words.count(lambda found: bool(found) and all(word in status for word in found))
    both = words.count(lambda found: _NORMAL in found and any(w not in status and w != _NORMAL for w in found))
    changes = [
        Change("dropped", sum(left_out.values()), "labels say nothing of what is seen: no classes (option status)",
               tuple(f"{word} {count:,}" for word, count in left_out.items() if count)),
        Change("repaired", untidy, "lists have blanks, capitals, nan or a word twice: tidied"),
        Change("unknown", empty, "rows have an empty list of labels: their findings are unknown"),
        Change("unknown", only, "rows have no label but such words: their findings are unknown"),
        Change("repaired", both, "rows say normal beside a finding: the finding counts"),
    ]  # fmt: skip
    return [change for change in changes if change.count]


def _tidy(words: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"


def _repeats(rows: NamedRows) -> list[Change]:
    what = "rows are about an image that has a row already: a finding counts if any of its rows has it"
    return [Change("merged", rows.repeated, what)] if rows.repeated else []


def _metadata(table: Table, rows: NamedRows) -> tuple[list[Column], pd.DataFrame, list[Change]]:
    """Sex, view, who labelled, and the age at the study; dates of birth and study themselves are not kept."""
    by_plain = {plain(name): name for name in reversed(table.columns)}
    columns: list[Column] = []
    metadata: dict[str, NDArray[np.float64] | NDArray[np.object_]] = {}
    changes: list[Change] = []
    born, seen = by_plain.get("patientbirth"), by_plain.get("studydatedicom")
    if born and seen:
        years = np.floor(numbers_of(table.frame[seen]) / 10_000) - np.floor(numbers_of(table.frame[born]))
        possible = (years >= 0) & (years <= OLDEST)
        wrong = int((~possible & ~np.isnan(years)).sum())
        metadata["age"] = np.where(possible, years, np.nan)[rows.first]
        columns += [Column(name, "unused", "only the age in years is kept, not the date") for name in (born, seen)]
        changes += [Change("unknown", wrong, "ages by the dates are impossible: taken as unknown")] if wrong else []
    for key, what in _METADATA.items():
        if name := by_plain.get(key):
            metadata[what] = words_of(table.frame[name])[rows.first]
            columns.append(Column(name, "metadata", what))
    return columns, pd.DataFrame(metadata, index=range(len(rows))), changes
