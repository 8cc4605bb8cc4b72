"""What a gradient scaler (float16) remembers: in a checkpoint, and after a step that has to be made again."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def scaler_tensors(scaler: torch.amp.GradScaler) -> dict[str, Tensor]:
    """Return all that ``scaler`` remembers as float64 scalars: the factor, and the steps since it was last changed."""
    return {name: torch.tensor(float(value), dtype=torch.float64) for name, value in scaler.state_dict().items()}


def give_scaler(scaler: torch.amp.GradScaler, tensors: Mapping[str, Tensor], scale: float | None) -> None:
    """Let ``scaler`` remember what ``scaler_tensors`` returned; the factor alone for a checkpoint without them."""
    own = scaler.state_dict()
    found = {name: tensors[name].item() for name in own if name in tensors}
    if not found and scale:
        found = {"scale": scale}
    scaler.load_state_dict({name: type(value)(found.get(name, value)) for name, value in own.items()})


def step_forgotten(scaler: torch.amp.GradScaler, device: torch.device) -> None:
    """Let ``scaler`` forget the step under way, which is made again; factor and count stay as they are."""
    scaler.scale(torch.zeros((), device=device))  # one that has never scaled anything has nothing to update
    scaler.update(new_scale=scaler.get_scale())
