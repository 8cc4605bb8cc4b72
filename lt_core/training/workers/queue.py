"""Runs that wait for their turn: a limit per device, order by an ever-increasing number, no clock.

A run that waits is a run folder with ``queued.json``. One dispatcher process per folder of runs starts them; whoever
enqueues or looks sees to it that there is one. The limits are ``LONGTAIL_LAB_SLOTS``, such as ``cpu=2,cuda=1``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lt_core.home import made, runs_dir
from lt_core.problems import Invalid, Problem
from lt_core.training.config import RunConfig
from lt_core.training.folder import lock
from lt_core.training.folder.files import check_free, read_json, write_json
from lt_core.training.folder.meta import now, write_meta
from lt_core.training.folder.store import QUEUED, Run, is_cancelled
from lt_core.training.workers.gpus import visible
from lt_core.training.workers.launch import at_home_anywhere, detached, prepared

SLOTS = "LONGTAIL_LAB_SLOTS"
DEVICES = ("cpu", "cuda", "mps")
DISPATCHER = ".dispatcher"
NUMBERS = ".queue-number"
PATIENCE = 10.0


@dataclass(frozen=True)
class Waiting:
    """A run in the queue: ``place`` counts from 1 among those that wait for the same ``device``."""

    run: Run
    device: str
    number: int
    priority: int
    place: int


def enqueue(
    config: RunConfig,
    folder: Path | None = None,
    *,
    owner: str = "",
    parent: str | None = None,
    tags: Sequence[str] = (),
    priority: int = 0,
) -> Run:
    """Put a new run into the queue and return it; it begins when its device has a free slot.

    Of those that wait the highest ``priority`` is first, then the one that came first. The queue is that of the folder
    the run's ``folder`` is in (default: this machine's runs). Raises ``Problem`` as ``start_worker`` does.
    """
    slots()
    path = prepared(config, folder)
    with lock.hold(path, working=False, check=check_free):
        write_meta(path, created=now(), owner=owner, parent=parent, tags=tags)
        _queue(path, config, priority)  # before the config: a folder is a run once it has one
        write_json(path / "config.json", at_home_anywhere(config).as_json())
    ensure_dispatcher(path.parent)
    return Run(path)


def enqueue_again(run: Run, *, priority: int = 0) -> None:
    """Put a run that was cancelled, stopped, interrupted or has failed back into the queue, to be gone on with.

    Raises ``Problem`` for one that is running, waits already or is finished.
    """
    slots()
    if run.state in ("running", "queued", "finished"):
        raise Problem(f"{run.path.name} is {run.state}: only a run that has ended early can be queued again")
    with lock.hold(run.path, working=False):
        (run.path / "stop").unlink(missing_ok=True)
        _queue(run.path, run.config, priority)
    ensure_dispatcher(run.path.parent)


def cancel(run: Run) -> bool:
    """Take a run that waits out of the queue, so that it is stopped; return False where it did not wait."""
    with suppress(Problem), lock.hold(run.path, working=False):  # not while the dispatcher starts it
        if run.state == "queued" or (run.path / QUEUED).exists():
            write_json(run.path / QUEUED, {**read_json(run.path / QUEUED), "cancelled": True})
            return True
    return False


def positions(folder: Path | None = None) -> list[Waiting]:
    """Return the runs that wait in ``folder`` (default: this machine's), the next one first.

    Where some do and no dispatcher is there, one is started.
    """
    found = waiting(folder or runs_dir())
    if found:
        ensure_dispatcher(folder or runs_dir())
    return found


def waiting(folder: Path) -> list[Waiting]:
    """Return the runs that wait in ``folder``, the next one first; nothing is started."""
    found: list[tuple[int, int, str, Run]] = []
    for file in folder.glob(f"*/{QUEUED}"):
        if is_cancelled(file.parent) or not (file.parent / "config.json").exists() or lock.at_work(file.parent):
            continue
        with suppress(Problem, KeyError, TypeError, ValueError):
            entry = read_json(file)
            found.append((-int(entry["priority"]), int(entry["number"]), str(entry["device"]), Run(file.parent)))
    places: dict[str, int] = {}
    result = []
    for order, number, device, run in sorted(found, key=lambda item: (item[0], item[1], item[3].path.name)):
        places[device] = places.get(device, 0) + 1
        result.append(Waiting(run, device, number, -order, places[device]))
    return result


def ensure_dispatcher(folder: Path) -> bool:
    """See to it that a dispatcher looks after ``folder``; return whether one had to be started.

    It is a process of its own, outlives the app, and ends by itself when nothing waits. Two that are started at once
    are no harm: the second finds the lock taken and ends.
    """
    if lock.held(folder / DISPATCHER) or not waiting(folder):
        return False
    detached(["lt_core.training.workers.dispatcher", str(folder.absolute())], folder / f"{DISPATCHER}.log")
    return True


def slots() -> dict[str, int]:
    """Return how many processes each device takes at once: one (one a GPU), or what the environment says.

    A run takes as many as its ``devices``. Raises ``Invalid`` for less than one.
    """
    limits = dict.fromkeys(DEVICES, 1) | {"cuda": max(1, len(visible()))}
    text = os.environ.get(SLOTS, "")
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        device, _, count = (piece.strip() for piece in part.partition("="))
        if device not in DEVICES or not count.isdecimal() or int(count) < 1:
            raise Invalid(f"{SLOTS} is DEVICE=NUMBER, with commas between, of {', '.join(DEVICES)}; got {text!r}")
        limits[device] = int(count)
    return limits


def device_of(config: RunConfig) -> str:
    """Return the device a run will take: what its config says, or for ``auto`` what this machine has.

    Told without torch where torch is not loaded: from the driver's device files.
    """
    if config.device != "auto":
        return config.device
    if (torch := sys.modules.get("torch")) is not None:
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    if not hidden and any(Path("/dev").glob("nvidia[0-9]*")):
        return "cuda"
    return "mps" if sys.platform == "darwin" and os.uname().machine == "arm64" else "cpu"


def _queue(path: Path, config: RunConfig, priority: int) -> None:
    with _numbers(made(path.parent)) as number:
        write_json(path / QUEUED, {"device": device_of(config), "number": number, "priority": priority})


@contextmanager
def _numbers(folder: Path) -> Iterator[int]:
    """Give the next number of the queue; it is used up when the block ends, and nobody else is given it."""
    guard = folder / f"{NUMBERS}.lock"
    descriptor = lock.take(guard, f"{guard} is held by {{by}}: try again", patience=PATIENCE)
    try:
        used = [entry.number for entry in waiting(folder)]
        with suppress(Problem, KeyError, TypeError, ValueError):
            used.append(int(read_json(folder / NUMBERS)["last"]))
        number = max(used, default=0) + 1
        yield number
        write_json(folder / NUMBERS, {"last": number})
    finally:
        lock.release(guard, descriptor)
