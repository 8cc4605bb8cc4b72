"""The boxes of NIH ChestX-ray14, ``BBox_List_2017.csv``: read by position, as its header is broken by commas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.reading import Change
from lt_core.datasets.tables.peek import Glimpse
from lt_core.datasets.tables.text import Table
from lt_core.problems import Problem

FRAME = (1024.0, 1024.0)
"""Width and height in pixels of the images as NIH publishes them, in which the boxes are given."""


@dataclass(frozen=True, eq=False)
class BoxList:
    """M boxes: ``image`` and ``finding`` (M,) as written, ``xywh`` (M, 4), the box list's own words for findings."""

    image: NDArray[np.str_]
    finding: NDArray[np.str_]
    xywh: NDArray[np.float64]


def is_box_list(glimpse: Glimpse) -> bool:
    """Return whether a table begins like the box list of NIH: image, finding, and a third cell ``Bbox [x``."""
    columns = [name.lower() for name in glimpse.columns]
    return columns[:2] == ["image index", "finding label"] and len(columns) >= 4 and columns[2].startswith("bbox")


def box_list(table: Table) -> BoxList:
    """Return the boxes of the first six columns; raise ``Problem`` for a number that is none."""
    if len(table.columns) < 6:
        raise Problem(f"{table.path.name} has {len(table.columns)} columns where a box list has six: image, finding, "
                      "x, y, width, height")  # fmt: skip
    numbers = []
    for name in table.columns[2:6]:
        cells = table.cells(name)
        values = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
        wrong = np.isnan(values) & (~cells.str.lower().isin(["", "nan"])).to_numpy()
        if wrong.any():
            row = int(np.argmax(wrong))
            raise Problem(f"column {name!r} of {table.path.name} holds {cells.iloc[row]!r} in row {row + 1}, where the "
                          "position of a box is a number: mend that cell")  # fmt: skip
        numbers.append(values)
    image, finding = (table.cells(name).to_numpy(dtype=np.str_) for name in table.columns[:2])
    return BoxList(image, finding, np.stack(numbers, axis=1))


def merged(lists: list[tuple[Path, BoxList]]) -> tuple[BoxList, list[Change]]:
    """Return the boxes of several lists together, each box once (to a hundredth of a pixel), and the repeats."""
    image, finding = (np.concatenate([getattr(boxes, what) for _, boxes in lists]) for what in ("image", "finding"))
    xywh = np.concatenate([boxes.xywh for _, boxes in lists])
    keys = pd.DataFrame(np.round(xywh, 2)).assign(image=image, finding=finding)
    first = ~keys.duplicated().to_numpy()
    repeats = int((~first).sum())
    changes = [Change("merged", repeats, "boxes are listed twice: used once")] if repeats else []
    return BoxList(image[first], finding[first], xywh[first]), changes
