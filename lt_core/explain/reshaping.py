"""How a layer's output becomes a map, told by hand: where the model's own declarations say nothing, or are mistaken.

A reshape is a text: ``channels-first`` for (B, C, h, w), ``channels-last`` for (B, h, w, C), ``tokens:P+HxW`` for
(B, P + H W, C) whose first P tokens have no place and the others are H rows of W; ``auto`` leaves it to the model.
"""

from __future__ import annotations

import re

from torch import nn

from lt_core.explain.forms import FIRST, LAST, TOKENS
from lt_core.explain.layers import Layer, choose_layer, output_of, target_layers
from lt_core.problems import Invalid, Problem, Unknown

AUTO = "auto"
WAYS = "channels-first, channels-last, tokens:P+HxW (P tokens without a place, then H rows of W) or auto"

MOST_PREFIX = 8
"""So many tokens without a place are thought of when reshapes are suggested: class, distillation, 4 registers ..."""

LONGEST = 4.0
"""Grids longer than this times their height, or the other way round, are not suggested."""


def pick_layer(
    model: nn.Module, image_shape: tuple[int, int, int], name: str | Layer | None = None, reshape: str | None = None
) -> Layer:
    """Return the layer that maps of a (C, H, W) image are read from, its output laid out as ``reshape`` says.

    ``name`` None is the default of ``choose_layer``; a layer itself is taken as it is. With a reshape, any module that
    yields (B, n, C) or four axes will do, not only those of ``target_layers``. Raises ``Unknown`` for a module that is
    not there, ``Invalid`` for a reshape that is none or does not fit, and ``Problem`` for an output that cannot be read
    without one.
    """
    if isinstance(name, Layer):
        return name
    wanted = reshape or AUTO
    if name is None and wanted == AUTO:
        return choose_layer(target_layers(model, image_shape))
    try:
        known = {layer.name: layer for layer in target_layers(model, image_shape)}
    except Problem:
        if name is None:
            raise
        known = {}
    if name is None or name in known:
        layer = choose_layer(tuple(known.values()), name)
        return layer if wanted == AUTO else laid_out(layer.name, layer.output, wanted)
    if name not in dict(model.named_modules()) or not name:
        raise Unknown.of("layer", name, list(known) or [each for each, _ in model.named_modules() if each])
    shape = output_of(model, name, image_shape)
    if wanted != AUTO:
        return laid_out(name, shape, wanted)
    there = f"; read without one are {', '.join(known)}" if known else ""
    raise Problem(
        f"layer {name} yields {_said(shape)}, which is read with a reshape only: {_fitting(shape)} fits{there}"
    )


def laid_out(name: str, output: tuple[int, ...], reshape: str) -> Layer:
    """Return the layer ``name``, which yields (B, *output), read as ``reshape`` says; ``Invalid`` if it cannot be."""
    text = reshape.strip().lower().replace(" ", "-")
    tokens = re.fullmatch(r"tokens:(\d{1,6})\+(\d{1,6})x(\d{1,6})", text)
    if text == "channels-first" and len(output) == 3 and output[1] * output[2] > 1:
        return Layer(name, *output, FIRST)
    if text == "channels-last" and len(output) == 3 and output[0] * output[1] > 1:
        return Layer(name, output[2], output[0], output[1], LAST)
    if tokens is not None and len(output) == 2:
        prefix, high, wide = (int(number) for number in tokens.groups())
        if prefix + high * wide == output[0] and high * wide > 1:
            return Layer(name, output[1], high, wide, TOKENS, prefix)
    if tokens is None and text not in ("channels-first", "channels-last"):
        raise Invalid(f"reshape {reshape!r} is none: give {WAYS}")
    raise Invalid(f"reshape {reshape} does not fit layer {name}, which yields {_said(output)}: {_fitting(output)} fits")


def suggested(output: tuple[int, ...]) -> list[str]:
    """Return the reshapes that fit an output (B, *output) and are not outlandish, the squarest grids first."""
    if len(output) == 3:
        places = {"channels-first": output[1] * output[2], "channels-last": output[0] * output[1]}
        return [text for text, n in places.items() if n > 1]
    if len(output) != 2:
        return []
    found = []
    for prefix in range(min(MOST_PREFIX, output[0] - 2) + 1):
        n = output[0] - prefix
        grids = [(high, n // high) for high in range(1, n + 1) if n % high == 0]
        found += [(max(h, w) / min(h, w), prefix, h, w) for h, w in grids if max(h, w) <= LONGEST * min(h, w)]
    return [f"tokens:{prefix}+{high}x{wide}" for _, prefix, high, wide in sorted(found)]


def _said(output: tuple[int, ...]) -> str:
    return f"(B, {', '.join(map(str, output))})" if output else "(B)"


def _fitting(output: tuple[int, ...]) -> str:
    """Return in words what fits an output (B, *output)."""
    some = suggested(output)
    if len(output) == 2 and output[0] > 1:
        such = f", such as {', '.join(some[:3])}" if some else ""
        return f"tokens:P+HxW with P + H x W = {output[0]}{such}"
    return " or ".join(some) or "nothing"
