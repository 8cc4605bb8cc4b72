"""Find every method: whatever file lies in ``lt_core/training/methods``."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from lt_core.losses import get_loss
from lt_core.problems import Problem, Unknown
from lt_core.training import methods
from lt_core.training.methods.declare import REGISTRY, MethodSpec

if TYPE_CHECKING:
    from lt_core.training.config import RunConfig


def all_methods() -> tuple[MethodSpec, ...]:
    """Return every method, in order of publication."""
    for module in pkgutil.iter_modules(methods.__path__, methods.__name__ + "."):
        importlib.import_module(module.name)
    return tuple(sorted(REGISTRY.values(), key=lambda spec: (spec.paper.year, spec.key)))


def get_method(key: str) -> MethodSpec:
    """Return the method called ``key``; raise ``Unknown`` (a ``KeyError``), which names the known ones."""
    specs = {spec.key: spec for spec in all_methods()}
    if key not in specs:
        raise Unknown.of("method", key, list(specs))
    return specs[key]


def method_of(config: RunConfig) -> MethodSpec | None:
    """Return the method of a run, None for one that has none; raise ``Problem`` where it does not fit the rest."""
    if not config.method:
        if config.method_values or config.teacher:
            named = "method_values" if config.method_values else "teacher"
            raise Problem(f"{named} is given, but no method: choose one of {', '.join(s.key for s in all_methods())}")
        return None
    spec = get_method(config.method)
    spec.checked(config.method_values)
    if why := spec.why_not(get_loss(config.loss)):
        raise Problem(why)
    if ("teacher" in spec.needs) != bool(config.teacher):
        raise Problem(
            f"{spec.key} learns from a finished run: name its folder with teacher"
            if "teacher" in spec.needs
            else f"{spec.key} has no teacher: leave teacher out"
        )
    if "teacher" in spec.needs and config.mixup:
        raise Problem(f"{spec.key} weighs the labels of one image at a time: set mixup=0")
    return spec
