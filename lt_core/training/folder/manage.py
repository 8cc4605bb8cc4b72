"""Name, tag, note, clone, delete and undo: what people do with runs; nothing that was trained is changed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lt_core.home import made, runs_dir
from lt_core.problems import Problem, Unknown
from lt_core.training.config import RunConfig
from lt_core.training.folder import lock
from lt_core.training.folder.files import read_json, write_json
from lt_core.training.folder.meta import Meta, meta_in, write_meta
from lt_core.training.folder.store import QUEUED, Run

TRASH = ".trash"
DELETED = "deleted.json"
DAY = 86_400.0
KEPT_DAYS = 7.0
"""How long the trash keeps what was deleted, at the least."""
MEASURED_ON = ("data", "model", "image_size", "batch_size", "device", "devices", "precision", "optimizer")
"""Fields of a config that decide how it is computed fastest."""


@dataclass(frozen=True)
class Deleted:
    """A run in the trash: ``name`` undoes it, ``called`` is what people call it, ``days`` since it was deleted."""

    name: str
    called: str
    days: float
    path: Path


def meta_of(run: Run) -> Meta:
    """Return what people wrote about a run: name, tags, note, owner, when it was made, what it is a clone of."""
    return meta_in(run.path)


def rename(run: Run, name: str) -> Meta:
    """Give a run another name, one line of any characters, empty for that of its config; its folder stays."""
    return write_meta(run.path, name=name)


def tag(run: Run, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Meta:
    """Add and remove tags; each is there once, in the order they came."""
    gone = set(remove)
    return write_meta(run.path, tags=[text for text in (*meta_of(run).tags, *add) if text not in gone])


def note(run: Run, text: str) -> Meta:
    """Write the note of a run, in place of the one before."""
    return write_meta(run.path, note=text)


def favourite(run: Run, on: bool) -> Meta:
    """Mark a run, or take the mark away."""
    return write_meta(run.path, favourite=on)


def clone(run: Run, **changes: Any) -> RunConfig:
    """Return the config of ``run`` with these fields changed, to be started with ``parent=run.path.name``.

    It does not take the name along, unless one is given. What a probe chose for ``run`` is kept, unless something
    changes that it was measured on. Raises ``Unknown`` and ``Invalid`` as ``RunConfig`` does.
    """
    from lt_core.training.reproduce import as_computed

    known = list(run.config.as_json())
    for name in changes:
        if name not in known:
            raise Unknown.of("setting of a run", name, known)
    other = any(name in changes and changes[name] != getattr(run.config, name) for name in MEASURED_ON)
    return replace(run.config if other else as_computed(run), **{"name": "", **changes})


def delete(run: Run) -> str:
    """Move a run into the trash of its folder and return the name that undoes it; a queued one is cancelled.

    What has been in that trash for a week is removed for good. Raises ``Problem`` for a run that is running.
    """
    if lock.at_work(run.path) and run.state == "running":
        raise Problem(f"{run.path.name} is running: stop it first, then delete it")
    if run.key != run.path.name:
        raise Problem(f"{run.key} is a run of a sweep, whose result rests on it: delete the sweep as a whole")
    if (run.path / TRASH).exists() or not (run.path / "config.json").is_file():
        raise Problem(f"{run.path} is not the folder of a run: nothing was deleted")
    with lock.hold(run.path, working=False):  # so that nobody starts it meanwhile
        write_json(run.path / DELETED, {"name": run.path.name, "time": time.time()})
        target = _moved(run.path, made(run.path.parent / TRASH))
    empty_trash(folder=run.path.parent)
    return target.name


def trash(folder: Path | None = None) -> list[Deleted]:
    """Return the deleted runs of ``folder`` (default: this machine's), the latest first."""
    found = []
    for file in (_trash_of(folder)).glob(f"*/{DELETED}"):
        try:
            days = max(0.0, (time.time() - float(read_json(file)["time"])) / DAY)
            found.append(Deleted(file.parent.name, Run(file.parent).name, days, file.parent))
        except (Problem, KeyError, TypeError, ValueError):
            continue
    return sorted(found, key=lambda entry: (entry.days, entry.name))


def deleted_at(place: str) -> tuple[str, Path | None]:
    """Return what ``undo_delete`` takes for what people write: a name, the folder a run was in, or is in in a trash.

    A bare name is looked for where a run of that name would be: in this folder, then among this machine's.
    """
    path = Path(place)
    if path.parent.name == TRASH:
        return path.name, path.parent.parent
    there = path.name in {entry.name for entry in trash(path.parent)}
    return (path.name, path.parent) if there or len(path.parts) > 1 else (place, None)


def undo_delete(name: str, folder: Path | None = None) -> Run:
    """Take a run out of the trash and return it; it has its old folder name, with a number where that is taken."""
    entries = {entry.name: entry for entry in trash(folder)}
    if name not in entries:
        raise Unknown.of("run in the trash", name, list(entries) or ["none"])
    path = entries[name].path
    old = read_json(path / DELETED).get("name")
    target = _moved(path, _trash_of(folder).parent, str(old) if old else name)
    for file in (DELETED, QUEUED):
        (target / file).unlink(missing_ok=True)
    return Run(target)


def empty_trash(older_than_days: float = KEPT_DAYS, folder: Path | None = None) -> int:
    """Remove for good what was deleted at least so many days ago, and return how many runs that were."""
    old = [entry for entry in trash(folder) if entry.days >= older_than_days]
    for entry in old:
        shutil.rmtree(entry.path, ignore_errors=True)
    return len(old)


def _trash_of(folder: Path | None) -> Path:
    return (folder or runs_dir()) / TRASH


def _moved(path: Path, to: Path, name: str = "") -> Path:
    """Move a folder into ``to`` under its name, numbered where that is taken, and return where it is."""
    wanted = Path(name or path.name).name  # a name is text, never a way to another place
    for count in range(1000):
        target = to / (f"{wanted}-{count}" if count else wanted)
        if target.exists():
            continue
        try:
            return path.rename(target)
        except FileExistsError:
            continue
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Problem(f"{path} cannot be moved to {to} ({reason}): check the permissions of both") from None
    raise Problem(f"{to} holds too many runs called {wanted}")
