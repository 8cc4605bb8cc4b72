"""The gradient each class receives, summed while a run goes on: what pulls its logit up and what pushes it down."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TypedDict

import torch
from torch import Tensor

from lt_core.problems import Problem
from lt_core.training.softening import label_matrix


class ClassGradients(TypedDict):
    """What the classes received, (C,) each, as JSON holds it; ``ratio`` None (not defined) where nothing pushed."""

    pull: list[float]
    push: list[float]
    ratio: list[float | None]


class GradientMonitor:
    """Sums of |d loss / d logit| over the images seen: ``pull`` where the label is there, ``push`` where it is not.

    The statistic of the equalization loss v2 (Tan et al., 2021, Sec. 3.2), for any loss and of the whole reduced loss:
    with the reduction ``sum`` it is that loss's own memory. A label in between, as of mixed images, counts in part for
    each, an unknown one for neither. Nothing is copied from the device before ``taken``.
    """

    def __init__(self, n_classes: int, device: torch.device | str = "cpu") -> None:
        device = torch.device(device)
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self._sums = torch.zeros(2, n_classes, device=device, dtype=dtype)

    def watch(self, logits: Tensor, targets: Tensor, *, scale: Tensor | float = 1.0) -> None:
        """Look at what flows back into ``logits`` (B, C) in the next backward pass; see ``add``."""
        look = partial(self.add, targets=targets, scale=scale)
        logits.register_hook(look)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def add(self, gradient: Tensor, targets: Tensor, *, scale: Tensor | float = 1.0) -> None:
        """Count the ``gradient`` (B, C) of a batch with ``targets``: (B, C) in [0, 1] or NaN, or class indices (B,).

        ``scale`` is what the loss was multiplied by (a gradient scaler's, for float16), as a number or a tensor on the
        device. A gradient that is not finite everywhere is left out, as the scaler leaves out that step.
        """
        labels = label_matrix(targets, gradient.shape[1]).to(gradient.device, torch.float32)
        force = gradient.float().abs()
        if isinstance(scale, Tensor) or scale != 1.0:
            force = force / scale
        force = torch.where(torch.isfinite(force).all(), force, 0.0)
        both = torch.stack((labels, 1 - labels))
        self._sums += torch.where(both.isnan(), 0.0, both * force).sum(dim=1)

    def taken(self) -> ClassGradients:
        """Return what was received since the last time, and begin anew; this waits for the device, once."""
        pull, push = self._sums.tolist()
        self._sums.zero_()
        ratio = [up / down if down > 0 else None for up, down in zip(pull, push, strict=True)]
        return {"pull": pull, "push": push, "ratio": [r if r is None or math.isfinite(r) else None for r in ratio]}

    def state(self) -> dict[str, Tensor]:
        """Return the sums so far, for a checkpoint in the middle of an epoch."""
        return {"sums": self._sums.clone()}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what ``state`` returned; raise ``Problem`` where it is of other classes."""
        sums = tensors.get("sums")
        if sums is None or sums.shape != self._sums.shape:
            raise Problem("the gradient sums are those of another number of classes: start the epoch anew")
        self._sums.copy_(sums)
