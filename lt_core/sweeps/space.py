"""The space that a plan searches: settled axes, the values they may have, and the config of each of its points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from lt_core.params import Choice, Domain, Value
from lt_core.problems import Invalid, Unknown
from lt_core.sweeps.axes import IMAGE_SIZE, NOT_SWEPT, Axis, Setting
from lt_core.training.config import SETTINGS, RunConfig


def domain_of(name: str, losses: tuple[str, ...]) -> Domain:
    """Return what the values of an axis may be, as declared; raise ``Problem`` for a name that nothing declares.

    ``losses`` are the keys that the plan trains with.
    """
    from lt_core.losses.registry import all_losses, get_loss

    if name == "loss":
        return Choice(tuple(spec.key for spec in all_losses()))
    if name == "image_size":
        return IMAGE_SIZE
    owner, dot, knob = name.partition(".")
    if not dot:
        known = [param.name for param in SETTINGS if param.name not in NOT_SWEPT]
        for param in SETTINGS:
            if param.name == name and name in known:
                return param.domain
        raise Unknown.of("axis", name, [*known, "loss", "model", "image_size", "loss.NAME"])
    if owner != "loss" and owner not in losses:
        raise Invalid(f"sweep axis {name}: the plan does not train with a loss {owner}, but with {', '.join(losses)}")
    for key in losses if owner == "loss" else (owner,):
        params = {param.name: param.domain for param in get_loss(key).params}
        if knob not in params:
            raise Unknown.of(f"parameter of {key}", knob, list(params) or ["none"])
    return params[knob]


def active(name: str, loss: str) -> bool:
    """Whether an axis has a say where the loss is ``loss``."""
    owner, dot, _ = name.partition(".")
    return not dot or owner in ("loss", loss)


def applied(base: RunConfig, setting: Mapping[str, Value]) -> RunConfig:
    """Return ``base`` with the values of ``setting``, every one checked as in any other run.

    Another loss than the base's starts from its own defaults: hyper-parameters of the base are of the base's loss.
    """
    loss = str(setting.get("loss", base.loss))
    values = dict(base.loss_values) if loss == base.loss else {}
    changed: dict[str, Any] = {}
    for name, value in setting.items():
        if "." in name:
            values[name.partition(".")[2]] = value
        elif name != "loss":
            changed[name] = value
    return base.with_loss(loss, values, **changed)


@dataclass(frozen=True)
class Space:
    """The settled axes of a plan with their declared domains, and the losses it trains with."""

    base: RunConfig
    axes: tuple[Axis, ...]
    domains: tuple[Domain, ...]

    @classmethod
    def of(cls, base: RunConfig, axes: tuple[Axis, ...]) -> Space:
        """Return the space; raise ``Problem`` for an axis or a value that nothing declares."""
        names = [axis.name for axis in axes]
        if len(set(names)) < len(names):
            raise Invalid(f"the axes of a sweep must differ, got {', '.join(names)}")
        losses: tuple[str, ...] = (base.loss,)
        for axis in axes:
            if axis.name == "loss":
                losses = tuple(str(key) for key in axis.settled(domain_of("loss", ())).values)
        domains = tuple(_models(axis) if axis.name == "model" else domain_of(axis.name, losses) for axis in axes)
        settled = tuple(axis.settled(domain) for axis, domain in zip(axes, domains, strict=True))
        return cls(base, settled, domains)

    def domain(self, name: str) -> Domain:
        """Return what the values of the axis ``name`` may be."""
        return next(domain for axis, domain in zip(self.axes, self.domains, strict=True) if axis.name == name)

    def loss_of(self, setting: Mapping[str, Value]) -> str:
        """Return the key of the loss under ``setting``."""
        return str(setting.get("loss", self.base.loss))

    def told(self, setting: Mapping[str, Value]) -> Setting:
        """Return ``setting`` without the values that have no say under its loss."""
        loss = self.loss_of(setting)
        return {name: value for name, value in setting.items() if active(name, loss)}

    def grid(self, rng: np.random.Generator) -> list[Setting]:
        """Return every point of the grid once, in an order drawn from ``rng``."""
        columns = [axis.grid(domain) for axis, domain in zip(self.axes, self.domains, strict=True)]
        names = [axis.name for axis in self.axes]
        points = {tuple(self.told(dict(zip(names, row, strict=True))).items()): None for row in product(*columns)}
        found = [dict(point) for point in points]
        return [found[i] for i in rng.permutation(len(found))]

    def drawn(self, rng: np.random.Generator) -> Setting:
        """Return one point at random, every axis by itself."""
        pairs = zip(self.axes, self.domains, strict=True)
        return self.told({axis.name: axis.drawn(domain, rng) for axis, domain in pairs})


def _models(axis: Axis) -> Choice:
    """Return the backbones that an axis names; raise ``Problem`` for one that timm does not have."""
    from lt_core.models import check_name

    if not axis.values:
        raise Invalid("sweep axis model: give the names of backbones as values")
    for value in axis.values:
        check_name(str(value))
    return Choice(tuple(str(value) for value in axis.values))
