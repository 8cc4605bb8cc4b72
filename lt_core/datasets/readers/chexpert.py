"""CheXpert (Irvin et al. 2019, arXiv:1901.07031): ``train.csv`` and ``valid.csv`` with 14 observations a row."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.chest.observations import POLICIES, is_observation, observed, says_no_finding
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.assembled import Found, data_set, unused
from lt_core.datasets.layouts.beside import files_in
from lt_core.datasets.layouts.merging import NamedRows
from lt_core.datasets.layouts.parts import CALLED
from lt_core.datasets.layouts.persons import ages_of, words_of
from lt_core.datasets.layouts.pictures import images_at
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Change, Column
from lt_core.datasets.tables.columns import plain
from lt_core.datasets.tables.part_files import part_of_name
from lt_core.datasets.tables.peek import Glimpse, peek
from lt_core.datasets.tables.text import Table, read_table
from lt_core.problems import Problem

_PATIENT = re.compile(r"patient\d+")
_OF_FILE = "part by file name"
_FEWEST = 5
"""Observations that a table must have: a table of the five competition tasks has no more."""


class ChexpertReader:
    """Tables with ``Path`` and the 14 observations in {1, 0, -1, blank}; the policies are options.

    ``Support Devices`` is one of the 14 observations and a class; ``No Finding`` is the absence of findings.
    """

    key = "chexpert"
    title = "CheXpert (train.csv, valid.csv with 1, 0, -1 and blanks)"
    priority = 15
    options = POLICIES
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the columns that tell; a folder is one if all tables in it are, or all but one part are absent."""
        if path.is_dir():
            tables = _tables_in(path)
            listed = " and ".join(table.name for table in tables)
            return f"{listed} in it have Path and observations of CheXpert" if len(tables) > 1 else None
        glimpse = peek(path)
        if glimpse is None or not _is_chexpert(glimpse):
            return None
        count = sum(map(is_observation, glimpse.columns))
        return f"the header has {_path_column(glimpse.columns)} and {count} observations of CheXpert"

    def read(self, source: Source) -> LabeledImages:
        """Return one row an image (or a study, where paths lead to studies); the tables of a folder together."""
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        tables = [read_table(file) for file in (_tables_in(path) if path.is_dir() else [path])]
        if not tables:
            raise Problem(f"{path.name} holds no table of CheXpert: give train.csv or valid.csv")
        table = _together(tables, path)
        # Images are looked for at the tables, which for a folder is the folder itself.
        home = tables[0].path
        name = _path_column(table.columns)
        if name is None:
            raise Problem(f"{path.name} has no column Path that names the images of CheXpert: choose another reader")
        paths = table.cells(name)
        rows = NamedRows.of(paths, name, path.name)
        seen = observed(table, [column for column in table.columns if is_observation(column)], values)
        images, notes = images_at(source, home, rows.ids)
        columns, metadata, odd = _metadata(table, rows)
        of_file = table.cells(_OF_FILE).to_numpy(dtype="U5")[rows.first] if _OF_FILE in table.columns else None
        columns = [Column(name, "image", "also patient and part"), *_observations(table), *columns]
        if of_file is not None:
            columns.append(Column(_OF_FILE, "split", "where the path says no part, that of the file's name"))
        studies = not any(re.search(r"\.\w{2,4}$", found) for found in rows.ids[:200])
        found = Found(
            seen.class_names, rows.union(seen.labels), rows.ids, images,
            about=f"CheXpert table of {len(rows):,} {'studies' if studies else 'images'}; -1 is taken as "
            f"{values['uncertain']}, blank as {_said(values['blank'])}; patients and parts by the path",
            columns=[*columns, *unused(table.columns, columns)],
            changes=[*table.changes, *seen.changes, *_repeats(rows), *odd],
            warnings=[*table.notes, *notes], split=_split(rows.ids, of_file), groups=_patients(rows.ids),
            uncertain=rows.any(seen.uncertain), metadata=metadata,
        )  # fmt: skip
        return data_set(source, self.key, path, found, values)


READER = ChexpertReader()


