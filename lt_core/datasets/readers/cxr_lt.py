"""CXR-LT (Holste et al. 2023, 2024): long-tailed labels on MIMIC-CXR images, one column of 0 and 1 a finding.

The files are behind a data use agreement and their exact header could not be checked here. Recognised are tables with
the keys of MIMIC-CXR (``dicom_id`` or ``fpath``, with ``subject_id`` or ``study_id``) and columns of 0 and 1, of which
at least one is no observation of CheXpert; and the earlier NIH-CXR-LT tables with ``id`` and ``subj_id``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lt_core.datasets.chest.observations import POLICIES, is_observation, observed, says_no_finding
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.assembled import Found, data_set, unused
from lt_core.datasets.layouts.merging import NamedRows
from lt_core.datasets.layouts.parts import are_parts, parts_of
from lt_core.datasets.layouts.persons import ages_of, groups_of, words_of
from lt_core.datasets.layouts.pictures import images_named
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Change, Column
from lt_core.datasets.tables.columns import is_called_split, plain
from lt_core.datasets.tables.peek import Glimpse, peek
from lt_core.datasets.tables.text import Table, read_table
from lt_core.problems import Problem

_IMAGE = ("dicomid", "fpath", "path", "id")
_PATIENT = ("subjectid", "subjid")
_METADATA = {"viewposition": "view", "sex": "sex", "gender": "sex", "age": "age", "race": "race"}
_KEYS = frozenset({*_IMAGE, *_PATIENT, *_METADATA, "studyid", "rows", "columns", "studydate", "studytime"})
_FEWEST = 8
"""Findings that such a table must have; the smallest task of the challenge beside zero-shot has 26."""
_SHARE = 0.95
"""Share of the cells of a column of labels that must be 0, 1, -1 or blank."""
_CELLS = frozenset({"0", "1", "0.0", "1.0", "-1", "-1.0", ""})


class CxrLtReader:
    """Tables of the CXR-LT challenges: keys of MIMIC-CXR and 26 to 45 findings as 0 and 1."""

    key = "cxr_lt"
    title = "CXR-LT (dicom_id, subject_id, study_id and a column of 0 and 1 per finding)"
    priority = 14
    options = POLICIES
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the keys and how many columns of 0 and 1 there are."""
        glimpse = peek(path)
        if glimpse is None:
            return None
        keys = _keys_of(glimpse)
        findings = _binary(glimpse)
        more = [name for name in findings if not is_observation(name) and not says_no_finding(name)]
        if not keys or len(findings) < _FEWEST or not more:
            return None
        return f"the header has {' and '.join(keys)}, and {len(findings)} columns are 0 and 1"

    def read(self, source: Source) -> LabeledImages:
        """Return one row an image; ``Normal`` and ``No Finding`` are the absence of findings."""
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        table = read_table(path)
        by_plain = {plain(name): name for name in reversed(table.columns)}
        image = next((by_plain[name] for name in _IMAGE if name in by_plain), None)
        labels = _label_columns(table)
        if image is None or not labels:
            raise Problem(f"{path.name} lacks a column dicom_id or columns of 0 and 1: choose another reader")
        rows = NamedRows.of(table.cells(image), image, path.name)
        seen = observed(table, labels, values)
        images, notes = images_named(source, path, rows.ids)
        columns, metadata, odd = _metadata(table, rows)
        patient = next((by_plain[name] for name in _PATIENT if name in by_plain), None)
        part = next((name for name in table.columns if is_called_split(name) and are_parts(table.frame[name])), None)
        columns += [Column(image, "image"), *_roles(labels)]
        columns += [Column(name, role) for name, role in ((patient, "patient"), (part, "split")) if name]  # type: ignore[arg-type]
        repeats = [Change("merged", rows.repeated, "rows are about an image that has a row already: a finding counts "
                          "if any of its rows has it")]  # fmt: skip
        found = Found(
            seen.class_names, rows.union(seen.labels), rows.ids, images,
            about=f"CXR-LT table of {len(rows):,} images by {image!r}",
            columns=[*columns, *unused(table.columns, columns)],
            changes=[*table.changes, *seen.changes, *(repeats if rows.repeated else []), *odd],
            warnings=[*table.notes, *notes],
            split=None if part is None else parts_of(table.frame[part], part, path.name)[rows.first],
            groups=None if patient is None else groups_of(table.frame[patient])[rows.first],
            uncertain=rows.any(seen.uncertain) if seen.uncertain.any() else None, metadata=metadata,
        )  # fmt: skip
        return data_set(source, self.key, path, found, values)


READER = CxrLtReader()


def _keys_of(glimpse: Glimpse) -> list[str]:
    """The keys that tell: an image and a patient or study of MIMIC-CXR, or ``id`` and ``subj_id`` of NIH-CXR-LT."""
    by_plain = {plain(name): name for name in reversed(glimpse.columns)}
    image = [by_plain[name] for name in ("dicomid", "fpath") if name in by_plain]
    other = [by_plain[name] for name in ("subjectid", "studyid") if name in by_plain]
    if image and other:
        return [*image[:1], *other]
    return [by_plain["id"], by_plain["subjid"]] if {"id", "subjid"} <= by_plain.keys() else []


def _binary(glimpse: Glimpse) -> list[str]:
    named = [name for name in glimpse.columns if name and plain(name) not in _KEYS and not is_called_split(name)]
    return [name for name in named if set(glimpse.cells(name)) <= _CELLS and set(glimpse.cells(name)) != {""}]


def _label_columns(table: Table) -> list[str]:
    """Columns beside the keys that hold next to nothing but 0, 1 and -1; what else is in them is then an error.

    An observation of CheXpert is one even where every cell is blank.
    """
    free = [name for name in table.columns if plain(name) not in _KEYS and not is_called_split(name)]
    return [name for name in free if is_observation(name) or _mostly_binary(table.frame[name])]


def _mostly_binary(cells: pd.Series[str]) -> bool:
    counts = cells.value_counts()
    words = [str(value).strip().lower() for value in counts.index]
    binary = sum(int(n) for word, n in zip(words, counts, strict=True) if word in _CELLS)
    return any(word in _CELLS and word != "" for word in words) and binary >= _SHARE * len(cells)


def _roles(labels: list[str]) -> list[Column]:
    return [Column(name, "unused", "the absence of findings is no class") if says_no_finding(name)
            else Column(name, "label", "0 or 1") for name in labels]  # fmt: skip


def _metadata(table: Table, rows: NamedRows) -> tuple[list[Column], pd.DataFrame | None, list[Change]]:
    columns: list[Column] = []
    metadata: dict[str, np.ndarray] = {}
    changes: list[Change] = []
    for name in table.columns:
        what = _METADATA.get(plain(name))
        if what == "age":
            ages, changes = ages_of(table.frame[name])
            metadata[what] = ages[rows.first]
        elif what:
            metadata[what] = words_of(table.frame[name])[rows.first]
        if what:
            columns.append(Column(name, "metadata", what))
    return columns, pd.DataFrame(metadata, index=range(len(rows))) if metadata else None, changes
