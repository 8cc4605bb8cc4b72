"""The classifier of a timm model: where it is, a cosine one in its place, and a new start for it."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lt_core.problems import Problem

Head: TypeAlias = Literal["linear", "cosine"]

FREE_SCALE = 16.0
"""Factor of the cosines for a loss without a ``scale`` of its own: the default of Liu et al., "Large-Scale
Long-Tailed Recognition in an Open World", CVPR 2019, https://arxiv.org/abs/1904.05160 (their code). With 1, no sigmoid
could leave [0.27, 0.73]."""


class CosineLinear(nn.Linear):
    r"""A linear layer of directions: (..., in_features) to (..., out_features) in [-scale, scale].

    :math:`z_c = s\,\frac{w_c}{\lVert w_c\rVert}\cdot\frac{x}{\lVert x\rVert}`, without a bias (Cao et al., "Learning
    Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019, section 3). No class can win by the
    length of its weights, which follows its count. ``scale`` is fixed and kept with the weights; 1 where the loss has
    its own, as LDAM and LMF do. Cosines are computed in float32 also under autocast: at a scale of 30 the eight bits of
    bfloat16 would cost a tenth of a logit. A feature of length 0 gives logits of 0.
    """

    scale: Tensor

    def __init__(self, in_features: int, out_features: int, *, scale: float = 1.0) -> None:
        """Raise ``Problem`` for a scale that is not positive and finite."""
        if not (math.isfinite(scale) and scale > 0):
            raise Problem(f"the scale of a cosine head must be positive and finite, got {scale:g}")
        super().__init__(in_features, out_features, bias=False)
        self.register_buffer("scale", torch.tensor(float(scale)))

    def reset_parameters(self) -> None:
        """Draw every class's direction, of length 1, evenly from the sphere."""
        with torch.no_grad():
            self.weight.copy_(_directions(self.weight, None))

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name nn.Linear gives it
        """Return the scaled cosines, float32 where ``input`` is of a shorter type under autocast."""
        kind = input.device.type
        if torch.is_autocast_enabled(kind):
            with torch.autocast(kind, enabled=False):
                return self._cosines(input.float())
        return self._cosines(input)

    def extra_repr(self) -> str:
        """Return what ``print`` shows."""
        return f"in_features={self.in_features}, out_features={self.out_features}, scale={float(self.scale):g}"

    def _cosines(self, features: Tensor) -> Tensor:
        weights = F.normalize(self.weight, dim=-1).to(features.dtype)
        return self.scale.to(features.dtype) * F.linear(F.normalize(features, dim=-1), weights)


def head_scale(loss: str) -> float:
    """Return the scale a cosine head needs for the loss ``loss``: 1 where it has a ``scale`` of its own, else 16."""
    from lt_core.losses import get_loss

    return 1.0 if any(param.name == "scale" for param in get_loss(loss).params) else FREE_SCALE


def classifier_of(model: nn.Module) -> tuple[tuple[str, nn.Module], ...]:
    """Return the name and module of each classifier of a timm model; mostly one, two for distilled transformers.

    Raises ``Problem`` for a model without one.
    """
    get: Any = getattr(model, "get_classifier", tuple)
    found = get()
    wanted = {id(module) for module in (found if isinstance(found, tuple | list) else (found,))}
    heads = tuple(
        (name, module)
        for name, module in model.named_modules()
        if id(module) in wanted and name and any(True for _ in module.parameters())
    )
    if not heads:
        raise Problem(f"{type(model).__name__} has no classifier of its own: choose another backbone")
    return heads


def with_cosine_head(model: nn.Module, *, scale: float = 1.0) -> nn.Module:
    """Return ``model`` with its linear classifier replaced by a ``CosineLinear`` of the same size, in place.

    Raises ``Problem`` for a model whose classifier is not one linear layer.
    """
    heads = classifier_of(model)
    name, old = heads[0]
    if len(heads) > 1 or not isinstance(old, nn.Linear):
        kind = "two classifiers" if len(heads) > 1 else f"a classifier of kind {type(old).__name__}"
        raise Problem(
            f"{type(model).__name__} has {kind}, a cosine head needs one linear layer: choose head=linear or another "
            "backbone"
        )
    new = CosineLinear(old.in_features, old.out_features, scale=scale).to(old.weight.device, old.weight.dtype)
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, new)
    return model


def reset_head(model: nn.Module, generator: torch.Generator) -> None:
    """Draw the classifier's weights anew, as ``nn.Linear`` or ``CosineLinear`` would; nothing else changes.

    For decoupled re-training of the classifier (cRT: Kang et al., "Decoupling Representation and Classifier for
    Long-Tailed Recognition", ICLR 2020, https://arxiv.org/abs/1910.09217). ``generator`` is one of the CPU: the numbers
    are the same on any device.
    """
    with torch.no_grad():
        for _, head in classifier_of(model):
            for part in head.modules():
                _reset(part, generator)


def _reset(layer: nn.Module, generator: torch.Generator) -> None:
    if isinstance(layer, CosineLinear):
        layer.weight.copy_(_directions(layer.weight, generator))
    elif isinstance(layer, nn.Linear | nn.Conv2d):
        bound = 1 / math.sqrt(layer.weight[0].numel())  # what kaiming_uniform with a = sqrt(5) comes to
        for tensor in (layer.weight, layer.bias):
            if tensor is not None:
                drawn = torch.rand(tensor.shape, generator=generator) * 2 * bound - bound
                tensor.copy_(drawn)
    elif isinstance(layer, nn.LayerNorm | nn.BatchNorm1d):
        layer.reset_parameters()


def _directions(weight: Tensor, generator: torch.Generator | None) -> Tensor:
    device = "cpu" if generator is not None else weight.device
    return F.normalize(torch.randn(weight.shape, generator=generator, device=device), dim=-1)
