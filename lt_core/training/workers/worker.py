"""The process of a run: ``python -m lt_core.training.workers.worker FOLDER``."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lt_core.problems import Problem
from lt_core.training.config import RunConfig
from lt_core.training.folder import events, lock
from lt_core.training.folder.store import read_json, write_json
from lt_core.training.started import started_by_first
from lt_core.training.workers.signals import stop_on_signals


def preparing(folder: Path) -> Callable[[int, int], None]:
    """Return what writes into ``preparing.json`` how many images are decoded, twice a second; gone when all are."""
    said = [time.monotonic()]

    def tell(done: int, of: int) -> None:
        if done >= of:
            (folder / "preparing.json").unlink(missing_ok=True)
        elif time.monotonic() - said[0] > 0.5:
            said[0] = time.monotonic()
            write_json(folder / "preparing.json", {"done": done, "of": of})

    return tell


def main(folder: Path) -> int:
    """Run the config in ``folder`` to its end; whatever goes wrong is an event there.

    A run that another process works on is left alone, and a disk without room for the event leaves a run that counts
    as interrupted.
    """
    try:
        if started_by_first():
            return _work(folder, first=False)
        with lock.hold(folder):
            return _work(folder)
    except Problem as problem:
        print(problem, flush=True)
        return 2


def _work(folder: Path, *, first: bool = True) -> int:
    log = folder / "events.jsonl"
    try:
        import torch

        from lt_core.training.loop import resume
        from lt_core.training.ranks import join

        config = RunConfig.from_json(read_json(folder / "config.json"))
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // config.devices))
        ranks = join(config.devices, config.device)
        with stop_on_signals() as told:
            given: dict[str, Any] = {"should_stop": told, "progress": preparing(folder), "ranks": ranks}
            for entry in resume(folder, **given):  # from the beginning, where it has not begun
                if first and (line := events.in_words(entry)):
                    with suppress(OSError):  # a log without room is no reason to end: the run says so where it is
                        print(line, flush=True)
    except Problem as problem:
        if first:
            events.append(log, events.event("failed", error=str(problem)))
        return 2
    except BaseException as error:
        traceback.print_exc()
        if not first:
            return 1
        seen = events.read(log)
        if not seen or seen[-1]["event"] not in events.FINAL:
            sentence = f"{type(error).__name__}: {error} (the details are in worker.log)"
            events.append(log, events.event("failed", error=sentence))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
