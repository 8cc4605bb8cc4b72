"""Mixup and label smoothing for any loss whose labels can be softened, built from its hard-label values alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from lt_core.losses import Criterion, LossSpec
from lt_core.losses.reduce import UNKNOWN_CLASS
from lt_core.params import Value
from lt_core.problems import Invalid
from lt_core.stats import ClassPrior


@dataclass(frozen=True, eq=False)
class Mix:
    """How a batch is mixed: image i keeps the ``share`` in [0, 1] of itself, the rest is image ``order[i]``, (B,)."""

    share: float
    order: Tensor

    def images(self, images: Tensor) -> Tensor:
        """Return ``share`` x_i + (1 - ``share``) x_order(i), in the shape of ``images`` (B, ...)."""
        return torch.lerp(images[self.order], images, self.share)

    def labels(self, targets: Tensor, n_classes: int) -> Tensor:
        """Return the mixed labels (B, C) in [0, 1], for looking at; unknown (NaN) where either image's label is."""
        matrix = label_matrix(targets, n_classes)
        return torch.lerp(matrix[self.order], matrix, self.share)


def drawn_mix(n: int, alpha: float, rng: np.random.Generator, *, device: torch.device | str = "cpu") -> Mix:
    """Return how to mix a batch of ``n``: one share from Beta(alpha, alpha) and one order (Zhang et al., 2018)."""
    if alpha <= 0:
        raise Invalid(f"alpha of mixup must be greater than 0, got {alpha:g}")
    share = float(rng.beta(alpha, alpha))
    return Mix(share, torch.from_numpy(rng.permutation(n)).to(device))


def softened(
    criterion: Criterion,
    logits: Tensor,
    targets: Tensor,
    *,
    mix: Mix | None = None,
    smoothing: float = 0.0,
    **data: Any,
) -> Tensor:
    """Return the criterion's loss (a scalar) for mixed images and smoothed labels; with neither, its own value.

    Mixup is ``share`` L(z, y) + (1 - ``share``) L(z, y of the other image), each with its own reduction (Zhang et al.,
    2018, and their code). Smoothing by s is, for several labels an image, (1 - s/2) L(y) + (s/2) L(1 - y) in each cell,
    and for one class an image (1 - s) L(t) + (s/C) sum over c of L(c) in each row (Szegedy et al., 2016, Sec. 7): for
    cross-entropy the loss on the soft labels. What is unknown stays unknown. Ask ``why_not_mixup`` and
    ``why_not_smoothing`` first: nothing is checked here but the range of ``smoothing``, [0, 1).
    """
    if not 0 <= smoothing < 1:
        raise Invalid(f"label smoothing must be in [0, 1), got {smoothing:g}")

    def value(labels: Tensor) -> Tensor:
        if smoothing:
            return _smoothed(criterion, logits, labels, smoothing)
        plain: Tensor = criterion(logits, labels, **data)
        return plain

    if mix is None:
        return value(targets)
    return mix.share * value(targets) + (1 - mix.share) * value(targets[mix.order])


def why_not_mixup(spec: LossSpec) -> str:
    """Return in one sentence why images may not be mixed with this loss; nothing where they may."""
    if spec.memory is not None:
        return f"{spec.key} remembers the labels of every batch, and a mixed image has the labels of two: set mixup=0"
    if spec.draw is not None:
        return f"{spec.key} draws which labels count, anew for each of the two mixed images: set mixup=0"
    if spec.gives == "scalar":
        return f"{spec.key} compares all labels of a batch with each other and not image by image: set mixup=0"
    return ""


