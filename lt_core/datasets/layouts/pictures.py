"""The images a chest X-ray table names: by file name, or, where every study calls its files alike, by path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.files import FileImages, FolderIndex, points_outside
from lt_core.datasets.images import ImageStore, NoImages
from lt_core.datasets.labeled_images import Source
from lt_core.datasets.notes import counted
from lt_core.datasets.tables.image_folder import given_folder
from lt_core.datasets.tables.picture_store import images_of
from lt_core.problems import Problem

_TRIED = 60


def images_named(source: Source, path: Path, names: NDArray[np.str_]) -> tuple[ImageStore, list[str]]:
    """Return the images called ``names``, found as for any table, and what to tell about those not there."""
    return images_of(source, path, names.tolist())


def images_at(source: Source, path: Path, names: NDArray[np.str_]) -> tuple[ImageStore, list[str]]:
    """Return the images at the paths ``names``; a file of the same name elsewhere is another image.

    The paths may begin above the table (``CheXpert-v1.0-small/train/...`` with the table in that folder) and are
    looked for at and below the folder of the table, or below the folder the user gave.
    Raises ``Outside`` for a path that leads out of the folder.
    """
    if source.images is not None:
        index = given_folder(source.images, path)
    else:
        found = _root(path.absolute().parent, names)
        if found is None:
            return NoImages(len(names)), [
                "the images were not found beside the table: labels only; give their folder with --images"
            ]
        index = FolderIndex.of(found)
    by_path = replace(index, names={}, stems={})
    images = FileImages(by_path.root, names.tolist(), by_path)
    missing = images.missing()
    notes = []
    if len(missing):
        first = ", ".join(str(names[row]) for row in missing[:3])
        said = f"of {len(names):,} images are not in the folder {by_path.root.name}: {first}"
        notes.append(counted(len(missing), said) + (" ..." if len(missing) > 3 else ""))
    if refused := images.refused():
        notes.append(counted(len(refused), f"of {len(names):,} images are links out of the folder {by_path.root.name}"))
    return images, notes


def _root(home: Path, names: NDArray[np.str_]) -> Path | None:
    """The folder at or below ``home`` that the paths begin in, by looking for some of them."""
    tried = [str(name).replace("\\", "/") for name in names[:: max(1, len(names) // _TRIED)][:_TRIED]]
    safe = [name.strip().removeprefix("./").split("/") for name in tried if name and not points_outside(name)]
    deepest = max((len(parts) for parts in safe), default=0)
    hits = {}
    for start in range(deepest):
        there = [parts[start:] for parts in safe if start < len(parts) and _is_file(home, parts[start:])]
        if there:
            hits[start] = there
    if not hits:
        return None
    best = max(hits, key=lambda start: (len(hits[start]), -start))
    tops = {parts[0] if len(parts) > 1 else "" for parts in hits[best]}
    everywhere = {
        str(name).replace("\\", "/").split("/")[best] if str(name).count("/") > best else "" for name in names
    }
    if len(everywhere) == 1 and tops == everywhere and "" not in tops:
        return home / next(iter(tops))
    return home


def _is_file(home: Path, parts: list[str]) -> bool:
    try:
        return home.joinpath(*parts).is_file()
    except (OSError, ValueError):
        return False


def folder_of(images: ImageStore) -> str | None:
    """Return the folder of a store of files, to be named in a ``Source``, or None."""
    return str(images.root) if isinstance(images, FileImages) else None


def check_no_images(source: Source, path: Path, why: str) -> None:
    """Raise ``Problem`` where a folder of images was given for a table whose rows name no image."""
    if source.images is not None:
        raise Problem(f"{path.name} {why}, so {source.images} cannot be used: leave --images out")
