"""Two ARFF files that are the training and the test part of one set, as Mulan publishes them."""

from __future__ import annotations

import re
from pathlib import Path

from lt_core.datasets.arff.opening import SUFFIXES

_PAIR = re.compile(r"^(.*?)[-_.]?(train|training|test|testing)(\.arff(?:\.\w+)?)$", re.IGNORECASE)


def pair_in(folder: Path) -> tuple[Path, Path] | None:
    """Return the training and the test file of a folder whose only ARFF files they are, or None."""
    found = []
    for file in folder.iterdir():
        if file.name.lower().endswith(SUFFIXES) and not file.name.startswith("."):
            found.append(file)
            if len(found) > 2:
                return None
    matches = [(m, f) for f in found if (m := _PAIR.match(f.name)) and not f.is_symlink()]
    if len(matches) != 2 or matches[0][0].group(1) != matches[1][0].group(1):
        return None
    by_part = {m.group(2).lower()[:4]: f for m, f in matches}
    return (by_part["trai"], by_part["test"]) if by_part.keys() == {"trai", "test"} else None


def sibling_of(path: Path) -> list[str]:
    """Return a sentence naming the file with the other part, where it lies beside ``path``, or none."""
    found = _PAIR.match(path.name)
    if not found:
        return []
    other = {"train": "test", "training": "testing", "test": "train", "testing": "training"}[found.group(2).lower()]
    there = path.name[: found.start(2)] + other + found.group(3)
    if not (path.parent / there).is_file():
        return []
    return [f"{there} lies beside it and is not read: give the folder with these two files to have both as parts"]
