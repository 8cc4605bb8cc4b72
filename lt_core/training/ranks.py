"""The processes that train one model together, each on its share of every batch; usually there is one.

What is shared out is the work, never the meaning: every process knows the rows of the whole batch, the loss sees the
logits of all of them, and each process sends back the gradient of its own images. The processes find and start each
other through Lightning Fabric, which also knows ``torchrun`` and Slurm; gradients are summed by PyTorch's DDP, and
batch norms see the whole batch (``synced_norm``).
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from lt_core.problems import Problem
from lt_core.training.started import per_machine, started_outside
from lt_core.training.synced_norm import Synchronised

T = TypeVar("T")
MISSING = "several devices need Lightning Fabric: pip install -r requirements-cluster.txt, or train with devices=1"


@dataclass(frozen=True, eq=False)
class Ranks:
    """This process among those of a run: ``rank`` in [0, ``size``); ``fabric`` is None where it is alone."""

    rank: int = 0
    size: int = 1
    fabric: Any = None

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    @property
    def device(self) -> torch.device | None:
        """The device of this process; None where the config decides."""
        return None if self.fabric is None else cast(torch.device, self.fabric.device)

    def share(self, n: int) -> slice:
        """Return which of ``n`` rows are this process's: parts that differ by one row at most and miss none."""
        most, more = divmod(n, self.size)
        start = self.rank * most + min(self.rank, more)
        return slice(start, start + most + (self.rank < more))

    def gathered(self, own: Tensor, n: int) -> Tensor:
        """Return (n, C), the rows of all processes in order; only this process's ``own`` carry a gradient."""
        if self.size == 1:
            return own
        room = own.new_zeros((-(-n // self.size), *own.shape[1:]))
        room[: len(own)] = own.detach()
        rooms = [torch.empty_like(room) for _ in range(self.size)]
        torch.distributed.all_gather(rooms, room)
        parts = [rooms[rank][: _length(n, self.size, rank)] for rank in range(self.size)]
        parts[self.rank] = own
        return torch.cat(parts)

    def anybody(self, flag: bool) -> bool:
        """Return whether ``flag`` is true in any process; all of them ask at the same place."""
        if self.size == 1:
            return flag
        said = torch.tensor(float(flag), device=self.device)
        return bool(self.fabric.all_reduce(said, reduce_op="sum") > 0)

    def from_first(self, value: T) -> T:
        """Return what the first process has."""
        return value if self.size == 1 else cast(T, self.fabric.broadcast(value))

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.size > 1:
            self.fabric.barrier()

    @contextmanager
    def one_by_one(self) -> Iterator[None]:
        """The block that the first process runs before the others: they find in files what it made."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()

    def wrapped(self, model: nn.Module) -> nn.Module:
        """Return ``model`` so that a backward pass averages the gradients of all processes."""
        return model if self.size == 1 else cast(nn.Module, self.fabric.setup_module(model, move_to_device=False))

    def apart(self, net: nn.Module, *, more: bool) -> AbstractContextManager[object]:
        """Return the block of a backward pass after which ``more`` of the same batch follow: nothing is sent yet."""
        if self.size == 1 or not more:
            return nullcontext()
        return cast(AbstractContextManager[object], self.fabric.no_backward_sync(net))

    def norms(self) -> AbstractContextManager[object]:
        """Return the block of a forward pass in training: batch norms in it see the images of all processes."""
        return nullcontext() if self.size == 1 else Synchronised()


ALONE = Ranks()


def _length(n: int, size: int, rank: int) -> int:
    found = Ranks(rank, size).share(n)
    return int(found.stop - found.start)


def join(devices: int, device: str = "auto") -> Ranks:
    """Return this process among those of its run, after the others are there.

    With ``devices`` above 1 the same command is started again for each of the others, unless torchrun or Slurm has done
    so: then their number counts. ``device`` is auto, cpu or cuda. To be called by commands only, before they do
    anything. Raises ``Problem`` where Fabric is not installed, or the machine has fewer devices.
    """
    outside = started_outside()
    if devices == 1 and not outside:
        return ALONE
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy
    except ImportError:
        raise Problem(MISSING) from None
    accelerator = _accelerator(device)
    local, nodes = per_machine(devices)
    if accelerator == "cuda" and torch.cuda.device_count() < local:
        raise Problem(
            f"{local} devices are asked for, this machine has {torch.cuda.device_count()}: set devices to that"
        )
    warnings.filterwarnings("ignore", "Grad strides do not match")  # of channels last: copied, and right
    patience = timedelta(hours=12)  # the others wait while the first decodes images
    strategy = DDPStrategy(timeout=patience, broadcast_buffers=False)
    fabric = Fabric(accelerator=accelerator, devices=local, num_nodes=nodes, strategy=strategy, precision="32-true")
    fabric.launch()
    if fabric.local_rank and not outside:
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    return Ranks(fabric.global_rank, fabric.world_size, fabric)


def _accelerator(device: str) -> str:
    if device == "mps":
        raise Problem("device=mps trains on one device only: set devices=1, or device=cpu")
    return "cuda" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu"


def _end_with_parent(parent: int) -> None:
    """End this process when the one that started it has been killed: a collective would wait for it for minutes."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def note_end(folder: Path, ranks: Ranks, sentence: str) -> None:
    """Leave the reason why this process ends where the first one finds it."""
    if not ranks.first and folder.is_dir():
        (folder / f"rank-{ranks.rank}.txt").write_text(sentence, encoding="utf-8")


def ends_noted(folder: Path) -> str:
    """Return why other processes of the run ended, and forget it."""
    found = []
    for file in sorted(folder.glob("rank-*.txt")):
        found.append(f"process {file.stem.removeprefix('rank-')}: {file.read_text(encoding='utf-8')}")
        file.unlink(missing_ok=True)
    return "; ".join(found)
