"""Keep part of a backbone as it is: which parameters, and what that means for batch normalisation."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, TypeAlias

from torch import nn

from lt_core.models.heads import classifier_of
from lt_core.problems import Problem, Unknown

Freeze: TypeAlias = Literal["none", "half", "backbone"]
FREEZES = ("none", "half", "backbone")


def depths(model: nn.Module) -> tuple[tuple[str, ...], ...]:
    """Return the names of the backbone's parameters in layers, from the images up; the classifier is left out.

    The layers are timm's own (``group_matcher``, made for layer-wise learning rates): the stem, then each block, then
    what stands between the last block and the classifier. Raises ``Problem`` for a model that does not declare them.
    """
    from timm.models import group_parameters

    matcher: Any = getattr(model, "group_matcher", None)
    if matcher is None:
        raise Problem(f"{type(model).__name__} does not say how deep its layers are: choose freeze=none or backbone")
    heads = _head_names(model)
    layers = group_parameters(model, matcher(coarse=False))
    kept = (tuple(name for name in layers[depth] if name not in heads) for depth in sorted(layers))
    return tuple(layer for layer in kept if layer)


def freeze(model: nn.Module, how: Freeze) -> tuple[str, ...]:
    """Let the first part of ``model`` learn nothing and return the names of those parameters; the rest learns.

    ``half`` freezes the first half of the layers of ``depths``, rounded down but at least one; ``backbone`` everything
    but the classifier; ``none`` nothing. Afterwards use ``set_training`` in place of ``model.train()``.
    """
    if how not in FREEZES:
        raise Unknown.of("way to freeze", how, list(FREEZES))
    names: set[str] = set()
    if how == "backbone":
        names = {name for name, _ in model.named_parameters()} - _head_names(model)
    elif how == "half":
        layers = depths(model)
        names = {name for layer in layers[: max(1, len(layers) // 2)] for name in layer}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in names)
    return tuple(name for name, _ in model.named_parameters() if name in names)


def set_training(model: nn.Module, frozen: Collection[str]) -> None:
    """Put ``model`` into training mode, but for the normalisations that are ``frozen``: they keep their statistics.

    ``model.train()`` would let a frozen batch normalisation go on averaging the new images, and the frozen layers
    would drift after all. ``frozen`` is what ``freeze`` returned; also for a model that ``torch.compile`` wraps.
    """
    model.train()
    inner = getattr(model, "_orig_mod", model)
    fixed = set(frozen)
    modules = {name: module for name, module in inner.named_modules() if hasattr(module, "running_mean")}
    for name, module in modules.items():
        own = {f"{name}.{part}" for part, _ in module.named_parameters()}
        if own and own <= fixed:
            module.eval()


def _head_names(model: nn.Module) -> set[str]:
    return {f"{name}.{part}" for name, head in classifier_of(model) for part, _ in head.named_parameters()}