def _is_chexpert(glimpse: Glimpse) -> bool:
    """Paths of patients, and observations; a MIMIC table has study_id, a table of predictions no 0, 1, -1."""
    name = _path_column(glimpse.columns)
    if name is None or glimpse.has("dicom_id") or glimpse.has("subject_id"):
        return False
    named = [column for column in glimpse.columns if is_observation(column)]
    cells = glimpse.cells(name)
    return len(named) >= _FEWEST and any(map(_PATIENT.search, cells))


def _path_column(columns: list[str] | tuple[str, ...]) -> str | None:
    by_plain = {plain(name): name for name in reversed(list(columns))}
    return next((by_plain[name] for name in ("path", "pathtoimage", "study") if name in by_plain), None)


def _tables_in(folder: Path) -> list[Path]:
    """The tables of CheXpert in a folder where each is called by its part: train, valid, test."""
    tables = [(file, glimpse) for file in files_in(folder) if (glimpse := peek(file)) is not None]
    named = [part_of_name(file.name) for file, _ in tables]
    if not all(_is_chexpert(glimpse) for _, glimpse in tables) or not all(part for part, _ in named):
        return []
    return [file for file, _ in tables] if len({rest for _, rest in named}) == 1 else []


def _together(tables: list[Table], path: Path) -> Table:
    if len(tables) == 1:
        return tables[0]
    frames = [table.frame for table in tables]
    frame = pd.concat(frames, ignore_index=True).fillna("")
    parts = [part_of_name(table.path.name)[0] for table in tables]
    frame[_OF_FILE] = np.repeat(parts, [len(rows) for rows in frames])
    notes = tuple(note for table in tables for note in table.notes)
    changes = tuple(change for table in tables for change in table.changes)
    return replace(tables[0], path=path, frame=frame, notes=notes, changes=changes)


def _observations(table: Table) -> list[Column]:
    """What each observation is taken for."""
    columns = []
    for name in table.columns:
        if says_no_finding(name):
            columns.append(Column(name, "unused", "the absence of findings is no class"))
        elif is_observation(name):
            columns.append(Column(name, "label", "1, 0, -1 (uncertain) or blank (not mentioned)"))
    return columns


def _metadata(table: Table, rows: NamedRows) -> tuple[list[Column], pd.DataFrame, list[Change]]:
    """Age, sex, view and projection where the table has them."""
    columns: list[Column] = []
    metadata: dict[str, NDArray[Any]] = {}
    changes: list[Change] = []
    for name in table.columns:
        match plain(name):
            case "age":
                ages, changes = ages_of(table.frame[name])
                metadata["age"] = ages[rows.first]
                columns.append(Column(name, "metadata", "age in years"))
            case "sex" | "frontallateral" | "appa" as which:
                what = {"sex": "sex", "frontallateral": "view", "appa": "projection"}[which]
                metadata[what] = words_of(table.frame[name])[rows.first]
                columns.append(Column(name, "metadata", what))
    return columns, pd.DataFrame(metadata, index=range(len(rows))), changes


def _repeats(rows: NamedRows) -> list[Change]:
    if not rows.repeated:
        return []
    return [Change("merged", rows.repeated, "rows are about an image that has a row already: a finding counts if any "
                   "of its rows has it")]  # fmt: skip


def _patients(ids: NDArray[np.str_]) -> NDArray[np.str_]:
    """``patient00001`` of each path; a path without a patient is one of its own."""
    found = map(_PATIENT.search, ids.tolist())
    return np.array([f"(row {k + 1})" if hit is None else hit.group() for k, hit in enumerate(found)])


def _split(ids: NDArray[np.str_], of_file: NDArray[np.str_] | None) -> NDArray[np.str_]:
    """The part that a folder above the patient's is called by, where none is that of the file, "" without either."""
    above = [name.partition("patient")[0] for name in ids.tolist()]
    part_of = {}
    for path in set(above):
        folders = re.split(r"[/\\]", path.lower())[:-1]
        part_of[path] = next((CALLED[folder] for folder in reversed(folders) if CALLED.get(folder)), "")
    said = np.array([part_of[path] for path in above], dtype="U5")
    return said if of_file is None else np.where(said == "", of_file, said)


def _said(blank: str) -> str:
    return {"unknown": "unknown", "zero": "negative", "no-finding": "negative in rows of No Finding"}[blank]
