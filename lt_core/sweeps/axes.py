"""An axis of a sweep: one setting of a run, or one hyper-parameter of its loss, and which of its values are tried."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from lt_core.params import Choice, Domain, Integer, Toggle, Value
from lt_core.problems import Invalid, Unknown

Setting: TypeAlias = dict[str, Value]
"""A value for each axis that has a say, by the name of the axis."""

NOT_SWEPT = ("seed", "epochs", "metric", "device", "select", "monitor", "tensorboard")
"""Settings that a plan states elsewhere, or that change what is measured and not what is learned."""
IMAGE_SIZE = Integer(8, 1024, help="Side of the images in pixels.")
LOG_SPAN = 1000.0
"""A declared range whose ends are this far apart, and above zero, is searched by orders of magnitude."""


@dataclass(frozen=True)
class Axis:
    """One thing that varies.

    ``name`` is a setting of ``RunConfig`` (``learning_rate``), ``loss`` (its values are keys), ``loss.NAME`` for a
    hyper-parameter that every loss of the plan has, or ``KEY.NAME`` for one that has a say where the loss is KEY.
    What is tried is ``values``, or a range: ``low`` to ``high``, by default the declared one. ``log`` spreads the
    range over orders of magnitude (None: where the declared range spans three of them); ``points`` is how many values
    of a range a grid takes.
    """

    name: str
    values: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool | None = None
    points: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object that ``from_json`` turns back; what is not said is left out."""
        given = {"low": self.low, "high": self.high, "log": self.log, "points": self.points or None}
        entry = {"name": self.name, "values": list(self.values) or None, **given}
        return {key: value for key, value in entry.items() if value is not None}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Axis:
        """Return the axis that ``as_json`` wrote; raise ``Problem`` for a key it does not know."""
        known = ["name", "values", "low", "high", "log", "points"]
        for key in entry:
            if key not in known:
                raise Unknown.of("entry of an axis", key, known)
        if not isinstance(entry.get("name"), str):
            raise Invalid('an axis needs the "name" of what it varies, for example "learning_rate"')
        return cls(**{**entry, "values": tuple(entry.get("values", ()))})

    def settled(self, domain: Domain) -> Axis:
        """Return the axis with every value checked against ``domain`` and nothing left open."""
        label = f"sweep axis {self.name}"
        if self.values:
            if (self.low, self.high) != (None, None):
                raise Invalid(f"{label}: give values, or low and high, not both")
            checked = tuple(domain.check(self.name, value) for value in self.values)
            return replace(self, values=tuple(dict.fromkeys(checked)), log=None, points=0)
        if isinstance(domain, Choice | Toggle):
            if (self.low, self.high) != (None, None):
                raise Invalid(f"{label} is one of {', '.join(map(str, domain.options))}: give values, not a range")
            return replace(self, values=domain.options, log=None, points=0)
        low = domain.check(self.name, domain.low if self.low is None else self.low)
        high = domain.check(self.name, domain.high if self.high is None else self.high)
        wide = domain.low > 0 and domain.high / domain.low >= LOG_SPAN
        log = wide if self.log is None else self.log
        if low >= high:
            raise Invalid(f"{label}: low must be below high, got {low:g} and {high:g}")
        if log and low <= 0:
            raise Invalid(f"{label}: a range by orders of magnitude must begin above 0, got low = {low:g}")
        return replace(self, low=low, high=high, log=log)

    def grid(self, domain: Domain) -> tuple[Value, ...]:
        """Return the values that a grid takes of a settled axis; raise ``Invalid`` for a range without ``points``."""
        if self.values:
            return self.values
        if self.points < 2:
            raise Invalid(f"sweep axis {self.name}: a grid needs values, or a range with points of at least 2")
        low, high = self.ends
        spread = np.geomspace(low, high, self.points) if self.log else np.linspace(low, high, self.points)
        return tuple(dict.fromkeys(_near(float(value), domain) for value in spread))

    def drawn(self, domain: Domain, rng: np.random.Generator) -> Value:
        """Return a value of a settled axis, each equally likely (each order of magnitude, where ``log``)."""
        if self.values:
            return self.values[int(rng.integers(len(self.values)))]
        low, high = self.ends
        if isinstance(domain, Integer):  # half a step more at both ends, so that they are as likely as the others
            low, high = low - 0.5, high + 0.5
        value = math.exp(rng.uniform(math.log(low), math.log(high))) if self.log else rng.uniform(low, high)
        return _near(float(np.clip(value, *self.ends)), domain)

    def place(self, value: Value) -> float:
        """Return where a value lies along a settled axis, in [0, 1]; names stand in their own order."""
        if not self.values:
            (low, high), log = self.ends, bool(self.log)
        elif all(isinstance(tried, int | float) and not isinstance(tried, bool) for tried in self.values):
            low, high, log = float(min(self.values)), float(max(self.values)), False
        else:
            return self.values.index(value) / max(1, len(self.values) - 1)
        at = float(value)
        if high == low:
            return 0.0
        return math.log(at / low) / math.log(high / low) if log else (at - low) / (high - low)

    @property
    def ends(self) -> tuple[float, float]:
        """Low and high of a settled range."""
        if self.low is None or self.high is None:
            raise Invalid(f"sweep axis {self.name} has no range")
        return self.low, self.high


def _near(value: float, domain: Domain) -> Value:
    return round(value) if isinstance(domain, Integer) else float(f"{value:.6g}")
