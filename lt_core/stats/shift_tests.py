"""Do two parts show a class equally often? Difference, test, and what patients with many images change."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.stats.intervals import wilson

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Numbers = NDArray[np.float64]

_SUPPORT = 1 << 22
"""Cells of the largest table of hypergeometric chances made at once."""


def difference_interval(x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike) -> tuple[Numbers, Numbers]:
    """Return (low, high) of the 95 % interval of x1/n1 - x2/n2, in [-1, 1]; NaN where a denominator is 0.

    The hybrid score interval, method 10 of Newcombe, "Interval estimation for the difference between independent
    proportions", Statistics in Medicine 1998: Wilson's intervals of the two, joined by squares.
    """
    a, na, b, nb = (np.asarray(v, dtype=np.float64) for v in (x1, n1, x2, n2))
    p, q = _share(a, na), _share(b, nb)
    (p_low, p_high), (q_low, q_high) = wilson(a, na), wilson(b, nb)
    low = p - q - np.sqrt((p - p_low) ** 2 + (q_high - q) ** 2)
    high = p - q + np.sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    return low, high


def independence_p(x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike) -> Numbers:
    """Return the two-sided p of equal shares x1/n1 and x2/n2; NaN where a denominator is 0.

    Pearson's chi-square test without correction; Fisher's exact test, of the counts rounded, where a count expected
    under equality is below 5. 1 where nobody or everybody shows the class.
    """
    a, na, b, nb = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (x1, n1, x2, n2)))
    n, x = na + nb, a + b
    defined = (na > 0) & (nb > 0)
    product = x * (n - x)
    chi2 = np.divide(n * na * nb * (_share(a, na) - _share(b, nb)) ** 2, product,
                     out=np.zeros(n.shape), where=defined & (product > 0))  # fmt: skip
    # two numbers of one degree of freedom: the chance beyond is that of a normal beyond its root, on both sides
    from scipy.special import erfc

    p = np.where(defined, erfc(np.sqrt(chi2 / 2)), np.nan)
    expected = np.minimum(x, n - x) * np.minimum(na, nb) / np.where(defined, n, 1)
    for cell in np.argwhere(defined & (expected < 5) & (product > 0)):
        at = tuple(cell)
        p[at] = _fisher(*(round(float(v[at])) for v in (a, na, b, nb)))
    return p


@lru_cache(1 << 16)
def _fisher(a: int, na: int, b: int, nb: int) -> float:
    """Return the two-sided p of Fisher's exact test: the chance of all tables no likelier than this one."""
    from scipy.special import gammaln

    x = a + b
    low, high = max(0, x - nb), min(x, na)
    if high - low > _SUPPORT or low == high:
        return 1.0
    k = np.arange(low, high + 1, dtype=np.float64)
    log_chance = -(gammaln(k + 1) + gammaln(na - k + 1) + gammaln(x - k + 1) + gammaln(nb - x + k + 1))
    chance = np.exp(log_chance - log_chance.max())
    # equal chances differ in their last bits: scipy.stats.fisher_exact allows 1e-7 as well
    return float(min(1.0, chance[chance <= chance[a - low] * (1 + 1e-7)].sum() / chance.sum()))


def holm(p: Numbers) -> Numbers:
    """Return the p values adjusted for their number by Holm (1979), in [0, 1]; NaN stays, and counts as no test."""
    flat = np.asarray(p, dtype=np.float64).ravel()
    order = np.argsort(flat, kind="stable")  # NaN last
    n = int((~np.isnan(flat)).sum())
    steps = np.maximum.accumulate(flat[order[:n]] * (n - np.arange(n)))
    adjusted = np.full(len(flat), np.nan)
    adjusted[order[:n]] = np.minimum(steps, 1.0)
    return adjusted.reshape(np.shape(p))


def design_effects(positives: csr_array, known: NDArray[np.bool_], of_row: NDArray[np.intp]) -> Numbers:
    """Return how many images count for one of each class, (C,), >= 1, since images of one patient are alike.

    ``positives`` (n, C) of ones, ``known`` (n, C) or (n, 1), ``of_row`` (n,) the patient of each image from 0. The
    variance of the share as a ratio over patients, over the binomial variance that independent images would have; the
    counts divided by it are used in tests of independent images (Rao and Scott, "A simple method for the analysis of
    clustered binary data", Biometrics 1992). 1 where it is not defined.
    """
    from scipy.sparse import csr_array

    n_rows, n_units = positives.shape[0], int(of_row.max(initial=-1)) + 1
    if n_units in (n_rows, 0, 1):
        return np.ones(positives.shape[1])
    membership = csr_array((np.ones(n_rows), (of_row, np.arange(n_rows))), shape=(n_units, n_rows))
    x, m = csr_array(membership @ positives), membership @ known.astype(np.float64)
    total, n = np.asarray(x.sum(axis=0), np.float64), m.sum(axis=0) * np.ones(positives.shape[1])
    share = _share(total, n)
    across = np.asarray((x * m).sum(axis=0), np.float64)
    squares = np.asarray((x * x).sum(axis=0)) - 2 * share * across + share**2 * (m * m).sum(axis=0)
    binomial = share * (1 - share) * n
    effect = np.divide(n_units / (n_units - 1) * squares, binomial, out=np.ones(len(total)), where=binomial > 0)
    at_least_one: Numbers = np.maximum(np.nan_to_num(effect, nan=1.0), 1.0)
    return at_least_one


def _share(x: Numbers, n: Numbers) -> Numbers:
    share: Numbers = np.divide(x, n, out=np.full(np.broadcast_shapes(x.shape, n.shape), np.nan), where=n > 0)
    return share
