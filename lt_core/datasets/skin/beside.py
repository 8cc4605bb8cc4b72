"""The tables that ISIC gives beside a ground truth: who was imaged, and which images are of one lesion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.layouts.beside import files_in
from lt_core.datasets.layouts.merging import positions
from lt_core.datasets.reading import Change
from lt_core.datasets.skin.diagnoses import NAMES
from lt_core.datasets.tables.peek import peek
from lt_core.datasets.tables.text import Table, read_table

_TELLING = ("lesion_id", "age_approx", "diagnosis_confirm_type", "anatom_site_general")


def tables_of_lesions(path: Path) -> list[Path]:
    """Return the tables of lesions or persons in the folder of ``path``, by name."""
    return [file for file in files_in(path.absolute().parent) if file.name != path.name and _tells(file)]


def joined(path: Path, ids: NDArray[np.str_]) -> tuple[Table | None, NDArray[np.str_] | None, list[str], list[Change]]:
    """Return what the tables beside ``path`` say of the images ``ids`` as one table of N rows, and the lesions (N,).

    A table that knows none of the images is left alone. An image without a lesion is a lesion of its own. None, None
    where there is no such table; then what to tell and what was not found.
    """
    parts: list[pd.DataFrame] = []
    told, changes = [], []
    for file in tables_of_lesions(path):
        table = read_table(file)
        image = next(name for name in table.columns if name.lower() == "image")
        row = positions(ids, table.cells(image).to_numpy(dtype=np.str_))
        if not (row >= 0).any():
            continue
        frame = table.frame.drop(columns=image).reindex(row).fillna("").reset_index(drop=True)
        parts.append(frame)
        told.append(f"{', '.join(map(repr, frame.columns))} come from {file.name}")
        if missing := int((row < 0).sum()):
            changes.append(
                Change("repaired", missing, f"images are not in {file.name}: nothing is known of them there")
            )
    if not parts:
        return None, None, [], []
    frame = pd.concat(parts, axis=1)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    return Table(path, frame), _lesions(frame), told, changes


def _lesions(frame: pd.DataFrame) -> NDArray[np.str_] | None:
    name = next((name for name in frame.columns if name.lower() == "lesion_id"), None)
    if name is None:
        return None
    lesions = frame[name].str.strip().to_numpy(dtype=object)
    for row in np.flatnonzero(lesions == ""):
        lesions[row] = f"(image {row + 1})"
    return lesions.astype(np.str_)


def _tells(file: Path) -> bool:
    glimpse = peek(file)
    if glimpse is None or not glimpse.has("image") or not any(glimpse.has(name) for name in _TELLING):
        return False
    return not any(name.upper() in NAMES for name in glimpse.columns)
