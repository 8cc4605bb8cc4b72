"""Find every loss: whatever file lies in ``lt_core/losses/catalogue``, and in the folder of somebody's own."""

from __future__ import annotations

import importlib
import pkgutil

from lt_core.losses import catalogue, own
from lt_core.losses.own import OwnProblem
from lt_core.losses.spec import REGISTRY, LossSpec
from lt_core.problems import Unknown


def all_losses() -> tuple[LossSpec, ...]:
    """Return every loss, multi-label ones first, each kind in order of publication.

    Own losses (see ``lt_core.losses.own``) are read again where their file has changed.
    """
    with own.LOCK:
        for module in pkgutil.iter_modules(catalogue.__path__, catalogue.__name__ + "."):
            importlib.import_module(module.name)
        own.refresh()
        return tuple(sorted(REGISTRY.values(), key=lambda spec: (spec.labels, spec.paper.year, spec.key)))


def get_loss(key: str) -> LossSpec:
    """Return the loss called ``key``; raise ``Unknown`` (a ``KeyError``), which names the known ones."""
    specs = {spec.key: spec for spec in all_losses()}
    if key not in specs:
        raise Unknown.of("loss", key, list(specs))
    return specs[key]


def own_problems() -> tuple[OwnProblem, ...]:
    """Return what is wrong with somebody's own losses, one sentence each; empty where all is well or none is wanted."""
    all_losses()
    with own.LOCK:
        return own.known_problems()
