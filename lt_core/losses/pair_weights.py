"""What the re-balancing of the distribution-balanced loss makes of an image with exactly two classes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from lt_core.losses.catalogue.db import balancing_weights
from lt_core.losses.registry import get_loss
from lt_core.params import Param

_PLAIN = {"alpha": 0.0, "beta": 1.0, "mu": 0.0}
"""Knobs at which the smoothing is the logistic function alone, which has an inverse."""


def pair_weights(n_a: ArrayLike, n_b: ArrayLike, **knobs: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (s, r) of class a in an image that has a, b and no other class; each (P,).

    r = (1/n_a) / (1/n_a + 1/n_b), in (0, 1), is the chance that class-aware sampling picks the image for a, over the
    chance that it picks it at all; s = alpha + sigmoid(beta (r - mu)) is what the loss multiplies the cell by (Wu et
    al., "Distribution-Balanced Loss", ECCV 2020, eqs. 3 to 6). ``n_a`` and ``n_b`` are training positives; a class
    without any counts as one, as in the loss. ``knobs`` are ``alpha``, ``beta``, ``mu`` of the loss, by default the
    paper's.
    """
    own = {param.name: float(param.default) for param in smoothing_params()}
    pairs = np.maximum(np.stack(np.broadcast_arrays(np.asarray(n_a, float), np.asarray(n_b, float)), axis=-1), 1.0)
    pairs = pairs.reshape(-1, 2)
    smoothed, plain = _first(pairs, {**own, **knobs}), _first(pairs, _PLAIN)
    return smoothed, np.log(plain / (1 - plain))


def smoothing_params() -> tuple[Param, ...]:
    """Return the loss's own declarations of ``alpha``, ``beta`` and ``mu``."""
    return tuple(param for param in get_loss("db").params if param.name in _PLAIN)


def _first(pairs: NDArray[np.float64], knobs: dict[str, float]) -> NDArray[np.float64]:
    """Return the weight of the first class of every pair of counts (P, 2): the loss's own, so not written twice."""
    both = torch.ones(1, 2, dtype=torch.float64)

    def of_one(counts: torch.Tensor) -> torch.Tensor:
        return balancing_weights(counts=counts, targets=both, rebalance=True, **knobs)[0]

    return np.asarray(torch.func.vmap(of_one)(torch.from_numpy(pairs)).numpy()) if len(pairs) else np.zeros(0)
