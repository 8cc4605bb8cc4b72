"""Files that belong to a table and lie beside it: lists of parts, boxes, tables of the images."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from lt_core.datasets.tables.text import is_table_name
from lt_core.problems import Problem

_GLANCE = 2_000
"""Entries of a folder that are looked at to recognise it: a folder with more is one of images."""
_MOST = 1_000_000
"""Entries of the folder of a table that are looked at for files that belong to it."""
MAX_LIST = 64 << 20
"""Bytes of the largest list of names that is read."""


def tables_beside(path: Path, pattern: str) -> list[Path]:
    """Return the other tables in the folder of ``path`` whose name matches ``pattern``, letter case aside, by name."""
    return [file for file in files_beside(path, pattern) if is_table_name(file.name)]


def files_beside(path: Path, pattern: str) -> list[Path]:
    """Return the other files in the folder of ``path`` whose name matches ``pattern``, letter case aside, by name."""
    found = _files(path.absolute().parent, re.compile(pattern, re.IGNORECASE), _MOST)
    return sorted(file for file in found if file.name != path.name)


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder by name, of its first entries where it is large: enough to recognise it."""
    return sorted(_files(folder, re.compile(""), _GLANCE))


def _files(folder: Path, called: re.Pattern[str], most: int) -> Iterator[Path]:
    """Files by name, but neither hidden ones nor links that lead out of the folder."""
    inside = os.path.realpath(folder)
    try:
        with os.scandir(folder) as entries:
            for entry in islice(entries, most):
                if entry.name.startswith(".") or not called.search(entry.name) or not entry.is_file():
                    continue
                if entry.is_symlink() and not os.path.realpath(entry.path).startswith(inside + os.sep):
                    continue
                yield Path(entry.path)
    except (PermissionError, FileNotFoundError):
        return


def names_in(path: Path) -> list[str]:
    """Return the lines of a list of names, blanks and empty lines left out; raise ``Problem`` if it is no text."""
    try:
        if path.stat().st_size > MAX_LIST:
            raise Problem(f"{path.name} is too large for a list of names: remove it from the folder of the table")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(f"{path.name} is not a list of names in UTF-8: save it again or remove it") from None
    return [line.strip() for line in text.splitlines() if line.strip()]
