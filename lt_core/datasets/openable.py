"""What is refused before any reader looks at it: pipes, devices, pointers without their file, web pages."""

from __future__ import annotations

from pathlib import Path

from lt_core.problems import Problem

_LFS = b"version https://git-lfs.github.com/spec/"
_PAGES = (b"<!doctype html", b"<html")
_BYTES = 1 << 10


def is_readable_kind(path: Path) -> bool:
    """Return whether ``path`` is a file or a folder: opening a pipe, socket or device may wait for ever."""
    return path.is_file() or path.is_dir()


def check_openable(path: Path) -> None:
    """Raise ``Problem`` for a pipe, socket or device, a git-lfs pointer, and a web page saved under another name."""
    if not is_readable_kind(path):
        raise Problem(f"{path.name} is neither a file nor a folder but a pipe, socket or device: save its content as "
                      "a file")  # fmt: skip
    if path.is_dir():
        return
    with path.open("rb") as file:
        start = file.read(_BYTES)
    if is_lfs_pointer(start):
        raise Problem(f"{path.name} is a git-lfs pointer, not the file itself: fetch it with 'git lfs pull'")
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES):
        raise Problem(f"{path.name} is a web page (HTML), perhaps a login or error page: download the file again while "
                      "signed in")  # fmt: skip


def is_lfs_pointer(start: bytes) -> bool:
    """Return whether a file that begins with ``start`` is a git-lfs pointer."""
    return start.startswith(_LFS)
