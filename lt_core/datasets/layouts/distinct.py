"""The distinct cells of a column, so that each is looked at once however many rows hold it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def distinct(cells: pd.Series[str]) -> tuple[NDArray[np.intp], list[str]]:
    """Return which of the distinct cells each row holds, (n,), and these cells in order of first appearance.

    A missing cell is one that is empty.
    """
    codes, values = pd.factorize(cells)
    # A list of plain strings is several times quicker to go through than the array they come in.
    texts: list[str] = np.asarray(values, dtype=object).tolist()
    if (codes < 0).any():
        if "" not in texts:
            texts.append("")
        codes = np.where(codes < 0, texts.index(""), codes)
    return codes.astype(np.intp), texts
