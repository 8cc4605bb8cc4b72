"""A loss with its hyper-parameters and class counts in place, ready to be called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from lt_core.losses.reduce import REDUCTIONS, float_logits, masked, reduced, target_matrix
from lt_core.params import Value
from lt_core.problems import Invalid, Unknown
from lt_core.stats.prior import ClassPrior

if TYPE_CHECKING:
    from lt_core.losses.spec import LossSpec


class BoundLoss:
    """``(logits (B, C), targets) -> losses``: cells (B, C), rows (B,) or a scalar, whichever the loss has.

    The result is float64 for float64 logits and float32 otherwise: half precision is computed in float32, also under
    autocast, and not rounded back. The class counts are kept in float64 on the CPU and follow the logits.
    """

    def __init__(
        self, spec: LossSpec, values: Mapping[str, Value], prior: ClassPrior | None, *, epoch: int = 0
    ) -> None:
        self.spec = spec
        self.values = dict(values)
        self.epoch = epoch
        self.n_classes = prior.n_classes if prior else None
        self._prior = _prior_tensors(spec, prior) if prior else {}

    def __call__(self, logits: Tensor, targets: Tensor, **data: object) -> Tensor:
        """Return the unreduced losses, 0 where the label is unknown."""
        return self.losses(logits, targets, **data)[0]

    def losses(self, logits: Tensor, targets: Tensor, **data: object) -> tuple[Tensor, Tensor]:
        """Return the unreduced losses and, in the same shape, which of them have a known label."""
        key = self.spec.key
        logits = float_logits(key, logits)
        if self.n_classes not in (None, logits.shape[1]):
            raise Invalid(f"{key} was given the counts of {self.n_classes} classes, but logits of {logits.shape[1]}")
        matrix = target_matrix(key, self.spec.labels, targets, logits)
        return masked(lambda z, y: self.body(z, y, **data), logits, matrix)

    def body(self, logits: Tensor, targets: Tensor, **data: object) -> Tensor:
        """Return what the loss's own function says; ``targets`` (B, C) in {0, 1}, nothing checked or masked."""
        for name in data:
            if name not in self.spec.data:
                raise Unknown.of(f"data of {self.spec.key}", name, sorted(self.spec.data) or ["none"])
        given = {name: entry.to(logits.device, logits.dtype) for name, entry in self._prior.items()}
        if "epoch" in self.spec.data:
            data = {"epoch": self.epoch, **data}
        return self.spec.function(logits, targets, **given, **data, **self.values)


def _prior_tensors(spec: LossSpec, prior: ClassPrior) -> dict[str, Tensor]:
    """Return the entries of the prior that ``spec`` asks for; a class without example counts as 1."""
    entries = {"counts": prior.counts, "n_samples": np.float64(prior.n_samples), "propensities": prior.propensities}
    return {
        name: torch.as_tensor(entry, dtype=torch.float64)
        for name, entry in entries.items()
        if name in spec.data and entry is not None
    }


class Criterion(nn.Module):
    """A bound loss with a reduction, for a training loop: ``(logits, targets) -> scalar``."""

    def __init__(self, bound: BoundLoss, reduction: str = "authors") -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise Unknown.of("reduction", reduction, list(REDUCTIONS))
        self.bound = bound
        self.reduction = reduction

    def forward(self, logits: Tensor, targets: Tensor, **data: object) -> Tensor:
        """Return the reduced loss; ``data`` is what the loss wants beside targets (a drop matrix, say)."""
        losses, known = self.bound.losses(logits, targets, **data)
        authors = self.bound.spec.authors_reduction
        return reduced(losses, known, authors if self.reduction == "authors" else self.reduction)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch it is, from 0; only losses that change with the epoch listen."""
        self.bound.epoch = epoch

    def extra_repr(self) -> str:
        """Return the loss, its values and the reduction."""
        settings = ", ".join(f"{name}={value}" for name, value in self.bound.values.items())
        return f"{self.bound.spec.key}, {settings}{', ' if settings else ''}reduction={self.reduction}"
