"""Keep run folders in a store that is no folder (``s3://`` or whatever fsspec knows), for nodes that share none."""

from __future__ import annotations

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
"""Sent last: what it tells of is there already."""


@dataclass
class Mirror:
    """The store at ``url``; run folders lie in it by their key, file by file."""

    url: str
    _sent: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def push(self, folder: Path, key: str) -> None:
        """Send every file of a run folder that has changed since it was sent."""
        system, root = self._opened()
        files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
        for path in sorted(files, key=lambda path: (path.name == LAST, path)):
            mark = (path.stat().st_mtime_ns, path.stat().st_size)
            if path.name not in KEPT_HERE and self._sent.get(path) != mark:
                target = f"{root}/{key}/{path.relative_to(folder).as_posix()}"
                system.makedirs(target.rpartition("/")[0], exist_ok=True)
                system.put_file(str(path), target)
                self._sent[path] = mark

    def pull(self, key: str, folder: Path) -> None:
        """Fetch a run folder, as far as it was sent; nothing where it was not."""
        system, root = self._opened()
        place = f"{root}/{key}"
        if not system.exists(place):
            return
        for name in system.find(place):
            path = folder / str(name)[len(place) :].lstrip("/")
            made(path.parent)
            system.get_file(name, str(path))

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
