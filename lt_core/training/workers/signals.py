"""Ctrl-C and SIGTERM end a run in order, with what it has learned kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether this process was told to end; a second Ctrl-C ends it at once.

    The handlers of before are put back at the end. Outside the main thread, where Python sets no handlers, nothing is
    caught and the function is always false.
    """
    told: list[int] = []

    def note(number: int, _frame: object) -> None:
        if told and number == signal.SIGINT:
            raise KeyboardInterrupt
        told.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(told)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
