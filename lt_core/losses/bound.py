"""A loss with its hyper-parameters and class counts in place, ready to be called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from lt_core.losses.parts import State
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

    A loss with a memory takes ``state=`` (None: the start) and then returns ``(losses, next state)``; without, it
    starts afresh. A random one takes a ``generator=`` or its draw itself, by name. With neither it is the mean over the
    draws, unless its switch ``expected`` is off: then torch's own generator draws.
    """

    def __init__(
        self, spec: LossSpec, values: Mapping[str, Value], prior: ClassPrior | None, *, epoch: int = 0
    ) -> None:
        self.spec = spec
        self.values = dict(values)
        self.epoch = epoch
        self.n_classes = prior.n_classes if prior else None
        self._counts = torch.as_tensor(prior.counts) if prior else None
        self._prior = _prior_tensors(spec, prior) if prior else {}

    def __call__(self, logits: Tensor, targets: Tensor, **data: Any) -> Any:
        """Return the unreduced losses, 0 where the label is unknown; with ``state`` also the next state."""
        losses, _ = self.losses(logits, targets, **data)
        if "state" not in data or self.spec.memory is None:
            return losses
        return losses, self.remembered(data["state"], logits, targets)

    def start_state(self) -> State:
        """Return the state a memory starts with; empty where there is none."""
        if self.spec.memory is None or self._counts is None:
            return {}
        return self.spec.memory.start(self._counts)

    def losses(
        self,
        logits: Tensor,
        targets: Tensor,
        *,
        state: State | None = None,
        generator: torch.Generator | None = None,
        mean: bool = False,
        **data: object,
    ) -> tuple[Tensor, Tensor]:
        """Return the unreduced losses and, in the same shape, which of them have a known label.

        With ``mean`` only a ``generator`` draws: ``expected`` off is then the mean over the draws as well.
        """
        logits, matrix = self._uniform(logits, targets)
        data = {name: entry for name, entry in data.items() if entry is not None}
        draws = self._draws(generator, mean) and not data
        if self.spec.memory is not None:
            remembered = state or self.start_state()
            data = {k: v for k, v in remembered.items() if k in self.spec.data} | data
        known = {"known": ~matrix.isnan()}
        beside = known if "known" in self.spec.data else {}

        def body(z: Tensor, y: Tensor) -> Tensor:
            drawn = self._drawn(z, y, generator, **known) if draws else {}
            return self.body(z, y, **(beside | drawn | data))

        return masked(body, logits, matrix)

    def remembered(self, state: State | None, logits: Tensor, targets: Tensor) -> State:
        """Return the state after this batch, in the precision and on the device of ``state`` (None: the start)."""
        if self.spec.memory is None:
            return {}
        with torch.no_grad():
            logits, matrix = self._uniform(logits.detach(), targets)
            known = ~matrix.isnan()
            zeroed = torch.where(known, matrix, 0.0)
            before = state or self.start_state()
            return self.spec.memory.update(before, logits, zeroed, known.to(logits.dtype), **self.values)

    def body(self, logits: Tensor, targets: Tensor, **data: object) -> Tensor:
        """Return what the loss's own function says; ``targets`` (B, C) in {0, 1}, nothing checked, masked or drawn."""
        for name in data:
            if name not in self.spec.data:
                raise Unknown.of(f"data of {self.spec.key}", name, sorted(self.spec.data) or ["none"])
        return self.spec.function(logits, targets, **self._given(logits, data), **self.values)

    def _given(self, logits: Tensor, data: Mapping[str, object]) -> dict[str, object]:
        """Return what the function wants beside its hyper-parameters, like ``logits`` in precision and device."""
        epoch = {"epoch": self.epoch} if "epoch" in self.spec.data else {}
        entries: dict[str, object] = {**epoch, **self._prior, **data}
        return {k: v.to(logits.device, logits.dtype) if isinstance(v, Tensor) else v for k, v in entries.items()}

    def _draws(self, generator: torch.Generator | None, mean: bool) -> bool:
        """Whether to draw: where a generator is given, or ``expected`` is a switch of the loss and off."""
        if self.spec.draw is None:
            return False
        expected = self.values.get("expected")
        return (expected is False and not mean) or (generator is not None and expected is not True)

    def _drawn(self, logits: Tensor, targets: Tensor, generator: torch.Generator | None, **known: Tensor) -> State:
        """Return the random part of the loss for this batch, by name."""
        if self.spec.draw is None:
            return {}
        with torch.no_grad():
            return self.spec.draw(targets, generator, **self._given(logits, known), **self.values)

    def _uniform(self, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits in at least float32 and targets as a matrix, checked."""
        key = self.spec.key
        logits = float_logits(key, logits)
        if self.n_classes not in (None, logits.shape[1]):
            raise Invalid(f"{key} was given the counts of {self.n_classes} classes, but logits of {logits.shape[1]}")
        return logits, target_matrix(key, self.spec.labels, targets, logits)


def _prior_tensors(spec: LossSpec, prior: ClassPrior) -> dict[str, Tensor]:
    """Return the entries of the prior that ``spec`` asks for; in ``counts`` a class without example is 1."""
    entries = {
        "counts": prior.counts,
        "positives": prior.positives,
        "n_samples": np.float64(prior.n_samples),
        "propensities": prior.propensities,
    }
    return {
        name: torch.as_tensor(entry, dtype=torch.float64)
        for name, entry in entries.items()
        if name in spec.data and entry is not None
    }


class Criterion(nn.Module):
    """A bound loss with a reduction, for a training loop: ``(logits, targets) -> scalar``.

    What the loss remembers is a buffer: saved in ``state_dict``, moved by ``to``, and changed by every call in
    training mode. In evaluation mode nothing is remembered, a random loss without a generator is the mean over its
    draws, and class weights are not used: the validation loss means the same in every epoch.
    """

    def __init__(self, bound: BoundLoss, reduction: str = "authors") -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise Unknown.of("reduction", reduction, list(REDUCTIONS))
        self.bound = bound
        self.reduction = reduction
        self._remembers = tuple(bound.start_state())
        for name, entry in bound.start_state().items():
            self.register_buffer(name, entry)
        self.register_buffer("_class_weights", None, persistent=False)  # the schedule's, told anew after a resume

    @property
    def state(self) -> State:
        """What the loss remembers, by name; empty where it remembers nothing."""
        return {name: self.get_buffer(name) for name in self._remembers}

    def forward(self, logits: Tensor, targets: Tensor, **data: Any) -> Any:
        """Return the reduced loss; ``data`` is what the loss wants beside targets (a drop matrix, a generator).

        With ``state=`` the result is ``(loss, next state)`` and what the criterion remembers stays as it is.
        """
        told = "state" in data
        given = data.get("state")
        if self._remembers and not told:
            data["state"] = {name: entry.clone() for name, entry in self.state.items()}
        losses, known = self.bound.losses(logits, targets, mean=not self.training, **data)
        loss = self.reduce(losses, known, targets)
        if not self._remembers:
            return loss
        if told:
            return loss, self.bound.remembered(given, logits, targets)
        if self.training:
            for name, entry in self.bound.remembered(data["state"], logits, targets).items():
                self.get_buffer(name).copy_(entry)
        return loss

    def reduce(self, losses: Tensor, known: Tensor, targets: Tensor, *, weighted: bool = False) -> Tensor:
        """Return unreduced ``losses`` weighted by class, unless they are ``weighted`` already, and reduced as told."""
        weights = self.class_weights
        if weights is None:
            return reduced(losses, known, self.reduces_by)
        weights = weights.to(losses)
        amounts = None if losses.ndim == 2 else weights[targets.clamp(min=0).long()]
        if not weighted:
            losses = losses * (weights if amounts is None else amounts)
        return reduced(losses, known, self.reduces_by, amounts=amounts)

    @property
    def reduces_by(self) -> str:
        """The reduction in force: the authors' own by name, or another."""
        return self.bound.spec.authors_reduction if self.reduction == "authors" else self.reduction

    @property
    def logit_scale(self) -> float:
        """The loss's own factor s of logits (LDAM, LMF's margin part), else 1: probabilities are the link of s z."""
        return float(self.bound.values.get("scale", 1.0))

    @property
    def class_weights(self) -> Tensor | None:
        """The weights (C,) in force now; None without any, and in evaluation mode."""
        weights: Tensor | None = self._class_weights
        return weights if self.training else None

    def set_class_weights(self, weights: Tensor | None) -> None:
        """Weigh the classes in training from now on; None: no longer, to the bit as if never done.

        A loss of cells is multiplied cell by cell, (b, c) by w_c, positives and negatives alike, and reduced as before:
        a choice, the one of work on long-tailed chest radiographs. Of a single-label loss row b is multiplied by the
        weight of its class, and the mean is the weighted mean, as in ``torch.nn.CrossEntropyLoss(weight=...)``. What a
        loss weighs on its own account is multiplied on top, and what it remembers is of the unweighted batch.
        Raises ``Invalid`` for a loss that has neither, and for weights that are no (C,) numbers of at least 0.
        """
        if weights is None:
            self._class_weights = None
            return
        spec, n_classes = self.bound.spec, self.bound.n_classes
        if not spec.takes_class_weights:
            unit = "the whole batch" if spec.gives == "scalar" else "all labels of an image"
            raise Invalid(f"{spec.key} is one number for {unit}: its classes cannot be weighted, use stages=one or drs")
        if weights.ndim != 1 or n_classes not in (None, len(weights)):
            wanted = f"({n_classes or 'C'},)"
            raise Invalid(f"{spec.key}: class weights must have the shape {wanted}, got {tuple(weights.shape)}")
        if not bool((torch.isfinite(weights) & (weights >= 0)).all()):
            raise Invalid(f"{spec.key}: class weights must be numbers of at least 0, got {weights.tolist()}")
        self._class_weights = weights.detach().clone()

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch it is, from 0; only losses that change with the epoch listen."""
        self.bound.epoch = epoch

    def extra_repr(self) -> str:
        """Return the loss, its values and the reduction."""
        settings = ", ".join(f"{name}={value}" for name, value in self.bound.values.items())
        return f"{self.bound.spec.key}, {settings}{', ' if settings else ''}reduction={self.reduction}"
