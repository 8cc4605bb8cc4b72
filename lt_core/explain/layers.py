"""Which layer a map is read from: deep enough to know findings, fine enough to say where they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lt_core.explain.borrowing import borrowed
from lt_core.explain.forms import FIRST, LAST, TOKENS, Form, grid_of
from lt_core.problems import Problem, Unknown

FINEST = 7
"""Smallest height and width a feature map must have to be read as a place: 7x7, as in the Grad-CAM paper at 224 px."""

STEM = 2
"""A first stage that spans no more than so many pixels a side is a stem: edges, no findings."""

NO_PLACES = (
    "a map needs features with places, and no layer of {name} has any that could be read for an image of {width} x "
    "{height} pixels: choose another backbone, or name a layer and its reshape"
)


class Layer(NamedTuple):
    """A layer that yields features with places, for the image size it was probed with.

    ``form`` says how its output is laid out: "channels first" (B, C, h, w), "channels last" (B, h, w, C) or "tokens"
    (B, prefix + h w, C), whose first ``prefix`` tokens (class, distillation, registers) have no place.
    """

    name: str
    channels: int
    height: int
    width: int
    form: Form = FIRST
    prefix: int = 0

    @property
    def said(self) -> str:
        """The layout in words, for people."""
        size = f"{self.height} x {self.width} places, {self.channels} channels"
        beside = f", {self.prefix} {'token' if self.prefix == 1 else 'tokens'} without a place" if self.prefix else ""
        return f"{size}, {self.form}{beside}"

    @property
    def reshape(self) -> str:
        """The layout as the text that asks for it; see ``reshaping``."""
        tokens = f"tokens:{self.prefix}+{self.height}x{self.width}"
        return tokens if self.form == TOKENS else self.form.replace(" ", "-")

    @property
    def output(self) -> tuple[int, ...]:
        """The shape of what the layer yields, without the batch."""
        match self.form:
            case "channels first":
                return self.channels, self.height, self.width
            case "channels last":
                return self.height, self.width, self.channels
            case "tokens":
                return self.prefix + self.height * self.width, self.channels


class _Probed(NamedTuple):
    name: str
    shape: tuple[int, ...]
    reached: bool


def target_layers(model: nn.Module, image_shape: tuple[int, int, int]) -> tuple[Layer, ...]:
    """Return the layers a map of a (C, H, W) image can be read from, shallow to deep.

    A timm model's own stages (``feature_info``) without its stem; any other network's leaf modules with channels first.
    Their layout is told by timm's declarations (number of channels, ``output_fmt``, ``num_prefix_tokens``, grid of the
    patches) and the output for a test image. Of a block of a transformer, its first norm is a candidate too, and a
    layer whose places have no way to the score is none: behind the last block only the class token goes on. Raises
    ``Problem`` for models without such features.
    """
    declared = dict(_stages(model))
    modules = dict(model.named_modules())
    names = [name for name in declared if name in modules]
    if declared:
        names = [each for name in names for each in (f"{name}.norm1", name) if each in modules]
    else:
        names = [name for name, module in modules.items() if name and not list(module.children())]
    found = []
    for probe in _probed(model, [(name, modules[name]) for name in names], image_shape):
        stage = probe.name if probe.name in declared else probe.name.removesuffix(".norm1")
        layer = _read(model, probe, declared.get(stage), image_shape)
        if layer is not None and (probe.name == stage or layer.form == TOKENS):
            found.append((layer, probe.reached))
    if any(layer.form == TOKENS and reached for layer, reached in found):
        found = [(layer, reached) for layer, reached in found if reached or layer.form != TOKENS]
    if not found:
        raise Problem(NO_PLACES.format(name=type(model).__name__, height=image_shape[1], width=image_shape[2]))
    stem = len(found) > 2 and int(declared.get(found[0][0].name, {}).get("reduction") or STEM + 1) <= STEM
    return tuple(layer for layer, _ in found[int(stem) :])


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


def output_of(model: nn.Module, name: str, image_shape: tuple[int, int, int]) -> tuple[int, ...]:
    """Return the shape of what the module ``name`` yields for a (C, H, W) image, without the batch.

    Raises ``Problem`` for a module that yields no single tensor, or none at all.
    """
    found = _probed(model, [(name, model.get_submodule(name))], image_shape)
    if not found:
        raise Problem(f"layer {name} yields no tensor for an image: choose another layer")
    return found[0].shape[1:]


def _stages(model: nn.Module) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield module name, number of channels and reduction of each stage a timm model declares."""
    info = getattr(model, "feature_info", None)
    for entry in getattr(info, "info", info) or ():
        yield str(entry["module"]), dict(entry)


def _read(
    model: nn.Module, probe: _Probed, stage: dict[str, Any] | None, image_shape: tuple[int, int, int]
) -> Layer | None:
    """Return the layer as its output is laid out, or None where that has no places."""
    shape, channels = probe.shape, None if stage is None else int(stage["num_chs"])
    if len(shape) == 4:
        last = channels is not None and shape[3] == channels
        first = channels is None or shape[1] == channels
        if last and (not first or getattr(model, "output_fmt", "NCHW") == "NHWC"):
            return Layer(probe.name, shape[3], shape[1], shape[2], LAST) if shape[1] * shape[2] > 1 else None
        return Layer(probe.name, *shape[1:]) if first and shape[2] * shape[3] > 1 else None
    if len(shape) == 3 and stage is not None and shape[2] == channels:
        prefix = int(getattr(model, "num_prefix_tokens", 0))
        grid = grid_of(model, stage.get("reduction"), image_shape)
        for beside in (prefix, 0):
            if grid is not None and shape[1] == beside + grid[0] * grid[1] and shape[1] - beside > 1:
                return Layer(probe.name, shape[2], *grid, TOKENS, beside)
    return None


def _probed(model: nn.Module, modules: list[tuple[str, nn.Module]], image_shape: tuple[int, int, int]) -> list[_Probed]:
    """Return the output shapes of ``modules`` for a test image, in the order in which they run.

    ``reached`` is whether a gradient of the scores arrives at more than the first tokens, looked at for tokens only.
    """
    seen: dict[str, Tensor] = {}

    def keep(name: str, output: object) -> object:
        if not isinstance(output, Tensor):
            return None
        seen.pop(name, None)  # a module that runs twice counts where it runs last
        seen[name] = output
        if output.ndim == 3 and output.is_floating_point() and not output.requires_grad:
            seen[name] = output.detach().requires_grad_()
        return seen[name].clone() if output.ndim == 3 else None

    with borrowed(model) as device:
        handles = [
            module.register_forward_hook(lambda _m, _i, output, name=name: keep(name, output))
            for name, module in modules
        ]
        try:
            # Not blank: equal patches would hide that some token makes a difference.
            image = torch.linspace(-1, 1, image_shape[0] * image_shape[1] * image_shape[2], device=device)
            logits = model(image.sin().reshape(1, *image_shape))
        finally:
            for handle in handles:
                handle.remove()
        tokens = [name for name, output in seen.items() if output.requires_grad and output.ndim == 3]
        gradients: tuple[Tensor | None, ...] = ()
        if tokens and logits.requires_grad:
            gradients = torch.autograd.grad(logits.sum(), [seen[name] for name in tokens], allow_unused=True)
        prefix = int(getattr(model, "num_prefix_tokens", 0))
        reached = {
            name for name, g in zip(tokens, gradients, strict=False) if g is not None and bool(g[:, prefix:].any())
        }
    return [_Probed(name, tuple(output.shape), name in reached) for name, output in seen.items()]
