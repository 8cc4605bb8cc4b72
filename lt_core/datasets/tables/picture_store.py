"""The images that the rows of a table name: in the folder that was given, or in the one found beside the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lt_core.datasets.files import FileImages, Outside, points_outside
from lt_core.datasets.images import ImageStore, NoImages
from lt_core.datasets.labeled_images import Source
from lt_core.datasets.notes import counted
from lt_core.datasets.tables.image_folder import given_folder, neighbouring_folder


def images_of(source: Source, path: Path, names: Sequence[str]) -> tuple[ImageStore, list[str]]:
    """Return the images called ``names``, one a row, and what to tell about those that are not there.

    The folder is ``source.images`` where it is given, else the one beside the table ``path`` that holds them; where
    there is none, ``NoImages``. Raises ``Outside`` naming the row whose name leads out of that folder, and
    ``Problem`` where the folder is not there or two folders hold other images of the same names.
    """
    index, notes = (given_folder(source.images, path), []) if source.images else neighbouring_folder(names, path)
    if index is None:
        return NoImages(len(names)), notes
    try:
        images = FileImages(index.root, names, index)
    except Outside as refusal:
        row = next(k for k, name in enumerate(names) if points_outside(name))
        raise Outside(f"row {row + 1} of {path.name}: {refusal}; give names of files in that folder") from None
    for rows_of, what in ((images.missing(), "not in the folder"), (images.refused(), "links out of the folder")):
        if rows_of:
            first = ", ".join(names[k] or "(no name)" for k in rows_of[:3])
            notes.append(counted(len(rows_of), f"of {len(names):,} images are {what} {index.root.name}: {first}")
                         + (" ..." if len(rows_of) > 3 else ""))  # fmt: skip
    return images, notes
