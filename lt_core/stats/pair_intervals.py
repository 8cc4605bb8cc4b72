"""How sure a co-occurrence is: intervals of the lift, and the exact test of independence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.stats.intervals import Z95

Numbers = NDArray[np.float64]

_HALVINGS = 80
"""Halvings of a bracket: more than a float64 has bits, so the ends are exact to rounding."""


def lift_interval(
    both: ArrayLike, n_a: ArrayLike, n_b: ArrayLike, n: ArrayLike, *, z: float = Z95
) -> tuple[Numbers, Numbers]:
    """Return (low, high) of the lift P(a, b) / (P(a) P(b)), each (P,), >= 0; NaN where n_a or n_b is 0.

    ``both`` of ``n`` images have the two classes, ``n_a`` and ``n_b`` have each. A score interval: the lifts that a
    two-sided test of ``both - lift n_a n_b / n`` does not reject, with the variance that the delta method gives this
    difference under the tested lift for a multinomial 2 x 2 table (Agresti, Categorical Data Analysis, 3rd ed. 2013,
    sections 1.3.3 and 16.1). At lift 1 the test is Pearson's chi-squared test, so the interval holds 1 exactly where
    that does not reject; and where every image with a has b too, it is Wilson's interval of P(b), inverted. Unlike
    ``log(lift) +- z s`` it is defined for a pair never seen, where ``low`` is 0.
    """
    k, a, b, total = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (both, n_a, n_b, n)))
    defined = (a > 0) & (b > 0) & (total > 0)
    safe = np.where(defined, total, 1.0)
    p, p_a, p_b = k / safe, np.where(defined, a / safe, 0.5), np.where(defined, b / safe, 0.5)
    lift = p / (p_a * p_b)

    def rejected(tested: Numbers) -> NDArray[np.bool_]:
        off = safe * (p - tested * p_a * p_b) ** 2
        return np.asarray(off > z * z * _variance(tested, p_a, p_b))

    low = _end(rejected, lift, np.zeros_like(lift))
    far = lift + (1 + z * z) / (safe * p_a * p_b)
    while not rejected(far).all():
        far = np.where(rejected(far), far, 2 * far)
    high = _end(rejected, lift, far)
    return np.where(defined, low, np.nan), np.where(defined, high, np.nan)


def _variance(lift: Numbers, p_a: Numbers, p_b: Numbers) -> Numbers:
    """Return N times the variance of p_ab - lift p_a p_b, of shares estimated on N images, where ``lift`` is true.

    No share may be above 1 / lift: a class that common cannot be ``lift`` times as frequent beside another.
    """
    with np.errstate(divide="ignore"):
        most = np.where(lift > 0, 1 / lift, np.inf)
    a, b = np.minimum(p_a, most), np.minimum(p_b, most)
    both = lift * a * b
    return np.asarray(np.maximum(both * (1 - lift * (a + b) + 2 * lift * both - both), 0.0))


def _end(rejected: Callable[[Numbers], NDArray[np.bool_]], inside: Numbers, outside: Numbers) -> Numbers:
    """Return where the test starts to reject on the way from ``inside`` to ``outside``, by halving."""
    kept, out = inside.copy(), outside.copy()
    reaches = ~rejected(outside)
    for _ in range(_HALVINGS):
        middle = (kept + out) / 2
        wrong = rejected(middle)
        kept, out = np.where(wrong, kept, middle), np.where(wrong, middle, out)
    return np.where(reaches, outside, kept)


def independence_p(both: ArrayLike, n_a: ArrayLike, n_b: ArrayLike, n: ArrayLike) -> Numbers:
    """Return the two-sided p-value of "a and b are independent", (P,), in [0, 1]; NaN where n_a or n_b is 0.

    Exact: given n_a and n_b, the number with both is hypergeometric (Fisher). Twice the smaller tail, at most 1.
    Below about 1e-308 it is 0.
    """
    given = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (both, n_a, n_b, n)))
    k, a, b, total = (np.atleast_1d(v) for v in given)
    defined = (a > 0) & (b > 0)
    up = k * total >= a * b
    here = np.exp(_log_chance(k, a, b, total))
    outwards = here * _tail_over_first(np.where(up, k, a - k), a, np.where(up, b, total - b), total)
    p = np.minimum(1.0, 2 * np.minimum(outwards, 1 - outwards + here))
    return np.where(defined, p, np.nan).reshape(given[0].shape)


def _log_chance(k: Numbers, a: Numbers, b: Numbers, n: Numbers) -> Numbers:
    """Return the log of the hypergeometric chance of ``k``."""
    from scipy.special import gammaln

    def log_choose(x: Numbers, y: Numbers) -> Numbers:
        return np.asarray(gammaln(x + 1) - gammaln(y + 1) - gammaln(x - y + 1))

    return log_choose(b, k) + log_choose(n - b, a - k) - log_choose(n, a)


def _tail_over_first(k: Numbers, a: Numbers, b: Numbers, n: Numbers) -> Numbers:
    """Return P(X >= k) / P(X = k), each term from the one before it; ``k`` is at or above the mean.

    The lower tail of a and b is the upper one of a and the images without b. scipy.stats has these tails, too, but
    takes a second to import.
    """
    total, term, step = np.ones_like(k), np.ones_like(k), 0.0
    going = np.arange(len(k)) if k.ndim else np.zeros(0, np.intp)
    while len(going):
        j = k[going] + step
        x, y = a[going], b[going]
        term[going] *= (x - j) * (y - j) / ((j + 1) * (n[going] - x - y + j + 1))
        total[going] += term[going]
        going = going[term[going] > 1e-17 * total[going]]
        step += 1
    return total


def false_discovery_rate(p: NDArray[np.float64], *, n_tests: int | None = None) -> Numbers:
    """Return p-values adjusted by Benjamini and Hochberg (JRSS B 1995), (P,), in [0, 1]; NaN stays NaN.

    ``n_tests`` is the number of tests of which these are some (None = these): the others count as p = 1, which can
    only make the adjusted values larger.
    """
    tested = np.flatnonzero(~np.isnan(p))
    adjusted = np.full(len(p), np.nan)
    if not len(tested):
        return adjusted
    m = max(len(tested), n_tests or 0)
    order = tested[np.argsort(p[tested], kind="stable")]
    raised = p[order] * m / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(raised[::-1])[::-1])
    return adjusted
