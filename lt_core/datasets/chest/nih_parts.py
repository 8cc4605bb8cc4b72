"""The official parts of NIH ChestX-ray14: two lists of image names beside the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.layouts.beside import files_beside, names_in
from lt_core.datasets.layouts.merging import positions
from lt_core.datasets.reading import Change

_LISTS = {
    "train_val_list.txt": "train", "train_val_list_nih.txt": "train",
    "test_list.txt": "test", "test_list_nih.txt": "test",
}  # fmt: skip


def official_parts(path: Path, ids: NDArray[np.str_]) -> tuple[NDArray[np.str_] | None, list[Change], list[str]]:
    """Return the part of each image by the lists beside ``path``, what is in neither, and what to tell.

    ``train_val_list.txt`` is the train part: the publishers leave it to the user to take a validation part from it.
    """
    lists = files_beside(path, r"_list(_nih)?\.txt$")
    found = {_LISTS[file.name.lower()]: file for file in lists if file.name.lower() in _LISTS}
    if not found:
        return None, [], []
    if len(found) == 1:
        (only,) = found.values()
        other = "test_list.txt" if "train" in found else "train_val_list.txt"
        return None, [], [f"{only.name} lies beside the table without {other}: the official parts need both"]
    split = np.full(len(ids), "", "U5")
    both = np.zeros(len(ids), np.int8)
    for part, file in found.items():
        rows = positions(names_in(file), ids)
        rows = rows[rows >= 0]
        split[rows] = part
        both[np.unique(rows)] += 1
    changes = [
        Change("unknown", int((split == "").sum()), "images are in neither official list: in no part"),
        Change("unknown", int((both == 2).sum()), "images are in both official lists: in no part"),
    ]
    split[both == 2] = ""
    return (split if (split != "").any() else None), [change for change in changes if change.count], []
