"""Which losses contain which, and by how much the two sides differ: computed now, not remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from lt_core.losses.parts import ReducesTo
from lt_core.losses.registry import all_losses, get_loss
from lt_core.losses.spec import LossSpec
from lt_core.losses.stable import inverse_fourth_root, weighted_rows
from lt_core.params import Choice, Domain, Integer, Param, Real, Value
from lt_core.stats.prior import ClassPrior

TOLERANCE = 1e-10
"""Two sides are equal if they differ by at most this, relative to 1 + their own size."""
LIMIT = 20.0
MOST_CLASSES = 12
"""A check needs head and tail, not a thousand classes; some losses are of size classes squared."""

Values: TypeAlias = Mapping[str, Value]
Entry: TypeAlias = tuple[str, dict[str, Value]]
"""A loss and the values it is drawn with."""


@dataclass(frozen=True)
class Identity:
    """``left`` with the values ``at`` is ``right`` with the values ``to``, times a factor where there is one.

    ``said`` names the right side if it is not the bare loss. ``factor(losses, targets (B, C), counts (C,), values)``
    returns the right side from the losses of ``right``; ``values`` are those of the left. ``given`` changes the class
    counts for both sides. ``only`` limits the comparison to cells with this target.
    """

    left: str
    right: str
    at: Values = field(default_factory=dict)
    to: Values = field(default_factory=dict)
    said: str = ""
    condition: str = ""
    factor: Callable[[Tensor, Tensor, Tensor, Values], Tensor] | None = None
    given: Callable[[ClassPrior], ClassPrior] | None = None
    only: int | None = None

    @property
    def where(self) -> str:
        """What has to be so for the two sides to be equal, in words."""
        said = [condition for condition in (worded(self.at), self.condition) if condition]
        return "; ".join(said) or "always"

    def settings(self, *, moved: bool = False) -> tuple[dict[str, Value], dict[str, Value]]:
        """Return all values of both sides: free knobs at the left's defaults, or all ``moved`` away from them.

        A knob both losses have under one name, and that neither side fixes, has the same value on both.
        """
        here, there = get_loss(self.left), {param.name: param for param in get_loss(self.right).params}
        left, right = dict(self.at), dict(self.to)
        for param in here.params:
            name, others = param.name, there.get(param.name)
            if name not in left:
                left[name] = _moved(param, others.domain if others else None) if moved else param.default
            if others is not None and name not in right:
                right[name] = left[name]
        return left, right


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """How far two sides are apart: largest absolute differences, and the ``logit`` and ``y`` where the gap is widest.

    ``holds`` says whether all differences are within ``TOLERANCE`` of 1 + the right side's size.
    """

    value_difference: float
    gradient_difference: float
    logit: float
    y: int
    holds: bool

    @property
    def text(self) -> str:
        """The result in one sentence."""
        worst = max(self.value_difference, self.gradient_difference)
        if worst == 0:
            return "Equal to the last bit, value and gradient."
        said = f"they differ by at most {worst:.1e}, at z = {self.logit:.1f} where y = {self.y}."
        return f"Equal but for rounding: {said}" if self.holds else f"Not equal: {said}"


def _weighted_ldam(rows: Tensor, targets: Tensor, counts: Tensor, values: Values) -> Tensor:
    """Return alpha times the mean of LDAM weighted by the margins (Sadi et al., 2022, first term)."""
    weights = (targets * inverse_fourth_root(counts)).sum(dim=1)
    return float(values["alpha"]) * weighted_rows(rows, weights, targets)


def _weighted_focal(rows: Tensor, targets: Tensor, counts: Tensor, values: Values) -> Tensor:
    """Return beta times focal loss times the margin of the right class (Sadi et al., 2022, second term)."""
    margins = float(values["max_margin"]) * inverse_fourth_root(counts)
    return float(values["beta"]) * (targets * margins).sum(dim=1) * rows


def _all_written_down(prior: ClassPrior) -> ClassPrior:
    """Return the same counts, with every true label written down."""
    return ClassPrior(prior.positives, prior.n_samples, np.ones(prior.n_classes), prior.class_names)


BESIDE: tuple[Identity, ...] = (
    Identity("lmf", "ldam", at={"beta": 0.0}, said="α × LDAM, weighted by the margins", factor=_weighted_ldam),
    Identity("lmf", "focal_ce", at={"alpha": 0.0}, said="β × focal loss, weighted by the margins",
             factor=_weighted_focal),
    Identity("unbiased_bce", "bce", at={"estimator": "unbiased"}, condition="every propensity 1",
             given=_all_written_down),
    Identity("hill", "bce", at={"margin": 0.0, "gamma": 0.0}, said="positives of BCE", condition="positives only",
             only=1),
)  # fmt: skip
"""Identities that knobs alone cannot declare."""


def worded(values: Values) -> str:
    """Return values in words: "gamma = 0, use_alpha off"."""
    return ", ".join(_worded(name, value) for name, value in values.items())


def _worded(name: str, value: Value) -> str:
    if isinstance(value, bool):
        return f"{name} {'on' if value else 'off'}"
    return f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"


def of_declaration(spec: LossSpec, declared: ReducesTo) -> Identity:
    """Return the identity that ``spec`` declares."""
    return Identity(spec.key, declared.key, declared.at, declared.to)


def identities_of(specs: Sequence[LossSpec]) -> list[Identity]:
    """Return every identity whose left side is among ``specs`` and whose right side is registered."""
    known = {spec.key for spec in all_losses()}
    found = [of_declaration(spec, declared) for spec in specs for declared in spec.reduces_to]
    found += [identity for spec in specs for identity in BESIDE if identity.left == spec.key]
    return [identity for identity in found if identity.right in known]


def check(
    spec: LossSpec, identity: Identity | ReducesTo, *, prior: ClassPrior | None = None, points: int = 401
) -> IdentityCheck:
    """Return how far ``spec`` and the other side are apart, in value and gradient by autograd, float64.

    One logit runs over -20..20 in ``points`` steps, for a frequent and a rare class, y = 1 and y = 0, the others
    are random; knobs the identity leaves free are tried at two places. ``prior`` counts the classes; by default six.
    """
    if isinstance(identity, ReducesTo):
        identity = of_declaration(spec, identity)
    prior = _fewer(prior or ClassPrior((600, 300, 120, 40, 12, 3), 1000))
    prior = identity.given(prior) if identity.given else prior
    logits, targets, running, y = _batch(prior, points, single=spec.labels == "single")
    gaps, slopes, sizes = [], [], []
    for moved in (False, True):
        left, right = identity.settings(moved=moved)
        here = _losses(spec, left, prior, logits, targets)
        there = _losses(get_loss(identity.right), right, prior, logits, targets)
        if identity.factor is not None:
            there = identity.factor(there, targets, torch.as_tensor(prior.counts), left)
        value, gradient, size = _gap(here, there, logits, targets, identity.only)
        gaps.append(value)
        slopes.append(gradient)
        sizes.append(size)
    value, gradient, size = (torch.stack(parts).amax(dim=0) for parts in (gaps, slopes, sizes))
    worst = int(torch.maximum(value, gradient).argmax())
    return IdentityCheck(
        float(value.max()),
        float(gradient.max()),
        float(running[worst]),
        int(y[worst]),
        bool((torch.maximum(value, gradient) <= TOLERANCE * (1 + size)).all()),
    )


def _moved(param: Param, other: Domain | None) -> Value:
    """Return a value of ``param`` off its default and its ends, within ``other`` too where it is narrower."""
    match param.domain:
        case Real(low, high):
            if isinstance(other, Real):
                low, high = max(low, other.low), min(high, other.high)
            near, far = 0.6 * low + 0.4 * high, 0.3 * low + 0.7 * high
            return far if abs(near - float(param.default)) < abs(far - float(param.default)) else near
        case Integer(low, high):
            return low + 1 if param.default == low else low
        case Choice(options):
            return options[-1] if param.default == options[0] else options[0]
    return not param.default


def _fewer(prior: ClassPrior) -> ClassPrior:
    """Return at most ``MOST_CLASSES`` of the classes, from the most frequent to the rarest."""
    order = np.argsort(-prior.positives, kind="stable")
    kept = order[np.unique(np.linspace(0, len(order) - 1, min(MOST_CLASSES, len(order))).round().astype(int))]
    rho = None if prior.propensities is None else prior.propensities[kept]
    return ClassPrior(prior.positives[kept], prior.n_samples, rho)


def _batch(prior: ClassPrior, points: int, *, single: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return logits (B, C), targets (B, C), and per row the running logit and its y; first and last class run."""
    n_classes = prior.n_classes
    generator = torch.Generator().manual_seed(0)
    grid = torch.linspace(-LIMIT, LIMIT, points, dtype=torch.float64)
    classes = sorted({0, n_classes - 1})
    column = torch.tensor(classes).repeat_interleave(2 * points)
    y = torch.tensor([1, 0]).repeat_interleave(points).repeat(len(classes))
    rows = torch.arange(len(column))
    logits = 2 * torch.randn(len(column), n_classes, generator=generator, dtype=torch.float64)
    logits[rows, column] = grid.repeat(2 * len(classes))
    if single:
        right = torch.where(y == 1, column, (column + 1) % n_classes)
        targets = torch.nn.functional.one_hot(right, n_classes).double()
    else:
        targets = (torch.rand(len(column), n_classes, generator=generator) < 0.3).double()
        targets[rows, column] = y.double()
    return logits.requires_grad_(), targets, logits.detach()[rows, column], y


