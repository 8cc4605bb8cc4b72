"""Which layer a map is read from: deep enough to know findings, fine enough to say where they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lt_core.explain.borrowing import borrowed
from lt_core.problems import Problem, Unknown

FINEST = 7
"""Smallest height and width a feature map must have to be read as a place: 7x7, as in the Grad-CAM paper at 224 px."""

NOT_CONVOLUTIONAL = (
    "Grad-CAM needs feature maps with places, and {name} has none that it could read: "
    "Grad-CAM for transformers comes later, choose a convolutional backbone such as resnet18"
)


class Layer(NamedTuple):
    """A layer that yields (channels, height, width) features for the image size it was probed with."""

    name: str
    channels: int
    height: int
    width: int


def target_layers(model: nn.Module, image_shape: tuple[int, int, int]) -> tuple[Layer, ...]:
    """Return the layers a map of a (C, H, W) image can be read from, shallow to deep.

    A timm model's own stages (``feature_info``) without its stem; any other network's leaf modules. Found by running a
    blank image through the model. Raises ``Problem`` for models without (B, C, H, W) features, such as transformers.
    """
    declared = list(_stages(model))
    modules = dict(model.named_modules())
    names = [name for name, _ in declared if name in modules]
    if not declared:
        names = [name for name, module in modules.items() if name and not list(module.children())]
    shapes = _probed(model, [(name, modules[name]) for name in names], image_shape)
    channels = dict(declared)
    found = [
        Layer(name, shape[1], shape[2], shape[3])
        for name, shape in shapes
        # (B, H, W, C) and (B, tokens, C) are not maps; neither is a 1x1 map after pooling
        if len(shape) == 4 and channels.get(name, shape[1]) == shape[1] and shape[2] * shape[3] > 1
    ]
    if not found:
        raise Problem(NOT_CONVOLUTIONAL.format(name=type(model).__name__))
    return tuple(found[1:] if declared and len(found) > 2 else found)


def choose_layer(layers: tuple[Layer, ...], name: str | None = None) -> Layer:
    """Return the layer called ``name``, or by default the deepest one whose map is at least 7x7.

    Where no map is that fine, the largest is taken, the deepest of equals.
    """
    if name is not None:
        by_name = {layer.name: layer for layer in layers}
        if name not in by_name:
            raise Unknown.of("layer", name, list(by_name))
        return by_name[name]
    fine = [layer for layer in layers if min(layer.height, layer.width) >= FINEST]
    return fine[-1] if fine else max(reversed(layers), key=lambda layer: layer.height * layer.width)


def _stages(model: nn.Module) -> Iterator[tuple[str, int]]:
    """Yield module name and channels of each stage a timm model declares."""
    info = getattr(model, "feature_info", None)
    for entry in getattr(info, "info", info) or ():
        yield str(entry["module"]), int(entry["num_chs"])


def _probed(
    model: nn.Module, modules: list[tuple[str, nn.Module]], image_shape: tuple[int, int, int]
) -> list[tuple[str, tuple[int, ...]]]:
    """Return the output shapes of ``modules`` for a blank image, in the order in which they run."""
    seen: dict[str, tuple[int, ...]] = {}

    def keep(name: str, output: object) -> None:
        if isinstance(output, Tensor):
            seen.pop(name, None)  # a module that runs twice counts where it runs last
            seen[name] = tuple(output.shape)

    with borrowed(model) as device:
        handles = [
            module.register_forward_hook(lambda _m, _i, output, name=name: keep(name, output))
            for name, module in modules
        ]
        try:
            with torch.no_grad():
                model(torch.zeros(1, *image_shape, device=device))
        finally:
            for handle in handles:
                handle.remove()
    return list(seen.items())
