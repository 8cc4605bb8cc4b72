"""An interval for the expected calibration error, which is never below 0 and grows by chance alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.uncertainty.calibrated import BINS, bins_of, residuals
from lt_core.evaluation.uncertainty.cells import Cells

Numbers = NDArray[np.float64]
ALPHA = 0.04
"""With 0.05 the interval held 92.2 % in the worst case of ``benchmarks/coverage.py``."""
LONGEST = 10.0
"""Up to how many times the observed gaps are tried."""


def gaps_of(cells: Cells) -> Numbers:
    """Return the mean over known images of p - y in each bin, (C, bins): ECE is the sum of their sizes."""
    place, left = bins_of(np.asarray(cells.probabilities)), residuals(cells)
    sums = [np.bincount(place[:, k], weights=left[:, k], minlength=BINS) for k in range(cells.n_classes)]
    return ratio(np.stack(sums), cells.known.sum(axis=0)[:, None])


def normal_gaps(cells: Cells, n_draws: int, seed: int) -> Numbers:
    """Return gaps as the bootstrap would draw them, (C, bins, B), from the normal distribution it tends to.

    Its mean and its covariance by patient are the bootstrap's own. For very many images.
    """
    place, left, gaps = bins_of(np.asarray(cells.probabilities)), residuals(cells), gaps_of(cells)
    random = np.random.default_rng([seed, cells.n_units])
    found = np.empty((*gaps.shape, n_draws))
    for k in range(cells.n_classes):
        known = cells.known[:, k]
        mine = place[:, k], left[:, k], known, gaps[k]
        spread = _spread_by_patient(cells, *mine) if cells.clustered else _spread(*mine)
        values, axes = np.linalg.eigh(ratio(spread, float(known.sum()) ** 2))
        normal = random.standard_normal((BINS, n_draws))
        found[k] = gaps[k][:, None] + (axes * np.sqrt(np.maximum(values, 0.0))) @ normal
    return found


def _spread_by_patient(
    cells: Cells, place: NDArray[np.int64], left: Numbers, known: NDArray[np.bool_], gaps: Numbers
) -> Numbers:
    """Return the sum over patients of u u', (bins, bins), with u the patient's sums of p - y by bin (of ``left`` at
    ``place``) less ``gaps`` for each known image."""
    cell = cells.units * BINS + place
    mine = np.bincount(cell, weights=left, minlength=cells.n_units * BINS).reshape(-1, BINS)
    known_images = np.bincount(cells.units, weights=known, minlength=cells.n_units)
    moved = np.asarray(mine - known_images[:, None] * gaps)
    return np.asarray(moved.T @ moved)


def _spread(place: NDArray[np.int64], left: Numbers, known: NDArray[np.bool_], gaps: Numbers) -> Numbers:
    """Return the same where each image is a patient: u is then p - y in one bin, less ``gaps``."""
    squares = np.bincount(place, weights=left * left, minlength=BINS)
    sums = np.bincount(place, weights=left, minlength=BINS)
    return np.asarray(
        np.diag(squares) - np.outer(sums, gaps) - np.outer(gaps, sums) + known.sum() * np.outer(gaps, gaps)
    )


def ece_interval(gaps: Numbers, drawn: Numbers, alpha: float = ALPHA) -> tuple[Numbers, Numbers]:
    """Return the ends (C,) of the interval of ECE from ``gaps`` (C, bins) and their bootstrap ``drawn`` (C, bins, B).

    Percentiles will not do: noise alone makes every gap a size above 0, and a bootstrap draw has that noise twice. So
    the test is turned round. Were the true gaps l times the observed ones, a sample would show an ECE of
    sum |l g + e| with e the bootstrap's deviations; the interval holds l ECE for every l at which the observed ECE is
    neither in the lower nor in the upper tail. It starts at 0 where chance alone can explain the ECE. By bisection; NaN
    where all draws are the same. The true gaps need not lie in the direction of the observed ones, so the tails are cut
    a little further out than 2.5 %.
    """
    low, high = np.full(len(gaps), np.nan), np.full(len(gaps), np.nan)
    for k, (gap, draws) in enumerate(zip(gaps, drawn, strict=True)):
        use = np.abs(gap) + np.abs(draws).sum(axis=1) > 0
        observed = float(np.abs(gap).sum())
        noise = draws[use] - gap[use][:, None]
        if not use.any() or np.isnan(observed) or not np.ptp(noise):
            continue
        low[k] = observed * _where(gap[use], noise, observed, alpha / 2, upper=True)
        high[k] = observed * _where(gap[use], noise, observed, alpha / 2, upper=False)
    return low, np.minimum(high, 1.0)


def _where(gap: Numbers, noise: Numbers, observed: float, tail: float, *, upper: bool) -> float:
    """Return the factor at which the share of draws at least (``upper``) or at most ``observed`` passes ``tail``."""

    def share(factor: float) -> float:
        shown = np.abs(factor * gap[:, None] + noise).sum(axis=0)
        return float(((shown >= observed) if upper else (shown <= observed)).mean())

    if upper and share(0.0) >= tail:
        return 0.0
    low, high = 0.0, LONGEST
    for _ in range(24):
        middle = (low + high) / 2
        # the share at least as large grows with the factor, the share at most as large falls
        if (share(middle) < tail) if upper else (share(middle) >= tail):
            low = middle
        else:
            high = middle
    return (low + high) / 2
