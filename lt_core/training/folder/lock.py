"""One process works on a run: it holds the file ``lock`` of the run's folder, and the system frees it when it dies.

The lock is advisory (``flock``), so it needs no clean-up after ``kill -9`` or a power cut. Whoever takes it puts a new
file in its place that says who that is: nobody sees it held and empty. Where a file system or a system has no such
locks, the record of the process in ``worker.json`` decides.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lt_core.problems import Problem
from lt_core.training.folder import process
from lt_core.training.folder.posix import CLOEXEC, optional
from lt_core.whole import whole

fcntl = optional("fcntl")
NAME = "lock"
RECORD = "worker.json"
QUEUED = "queued.json"
"""The file of a run that waits for its turn: device, number, priority; ``cancelled`` where it no longer does."""
PATIENCE = 1.0
"""Seconds a lock is asked for: who only looks holds it for a moment, and who starts a worker until it is recorded."""

_mine: dict[str, tuple[int, int]] = {}
"""Locks of this process: the file's real path to the thread that took it and the descriptor."""
_guard = threading.Lock()


def _forget() -> None:
    """In a forked child: it neither holds the locks of its parent nor keeps them when the parent dies."""
    for _, descriptor in _mine.values():
        with suppress(OSError):
            os.close(descriptor)  # the parent's own descriptor keeps the lock
    _mine.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@contextmanager
def hold(folder: Path, *, working: bool = True, check: Callable[[Path], None] | None = None) -> Iterator[None]:
    """Hold the run in ``folder`` until the end of the block: no other process or thread can take it.

    Raises ``Problem``, which names the process, where another one works on the run. ``working`` records this process
    as the one that trains, and takes the run out of the queue; a launcher or a manager only holds it still. ``check``
    is asked about the folder when nobody else can take it any more, before anything is changed. The same thread may
    hold it again inside.
    """
    path = folder / NAME
    key, thread = os.path.realpath(path), threading.get_ident()
    with _guard:
        nested = key in _mine and _mine[key][0] == thread
    descriptor = None if nested else take(path, _others(folder), working=working)
    begun = False
    try:
        if check is not None:
            check(folder)
        begun = working and not nested
        if begun:
            _check_alone(folder)
            _record(folder)
            (folder / QUEUED).unlink(missing_ok=True)
        yield
    finally:
        if begun:
            with suppress(OSError):
                process.close(folder / RECORD)
        if descriptor is not None:
            release(path, descriptor)


def take(path: Path, said: str, *, patience: float = PATIENCE, working: bool = True) -> int:
    """Return the descriptor of the lock file ``path``, locked; raise ``Problem`` with ``said`` where it is taken.

    ``{by}`` in ``said`` becomes the process that has it, as far as it can be told. Asked for ``patience`` seconds.
    """
    key = os.path.realpath(path)
    text = json.dumps(process.identity(os.getpid()) | {"working": working}).encode()
    end = time.monotonic() + patience
    while (descriptor := _taken(path, text)) is None:
        if time.monotonic() > end:
            raise Problem(said.replace("{by}", _by(path)))
        time.sleep(0.02)
    with _guard:
        _mine[key] = (threading.get_ident(), descriptor)
    return descriptor


def release(path: Path, descriptor: int) -> None:
    """Give back what ``take`` took."""
    with _guard:
        _mine.pop(os.path.realpath(path), None)
    with suppress(OSError):
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.ftruncate(descriptor, 0)  # only now: an empty file that is held says that some other program works on it
    os.close(descriptor)


def held(path: Path) -> bool | None:
    """Return whether anybody holds the lock file ``path``; None where this system or file system cannot tell."""
    return _seen(path)[0]


def _seen(path: Path) -> tuple[bool | None, bytes]:
    """Return whether anybody holds the lock file ``path``, as ``held`` does, and what the very same file says."""
    if fcntl is None:
        return None, b""
    try:
        descriptor = os.open(path, os.O_RDONLY | CLOEXEC)
    except FileNotFoundError:
        return False, b""
    except OSError:
        return None, b""
    try:
        text = os.read(descriptor, 4096)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: those who look do not see each other
    except BlockingIOError:
        return True, text
    except OSError:
        return None, b""
    else:
        return False, text
    finally:
        os.close(descriptor)


def at_work(folder: Path) -> bool:
    """Return whether a process works on the run in ``folder``: it holds the lock, or is recorded and alive.

    The second is a worker that is just starting, or one on a file system without locks. Who only holds the run still,
    to start or to move it, does not work on it.
    """
    if process.alive(folder / RECORD):
        return True
    taken, text = _seen(folder / NAME)
    return bool(taken) and (process.read(text) or {}).get("working", True)


def worker_of(folder: Path) -> int | None:
    """Return the number of the process that works on a run; None where none does, or its number is not known."""
    if not at_work(folder):
        return None
    file = folder / RECORD if process.alive(folder / RECORD) else folder / NAME
    entry = process.recorded(file)
    return None if entry is None else int(entry["pid"])


def _taken(path: Path, text: bytes) -> int | None:
    """Return the descriptor of the lock file ``path``, which says ``text``, locked; None where another one has it.

    Those who take a lock do so one after the other: they lock the folder for that moment.
    """
    if fcntl is None:
        return _in_place(path, text)
    try:
        folder = os.open(path.parent, os.O_RDONLY | CLOEXEC)
    except OSError:
        return _in_place(path, text)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if held(path):
            return None
        return _put(path, text)
    except BlockingIOError:
        return None
    except OSError:  # no room on the disk, no locks on folders: the lock itself needs neither
        return _in_place(path, text)
    finally:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_UN)
        os.close(folder)


def _put(path: Path, text: bytes) -> int:
    """Put a new file, locked, in the place of ``path``, which nobody holds, and return its descriptor."""
    descriptor = -1
    try:
        with whole(path) as partial:
            descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC | CLOEXEC, 0o644)
            os.write(descriptor, text)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        if descriptor >= 0:
            os.close(descriptor)
        raise
    return descriptor


def _in_place(path: Path, text: bytes) -> int | None:
    """Lock the file ``path`` as it is, made where it is missing; what it says is for people, and may be lacking."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | CLOEXEC, 0o644)
    except OSError as error:
        raise Problem(f"{path} cannot be written ({_reason(error)}): check the folder and its permissions") from None
    if not _locked(descriptor):
        os.close(descriptor)
        return None
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, text)
    return descriptor


def _locked(descriptor: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks on this file system: the record of the process decides
        return True
    return True


def _check_alone(folder: Path) -> None:
    entry = process.recorded(folder / RECORD)
    if entry is not None and entry["pid"] != os.getpid() and process.alive(folder / RECORD):
        raise Problem(_others(folder).replace("{by}", f"process {entry['pid']}"))


def _record(folder: Path) -> None:
    try:
        process.record(folder / RECORD)
    except OSError as error:
        raise Problem(f"{folder / RECORD} cannot be written ({_reason(error)}): make room on the disk") from None


def _others(folder: Path) -> str:
    return f"{folder} is being worked on by {{by}}: stop it first, or wait until it has ended"


def _by(path: Path) -> str:
    entry = process.recorded(path)
    return f"process {entry['pid']}" if entry else "another process"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
