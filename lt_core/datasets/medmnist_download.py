"""Fetching a MedMNIST file from where its authors published it, checked by MD5, and a clear way on where that fails."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from lt_core.datasets.medmnist_sets import RECORD, set_named
from lt_core.home import cache_dir, made
from lt_core.problems import Problem

BASE_URL = "LONGTAIL_LAB_MEDMNIST_URL"
"""Environment variable with another place that has the files under their own names: a mirror inside a hospital."""
_BLOCK = 1 << 18
_TRIES = 3
_TIMEOUT = 30
_STALE = 6 * 3600
_HEADERS = 1 << 20
"""Bytes a file may have above its pixels: headers, labels, a zip directory."""


class Hash(Protocol):
    """What is needed of an MD5 under way."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def folder() -> Path:
    """Return where downloaded sets are kept, in the cache; it is made if it is not there."""
    return made(cache_dir() / "medmnist")


def url_of(name: str, size: int, base_url: str | None = None) -> str:
    """Return the address of a published file, at ``base_url``, at ``LONGTAIL_LAB_MEDMNIST_URL``, or at Zenodo."""
    file = set_named(name).file_name(size)
    base = base_url or os.environ.get(BASE_URL) or RECORD
    return f"{base.rstrip('/')}/{file}?download=1"


def by_hand(name: str, size: int, target: Path, base_url: str | None = None) -> str:
    """Return how to fetch a file without this program: the address, where to put it, and its MD5."""
    entry = set_named(name)
    return (
        f"fetch {url_of(name, size, base_url)} with a browser, save it as {target} and load it "
        f"(its MD5 is {entry.md5[size]})"
    )


def have(name: str, size: int, into: Path) -> Path | None:
    """Return the file of a set if it is in the folder ``into`` and is the published one, by its MD5."""
    entry = set_named(name)
    path = into / entry.file_name(size)
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError:
        return None
    return path if found == entry.md5[size] else None


def download(
    name: str,
    size: int,
    into: Path,
    *,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
    base_url: str | None = None,
) -> Path | None:
    """Return the file of set ``name`` at ``size`` pixels in the folder ``into``, or None if it was stopped.

    A file that is there with the published MD5 is not fetched again. ``progress`` is told the bytes so far and of all
    (None if the server does not say); ``should_stop`` is asked after every block. A connection that breaks is taken up
    where it broke. A file appears only if its MD5 is right. Raises ``Problem`` with the way to fetch it by hand.
    """
    entry = set_named(name)
    target = into / entry.file_name(size)
    if have(name, size, into) is not None:
        return target
    _clear_stale(made(into), target.name)
    hint = by_hand(name, size, target, base_url)
    handle, scratch = tempfile.mkstemp(dir=into, prefix=f".{target.name}-", suffix=".part")
    part = Path(scratch)
    try:
        with os.fdopen(handle, "wb") as out:
            md5 = hashlib.md5(usedforsecurity=False)
            limit = entry.bytes_unpacked(size) * 11 // 10 + _HEADERS
            if not _Fetch(url_of(name, size, base_url), out, into, md5, limit, progress, should_stop).all(hint):
                return None
        if md5.hexdigest() != entry.md5[size]:
            raise Problem(f"{target.name} came with the MD5 {md5.hexdigest()}, not that of its authors, and was thrown "
                          f"away: the server or something on the way changed it; {hint}")  # fmt: skip
        part.replace(target)
    except OSError as error:
        raise Problem(f"{target.name} cannot be written to {into} ({error.strerror or error}): make room there, or set "
                      "LONGTAIL_LAB_HOME to a folder of your own") from None  # fmt: skip
    finally:
        part.unlink(missing_ok=True)
    return target


class _Fetch:
    """One file on its way: what has come, and where to go on."""

    def __init__(
        self,
        url: str,
        out: IO[bytes],
        into: Path,
        md5: Hash,
        limit: int,
        progress: Callable[[int, int | None], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.url, self.out, self.into, self.md5, self.limit = url, out, into, md5, limit
        self.progress, self.should_stop = progress, should_stop
        self.done = 0
        self.total: int | None = None

    def all(self, hint: str) -> bool:
        """Return true when everything came and false when it was stopped; raise ``Problem`` when it cannot be had."""
        reason = ""
        for _ in range(_TRIES):
            try:
                if not self._once():
                    return False
                if self.total is None or self.done >= self.total:
                    return True
                reason = f"the connection broke after {self.done:,} of {self.total:,} bytes"
            except urllib.error.HTTPError as error:
                reason = f"the server answered {error.code} {error.reason}"
                error.close()
                if error.code in (403, 404, 410):
                    break
            except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
                reason = f"no connection ({getattr(error, 'reason', None) or type(error).__name__})"
        raise Problem(f"the download failed: {reason}; {hint}")

    def _once(self) -> bool:
        if not self.url.startswith(("https://", "http://")):
            raise Problem(f"{self.url} is not an address of the web: set {BASE_URL} to one that begins with https://")
        request = urllib.request.Request(self.url, headers={"User-Agent": "longtail-lab"})  # noqa: S310
        if self.done:
            request.add_header("Range", f"bytes={self.done}-")
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            self._begin(answer)
            while block := answer.read(_BLOCK):
                self.out.write(block)
                self.md5.update(block)
                self.done += len(block)
                if self.done > self.limit:
                    raise Problem(f"{self.url} sends more than the file can hold: it is not the published one")
                self.progress(self.done, self.total)
                if self.should_stop():
                    return False
        return True

    def _begin(self, answer: http.client.HTTPResponse) -> None:
        """Note how much is to come; skip what is there already where the server begins again from the start."""
        length = answer.headers.get("Content-Length", "")
        coming = int(length) if length.isdecimal() else None
        if answer.status == 206:
            self.total = None if coming is None else self.done + coming
            return
        self.total = coming
        if coming is not None and coming > shutil.disk_usage(self.into).free:
            raise Problem(f"the file needs {coming / 2**20:,.0f} MiB and the disk has less: make room")
        left = self.done
        while left and (block := answer.read(min(_BLOCK, left))):
            left -= len(block)


def _clear_stale(into: Path, name: str) -> None:
    """Remove what a process that was killed in the middle of a download left behind."""
    for old in into.glob(f".{name}-*.part"):
        try:
            if time.time() - old.stat().st_mtime > _STALE:
                old.unlink()
        except OSError:
            continue
