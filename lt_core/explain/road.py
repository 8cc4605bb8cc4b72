"""ROAD: remove pixels so that the hole does not show, and see whether the network misses them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from lt_core.evaluation.predictions import Link
from lt_core.explain.batches import Classes
from lt_core.explain.faithfulness import Curve, Saying, importance_ranks
from lt_core.problems import Invalid

SHARES = tuple(round(0.1 * step, 1) for step in range(1, 10))
NOISE = 0.01
"""Standard deviation of the noise on imputed pixels, in units of the normalised image, as in the authors' code."""

KERNEL = ((1 / 12, 1 / 6, 1 / 12), (1 / 6, 0.0, 1 / 6), (1 / 12, 1 / 6, 1 / 12))
"""Weights of the eight neighbours: 1/6 beside, 1/12 across the corner (Rong et al., section 4)."""

MOST_STEPS = 2000


@dataclass(frozen=True, eq=False)
class Road:
    """``most_first`` and ``least_first``: probabilities as the strongest, or weakest, pixels are imputed.

    ``score`` (B,) is the mean over the shares of (least first - most first) / 2, in [-0.5, 0.5]: above 0, the network
    misses what the map shows more than what it does not; a map at random has 0 in expectation.
    """

    most_first: Curve
    least_first: Curve

    @property
    def score(self) -> NDArray[np.float64]:
        """How much more the strongest pixels are missed than the weakest."""
        return np.asarray((self.least_first.probabilities - self.most_first.probabilities).mean(axis=1) / 2)


def road(
    model: nn.Module,
    images: Tensor,
    maps: NDArray[np.floating],
    class_indices: Classes,
    *,
    shares: tuple[float, ...] = SHARES,
    noise: float = NOISE,
    seed: int = 0,
    link: Link = "sigmoid",
    logit_scale: float = 1.0,
) -> Road:
    """Return what the network says while ``shares`` of the pixels of ``images`` (B, C, H, W) are imputed.

    Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods", ICML 2022: pixels are
    replaced by noisy linear imputation (see ``imputed``), which leaves no outline to give the removed shape away.
    ``maps`` (B, h, w) are raw and give the order of the pixels; ``seed`` is the noise's. Probabilities are ``link`` of
    ``logit_scale`` times the logits.
    """
    if not all(0 < share < 1 for share in shares):
        raise Invalid(f"shares of pixels must lie between 0 and 1, got {', '.join(f'{share:g}' for share in shares)}")
    ranks = importance_ranks(maps, (images.shape[2], images.shape[3]))
    n_pixels = ranks.shape[1] * ranks.shape[2]
    rng = np.random.default_rng(seed)
    say = Saying(model, class_indices, link, logit_scale)
    curves = []
    for order, what in ((ranks, "strongest"), (n_pixels - 1 - ranks, "weakest")):
        made = [say.of(imputed(images, order < round(share * n_pixels), noise=noise, rng=rng)) for share in shares]
        said = f"the {what} pixels first are imputed from their neighbours, with noise of {noise:g}"
        curves.append(Curve(np.array(shares), np.stack(made, axis=1), said))
    return Road(*curves)


def imputed(
    images: Tensor, missing: NDArray[np.bool_], *, noise: float = NOISE, rng: np.random.Generator | None = None
) -> Tensor:
    """Return (B, C, H, W) images whose ``missing`` (B, H, W) pixels are the weighted mean of their neighbours.

    Every missing pixel equals the mean of its neighbours, 1/6 beside and 1/12 across the corner, those beyond the edge
    left out and the weights then scaled up; all at once, which is a linear system, solved for the whole batch together
    by conjugate gradients to 1e-7. On top comes Gaussian noise of standard deviation ``noise``. Raises ``Invalid``
    where an image has no pixel left to start from.
    """
    if missing.all(axis=(1, 2)).any():
        raise Invalid("every pixel of an image is missing: there is nothing to impute from")
    known = torch.from_numpy(~missing)[:, None].to(images.device)
    values = torch.where(known, images.double(), 0.0)
    filled = torch.where(known, values, _solved(~known, values))
    if noise and rng is not None:
        drawn = torch.from_numpy(rng.normal(scale=noise, size=tuple(images.shape))).to(images.device)
        filled = torch.where(known, filled, filled + drawn)
    return filled.to(images.dtype)


def _solved(missing: Tensor, values: Tensor) -> Tensor:
    """Return the missing pixels: (weights of neighbours) x - (sum over missing neighbours) = (sum over known ones)."""
    degree = _neighbours(torch.ones_like(values[:1, :1]))

    def system(x: Tensor) -> Tensor:
        return torch.where(missing, degree * x - _neighbours(x), 0.0)

    def dot(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum((2, 3), keepdim=True)

    x = torch.zeros_like(values)
    left = torch.where(missing, _neighbours(values), 0.0)
    way, size = left, dot(left, left)
    enough = 1e-14 * size
    for _ in range(MOST_STEPS):
        if bool((size <= enough).all()):
            break
        ahead = system(way)
        slope = dot(way, ahead)
        step = torch.where(slope > 0, size / torch.where(slope > 0, slope, 1.0), 0.0)
        x, left = x + step * way, left - step * ahead
        before, size = size, dot(left, left)
        way = left + torch.where(before > 0, size / torch.where(before > 0, before, 1.0), 0.0) * way
    return x


def _neighbours(x: Tensor) -> Tensor:
    """Return the weighted sum of the eight neighbours of every pixel of (B, C, H, W), nothing beyond the edge."""
    kernel = torch.tensor(KERNEL, dtype=x.dtype, device=x.device)[None, None]
    flat = x.reshape(-1, 1, *x.shape[2:])
    return conv2d(pad(flat, (1, 1, 1, 1)), kernel).reshape(x.shape)