def _losses(spec: LossSpec, values: Values, prior: ClassPrior, logits: Tensor, targets: Tensor) -> Tensor:
    given = targets.argmax(dim=1) if spec.labels == "single" else targets
    settings: dict[str, Any] = dict(values)
    return spec.bind(prior, **settings).losses(logits, given, mean=True)[0]


def _gap(
    here: Tensor, there: Tensor, logits: Tensor, targets: Tensor, only: int | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return (B,) each: the largest difference in value and in gradient, and the size it is measured against."""
    counted = torch.ones_like(targets) if only is None else (targets == only).double()
    slopes = [torch.autograd.grad(side.sum(), logits, retain_graph=True)[0] * counted for side in (here, there)]
    if here.shape != there.shape:
        fewest = min(here.ndim, there.ndim)
        here, there = (side.sum(dim=tuple(range(fewest, side.ndim))) if side.ndim > fewest else side
                       for side in (here, there))  # fmt: skip
    if here.ndim == 2:
        here, there = (here * counted), (there * counted)
    value, size = (here - there).detach().abs(), there.detach().abs()
    if value.ndim == 2:
        value, size = value.amax(dim=1), size.amax(dim=1)
    gradient = (slopes[0] - slopes[1]).abs().amax(dim=1)
    size = torch.maximum(size.expand(len(logits)), slopes[1].abs().amax(dim=1))
    return value.expand(len(logits)), gradient, size
