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
from torch import Tensor, nn

from lt_core.models import DEFAULT, build
from lt_core.training import RunConfig
from lt_core.training.loop import resume, train
from lt_core.training.ranks import Ranks, join
from lt_core.training.session import Session

STOPPED = "stopped after"
NORMED = (1, 2, 3, 7)
"""Images; of one alone the second process has none."""


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
    _normed(folder, ranks)
    np.savez(folder / f"learnt-{os.environ['RANK']}.npz", **learnt(ranks))


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


def _normed(folder: Path, ranks: Ranks) -> None:
    """Write what batch norms make of each process's share of ``NORMED`` images, and its gradients."""
    found = {}
    for n in NORMED:
        images, slopes = images_and_slopes(n)
        norm = a_norm()
        own = images[ranks.share(n)].clone().requires_grad_()
        with ranks.norms():
            out = norm(own)
        (out * slopes[ranks.share(n)]).sum().backward()
        entries = {"out": out.detach(), "slope": own.grad, "weight": norm.weight.grad, "bias": norm.bias.grad}
        entries |= {"mean": norm.running_mean, "variance": norm.running_var}
        found |= {f"{key}-{n}": entry.numpy() for key, entry in entries.items()}
    np.savez(folder / f"norm-{os.environ['RANK']}.npz", **found)


def images_and_slopes(n: int) -> tuple[Tensor, Tensor]:
    """Return (n, 3, 4, 5) images far from standardised, and what each of their values is worth."""
    generator = torch.Generator().manual_seed(n)
    places = torch.tensor([-3.0, 0.0, 40.0]).view(1, 3, 1, 1)
    images, slopes = torch.randn(2, n, 3, 4, 5, generator=generator)
    return (2 * images + places).contiguous(memory_format=torch.channels_last), slopes


def a_norm() -> nn.BatchNorm2d:
    """Return a batch norm with weights of its own."""
    norm = nn.BatchNorm2d(3, momentum=0.3)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([0.5, -1.0, 2.0]))
        norm.bias.copy_(torch.tensor([1.0, 0.0, -1.0]))
    return norm


def learnt(ranks: Ranks) -> dict[str, np.ndarray]:
    """Return the losses of three steps of the default backbone in float64, and its state after them."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(DEFAULT, n_classes=3, in_chans=1).double().train()
    losses = []
    for n in (7, 5, 3):
        images = torch.randn(n, 1, 32, 32, generator=generator, dtype=torch.float64)
        targets = (torch.rand(n, 3, generator=generator) < 0.4).double()
        with ranks.norms():
            own = model(images[ranks.share(n)])
        loss = nn.functional.binary_cross_entropy_with_logits(ranks.gathered(own, n), targets)
        model.zero_grad()
        loss.backward()
        for parameter in model.parameters():
            if ranks.size > 1:
                torch.distributed.all_reduce(parameter.grad)
            parameter.data -= 0.1 * parameter.grad
        losses.append(loss.item())
    return {"losses": np.array(losses)} | {name: entry.numpy() for name, entry in model.state_dict().items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
