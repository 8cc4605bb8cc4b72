"""What is to be written: a loss, its values, its class counts, its reduction."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

from lt_core.losses.spec import PRIOR_DATA, LossSpec
from lt_core.params import Value
from lt_core.stats.prior import ClassPrior


@dataclass(frozen=True, eq=False)
class Wanted:
    """What is to be written: a loss, its values, its class counts, its reduction, the names of its functions."""

    spec: LossSpec
    name: str
    values: Mapping[str, Value]
    types: Mapping[str, str]
    prior: ClassPrior | None
    reduction: str
    functions: Mapping[str, str]

    @property
    def remembers(self) -> tuple[str, ...]:
        """The entries of the memory."""
        if self.spec.memory is None or self.prior is None:
            return ()
        return tuple(self.spec.bind(self.prior).start_state())

    @property
    def gives_propensities(self) -> bool:
        """Whether propensities are asked for and given."""
        return "propensities" in self.spec.data and self.prior is not None and self.prior.propensities is not None

    @property
    def extras(self) -> tuple[str, ...]:
        """Data that only the caller has: the draw of a random loss, by name."""
        known = {*PRIOR_DATA, "epoch", "known", *self.remembers}
        names = inspect.signature(self.spec.function).parameters
        return tuple(name for name in names if name in self.spec.data - known)

    @property
    def optional(self) -> tuple[str, ...]:
        """Those of ``extras`` that may be left out."""
        declared = inspect.signature(self.spec.function).parameters
        return tuple(name for name in self.extras if declared[name].default is None)

    @property
    def noun(self) -> str:
        """What the function returns, in a word."""
        return {"cells": "cells", "rows": "rows", "scalar": "loss"}[self.spec.gives]

    @property
    def draws(self) -> str:
        """The condition under which the draw is made; empty where it never is."""
        if self.spec.draw is None:
            return ""
        if "expected" not in self.values:
            return "generator is not None"
        return 'not self.settings["expected"] and (self.training or generator is not None)'

    @property
    def reduction_text(self) -> str:
        """The reduction in words."""
        unit = {"cells": "known cells", "rows": "images with a known label"}.get(self.spec.gives, "")
        if self.spec.gives == "scalar":
            return "one number for the whole batch"
        each = {"cells": "cell", "rows": "image"}[self.spec.gives]
        return {
            "mean": f"mean over the {unit}",
            "sum": f"sum over the {unit}",
            "batch": f"sum over the {unit}, divided by the images with a known label",
            "none": f"none, one loss for each {each}",
        }[self.reduction]
