"""What a loss was trained with by those who proposed it, beside what a run is set to."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lt_core.losses import LossSpec, get_loss
from lt_core.params import Value
from lt_core.training.config import RunConfig


@dataclass(frozen=True, slots=True)
class Advice:
    """One setting of a run, or hyper-parameter of its loss: what is suggested, and what it is now.

    ``source`` says where the suggestion is from; ``ours`` marks what is our own and no authors' practice.
    """

    setting: str
    suggested: Value
    yours: Value
    why: str
    source: str
    deviates: bool
    ours: bool = False


def advice(config: RunConfig) -> tuple[Advice, ...]:
    """Return what is known of how the loss of ``config`` was trained, setting by setting, the authors' own first."""
    spec = get_loss(config.loss)
    found = [
        _beside(config, spec, name, value, recipe.why, recipe.source, recipe.ours)
        for recipe in sorted(spec.trained_with, key=lambda recipe: recipe.ours)
        for name, value in recipe.settings.items()
    ]
    why = f"The authors' reduction is the {spec.reduction_text}; a learning rate goes with one reduction only."
    return (*found, _beside(config, spec, "reduction", "authors", why, str(spec.paper), ours=False))


def _beside(
    config: RunConfig, spec: LossSpec, name: str, suggested: Value, why: str, source: str, ours: bool
) -> Advice:
    own = name in spec.defaults
    yours: Value = config.loss_values.get(name, spec.defaults[name]) if own else getattr(config, name)
    return Advice(name, suggested, yours, why, source, not _same(yours, suggested), ours)


def _same(a: Value, b: Value) -> bool:
    if isinstance(a, float | int) and isinstance(b, float | int):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12)
    return a == b
