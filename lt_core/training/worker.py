"""The process of a run: ``python -m lt_core.training.worker FOLDER``."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from lt_core.problems import Problem
from lt_core.training import events, process
from lt_core.training.config import RunConfig
from lt_core.training.signals import stop_on_signals
from lt_core.training.store import read_json


def main(folder: Path) -> int:
    """Run the config in ``folder`` to its end; whatever goes wrong is an event there."""
    process.record(folder / "worker.json")
    try:
        import torch

        from lt_core.training.loop import train

        torch.set_num_threads(os.cpu_count() or 1)
        config = RunConfig.from_json(read_json(folder / "config.json"))
        with stop_on_signals() as told:
            for entry in train(config, folder, should_stop=told):
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
