"""A folder a class: which folders are classes, which are parts, told from the folders alone, without their files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lt_core.datasets.decode import IMAGE_SUFFIXES, cut_suffix
from lt_core.datasets.tables.column_names import PARTS_CALLED

_GLANCE = 2000
"""Entries that are looked at to recognise a folder, all together."""
_PICTURES = IMAGE_SUFFIXES | {".dcm"}


@dataclass(frozen=True)
class ClassFolders:
    """``root`` holds a folder a class, or a folder a part and in each a folder a class.

    ``parts`` maps the names of part folders to train, val or test; it is empty where there are none. ``beside`` are
    folders beside the parts, which are not used.
    """

    root: Path
    parts: dict[str, str]
    beside: tuple[str, ...] = ()

    def classes(self) -> tuple[str, ...]:
        """Return the names of all class folders, empty ones too, in alphabetical order; one level is listed."""
        homes = [self.root / name for name in self.parts] or [self.root]
        return tuple(sorted({name for home in homes for name in folders_in(home)}))


def class_folders(path: Path) -> ClassFolders | None:
    """Return the layout of a folder whose folders are classes or parts, or None where its folders say nothing.

    At most 2,000 entries are looked at. A folder alone in another (``archive/chest_xray/train``) is gone into. Folders
    are classes if there are two or more and an image is seen in at least one; a file other than an image or a text
    beside them (a table, annotations) says that the labels are elsewhere.
    """
    budget = [_GLANCE]
    root = path
    for _ in range(5):
        entries = list(_glance(root, budget))
        folders = sorted(name for name, is_folder in entries if is_folder)
        if any(not is_folder and _may_hold_labels(name) for name, is_folder in entries):
            return None
        parts = {name: PARTS_CALLED[name.lower()] for name in folders if name.lower() in PARTS_CALLED}
        if "train" in parts.values():
            beside = tuple(name for name in folders if name not in parts)
            fits = any(_has_classes(root / name, budget) for name in parts)
            return ClassFolders(root, parts, beside) if fits else None
        if len(folders) == 1 and not any(_is_image(name) for name, _ in entries):
            root = root / folders[0]
            continue
        return ClassFolders(root, {}) if len(folders) > 1 and _has_classes(root, budget) else None
    return None


def folders_in(home: Path) -> list[str]:
    """Return the names of the folders in ``home`` that are not hidden and no links, in alphabetical order."""
    with os.scandir(home) as entries:
        return sorted(e.name for e in entries if _counts(e.name) and e.is_dir(follow_symlinks=False))


def _has_classes(home: Path, budget: list[int]) -> bool:
    """Whether a folder in ``home`` shows images, and none shows labels in files of their own."""
    entries = list(_glance(home, budget))
    seen = False
    for name, is_folder in entries:
        if not is_folder:
            if _may_hold_labels(name):
                return False
            continue
        # A few entries of each folder tell, and leave enough of the budget for the others.
        inner = list(_glance(home / name, budget, most=max(8, 1000 // max(len(entries), 1))))
        if any(not folder and _may_hold_labels(file) for file, folder in inner):
            return False
        seen = seen or any(not folder and _is_image(file) for file, folder in inner)
    return seen


def _glance(folder: Path, budget: list[int], most: int = _GLANCE) -> Iterator[tuple[str, bool]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if budget[0] <= 0 or most <= 0:
                    return
                budget[0], most = budget[0] - 1, most - 1
                if _counts(entry.name):
                    yield entry.name, entry.is_dir(follow_symlinks=False)
    except OSError:
        return


def _counts(name: str) -> bool:
    return not name.startswith(".") and name not in ("__MACOSX", "Thumbs.db")


def _is_image(name: str) -> bool:
    return cut_suffix(name)[1] in _PICTURES


def _may_hold_labels(name: str) -> bool:
    """A table or annotations: the folders beside it need not be classes."""
    lower = name.lower()
    for packed in (".gz", ".bz2", ".zip"):
        lower = lower.removesuffix(packed)
    return lower.endswith((".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".xlsx", ".npz", ".arff", ".xml", ".json"))
