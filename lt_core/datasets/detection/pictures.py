"""The images that annotations name, below the folder of the data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lt_core.datasets.files import FileImages, FolderIndex, Outside, points_outside
from lt_core.datasets.images import ImageStore, NoImages
from lt_core.datasets.labeled_images import Source
from lt_core.datasets.notes import counted, some
from lt_core.datasets.tables.image_folder import given_folder

_GLANCE = 1_000_000
"""Files walked through at most, where a file of annotations lies in a home folder."""


def images_below(
    source: Source, root: Path, path: Path, names: Sequence[str]
) -> tuple[ImageStore, str | None, list[str]]:
    """Return the images called ``names`` at or below ``root`` or in the folder the user gave, that folder, and notes.

    The folder is walked once; the folder returned is the one to name in a ``Source``, None where it is the root.
    Raises ``Outside`` for a name that leads out of it.
    """
    for row, name in enumerate(names):
        if points_outside(name):
            raise Outside(f"image {name!r} (entry {row + 1} of {path.name}) points outside the data set and is not "
                          "read: give names of files in its folder")  # fmt: skip
    index = given_folder(source.images, path) if source.images else FolderIndex.of(root, limit=_GLANCE)
    images = FileImages(index.root, list(names), index)
    missing = images.missing()
    if len(missing) == len(names) and source.images is None:
        return (
            NoImages(len(names)),
            None,
            [f"the images were not found in {root.name}: labels only; give their folder with --images"],
        )
    notes = []
    for rows, what in ((missing, "not in the folder"), (images.refused(), "links out of the folder")):
        if rows:
            first = some([names[k] for k in rows[:4]], 3)
            notes.append(counted(len(rows), f"of {len(names):,} images are {what} {index.root.name}: {first}"))
    return images, str(index.root) if source.images else None, notes
