"""The folder with the images a table names: the one that was given, or the one found beside the table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lt_core.datasets.files import FolderIndex, points_outside
from lt_core.problems import Problem

_GLANCE = 300_000
"""Entries looked at beside a table before giving up: a table may lie in a home folder."""


def given_folder(images: str, table: Path) -> FolderIndex:
    """Return the index of the folder the user gave, from where they are or else from where the table is."""
    asked = Path(images).expanduser()
    for folder in (asked, table.parent / asked):
        if folder.is_dir():
            return FolderIndex.of(folder)
    raise Problem(f"no such image folder: {images}; give the folder that holds the images with --images")


def neighbouring_folder(names: Sequence[str], table: Path) -> tuple[FolderIndex | None, list[str]]:
    """Return the index of the folder beside ``table`` that holds the images called ``names``, and what to tell.

    Looked at are the folder of the table itself and each folder in it. Where each holds other images, as in archives
    cut into parts, the folder above them is taken; where one name is in two of them, ``Problem`` asks which.
    A folder with less than half of the images is named in a note, not taken.
    """
    safe: list[str] | None = None
    home = table.absolute().parent
    with os.scandir(home) as entries:
        folders = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith("."))
    fitting = []
    budget = _GLANCE
    for folder in ("", *folders):
        index = FolderIndex.of(home / folder, deep=bool(folder), limit=budget)
        budget -= index.seen
        if len(index) and safe is None:
            safe = _inside(names)
        if safe and (count := _count(index, safe)):
            fitting.append((index, count))
    if not fitting or safe is None:
        where = f"among the first {_GLANCE:,} files" if budget <= 0 else "in a folder"
        return None, [
            f"the images were not found {where} beside the table: labels only; give their folder with --images"
        ]
    if len(fitting) > 1:
        together = FolderIndex.of(home)
        if _count(together, safe) < sum(count for _, count in fitting):
            listed = ", ".join(index.root.name for index, _ in fitting)
            raise Problem(f"the images of {table.name} are in several folders ({listed}): say which with --images")
        fitting = [(together, _count(together, safe))]
    index, count = fitting[0]
    if 2 * count < len(safe):
        share = f"{count:,} of the {len(names):,} images"
        return None, [
            f"{index.root.name} holds only {share} and is not used: labels only; give their folder with --images"
        ]
    return (index if index.complete else FolderIndex.of(index.root)), []


def _count(index: FolderIndex, names: Sequence[str]) -> int:
    """How many of ``names`` the folder holds; of a folder too small to be taken, those found by file name or stem."""
    if not len(index):
        return 0
    if 2 * len(index) < len(names):
        known = {name for those in (index.names, index.stems) for name, path in those.items() if path is not None}
        last = [name.rsplit("/", 1)[-1] for name in names] if "/" in "\n".join(names) else names
        if held := sum(map(known.__contains__, last)):
            return held
    there = [name for name in names if name not in index.paths]
    return len(names) - len(there) + sum(index.find(name) is not None for name in there)


def _inside(names: Sequence[str]) -> list[str]:
    """The names that do not lead out of a folder. One look at all together finds most tables free of the signs."""
    together = "\n".join(names)
    if not any(sign in together for sign in ("/", "\\", ":", "..")):
        return [name for name in names if name]
    return [name for name in names if name and not points_outside(name)]
