"""Where the annotations and images of a COCO folder are.

``annotations/instances_train2017.json`` beside ``train2017/``, or a folder a part with its ``_annotations.coco.json``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from lt_core.datasets.detection.coco_file import is_coco
from lt_core.datasets.tables.column_names import PARTS_CALLED

_GLANCE = 2000


@dataclass(frozen=True)
class PartFile:
    """One annotation file, the part it is of ("" if it does not say), and the folder of its images below the root."""

    path: Path
    part: str
    images: str = ""


def files_of(root: Path) -> list[PartFile]:
    """Return the annotation files of a COCO folder, by part, or nothing where ``root`` is none.

    Where two files are of the same part, such as instances and keypoints, those called instances count; where that
    does not tell them apart either, all are returned, to be asked about.
    """
    folders = _folders(root)
    by_lower = {name.lower(): name for name in folders}
    if "annotations" in by_lower:
        home = root / by_lower["annotations"]
        found = [PartFile(file, _part(file.stem), _images_of(root, file.stem, folders)) for file in _jsons(home)]
        instances = [entry for entry in found if "instances" in entry.path.stem.lower()]
        return sorted(instances or found, key=lambda entry: (_order(entry.part), entry.path.name))
    parts = [PartFile(file, PARTS_CALLED[name.lower()], name) for name in folders if name.lower() in PARTS_CALLED
             for file in _jsons(root / name)]  # fmt: skip
    return sorted(parts, key=lambda entry: (_order(entry.part), entry.path.name))


def _order(part: str) -> int:
    return ("train", "val", "test", "").index(part)


def _part(stem: str) -> str:
    for word in re.findall(r"[a-z]+", stem.lower()):
        if word and word in PARTS_CALLED:
            return PARTS_CALLED[word]
    return ""


def _images_of(root: Path, stem: str, folders: list[str]) -> str:
    """The folder called like the last word of the file (``train2017``), in the root or in ``images``."""
    word = re.split(r"[_.\- ]", stem)[-1].lower()
    for name in folders:
        if name.lower() == word:
            return name
    images = next((name for name in folders if name.lower() == "images"), None)
    inner = _folders(root / images) if images else []
    return next((f"{images}/{name}" for name in inner if name.lower() == word), "")


def _folders(root: Path) -> list[str]:
    return sorted(name for name, is_folder in _glance(root) if is_folder)


def _jsons(folder: Path) -> list[Path]:
    names = sorted(name for name, is_folder in _glance(folder) if not is_folder and name.lower().endswith(".json"))
    return [folder / name for name in names[:20] if not (folder / name).is_symlink() and is_coco(folder / name)]


def _glance(folder: Path) -> list[tuple[str, bool]]:
    """Names in a folder and whether they are folders; at most ``_GLANCE`` of them."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for seen, entry in enumerate(entries):
                if seen >= _GLANCE:
                    break
                if not entry.name.startswith("."):
                    found.append((entry.name, entry.is_dir(follow_symlinks=False)))
    except OSError:
        return []
    return found
