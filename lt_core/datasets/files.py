"""Images in a folder, found by the names a table gives them; nothing outside the folder is ever read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath

from lt_core.datasets.decode import IMAGE_SUFFIXES, cut_suffix, read_image
from lt_core.datasets.dicom import Frame
from lt_core.datasets.images import Pixels
from lt_core.problems import Problem


class Outside(Problem):
    """A name that points out of the image folder."""


@dataclass(frozen=True, eq=False, repr=False)
class FolderIndex:
    """Every image file below ``root``, walked once: relative paths, file names and stems.

    Files without a suffix, or with one of digits as DICOM archives write them, are there too: a table may name them.
    A file name or stem that occurs more than once leads to None: only the path tells such files apart.
    ``links_out`` are links inside the folder that lead out of it; they are never followed. ``complete`` is false
    where a limit ended the walk after ``seen`` entries.
    """

    root: Path
    paths: dict[str, str]
    names: dict[str, str | None]
    stems: dict[str, str | None]
    links_out: frozenset[str] = frozenset()
    seen: int = 0
    complete: bool = True

    def __len__(self) -> int:
        return len(self.paths)

    @classmethod
    def of(cls, root: Path, *, deep: bool = True, limit: int | None = None) -> FolderIndex:
        """Return the index of ``root``; only its own level unless ``deep``, and at most ``limit`` entries are seen.

        Hidden files and folders are left out. Raises ``Problem`` if the folder is not there.
        """
        if not root.is_dir():
            raise Problem(f"no such image folder: {root}")
        paths: dict[str, str] = {}
        names: dict[str, str | None] = {}
        stems: dict[str, str | None] = {}
        links_out = set()
        inside = os.path.realpath(root)
        seen, complete = 0, True
        for relative, entry in _walk(inside, deep):
            if limit is not None and seen >= limit:
                complete = False
                break
            seen += 1
            stem, suffix = cut_suffix(entry.name)
            if suffix not in IMAGE_SUFFIXES:
                if not _is_bare(suffix):
                    continue
                stem = entry.name
            if entry.is_symlink() and not _is_inside(os.path.realpath(entry.path), inside):
                links_out.add(relative)
            paths[relative] = relative
            names[entry.name] = None if entry.name in names else relative
            stems[stem] = None if stem in stems else relative
        return cls(Path(inside), paths, names, stems, frozenset(links_out), seen, complete)

    def find(self, name: str) -> str | None:
        """Return the relative path of the image called ``name``, or None: by path, then file name, then stem.

        A path may begin above the folder (``dataset/images/a.png`` with ``images`` given): what follows counts.
        Raises ``Outside`` for ``..`` and absolute paths that lead out of the folder.
        """
        wanted = self._relative(name)
        parts = wanted.split("/")
        for start in range(len(parts)):
            found = self.paths.get("/".join(parts[start:]))
            if found is not None:
                return found
        stem, suffix = cut_suffix(parts[-1])
        found = self.names.get(parts[-1]) or self.stems.get(parts[-1])
        return found or (None if _is_bare(suffix) else self.stems.get(stem))

    def _relative(self, name: str) -> str:
        text = name.strip().replace("\\", "/")
        absolute = text.startswith("/") or _has_drive(text)
        if not absolute and ".." not in text:
            return text.removeprefix("./")
        flat = os.path.normpath(text)
        if absolute and _is_inside(flat, str(self.root)):
            return os.path.relpath(flat, self.root).replace(os.sep, "/")
        if absolute or flat == ".." or flat.startswith("../"):
            raise Outside(f"image {name!r} points outside the image folder {self.root.name!r} and is not read")
        return flat


def points_outside(name: str) -> bool:
    """Return whether a name in a table is absolute or climbs above where it starts."""
    text = name.strip().replace("\\", "/")
    flat = os.path.normpath(text) if ".." in text else text
    return text.startswith("/") or _has_drive(text) or flat == ".." or flat.startswith("../")


@dataclass(frozen=True, eq=False, repr=False)
class FileImages:
    """Images named by a table, in a folder; nothing is decoded before it is looked at.

    ``names`` (N,) are the table's names. The folder is indexed once unless an ``index`` of it is given. ``frame`` is
    read of a DICOM file that has several.
    Raises ``Outside`` for a name that points out of the folder.
    """

    root: Path
    names: Sequence[str]
    index: FolderIndex | None = None
    frame: Frame = "middle"
    files: tuple[str | None, ...] = field(init=False)

    def __post_init__(self) -> None:
        index = self.index or FolderIndex.of(self.root)
        object.__setattr__(self, "index", index)
        object.__setattr__(self, "root", index.root)
        object.__setattr__(self, "files", tuple(index.paths.get(name) or index.find(name) for name in self.names))

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"FileImages({self.root.name}: {len(self)} names, {len(self) - len(self.missing())} found)"

    def read(self, index: int) -> Pixels:
        """Return image ``index``; raise ``Problem`` if it is missing, refused or cannot be decoded."""
        path = self.path(index)
        if path is None:
            raise Problem(f"image {self.names[index]!r} is not in the folder {self.root.name!r}: add it there, or load "
                          "the data set with the folder that has it (--images)")  # fmt: skip
        if not self.allowed(index):
            raise Outside(f"image {path.name!r} is a link to a file outside the folder {self.root.name!r} and is not "
                          "read: put the file itself there")  # fmt: skip
        return read_image(path, frame=self.frame)

    def allowed(self, index: int) -> bool:
        """Return whether the file of image ``index`` lies in the folder, wherever links lead."""
        path = self.path(index)
        return path is None or _is_inside(os.path.realpath(path), str(self.root))

    def missing(self) -> Sequence[int]:
        """Return the rows whose image is not in the folder."""
        return [row for row, file in enumerate(self.files) if file is None]

    def refused(self) -> Sequence[int]:
        """Return the rows whose image is a link that leads out of the folder."""
        links = self.index.links_out if self.index else frozenset()
        return [row for row, file in enumerate(self.files) if file in links] if links else []

    def path(self, index: int) -> Path | None:
        """Return the file of image ``index``, or None where the folder has none."""
        file = self.files[index]
        return None if file is None else self.root / PurePosixPath(file)


def glance(root: Path, limit: int) -> Iterable[tuple[str, os.DirEntry[str]]]:
    """Yield the first ``limit`` files below ``root`` with their relative paths: enough to tell what a folder holds."""
    return islice(_walk(os.path.realpath(root), deep=True), limit)


def _walk(root: str, deep: bool) -> Iterable[tuple[str, os.DirEntry[str]]]:
    """Files below ``root`` with their relative paths, in name order, so that every machine sees the same.

    Pipes, sockets and devices are left out: to open one may wait for ever.
    """
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(f"{root}/{folder}") as entries:
                found = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
        except PermissionError:
            continue
        for entry in found:
            relative = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if deep:
                    waiting.append(relative)
            elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                yield relative, entry


def _is_bare(suffix: str) -> bool:
    """Whether a file name ends like one without a suffix: ``IM0001``, or ``1.2.840.113619`` (a UID)."""
    return not suffix or suffix[1:].isdigit()


def _has_drive(text: str) -> bool:
    """``C:`` as on Windows; two characters are quicker than a ``PureWindowsPath`` for each of many names."""
    return text[1:2] == ":" and text[0].isalpha()


def _is_inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
