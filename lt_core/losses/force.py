"""Where the training force is: a loss's gradient at the logits a model really gave, cell by cell and class by class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.losses.bound import BoundLoss
from lt_core.losses.reduce import UNKNOWN_CLASS
from lt_core.losses.spec import LossSpec
from lt_core.params import Value
from lt_core.problems import Invalid
from lt_core.stats.prior import ClassPrior

Array = NDArray[Any]

BATCH = 256
"""Images in a batch of a loss that looks across images."""
CHUNK = 1 << 20
"""Cells differentiated at once, for losses whose images do not know of each other: bounds the memory."""


def forces(
    spec: LossSpec,
    values: Mapping[str, Value],
    logits: Array,
    targets: Array,
    prior: ClassPrior | None = None,
    *,
    images: Array | None = None,
    epoch: int = 0,
    batch: int = BATCH,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return the gradient of the summed loss by every logit, (N, C) float64: below 0 pulls up, above 0 pushes down.

    ``targets`` is (N, C) in {0, 1, NaN = unknown}, or class indices (N,) with -1 for unknown; a softmax loss takes
    one-hot rows too. The sum over cells or images is what losses can be compared by: a mean only divides it by a
    number, which acts like a smaller learning rate. A loss that gives one number for a batch counts once for each
    image of it, as a mean over images would.

    A loss whose images do not know of each other does not depend on batches. Any other is computed in batches of
    ``batch`` images in an order drawn from ``seed``. A memory is at its start; a random loss is the mean over its
    draws. ``images`` (N,) says how many equal images a row stands for (default 1); the gradient is that of one.
    Raises ``Invalid`` for shapes that do not fit, logits that are not finite, and rows with several labels where the
    loss picks one class.
    """
    z, y = _checked(spec, logits, targets)
    bound = _bound(spec, values, prior, epoch)
    if not _looks_across_images(bound, z.shape[1]):
        rows = max(1, CHUNK // z.shape[1])
        return np.concatenate([_gradient(bound, z[k : k + rows], y[k : k + rows]) for k in range(0, len(z), rows)])
    each = np.arange(len(z)) if images is None else np.repeat(np.arange(len(z)), np.asarray(images, np.int64))
    order = np.random.default_rng(seed).permutation(each)
    total = np.zeros(z.shape)
    for k in range(0, len(order), batch):
        drawn = order[k : k + batch]
        np.add.at(total, drawn, _gradient(bound, z[drawn], y[drawn]))
    return np.asarray(total / np.maximum(np.bincount(order, minlength=len(z)), 1)[:, None])


def conditions(spec: LossSpec, values: Mapping[str, Value], n_classes: int, prior: ClassPrior | None = None) -> str:
    """Return in words what ``forces`` of a loss holds fixed beside logits and labels; "" where nothing is."""
    said = []
    if _looks_across_images(_bound(spec, values, prior, 0), n_classes):
        said.append(f"computed in batches of {BATCH} images drawn at random, as it looks across images")
    if spec.memory is not None:
        said.append("at the start of its memory, before the first batch")
    if spec.draw is not None:
        said.append("the mean over its random draws")
    if "epoch" in spec.data:
        said.append("as in its first epoch")
    if "propensities" in spec.data and prior is not None and prior.propensities is not None:
        said.append("with the propensities given, not those of Jain's model")
    return "; ".join(said)


def _bound(spec: LossSpec, values: Mapping[str, Value], prior: ClassPrior | None, epoch: int) -> BoundLoss:
    """Return the loss with its values, one that can draw or take the mean over its draws set to the mean."""
    switched: dict[str, Any] = {**values, **({"expected": True} if "expected" in spec.defaults else {})}
    return spec.bind(prior, epoch=epoch, **switched)


def _checked(spec: LossSpec, logits: Array, targets: Array) -> tuple[Tensor, Tensor]:
    """Return logits in float64, and targets as the loss wants them: a matrix, or class indices."""
    z = np.asarray(logits, dtype=np.float64)
    y = np.asarray(targets)
    if z.ndim != 2 or not z.size or y.shape not in (z.shape, z.shape[:1]):
        raise Invalid(f"logits must be (images, classes), targets the same or (images,): got {z.shape} and {y.shape}")
    if not np.isfinite(z).all():
        raise Invalid("logits must be finite numbers")
    if y.ndim == 1:
        return torch.as_tensor(z), torch.as_tensor(y.astype(np.int64))
    if spec.labels == "multi":
        return torch.as_tensor(z), torch.as_tensor(y.astype(np.float64))
    return torch.as_tensor(z), torch.as_tensor(_class_of_row(spec.key, y))


def _class_of_row(key: str, targets: Array) -> NDArray[np.int64]:
    """Return the class of each one-hot row, -1 where nothing is known of it."""
    unknown = np.isnan(targets).all(axis=1)
    wrong = np.flatnonzero(~unknown & ((targets == 1).sum(axis=1) != 1))
    if len(wrong):
        n = int((targets[wrong[0]] == 1).sum())
        raise Invalid(f"{key} picks one class an image, but row {wrong[0] + 1} has {n} labels")
    return np.where(unknown, UNKNOWN_CLASS, (targets == 1).argmax(axis=1))


def _gradient(bound: BoundLoss, logits: Tensor, targets: Tensor) -> NDArray[np.float64]:
    z = logits.clone().requires_grad_()
    losses, _ = bound.losses(z, targets)
    if losses.ndim:
        total = losses.sum()
    else:
        known = targets != UNKNOWN_CLASS if targets.ndim == 1 else ~targets.isnan().all(dim=1)
        total = losses * known.sum()
    (slope,) = torch.autograd.grad(total, z)
    return np.asarray(slope.numpy() + 0.0)  # + 0 makes -0 a 0


def _looks_across_images(bound: BoundLoss, n_classes: int) -> bool:
    """Whether an image's gradient changes with the images beside it; the loss itself is asked, on random numbers."""
    if bound.spec.gives == "scalar":
        return True
    random = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(16, n_classes, generator=random, dtype=torch.float64)
    if bound.spec.labels == "single":
        targets = torch.randint(n_classes, (16,), generator=random)
    else:
        targets = (torch.rand(16, n_classes, generator=random) < 0.4).double()
    together = _gradient(bound, logits, targets)
    apart = np.concatenate([_gradient(bound, logits[k : k + 4], targets[k : k + 4]) for k in range(0, 16, 4)])
    return not np.allclose(together, apart, rtol=1e-9, atol=1e-12)
