"""A zip of somebody else, unpacked into the cache: nothing outside, nothing linked, nothing endless."""

from __future__ import annotations

import hashlib
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from lt_core.home import cache_dir
from lt_core.problems import Problem

MAX_BYTES = 8 << 30
MAX_FILES = 500_000
MAX_RATIO = 200
"""Unpacked over packed size, of archives of more than ``RATIO_FROM`` bytes: images hardly shrink, tables to a tenth."""
RATIO_FROM = 256 << 20
_BLOCK = 1 << 20


def unpacked(path: Path) -> Path:
    """Return the cache folder with the files of the zip at ``path``, unpacked on the first call.

    The folder is named after the content, so the same zip is unpacked once. Raises ``Problem`` for a file that is no
    zip, a name that points out of the folder, a link, a password, or more than the limits above.
    """
    try:
        with path.open("rb") as file:
            name = hashlib.file_digest(file, "sha256").hexdigest()[:24]
    except OSError as error:
        raise Problem(f"{path.name} cannot be read ({error.strerror}): check that it is there and readable") from None
    folder = cache_dir() / "zips" / name
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unpacking-") as scratch:
        fresh = Path(scratch) / "files"
        fresh.mkdir()
        try:
            with zipfile.ZipFile(path) as archive:
                extract(archive, checked_members(archive, path.name), fresh, path.name)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError):
            raise Problem(
                f"{path.name} is not a zip file, or is damaged or cut short: fetch or make it again"
            ) from None
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was first, which is as good
                raise
    return folder


def checked_members(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """Return the members to unpack, plain files that are not hidden; all are checked before anything is written."""
    members = [m for m in archive.infolist() if not m.is_dir()]
    for member in members:
        inner = member.filename.replace("\\", "/")
        if inner.startswith("/") or PureWindowsPath(inner).drive or ".." in inner.split("/"):
            raise Problem(f"{name} wants to write outside its folder ({member.filename!r}) and is not unpacked")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise Problem(f"{name} holds a link ({member.filename!r}) and is not unpacked: put the file itself in it")
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise Problem(f"{name} holds something that is no plain file ({member.filename!r}) and is not unpacked")
        if member.flag_bits & 1:
            raise Problem(f"{name} is protected by a password: make a zip without one")
    total, packed = sum(m.file_size for m in members), sum(m.compress_size for m in members)
    if len(members) > MAX_FILES:
        raise Problem(f"{name} holds {len(members):,} files, more than {MAX_FILES:,}: unpack it and give the folder")
    if total > MAX_BYTES:
        size = f"{total / 2**30:.1f} GiB when unpacked, more than {MAX_BYTES / 2**30:g}"
        raise Problem(f"{name} is {size}: unpack it and give the folder")
    if total > RATIO_FROM and total > MAX_RATIO * max(packed, 1):
        raise Problem(
            f"{name} grows to {total // max(packed, 1):,} times its size when unpacked, as no images do: not unpacked"
        )
    if total > shutil.disk_usage(cache_dir()).free:
        raise Problem(f"{name} needs {total / 2**30:.1f} GiB when unpacked and the disk has less: make room")
    parts = ((m, PurePosixPath(m.filename.replace("\\", "/")).parts) for m in members)
    return [m for m, inner in parts if not any(p.startswith(".") or p == "__MACOSX" for p in inner)]


def extract(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path, name: str) -> None:
    """Write the members, counting the bytes that really come, as a zip can lie about its sizes."""
    left = MAX_BYTES
    for member in members:
        target = folder / member.filename.replace("\\", "/")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as inner, target.open("xb") as out:
                while block := inner.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise Problem(f"{name} is more than {MAX_BYTES / 2**30:g} GiB when unpacked: not unpacked")
                    out.write(block)
        except (OSError, ValueError) as error:
            where = f"{member.filename!r} ({type(error).__name__})"
            raise Problem(f"{name} cannot be unpacked at {where}: rename that file or leave it out") from None
