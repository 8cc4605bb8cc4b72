"""Everything a run needs to go on as if nothing had happened, in one file that is written whole.

``checkpoint.safetensors`` holds the weights, what the optimizer and the loss remember, and where the run was; the
last as JSON in the file's own header. No pickle: nothing in it can run code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from lt_core.problems import Problem
from lt_core.training.folder.events import Event, clean
from lt_core.whole import flushed, reason, whole

NAME = "checkpoint.safetensors"
VERSION = 1


@dataclass
class Position:
    """Where a run is: ``epoch`` under way, from 1, and how many ``step`` of it are done.

    ``total`` counts the steps of the whole run. ``losses`` are the sum and the number of the step losses of this epoch,
    ``best`` what the selection remembers, ``pieces`` in how many pieces a batch goes through the network, ``seconds``
    the time trained before this process, ``scale`` the factor of a float16 loss, ``waiting`` the event of the last
    completed epoch, in case it is missing from the log, ``first_loss`` the loss of the run's first step.
    """

    epoch: int = 1
    step: int = 0
    total: int = 0
    losses: tuple[float, int] = (0.0, 0)
    best: dict[str, Any] = field(default_factory=dict)
    pieces: int = 1
    seconds: float = 0.0
    scale: float | None = None
    waiting: Event | None = None
    first_loss: float | None = None


def save(folder: Path, tensors: Mapping[str, Tensor], at: Position) -> int:
    """Write the checkpoint of a run whole and return its size in bytes; the one before stays where this fails.

    It is never ahead of what it rests on: the log is brought onto the disk before it, as the weights were when they got
    their names. Raises ``Problem`` where the disk is full, the folder cannot be written, or the weights are not finite.
    """
    _check_finite(tensors, at)
    entry = clean({"version": VERSION, **asdict(at)})
    try:
        if (log := folder / "events.jsonl").exists():
            flushed(log)
        with whole(folder / NAME) as partial:
            save_file(
                {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
                partial,
                metadata={"position": json.dumps(entry, allow_nan=False)},
            )
        return (folder / NAME).stat().st_size
    except (OSError, SafetensorError) as error:
        raise Problem(
            f"the checkpoint of {folder} could not be written ({reason(error)}): make room on the disk and "
            "resume the run, it goes on from the checkpoint before"
        ) from None


def _check_finite(tensors: Mapping[str, Tensor], at: Position) -> None:
    """Raise ``Problem`` for weights, or for the optimizer's memory of gradients, that cannot be learned on from.

    A gradient that is not finite spoils them a step before any loss shows it.
    """
    for name, tensor in tensors.items():
        if name.startswith(("model.", "ema.", "optimizer.")) and not bool(torch.isfinite(tensor).all()):
            raise Problem(
                f"{name} is not finite after step {at.total} of the run: training diverged; lower the learning rate or "
                "set clip_norm to 1; the checkpoint and the weights of before are kept"
            )


def load(folder: Path, device: torch.device | str = "cpu") -> tuple[dict[str, Tensor], Position]:
    """Return what ``save`` wrote; raise ``Problem`` where there is none, or none that this version can read."""
    path = folder / NAME
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            entry = json.loads((file.metadata() or {})["position"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError:
        raise Problem(f"{folder.name} has no checkpoint to go on from: clone it and start again") from None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"{path} is not a checkpoint that can be read ({reason(error)}): start the run again") from None
    if entry.pop("version", None) != VERSION or set(entry) != {f.name for f in fields(Position)}:
        raise Problem(f"{path} was written by another version of this program: start the run again")
    entry["losses"] = tuple(entry["losses"])
    return tensors, Position(**entry)


def there_is(folder: Path) -> bool:
    """Return whether a run has a checkpoint."""
    return (folder / NAME).is_file()


def named(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under names that begin with ``prefix`` and a point."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with ``prefix`` and a point, without it."""
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return what an optimizer remembers, as tensors named by the place of their weight and their own name."""
    found: dict[str, Tensor] = {}
    for index, entry in optimizer.state_dict()["state"].items():
        for name, value in entry.items():
            if value is not None:
                found[f"{index}.{name}"] = value if isinstance(value, Tensor) else torch.tensor(value)
    return found


def give_back(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Let an optimizer remember what ``optimizer_tensors`` returned."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def fill(module: nn.Module, tensors: Mapping[str, Tensor], what: str) -> None:
    """Load weights or buffers; raise ``Problem`` where they are of another shape."""
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise Problem(f"the checkpoint does not fit the {what} ({reason(error)}): start the run again") from None
