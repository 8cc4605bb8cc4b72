"""A zip of a table and its images, as one path or one upload."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from lt_core.datasets.archive import unpacked
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.readers.folder import SeveralFiles, labels_in, no_labels, set_of_parts
from lt_core.params import Param
from lt_core.problems import Problem

FILE = "file"
"""The option that names one file of labels inside the zip."""
_OTHERS = {
    ".tar": "tar archive", ".tgz": "tar archive", ".tbz2": "tar archive", ".txz": "tar archive", ".7z": "7-Zip archive",
    ".rar": "RAR archive",
}  # fmt: skip


class ZipReader:
    """A zip with one data set; it is unpacked into the cache, once, and read as the folder it then is."""

    key = "zip"
    title = "zip of one table and its images"
    priority = -1
    options: tuple[Param, ...] = ()
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason by name; a zip that is only a compressed table goes to the reader of tables.

        Archives of another kind are recognised too, so that reading can say what to do with them.
        """
        if not path.is_file():
            return None
        if kind := _other_archive(path):
            return f"it is a {kind}"
        return "the name ends in .zip" if path.suffix.lower() == ".zip" else None

    def read(self, source: Source) -> LabeledImages:
        """Return the data set in the zip; ``Source.images`` is a folder inside it, and the option ``file`` one file.

        Raises ``SeveralFiles`` where several files have labels, and ``Problem`` for another kind of archive.
        """
        from lt_core.datasets.readers import recognise

        path = Path(source.name)
        if kind := _other_archive(path):
            raise Problem(f"{path.name} is a {kind}: unpack it and give the folder, or make a .zip of it")
        folder = unpacked(path)
        inner = replace(source, reader=None, options={k: v for k, v in source.options.items() if k != FILE})
        file = _named(folder, str(source.options[FILE]), path.name) if FILE in source.options else _whole(folder)
        if file is None:
            file = _one_of(source, folder, path.name)
        found = recognise(file)
        assert found is not None, "what is returned is recognised"
        images = None if source.images is None else str(_inside(folder, source.images, path.name))
        dataset = found[0].read(replace(inner, name=str(file), images=images))
        about = f"{_shown(file, folder)} in {path.name}: {dataset.about}"
        return replace(dataset, title=path.name, source=source, about=about)


READER = ZipReader()


def label_files(path: Path) -> dict[str, Path]:
    """Return the files of labels in the zip at ``path``: what the option ``file`` calls each, and where it lies.

    Empty where the zip as a whole is one set. The zip is unpacked into the cache on the first call.
    """
    folder = unpacked(path)
    if _whole(folder) is not None:
        return {}
    files = labels_in(folder).files
    return {} if set_of_parts(files) else {file.relative_to(folder).as_posix(): file for file in files}


def _other_archive(path: Path) -> str | None:
    lower = path.name.lower()
    if lower.endswith((".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")):
        return "tar archive"
    return _OTHERS.get(path.suffix.lower())


def _whole(folder: Path) -> Path | None:
    """The unpacked folder, or the one folder in it, if it has a layout of its own (class folders, VOC, COCO ...)."""
    from lt_core.datasets.readers import recognise

    for _ in range(4):
        found = recognise(folder)
        if found is not None and found[0].priority >= 0:
            return folder
        inner = [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__MACOSX"))]
        if len(inner) != 1 or not inner[0].is_dir():
            return None
        folder = inner[0]
    return None


def _one_of(source: Source, folder: Path, name: str) -> Path:
    found = labels_in(folder)
    if not found.files:  # an archive in an archive is not followed: one can hold itself
        raise no_labels(name, found)
    if set_of_parts(found.files):
        return found.files[0].parent
    if len(found.files) > 1:
        names = [file.relative_to(folder).as_posix() for file in found.files]
        sources = [replace(source, options=source.options | {FILE: inner}) for inner in names]
        raise SeveralFiles.of(name, names, sources, f"with the option file, as in --option file={names[0]}")
    return found.files[0]


def _named(folder: Path, wanted: str, name: str) -> Path:
    from lt_core.datasets.readers import recognise

    file = Path(os.path.realpath(folder / wanted))
    inside = file.is_relative_to(os.path.realpath(folder)) and file.is_file()
    claim = recognise(file) if inside else None
    if claim is None or claim[0].key == ZipReader.key:
        raise Problem(f"{name} has no file of labels {wanted!r}: name one that is in it, or leave the option file out")
    return file


def _inside(folder: Path, images: str, name: str) -> Path:
    inner = Path(os.path.realpath(folder / images))
    if not inner.is_relative_to(os.path.realpath(folder)) or not inner.is_dir():
        raise Problem(f"{name} has no folder {images!r}: give a folder inside the zip, or leave --images out")
    return inner


def _shown(file: Path, folder: Path) -> str:
    return file.name if file != folder else "files"
