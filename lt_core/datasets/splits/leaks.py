"""Who or what is in more than one part."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import PARTS
from lt_core.datasets.notes import counted, some


def in_several_parts(names: NDArray[np.str_], split: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return the distinct ``names`` (of patients, of images) that have rows in two parts or more, in row order.

    An empty name is nobody's, and a row that is in no part is on no side.
    """
    part = np.full(len(split), -1, np.int64)
    for k, name in enumerate(PARTS):
        part[np.asarray(split) == name] = k
    code, known = pd.factorize(np.asarray(names))
    counted = (part >= 0) & (np.asarray(names) != "")
    pairs = np.unique(code[counted] * len(PARTS) + part[counted])
    several = np.bincount(pairs // len(PARTS), minlength=len(known)) > 1
    return np.asarray(known)[several].astype(np.str_)


def leak_sentence(patients: NDArray[np.str_]) -> str:
    """Return the warning about patients that are in more than one part."""
    return counted(
        len(patients),
        f"patients or lesions are in more than one part ({some(patients.tolist())}): "
        "results on the test part will look better than they are",
    )
