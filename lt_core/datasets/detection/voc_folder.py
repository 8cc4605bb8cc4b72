"""The layout of a Pascal VOC folder: ``Annotations/*.xml``, ``JPEGImages``, ``ImageSets/Main/{train,val,...}.txt``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lt_core.datasets.reading import Change
from lt_core.problems import Problem

_GLANCE = 2000
_HEAD = 4096
_PARTS = ("train", "val", "test")
MAX_LIST = 64 << 20


@dataclass(frozen=True)
class VocFolder:
    """``root`` holds the images somewhere below, ``annotations`` the XML files, ``sets`` the lists of parts."""

    root: Path
    annotations: Path
    sets: Path | None


def voc_folder(path: Path) -> VocFolder | None:
    """Return the layout of a folder that is one of VOC: a year's folder, ``VOCdevkit`` with one year, or XML files.

    Raises ``Problem`` for several years, which are asked about.
    """
    here = _year(path)
    if here is not None:
        return here
    folders = [name for name, is_folder in _glance(path) if is_folder]
    years = [found for name in folders if name.upper().startswith("VOC") and (found := _year(path / name))]
    inner = path / "VOCdevkit"
    if not years and "VOCdevkit" in folders:
        return voc_folder(inner)
    if len(years) > 1:
        raise Problem(f"{path.name} holds several years ({', '.join(year.root.name for year in years)}): give the "
                      f"folder of one, for example {years[0].root}")  # fmt: skip
    return years[0] if years else None


def parts_of(layout: VocFolder) -> tuple[dict[str, str], list[str], list[Change]]:
    """Return the part of every image in the lists, the names in ``test`` or others that no list of parts has, changes.

    ``trainval`` only adds names that neither ``train`` nor ``val`` has: they are in the training part.
    """
    part_of: dict[str, str] = {}
    twice = 0
    if layout.sets is None:
        return {}, [], []
    for part in _PARTS:
        for name in _listed(layout.sets / f"{part}.txt"):
            twice += name in part_of
            part_of.setdefault(name, part)
    loose = [name for name in _listed(layout.sets / "trainval.txt") if name not in part_of]
    part_of |= dict.fromkeys(loose, "train")
    changes = [Change("repaired", twice, "names are in the lists of two parts: the first of train, val, test counts")]
    if loose:
        changes.append(
            Change("repaired", len(loose), "names are in trainval but in neither train nor val: training part")
        )
    return part_of, list(part_of), [change for change in changes if change.count]


def xml_files(folder: Path) -> list[Path]:
    """Return the XML files of a folder by name, without links and hidden files."""
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if e.name.lower().endswith(".xml") and e.is_file(follow_symlinks=False)]
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def _year(path: Path) -> VocFolder | None:
    entries = _glance(path)
    by_lower = {name.lower(): name for name, is_folder in entries if is_folder}
    if "annotations" in by_lower:
        annotations = path / by_lower["annotations"]
        if _begins_with_annotations(annotations, _glance(annotations)):
            sets = path / by_lower.get("imagesets", "ImageSets") / "Main"
            return VocFolder(path, annotations, sets if sets.is_dir() else None)
        return None
    if _begins_with_annotations(path, entries):
        above = path.parent
        if path.name.lower() == "annotations" and (above / "JPEGImages").is_dir():
            sets = above / "ImageSets" / "Main"
            return VocFolder(above, path, sets if sets.is_dir() else None)
        return VocFolder(path, path, None)
    return None


def _begins_with_annotations(folder: Path, entries: list[tuple[str, bool]]) -> bool:
    """Whether one of the first XML files has the root of an annotation."""
    names = [name for name, is_folder in entries if not is_folder and name.lower().endswith(".xml")][:3]
    for name in names:
        try:
            with (folder / name).open("rb") as file:
                head = file.read(_HEAD).replace(b"\0", b"")
        except OSError:
            continue
        if b"<annotation" in head:
            return True
    return False


def _listed(path: Path) -> list[str]:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_LIST:
            return []
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    return list(dict.fromkeys(words[0] for line in text.splitlines() if (words := line.split())))


def _glance(folder: Path) -> list[tuple[str, bool]]:
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
