"""One forward pass that stops for the features of a layer, and a backward pass no further than to there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lt_core.explain.forms import as_maps, without_channels
from lt_core.explain.layers import Layer
from lt_core.explain.methods import CamMethod, Seen
from lt_core.problems import Invalid


@dataclass(frozen=True, eq=False)
class Reading:
    """The raw maps (B, K, h, w) of K classes of B images, the logits (B, n_classes), and whether gradients arrived."""

    maps: Tensor
    logits: Tensor
    reached: Tensor


def read(model: nn.Module, layer: Layer, images: Tensor, classes: Tensor, method: CamMethod) -> Reading:
    """Return the maps of ``classes`` (B, K) for ``images`` (B, ch, H, W), on the model's device, before any ReLU.

    The model must be borrowed. What the layer yields is cut from what made it, so the backward pass ends there: that
    is what a map of 64 images costs less than a training step for. A layer that runs twice is read where it runs last.
    """
    kept: list[Tensor] = []

    def keep(output: Tensor) -> Tensor:
        leaf = output.detach().requires_grad_(method.gradient)
        kept[:] = [leaf]
        return leaf.clone()  # an in-place activation behind the layer must not change what was kept

    module = model.get_submodule(layer.name)
    with torch.set_grad_enabled(method.gradient), _edited(module, keep):
        logits = model(images)
    n = logits.shape[-1]
    if classes.numel() and not 0 <= int(classes.min()) <= int(classes.max()) < n:
        wrong = int(classes[(classes < 0) | (classes >= n)][0])
        raise Invalid(f"class index must be in [0, {n - 1}], got {wrong}")
    features = _exact(as_maps(kept[0].detach(), layer.form, (layer.height, layer.width), layer.prefix))
    maps, reached = [], []
    columns = classes.T[:1] if not method.class_specific else classes.T
    for number, column in enumerate(columns):
        gradients = _gradients(logits, kept[0], column, number + 1 < len(columns)) if method.gradient else None
        reached.append(torch.ones(len(images), dtype=torch.bool) if gradients is None else _any(gradients))
        with torch.no_grad():
            maps.append(method.weigh(_seen(model, layer, images, column, logits, features, gradients)))
    k = classes.shape[1]
    shown = torch.stack(maps, 1).expand(-1, k, -1, -1)
    return Reading(shown, logits.detach(), torch.stack(reached, 1).expand(-1, k))


def _gradients(logits: Tensor, leaf: Tensor, column: Tensor, again: bool) -> Tensor:
    """Return the gradient of each image's own logit: in eval mode no image depends on another, so one sum will do."""
    if not logits.requires_grad:
        return torch.zeros_like(leaf)
    score = logits.gather(1, column[:, None]).sum()
    (found,) = torch.autograd.grad(score, [leaf], allow_unused=True, retain_graph=again)
    return torch.zeros_like(leaf) if found is None else found


def _seen(
    model: nn.Module,
    layer: Layer,
    images: Tensor,
    column: Tensor,
    logits: Tensor,
    features: Tensor,
    gradients: Tensor | None,
) -> Seen:
    """Return what the method looks at; the network can be asked again with other images or a channel less."""
    module = model.get_submodule(layer.name)

    def of_images(changed: Tensor, owner: Tensor) -> Tensor:
        scores: Tensor = model(changed).gather(1, column[owner][:, None])[:, 0]
        return scores

    def without(channels: Tensor, owner: Tensor) -> Tensor:
        with _edited(module, lambda output: without_channels(output, channels, layer.form, layer.prefix)):
            return of_images(images[owner], owner)

    size = (layer.height, layer.width)
    return Seen(
        features,
        None if gradients is None else _exact(as_maps(gradients, layer.form, size, layer.prefix)),
        images,
        logits.detach().gather(1, column[:, None])[:, 0],
        of_images,
        without,
    )


@contextmanager
def _edited(module: nn.Module, edit: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Let ``edit`` change what ``module`` yields, for as long as the context lasts."""
    handle = module.register_forward_hook(lambda _m, _i, output: edit(output))
    try:
        yield
    finally:
        handle.remove()


def _exact(values: Tensor) -> Tensor:
    """Return float64, in which sums over many channels keep their last digits; float32 where there is no such thing."""
    return values.float() if values.device.type == "mps" else values.double()


def _any(gradients: Tensor) -> Tensor:
    return gradients.flatten(1).any(1).cpu()
