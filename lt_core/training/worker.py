"""A run in a process of its own, which outlives the browser tab and the app."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from lt_core.problems import Problem
from lt_core.training import events, process
from lt_core.training.config import RunConfig
from lt_core.training.store import Run, new_folder, read_json, write_json

ROOT = Path(__file__).resolve().parents[2]


def start_worker(config: RunConfig, folder: Path | None = None) -> Run:
    """Start training in a detached process and return its run at once.

    Raises ``Problem``, with nothing written, for a loss, a value or a backbone that is not known, and for a folder that
    already holds a run. What only the data can tell is the run's own ``failed`` event.
    """
    from lt_core.losses import get_loss
    from lt_core.models import check_name

    get_loss(config.loss).checked(config.loss_values)
    check_name(config.model)
    if folder is not None and (folder / "config.json").exists():
        raise Problem(f"{folder} already holds a run: choose another folder, or remove it first")
    path = folder or new_folder(config)
    path.mkdir(parents=True, exist_ok=True)
    write_json(path / "config.json", config.as_json())
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
    }
    with (path / "worker.log").open("ab") as log:
        worker = subprocess.Popen(  # noqa: S603 - our own module, our own folder
            [sys.executable, "-m", "lt_core.training.worker", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
    threading.Thread(target=worker.wait, name=f"reap-{path.name}", daemon=True).start()  # or it stays as a zombie
    return Run(path)


def stop_on_signals() -> Callable[[], bool]:
    """Return a function that says whether this process was told to end (Ctrl-C, SIGTERM): training stops in order."""
    told: list[int] = []

    def note(number: int, _frame: object) -> None:
        if told and number == signal.SIGINT:
            raise KeyboardInterrupt  # a second Ctrl-C means now
        told.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(told)


def main(folder: Path) -> int:
    """Run the config in ``folder`` to its end; whatever goes wrong is an event there."""
    process.record(folder / "worker.json")
    should_stop = stop_on_signals()
    try:
        import torch

        from lt_core.training.loop import train

        torch.set_num_threads(os.cpu_count() or 1)
        config = RunConfig.from_json(read_json(folder / "config.json"))
        for entry in train(config, folder, should_stop=should_stop):
            if line := events.in_words(entry):
                print(line, flush=True)
    except Problem as problem:
        events.append(folder / "events.jsonl", events.event("failed", error=str(problem)))
        return 2
    except BaseException as error:
        traceback.print_exc()
        seen = events.read(folder / "events.jsonl")
        if not seen or seen[-1]["event"] not in events.FINAL:
            sentence = f"{type(error).__name__}: {error} (the details are in worker.log)"
            events.append(folder / "events.jsonl", events.event("failed", error=sentence))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
