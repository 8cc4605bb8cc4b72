"""How a layer lays out its features, and how they are brought to (B, C, h, w)."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor, nn

Form = Literal["channels first", "channels last", "tokens"]
FIRST: Form = "channels first"
LAST: Form = "channels last"
TOKENS: Form = "tokens"


def as_maps(output: Tensor, form: Form, size: tuple[int, int], prefix: int = 0) -> Tensor:
    """Return a layer's output as (B, C, h, w); ``size`` (h, w) and ``prefix`` are needed for tokens only."""
    match form:
        case "channels first":
            return output
        case "channels last":
            return output.permute(0, 3, 1, 2)
        case "tokens":
            return output[:, prefix:].transpose(1, 2).reshape(len(output), -1, *size)


def without_channels(output: Tensor, channels: Tensor, form: Form, prefix: int = 0) -> Tensor:
    """Return a copy of a layer's output (B, ...) with channel ``channels`` (B,) of each item zero at every place.

    Tokens without a place keep theirs: the map is about places.
    """
    changed = output.clone()
    rows = range(len(output))
    match form:
        case "channels first":
            changed[rows, channels] = 0
        case "channels last":
            changed[rows, :, :, channels] = 0
        case "tokens":
            changed[rows, prefix:, channels] = 0
    return changed


def grid_of(model: nn.Module, reduction: int | None, image_shape: tuple[int, int, int]) -> tuple[int, int] | None:
    """Return how many patches a model's tokens stand for, (rows, columns), or None where it does not say.

    The stage's own ``reduction`` (pixels a token spans) where it is declared, else the grid of the patch embedding.
    """
    if reduction:
        return image_shape[1] // int(reduction), image_shape[2] // int(reduction)
    size: Any = getattr(getattr(model, "patch_embed", None), "grid_size", None)
    return (int(size[0]), int(size[1])) if size is not None else None
