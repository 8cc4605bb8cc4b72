"""Losses written out as modules, run where this library cannot be imported."""

from __future__ import annotations

import builtins
import random
from collections.abc import Mapping
from typing import Any

from torch import nn

from lt_core.losses import LossSpec
from lt_core.losses.export import as_module, class_name
from lt_core.params import Choice, Integer, Param, Real, Value
from lt_core.stats import ClassPrior

COUNTS = (600, 300, 120, 40, 3, 0)
PRIORS = {
    "counts": ClassPrior(COUNTS, 1000),
    "propensities": ClassPrior(COUNTS, 1000, propensities=(0.9, 0.8, 0.7, 0.6, 0.4, 0.3)),
}


def _import_without_ours(name: str, *args: Any, **kwargs: Any) -> Any:
    assert name.split(".")[0] != "lt_core", f"the text imports {name}"
    return builtins.__import__(name, *args, **kwargs)


def run_alone(text: str) -> dict[str, Any]:
    """Run ``text`` where lt_core cannot be imported, and return what it defines."""
    names = {"__name__": "written", "__builtins__": {**vars(builtins), "__import__": _import_without_ours}}
    exec(compile(text, "written.py", "exec", dont_inherit=True), names)
    return names


def module_of(spec: LossSpec, values: Mapping[str, Value], prior: ClassPrior, reduction: str) -> nn.Module:
    """Return the module that ``as_module`` writes, made where lt_core cannot be imported."""
    names = run_alone(as_module(spec, values, prior, reduction))
    module = names[class_name(spec)]()
    assert isinstance(module, nn.Module)
    return module


def _some_value(param: Param, rng: random.Random) -> Value:
    match param.domain:
        case Integer(low, high):
            return rng.randint(low, high)
        case Real(low, high):
            return min(round(rng.uniform(low, high), 3), high)
        case Choice(options):
            return rng.choice(options)
    return rng.random() < 0.5


def settings_of(spec: LossSpec) -> list[dict[str, Value]]:
    """Return the defaults, and two settings at random (always the same)."""
    rng = random.Random(spec.key)
    return [{}, *({param.name: _some_value(param, rng) for param in spec.params} for _ in range(2))]
