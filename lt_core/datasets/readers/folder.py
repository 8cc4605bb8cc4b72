"""A folder that holds one data set: the one table, ``.npz`` or other file in it that a reader knows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lt_core.datasets.decode import IMAGE_SUFFIXES, cut_suffix
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.tables.part_files import NamesRepeat, parts_by_name
from lt_core.params import Param
from lt_core.problems import Problem

if TYPE_CHECKING:
    from lt_core.datasets.readers import Reader

MAX_FILES = 300_000
"""Files looked at before giving up: a home folder or a whole disk is no data set."""
_ARCHIVE, _PICTURE = "zip", "dicom"
"""Readers whose files are no tables: a DICOM file beside a table is one of its images."""
_TABLE = "table"
"""The reader that reads the tables of a folder as one set where each is called by its part."""
_NO_LABELS = IMAGE_SUFFIXES | {".dcm", ".dicom", ".ima"}


class SeveralFiles(Problem):
    """More than one file with labels: ``files`` are their names below the folder or in the zip.

    ``sources`` load each of them, in the same order.
    """

    files: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()

    @classmethod
    def of(cls, name: str, files: Sequence[str], sources: Sequence[Source], how: str) -> SeveralFiles:
        """Return the question which of ``files`` in ``name`` is meant; ``how`` says how to answer."""
        more = f" and {len(files) - 8} more" if len(files) > 8 else ""
        listed = ", ".join(files[:8])
        problem = cls(f"{name} holds {len(files)} files with labels ({listed}{more}): name the one to load, {how}")
        problem.files, problem.sources = tuple(files), tuple(sources)
        return problem


@dataclass(frozen=True)
class Labels:
    """Files with labels below a folder, in name order; the archives beside them, and how many images lie there."""

    files: tuple[Path, ...]
    archives: tuple[Path, ...]
    images: int


class FolderReader:
    """A folder with exactly one file of labels, at any depth; files that are read along with another do not count."""

    key = "folder"
    title = "folder with one table and its images"
    priority = -1
    options: tuple[Param, ...] = ()
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason for any folder: a reader of a format with its own layout goes first."""
        return "it is a folder" if path.is_dir() else None

    def read(self, source: Source) -> LabeledImages:
        """Return the data set of the one file of labels; its ``source`` names that file.

        Raises ``SeveralFiles`` where there are several, which is asked about and never guessed.
        """
        from lt_core.datasets.readers import recognise

        folder = Path(source.name)
        found = labels_in(folder)
        files = found.files or found.archives
        if not files:
            raise no_labels(folder.name, found)
        if parts := set_of_parts(files):
            with suppress(NamesRepeat):
                return parts[0].read(replace(source, name=str(parts[1]), reader=parts[0].key))
        if len(files) > 1:
            names = [path.relative_to(folder).as_posix() for path in files]
            sources = [replace(source, name=str(path), reader=None) for path in files]
            raise SeveralFiles.of(folder.name, names, sources, f"for example {files[0]}")
        claim = recognise(files[0])
        assert claim is not None, "labels_in returns files that are recognised"
        return claim[0].read(replace(source, name=str(files[0]), reader=claim[0].key))


READER = FolderReader()


def labels_in(folder: Path) -> Labels:
    """Return the files below ``folder`` that a reader recognises, without those that another one is read with.

    Links and hidden files are left out, and archives are told apart: what is in them is not looked at. Raises
    ``Problem`` for a folder with far too many files.
    """
    from lt_core.datasets.readers import recognise

    found: list[tuple[Reader, Path]] = []
    archives: list[Path] = []
    images = 0
    for seen, path in enumerate(_files(folder)):
        if seen >= MAX_FILES:
            raise Problem(f"{folder.name} holds more than {MAX_FILES:,} files: give the folder of one data set, or the "
                          "path of its table")  # fmt: skip
        if cut_suffix(path.name)[1] in _NO_LABELS:
            images += 1
        elif not path.is_symlink() and (claim := recognise(path)) is not None:
            if claim[0].key == _ARCHIVE:
                archives.append(path)
            elif claim[0].key == _PICTURE:
                images += 1
            else:
                found.append((claim[0], path))
    return Labels(_without_companions(found), tuple(archives), images)


def set_of_parts(files: Sequence[Path]) -> tuple[Reader, Path] | None:
    """Return the reader and the folder of ``files`` if they are one set cut by part (``train.csv``, ``test.csv``)."""
    from lt_core.datasets.readers import recognise

    if not parts_by_name(files):
        return None
    readers = {claim[0].key: claim[0] for file in files if (claim := recognise(file)) is not None}
    return (readers[_TABLE], files[0].parent) if list(readers) == [_TABLE] else None


def no_labels(name: str, found: Labels) -> Problem:
    """Return the problem of a folder or zip without labels, with the ways to add some."""
    images = found.images
    if found.archives:
        return Problem(f"{name} holds no table of labels but another archive, {found.archives[0].name}: unpack that "
                       "and give the folder")  # fmt: skip
    if not images:
        return Problem(f"{name} holds no table of labels and no images: give the folder or file that has them")
    return Problem(
        f"{name} holds no table of labels, only {images:,} images: put a .csv beside them with a column that names the "
        "image and one that names its label, or sort the images into a folder a class"
    )


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        yield from (Path(where, name) for name in sorted(files) if not name.startswith("."))


def _without_companions(found: list[tuple[Reader, Path]]) -> tuple[Path, ...]:
    """Leave out the files that a reader of a published layout reads along with another of them.

    Two files that name each other (a training and a validation table) are one set, named after the first.
    """
    companions: set[Path] = set()
    kept = []
    for reader, path in sorted(found, key=lambda claim: (-claim[0].priority, claim[1])):
        if path not in companions:
            kept.append(path)
            companions |= set(getattr(reader, "companions", lambda _: ())(path))
    return tuple(sorted(kept))
