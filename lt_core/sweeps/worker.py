"""The process of a trial: ``python -m lt_core.sweeps.worker TASK.json THREADS PARENT``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lt_core.sweeps.performing import Trainer, perform, to_the_end
from lt_core.sweeps.trials import Trial
from lt_core.training.folder.store import read_json
from lt_core.training.workers.signals import stop_on_signals


def main(task: Path, threads: int, parent: int, *, trainer: Trainer | None = None) -> int:
    """Make the trial in ``task`` in its folder; return 0, or 2 after one line on why it could not be begun.

    It stops in order, to be gone on with, when the process ``parent`` is there no more: nobody would hear of its end.
    """
    trial = Trial.from_json(read_json(task))
    if trainer is None:
        import torch

        torch.set_num_threads(threads)
    with stop_on_signals() as told:
        problem = to_the_end(
            perform(trial, task.parent, trainer=trainer, should_stop=lambda: told() or os.getppid() != parent)
        )
    if problem:
        print(f"error: {' '.join(problem.split())}", file=sys.stderr)
    return 2 if problem else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
