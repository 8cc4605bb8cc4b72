"""Keep run folders in a store that is no folder (``s3://`` or whatever fsspec knows), for nodes that share none."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lt_core.home import made
from lt_core.problems import Problem
from lt_core.sweeps.performing import Asked, Trainer, perform
from lt_core.sweeps.trials import Trial
from lt_core.training.folder.events import Event

KEPT_HERE = ("lock", "worker.json", "stop", "trial.json", "worker.log")
"""Files that say something of one machine only."""
LAST = "events.jsonl"
"""Sent and put in place last: what it tells of is there already."""
DIGITS = 64
"""Length of a SHA-256 in hexadecimal."""


@dataclass(frozen=True)
class _Set:
    """What a run folder held at one time: the digest and size of each file by its path; ``number`` counts the sets."""

    number: int = 0
    files: dict[str, tuple[str, int]] = field(default_factory=dict)

    def text(self) -> str:
        """Return the lines of its list; the first is the digest of the second, so that half a list is no list."""
        body = json.dumps(self.files)
        return f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}"

    @classmethod
    def of(cls, number: int, text: str) -> _Set | None:
        """Return the set that ``text`` lists; None where it was not written to its end."""
        digest, _, body = text.partition("\n")
        if hashlib.sha256(body.encode()).hexdigest() != digest:
            return None
        return cls(number, {name: (str(of), int(size)) for name, (of, size) in json.loads(body).items()})


@dataclass
class Mirror:
    """The store at ``url``, which need not write whole files: a set of files counts once its list is there.

    Under the key of a run lie its files by what is in them (``data/SHA-256``), and the lists of the last two sets
    (``set-NUMBER``), each written after its files. Who is killed while sending leaves the set before it.
    """

    url: str
    _sent: dict[Path, tuple[tuple[int, int], tuple[str, int]]] = field(default_factory=dict)
    _last: dict[str, _Set] = field(default_factory=dict)

    def push(self, folder: Path, key: str) -> None:
        """Send every file of a run folder that has changed since it was sent, then the list of them all."""
        system, root = self._opened()
        place = f"{root}/{key}"
        if key not in self._last:
            self._last[key] = next(self._sets(system, place), _Set())
        before = self._last[key]
        paths = [path for path in folder.rglob("[!.]*") if path.is_file() and not path.parent.name.startswith(".")]
        files: dict[str, tuple[str, int]] = {}
        there = {digest for digest, _ in before.files.values()}
        system.makedirs(f"{place}/data", exist_ok=True)
        for path in sorted(paths, key=lambda path: (path.name == LAST, path)):
            mark = (path.stat().st_mtime_ns, path.stat().st_size)
            if path.name in KEPT_HERE:
                continue
            if self._sent.get(path, (None,))[0] != mark:
                self._sent[path] = (mark, _put(system, path, f"{place}/data", there))
            files[path.relative_to(folder).as_posix()] = self._sent[path][1]
        if files != before.files:
            now = _Set(before.number + 1, files)
            system.pipe_file(f"{place}/set-{now.number:09d}", now.text().encode())
            self._last[key] = now
            _forget(system, place, (before, now))

    def pull(self, key: str, folder: Path) -> None:
        """Fetch the last set of files that was sent whole; nothing where there is none."""
        system, root = self._opened()
        place = f"{root}/{key}"
        for _ in range(2):  # who sends meanwhile forgets old sets: look again
            newest = 0
            for found in self._sets(system, place):
                newest = max(newest, found.number)
                if _fetched(system, f"{place}/data", found, folder):
                    self._last[key] = _Set(newest, found.files)  # of a newer one that was spoilt nothing is trusted
                    return
            system.invalidate_cache()

    def _sets(self, system: Any, place: str) -> Iterator[_Set]:
        """Yield the sets whose list is whole, the newest first."""
        names = system.ls(place, detail=False) if system.exists(place) else []
        numbers = [str(name).rpartition("/set-")[2] for name in names if "/set-" in str(name)]
        for number in sorted(filter(str.isdigit, numbers), reverse=True):
            with suppress(FileNotFoundError, UnicodeDecodeError):
                if found := _Set.of(int(number), system.cat_file(f"{place}/set-{number}").decode()):
                    yield found

    def request_stop(self, key: str, *, stop: bool = True) -> None:
        """Ask whoever makes the trial to stop after its epoch, or (``stop`` False) take that back."""
        system, root = self._opened()
        if stop:
            system.makedirs(f"{root}/{key}", exist_ok=True)
            system.pipe_file(f"{root}/{key}/stop", b"stop")
        else:
            with suppress(FileNotFoundError):
                system.rm_file(f"{root}/{key}/stop")

    def stop_requested(self, key: str) -> bool:
        """Whether somebody asked for that."""
        system, root = self._opened()
        return bool(system.exists(f"{root}/{key}/stop"))

    def _opened(self) -> tuple[Any, str]:
        import fsspec

        try:
            system, root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise Problem(f"the storage {self.url} cannot be opened: {error}") from None
        system.invalidate_cache()
        return system, str(root).rstrip("/")


def _put(system: Any, path: Path, place: str, there: set[str]) -> tuple[str, int]:
    """Send a file, unless what is in it is ``there``, and return its digest and size."""
    with tempfile.TemporaryDirectory() as room:  # of a copy: the file may grow meanwhile
        copy = Path(shutil.copyfile(path, Path(room) / path.name))
        digest = _digest(copy)
        if digest not in there:
            system.put_file(str(copy), f"{place}/{digest}")
            there.add(digest)
        return digest, copy.stat().st_size


def _fetched(system: Any, place: str, wanted: _Set, folder: Path) -> bool:
    """Fetch a set into ``folder``, if every file of it is whole; else touch nothing there and return False."""
    made(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as room:
        for digest, size in {*wanted.files.values()}:
            path = Path(room) / digest
            try:
                system.get_file(f"{place}/{digest}", str(path))
            except FileNotFoundError:
                return False
            if path.stat().st_size != size or _digest(path) != digest:
                return False
        for name, (digest, _) in sorted(wanted.files.items(), key=lambda entry: entry[0] == LAST):
            path = folder / name
            made(path.parent)
            whole = Path(shutil.copyfile(Path(room) / digest, path.with_name(f".{path.name}.fetched")))
            whole.replace(path)
    return True


def _forget(system: Any, place: str, kept: tuple[_Set, ...]) -> None:
    """Remove what no kept set lists; what cannot be removed now is removed after another push."""
    digests = {digest for entry in kept for digest, _ in entry.files.values()}
    numbers = {f"set-{entry.number:09d}" for entry in kept}
    for name in [*system.ls(place, detail=False), *system.ls(f"{place}/data", detail=False)]:
        last = str(name).rstrip("/").rpartition("/")[2]
        if (last.startswith("set-") and last not in numbers) or (len(last) == DIGITS and last not in digests):
            with suppress(OSError):
                system.rm_file(str(name))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def perform_mirrored(
    trial: Trial, folder: Path, mirror: Mirror, *, trainer: Trainer | None = None, should_stop: Asked = lambda: False
) -> Iterator[Event]:
    """Make a trial in ``folder`` of this machine, from what the store has of it, and send it there after each epoch."""
    mirror.pull(trial.key, folder)
    (folder / "stop").unlink(missing_ok=True)
    asked: list[bool] = []
    try:
        for entry in perform(trial, folder, trainer=trainer, should_stop=lambda: bool(asked) or should_stop()):
            if entry["event"] == "epoch":
                mirror.push(folder, trial.key)
                if mirror.stop_requested(trial.key):
                    asked.append(True)
            yield entry
    finally:
        if folder.is_dir():
            mirror.push(folder, trial.key)