def why_not_smoothing(spec: LossSpec, values: Mapping[str, Value] | None = None) -> str:
    """Return in one sentence why labels may not be smoothed with this loss at ``values``; nothing where they may."""
    if spec.memory is not None:
        return f"{spec.key} remembers which labels it has seen, and smoothed ones are none: set label_smoothing=0"
    if spec.draw is not None:
        return f"{spec.key} draws at random which labels count: set label_smoothing=0"
    if any(param.name == "smoothing" for param in spec.params):
        return f"{spec.key} smooths labels itself: set its own smoothing, and label_smoothing=0"
    if spec.gives == "scalar" or (spec.gives == "rows" and spec.labels == "multi"):
        return f"{spec.key} judges all labels of an image together, not one at a time: set label_smoothing=0"
    if not _stands_alone(spec, tuple(sorted(spec.checked(values or {}).items()))):
        around = "the other labels of its image" if spec.labels == "multi" else "the classes of the other images"
        return f"{spec.key} weighs a label by {around}, which smoothing would change as well: set label_smoothing=0"
    return ""


def label_matrix(targets: Tensor, n_classes: int) -> Tensor:
    """Return ``targets`` as (B, C) in float: class indices one-hot, NaN where unknown; a matrix stays as it is."""
    if targets.ndim == 2:
        return targets if targets.is_floating_point() else targets.float()
    known = targets != UNKNOWN_CLASS
    hot = torch.nn.functional.one_hot(torch.where(known, targets, 0).long(), n_classes).float()
    return torch.where(known[:, None], hot, torch.nan)


def _smoothed(criterion: Criterion, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Return the reduced loss on smoothed labels."""
    if criterion.bound.spec.labels == "single":
        return _smoothed_rows(criterion, logits, targets, smoothing)
    matrix = label_matrix(targets, logits.shape[1])
    cells, known = criterion.bound.losses(logits, matrix, mean=not criterion.training)
    others, _ = criterion.bound.losses(logits, 1 - matrix, mean=not criterion.training)
    return criterion.reduce((1 - smoothing / 2) * cells + smoothing / 2 * others, known, targets)


def _smoothed_rows(criterion: Criterion, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Return the same for one class an image; the loss of every class is taken in one call, for (B C) rows.

    With class weights each class's term has its own and the weighted mean divides by those of the true classes, as
    ``torch.nn.CrossEntropyLoss(weight=..., label_smoothing=...)`` does.
    """
    n_images, n_classes = logits.shape
    rows, known = criterion.bound.losses(logits, targets)
    each = torch.arange(n_classes, device=logits.device).repeat(n_images)
    unknown = (targets == UNKNOWN_CLASS).repeat_interleave(n_classes)
    every = logits.repeat_interleave(n_classes, dim=0)
    others, _ = criterion.bound.losses(every, torch.where(unknown, UNKNOWN_CLASS, each))
    others = others.view(n_images, n_classes)
    weights = criterion.class_weights
    if weights is not None:
        weights = weights.to(others)
        rows, others = rows * weights[targets.clamp(min=0).long()], others * weights
    rows = (1 - smoothing) * rows + smoothing / n_classes * others.sum(dim=1)
    return criterion.reduce(rows, known, targets, weighted=True)


_PRIOR = ClassPrior((60, 25, 8, 3), 100, propensities=(0.9, 0.8, 0.6, 0.4))
_IMAGES = 5


@lru_cache(maxsize=256)
def _stands_alone(spec: LossSpec, values: tuple[tuple[str, Value], ...]) -> bool:
    """Whether the loss of one label is the same whatever the labels around it are, found by trying."""
    bound = spec.bind(_PRIOR, **cast(dict[str, Any], dict(values)))
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(_IMAGES, _PRIOR.n_classes, generator=generator, dtype=torch.float64)
    if spec.labels == "single":
        targets = torch.arange(_IMAGES) % _PRIOR.n_classes
        places: list[Any] = list(range(_IMAGES))
        around = (targets + 1) % _PRIOR.n_classes
    else:
        targets = (torch.rand(logits.shape, generator=generator) < 0.4).to(logits)
        targets[0] = 0.0
        places = list(np.ndindex(*logits.shape))
        around = 1 - targets
    with torch.no_grad():
        losses = bound(logits, targets)
        for place in places:
            changed = around.clone()
            changed[place] = targets[place]
            if not torch.isclose(bound(logits, changed)[place], losses[place], rtol=1e-9, atol=1e-12):
                return False
    return True
