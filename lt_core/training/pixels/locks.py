"""Locks on files that the system lets go of when their process dies, however it dies."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from lt_core.training.folder.posix import optional

# elsewhere nothing is locked, and there an open file cannot be removed
fcntl = optional("fcntl")

PAUSE = 0.05


class Lock:
    """A lock on one file, held until ``close`` or until this object is gone."""

    def __init__(self, number: int) -> None:
        self._number: int | None = number

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let go; a second time does nothing."""
        if self._number is not None:
            os.close(self._number)
            self._number = None

    @classmethod
    def shared(cls, path: Path, *, make: bool = False) -> Lock | None:
        """Return a lock that others may share, or None if the file is not there or is about to be removed."""
        return cls._of(path, exclusive=False, make=make)

    @classmethod
    def exclusive(cls, path: Path, *, make: bool = False) -> Lock | None:
        """Return a lock that is nobody else's, or None if somebody holds one or the file is not there."""
        return cls._of(path, exclusive=True, make=make)

    @classmethod
    def waited_for(cls, path: Path, give_up: Callable[[], None]) -> Lock | None:
        """Return an exclusive lock as soon as it is free, None where files cannot be locked.

        ``give_up`` is called while waiting and ends it by raising.
        """
        while True:
            lock = cls.exclusive(path, make=True)
            if lock is not None or not os.access(path, os.W_OK):
                return lock
            give_up()
            time.sleep(PAUSE)

    @classmethod
    def _of(cls, path: Path, *, exclusive: bool, make: bool) -> Lock | None:
        try:
            ways = (os.O_RDWR if exclusive or make else os.O_RDONLY) | (os.O_CREAT if make else 0)
            number = os.open(path, ways, 0o600)
        except OSError:
            return None
        lock = cls(number)
        if fcntl is None:
            return lock
        try:
            fcntl.flock(number, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            same = os.path.samestat(os.fstat(number), path.stat())
        except BlockingIOError:
            same = False
        except FileNotFoundError:  # removed between opening and locking
            same = False
        except OSError:  # a file system without locks
            return lock
        if same:
            return lock
        lock.close()
        return None
