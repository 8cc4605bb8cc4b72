"""What two processes do together, for test_ranks.py: ``torchrun --nproc-per-node 2 -m tests.training.two_processes``.

One start for all of it: starting takes longer than training. Arguments: a folder, and a JSON file of configs by name.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

from lt_core.training import RunConfig
from lt_core.training.loop import resume, train
from lt_core.training.ranks import Ranks, join
from lt_core.training.session import Session

STOPPED = "stopped after"


def main(folder: Path, plan: Path) -> None:
    """Train every config of ``plan``; one called "stopped after N ..." is stopped there and resumed."""
    torch.set_num_threads(1)
    ranks = join(2, "cpu")
    for name, entry in json.loads(plan.read_text()).items():
        config, out = RunConfig.from_json(entry), folder / name
        if name.startswith(STOPPED):
            _until(config, out, int(name.removeprefix(STOPPED).split()[0]), ranks)
            events = list(resume(out, ranks=ranks))
        else:
            events = list(train(config, out, ranks=ranks))
        assert events[-1]["event"] == "finished", events[-1]
    _gathered(folder, ranks)


def _until(config: RunConfig, out: Path, steps: int, ranks: Ranks) -> None:
    """Train for some steps; only one of the two processes is asked to stop."""
    counted = [0]
    stepped = Session.stepped

    def watched(self: Session) -> None:
        stepped(self)
        counted[0] += 1

    Session.stepped = watched
    last = list(train(config, out, ranks=ranks, should_stop=lambda: ranks.rank == 1 and counted[0] >= steps))[-1]
    Session.stepped = stepped
    assert last["event"] == "stopped", last
    assert counted[0] == steps, f"stopped after {counted[0]} steps"


def _gathered(folder: Path, ranks: Ranks) -> None:
    """Write what each process has of rows 0 to n - 1, and what it gathers of all."""
    found = {}
    for n in (2, 3, 5, 64):
        rows = torch.arange(n, dtype=torch.float32)[:, None]
        own = rows[ranks.share(n)].clone().requires_grad_()
        every = ranks.gathered(own, n)
        (every * rows).sum().backward()
        assert own.grad is not None
        found |= {f"own-{n}": own.detach().numpy(), f"all-{n}": every.detach().numpy(), f"slope-{n}": own.grad.numpy()}
    np.savez(folder / f"rank-{os.environ['RANK']}.npz", **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
