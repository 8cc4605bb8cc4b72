"""Which law the tail follows: class counts by rank, fitted by a power law and by an exponential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lt_core.problems import Invalid

Law = Literal["power law", "exponential"]
LAWS: tuple[Law, ...] = ("power law", "exponential")
FEWEST = 3
"""Classes with positives that a fit needs: two points lie on any law."""


@dataclass(frozen=True, eq=False)
class RankLaw:
    """One law fitted to the counts n_1 >= n_2 >= ...: n_r = a r^-s or n_r = a mu^r.

    ``parameter`` is s >= 0 or mu in (0, 1], ``scale`` is a. ``imbalance_ratio`` is the law's own, first over last rank.
    ``aic`` is that of Poisson counts with two parameters. ``explained`` is the share of the deviance from equal
    counts that the law takes away, at most 1; NaN where the counts are equal. ``expected`` is n_r by the law, (R,).
    """

    law: Law
    parameter: float
    scale: float
    imbalance_ratio: float
    aic: float
    explained: float
    expected: NDArray[np.float64]

    @property
    def formula(self) -> str:
        """The law in words and numbers."""
        if self.law == "power law":
            return f"n = {self.scale:,.0f} / rank^{self.parameter:.3g}"
        return f"n = {self.scale:,.0f} x {self.parameter:.4g}^rank"


@dataclass(frozen=True, eq=False)
class TailFit:
    """Both laws fitted to one data set: ``counts`` (R,) by rank, ``classes`` (R,) the class of each rank.

    ``left_out`` is the number of classes without positives, which no law with a logarithm can hold.
    """

    power: RankLaw
    exponential: RankLaw
    counts: NDArray[np.int64]
    classes: NDArray[np.intp]
    left_out: int

    @property
    def better(self) -> RankLaw:
        """The law with the lower AIC; the exponential where they are equal."""
        return self.power if self.power.aic < self.exponential.aic else self.exponential

    @property
    def aic_difference(self) -> float:
        """How much lower the AIC of ``better`` is, >= 0."""
        return abs(self.power.aic - self.exponential.aic)

    def sentence(self) -> str:
        """Say which law is closer, by how much, how good it is, and what it implies."""
        best = self.better
        rest = f" {self.left_out:,} classes without positives are left out." if self.left_out else ""
        if np.ptp(self.counts) == 0:
            return f"All {len(self.counts):,} classes have as many positives: there is no tail to fit.{rest}"
        closer = f"Closer to {_article(best.law)}: AIC lower by {self.aic_difference:,.0f}"
        if self.aic_difference < 2:
            closer = f"The two laws cannot be told apart: AIC differs by {self.aic_difference:.2f}"
        return (
            f"{closer}. {best.law.capitalize()} with imbalance ratio {best.imbalance_ratio:,.4g} ({best.formula}); it "
            f"takes away {best.explained:.1%} of the deviance from equal counts.{rest}"
        )

    def table(self, class_names: ArrayLike) -> pd.DataFrame:
        """Return one row a rank: ``rank, class, positives, power law, exponential``."""
        names = np.asarray(class_names, dtype=object)
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(self.counts) + 1),
                "class": names[self.classes],
                "positives": self.counts,
                "power law": self.power.expected,
                "exponential": self.exponential.expected,
            }
        )


def tail_fit(positives: ArrayLike) -> TailFit | None:
    """Return both laws fitted to class counts (C,) by maximum likelihood; None below ``FEWEST`` classes with positives.

    Counts are taken as multinomial over the ranks, which is Poisson with a free scale. Ranks come from the counts
    themselves, so counts that differ by chance only look like a slight tail. Raises ``Invalid`` for a negative count.
    """
    given = np.asarray(positives)
    if (given < 0).any():
        raise Invalid(f"class counts must not be negative, got {given.min():g}")
    order = np.argsort(-given, kind="stable")
    order = order[given[order] > 0]
    if len(order) < FEWEST:
        return None
    counts = given[order].astype(np.int64)
    ranks = np.arange(1, len(counts) + 1, dtype=np.float64)
    return TailFit(
        _fitted("power law", np.log(ranks), counts), _fitted("exponential", ranks, counts), counts, order,
        int(len(given) - len(order)),
    )  # fmt: skip


def _fitted(law: Law, steps: NDArray[np.float64], counts: NDArray[np.int64]) -> RankLaw:
    total = float(counts.sum())
    slope = _slope(steps, float(counts @ steps) / total)
    shares = _shares(steps, slope)
    expected = total * shares
    equal = np.full(len(counts), total / len(counts))
    away = _deviance(counts, equal)
    return RankLaw(
        law=law,
        parameter=slope if law == "power law" else float(np.exp(-slope)),
        scale=float(expected[0] * np.exp(slope * steps[0])),
        imbalance_ratio=float(expected[0] / expected[-1]),
        aic=4 - 2 * _log_likelihood(counts, expected),
        explained=1 - _deviance(counts, expected) / away if away > 0 else float("nan"),
        expected=expected,
    )


def _shares(steps: NDArray[np.float64], slope: float) -> NDArray[np.float64]:
    weights = np.exp(-slope * (steps - steps[0]))
    return np.asarray(weights / weights.sum())


def _slope(steps: NDArray[np.float64], mean: float) -> float:
    """Return the slope >= 0 at which ``steps`` have this mean under ``_shares``: there the likelihood is largest."""
    low, high = 0.0, 1.0
    if float(_shares(steps, 0.0) @ steps) <= mean:
        return 0.0
    while float(_shares(steps, high) @ steps) > mean:
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if float(_shares(steps, middle) @ steps) > mean else (low, middle)
    return (low + high) / 2


def _log_likelihood(counts: NDArray[np.int64], expected: NDArray[np.float64]) -> float:
    from scipy.special import gammaln

    mean = np.maximum(expected, np.finfo(np.float64).tiny)
    return float((counts * np.log(mean) - expected - gammaln(counts + 1.0)).sum())


def _deviance(counts: NDArray[np.int64], expected: NDArray[np.float64]) -> float:
    mean = np.maximum(expected, np.finfo(np.float64).tiny)
    return float(2 * (counts * np.log(counts / mean) - (counts - expected)).sum())


def _article(law: Law) -> str:
    return "an exponential" if law == "exponential" else "a power law"
