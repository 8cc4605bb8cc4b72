"""A download in a thread of its own, so that a page can go on, show how far it is, and stop it."""

from __future__ import annotations

import threading
from pathlib import Path

from lt_core.datasets.medmnist_download import download
from lt_core.problems import Problem


class DownloadJob:
    """One set on its way into a folder: begun when it is made, ended with ``path``, ``problem`` or neither.

    ``done`` and ``total`` are bytes; ``total`` is None until the server says it.
    """

    def __init__(self, name: str, size: int, into: Path, *, base_url: str | None = None) -> None:
        self.name, self.size = name, size
        self.done = 0
        self.total: int | None = None
        self.path: Path | None = None
        self.problem: Problem | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(into, base_url), name=f"fetch {name}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it is still on its way."""
        return self._thread.is_alive()

    @property
    def stopped(self) -> bool:
        """Whether it was stopped before it was done."""
        return self._stop.is_set() and self.path is None

    def stop(self, wait: float = 0.0) -> None:
        """Stop after the block that is coming, and wait up to ``wait`` seconds for that."""
        self._stop.set()
        self._thread.join(wait)

    def join(self, wait: float | None = None) -> None:
        """Wait for the end, at most ``wait`` seconds."""
        self._thread.join(wait)

    def _run(self, into: Path, base_url: str | None) -> None:
        try:
            self.path = download(self.name, self.size, into, progress=self._note, should_stop=self._stop.is_set,
                                 base_url=base_url)  # fmt: skip
        except Problem as problem:
            self.problem = problem

    def _note(self, done: int, total: int | None) -> None:
        self.done, self.total = done, total
