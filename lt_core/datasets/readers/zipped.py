"""A zip of a table and its images, as one path or one upload."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from lt_core.datasets.archive import unpacked
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.readers.folder import only_labels_in
from lt_core.params import Param
from lt_core.problems import Problem


class ZipReader:
    """A zip with exactly one file of labels; it is unpacked into the cache, once."""

    key = "zip"
    title = "zip of one table and its images"
    priority = -1
    options: tuple[Param, ...] = ()
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason by name; a zip that is only a compressed table goes to the reader of tables."""
        return "the name ends in .zip" if path.is_file() and path.suffix.lower() == ".zip" else None

    def read(self, source: Source) -> LabeledImages:
        """Return the data set in the zip; ``Source.images`` is a folder inside it."""
        from lt_core.datasets.readers import recognise

        path = Path(source.name)
        folder = unpacked(path)
        file = only_labels_in(folder, path.name)
        found = recognise(file)
        assert found is not None, "only_labels_in returns files that are recognised"
        images = None if source.images is None else str(_inside(folder, source.images, path.name))
        dataset = found[0].read(replace(source, name=str(file), images=images, reader=None))
        return replace(dataset, title=path.name, source=source, about=f"{file.name} in {path.name}: {dataset.about}")


READER = ZipReader()


def _inside(folder: Path, images: str, name: str) -> Path:
    inner = Path(os.path.realpath(folder / images))
    if not inner.is_relative_to(os.path.realpath(folder)) or not inner.is_dir():
        raise Problem(f"{name} has no folder {images!r}: give a folder inside the zip, or leave --images out")
    return inner
