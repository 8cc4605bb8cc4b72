"""Do the 95 % intervals hold 95 %? ``python -m benchmarks.coverage [SIMULATIONS [PART ...] [METRIC ...]]``.

PART is classes, together, averages or slices. 2,000 simulations, all four and all measures where nothing else is said;
metrics narrow the first table.

Scores of a class are normal, its positives d higher; the probabilities are the true ones, or bent by a slope; so every
measure's true value follows from two normal distributions. A simulation draws n images of which on average 10, 50 or
500 are positive. The first table counts how often the interval that ``evaluate`` gives holds the true value, and how
often the plain percentile bootstrap would have. The second does so for the macro mean over five classes of 10, 10, 20,
50 and 200 positives and for paired differences of two models whose scores correlate, as ``compare`` gives them.
One core, about a quarter of an hour. The others (``_coverage_of_averages``) are of micro and weighted averages and of
slices: one core, about as long again.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, ndtr, ndtri

from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.averaging import mean_of
from lt_core.evaluation.uncertainty.cells import cells_of
from lt_core.evaluation.uncertainty.closed import Interval
from lt_core.evaluation.uncertainty.comparing import added
from lt_core.evaluation.uncertainty.counted import counted
from lt_core.evaluation.uncertainty.drawing import METRICS, Draws, draw
from lt_core.evaluation.uncertainty.evaluating import point_values
from lt_core.evaluation.uncertainty.intervals import intervals_of
from lt_core.evaluation.uncertainty.resampled import percentile

WIDE = 100
"""Simulations run side by side, as classes of one set: they share the draws, not the data."""
SETTINGS = (  # positives, images, d, recall at the threshold, slope of the logits
    (10, 1000, 1.0, 0.5, 1.0),
    (10, 1000, 1.5, 0.6, 1.5),
    (10, 1000, 2.5, 0.7, 0.6),
    (50, 2000, 1.0, 0.5, 1.0),
    (50, 2000, 1.5, 0.6, 1.5),
    (50, 2000, 2.5, 0.7, 0.6),
    (500, 5000, 1.0, 0.5, 1.0),
    (500, 5000, 1.5, 0.6, 1.5),
    (500, 5000, 2.5, 0.7, 0.6),
)
PARTS = ("classes", "together", "averages", "slices")
MANY = (10, 10, 20, 50, 200)
MANY_IMAGES, DRAWS = 1500, 1000
JOINED = ("recall", "f1", "mcc", "balanced_accuracy", "ap", "auroc", "brier")


@dataclass
class Tally:
    """How often an interval held the truth, and on which side it lay where not."""

    tried: int = 0
    held: int = 0
    above: int = 0
    below: int = 0
    width: list[float] = field(default_factory=list)

    def add(self, low: np.ndarray, high: np.ndarray, truth: float) -> None:
        """Count intervals (K,); those not defined are left out."""
        low, high = np.atleast_1d(low), np.atleast_1d(high)
        known = ~np.isnan(low) & ~np.isnan(high)
        low, high = low[known], high[known]
        self.tried += len(low)
        self.held += int(((low <= truth + 1e-12) & (truth <= high + 1e-12)).sum())
        self.above += int((truth + 1e-12 < low).sum())
        self.below += int((truth > high + 1e-12).sum())
        self.width.append(float((high - low).mean()) if len(low) else np.nan)

    def __str__(self) -> str:
        share = [100 * part / max(self.tried, 1) for part in (self.held, self.above, self.below)]
        return f"{self.tried:7d}{share[0]:8.1f}{share[1]:8.1f}{share[2]:8.1f}{np.nanmean(self.width):9.4f}"


def probability(z: np.ndarray, rate: np.ndarray | float, d: float, slope: float) -> np.ndarray:
    """Return the probability a model of this ``slope`` says for score ``z``; the true one for a slope of 1."""
    return expit(slope * (d * z - d * d / 2) + np.log(rate) - np.log1p(-np.asarray(rate)))


def truth(
    rate: float, d: float, threshold: float, slope: float, model: tuple[float, float] | None = None
) -> dict[str, float]:
    """Return the true value of each measure, by integration over the scores; ``model``: the rate and the d that the
    probabilities are of, where not these."""
    z = np.linspace(-9, 9 + d, 400_001)
    step = (z[1] - z[0]) / np.sqrt(2 * np.pi)
    yes, no = rate * np.exp(-((z - d) ** 2) / 2) * step, (1 - rate) * np.exp(-(z**2) / 2) * step
    p = probability(z, *(model or (rate, d)), slope)
    tp, fp = rate * ndtr(d - threshold), (1 - rate) * ndtr(-threshold)
    found = {name: float(value) for name, value in counted([tp, fp, rate - tp, 1 - rate - fp]).items()}
    above = [np.cumsum(part[::-1])[::-1] for part in (yes, no)]
    found["ap"] = float((yes * above[0] / (above[0] + above[1])).sum() / yes.sum())
    found["auroc"] = float(ndtr(d / np.sqrt(2)))
    found["brier"] = float((yes * (1 - p) ** 2 + no * p**2).sum())
    gap = np.bincount(np.minimum((p * 15).astype(int), 14), weights=yes * (p - 1) + no * p)
    return found | {"ece": float(np.abs(gap).sum())}


def one_setting(
    setting: tuple[int, int, float, float, float], simulations: int, metrics: tuple[str, ...] = METRICS
) -> dict[tuple[str, str], Tally]:
    """Return the tallies of every one of ``metrics`` of a class, ours and of percentiles."""
    positives, n, d, recall, slope = setting
    rate, at = positives / n, d - ndtri(recall)
    true, random = truth(rate, d, at, slope), np.random.default_rng(positives)
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    names, ids = tuple(map(str, range(WIDE))), np.arange(n).astype(str)
    for seed in range(max(simulations // WIDE, 1)):
        y = random.random((n, WIDE)) < rate
        z = random.normal(size=(n, WIDE)) + d * y
        scored = Scored(names, z, probability(z, rate, d, slope), y.astype(np.float32), ids)
        cells = cells_of(scored, float(probability(np.array(at), rate, d, slope)))
        draws = draw(cells, metrics, n_draws=DRAWS, seed=seed, pooled=False)
        for name, found in intervals_of(cells, point_values(cells), draws, metrics=metrics).items():
            tallies[name, found.method].add(found.low, found.high, true[name])
            tallies[name, "percentile"].add(*percentile(draws.classes[name]), true[name])
    return tallies


def together(simulations: int) -> dict[tuple[str, str], Tally]:
    """Return the tallies of macro means and of paired differences, of B minus A."""
    sets = WIDE // len(MANY)
    rates, random = np.tile(np.array(MANY) / MANY_IMAGES, sets), np.random.default_rng(1)
    models = ((1.5, 0.6), (2.0, 0.7))
    true = [[truth(rate, d, d - ndtri(recall), 1.0) for rate in rates[: len(MANY)]] for d, recall in models]
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    names, ids = tuple(map(str, range(WIDE))), np.arange(MANY_IMAGES).astype(str)
    for seed in range(max(simulations // sets, 1)):
        y = random.random((MANY_IMAGES, WIDE)) < rates
        common = random.normal(size=y.shape)
        cells, values, draws, found = [], [], [], []
        for d, recall in models:
            z = np.sqrt(0.5) * (common + random.normal(size=y.shape)) + d * y
            scored = Scored(names, z, probability(z, rates, d, 1.0), y.astype(np.float32), ids)
            cells.append(cells_of(scored, probability(np.array(d - ndtri(recall)), rates, d, 1.0)))
            values.append(point_values(cells[-1]))
            draws.append(draw(cells[-1], JOINED, n_draws=DRAWS // 2, seed=seed, pooled=False))
            found.append(intervals_of(cells[-1], values[-1], draws[-1], metrics=JOINED))
        for name in JOINED:
            both = [one[name] for one in values], [one[name] for one in found]
            _tally_means(tallies, name, both, draws, true)
            low, high = added(name, *both, draws, y.sum(axis=0))
            for k, positives in enumerate(MANY):
                gap = true[1][k][name] - true[0][k][name]
                tallies[name, f"B - A, {positives}"].add(low[k :: len(MANY)], high[k :: len(MANY)], gap)
    return tallies


def _tally_means(
    tallies: dict[tuple[str, str], Tally],
    name: str,
    both: tuple[list[np.ndarray], list[Interval]],
    draws: list[Draws],
    true: list[list[dict[str, float]]],
) -> None:
    mean = [float(np.mean([one[name] for one in model])) for model in true]
    for start in range(0, WIDE, len(MANY)):
        mine = (np.arange(WIDE) >= start) & (np.arange(WIDE) < start + len(MANY))
        value = mean_of(name, both[0][0], both[1][0], draws[0], mine)
        tallies[name, "macro"].add(np.array(value.low), np.array(value.high), mean[0])
        tallies[name, "percentile"].add(*percentile(draws[0].mean(name, mine)[:, None]), mean[0])
        gaps = draws[1].mean(name, mine) - draws[0].mean(name, mine)
        tallies[name, "B - A, macro"].add(*percentile(gaps[:, None]), mean[1] - mean[0])


def main() -> None:
    """Print the tables asked for."""
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    metrics = tuple(name for name in METRICS if name in sys.argv[2:]) or METRICS
    parts = [part for part in PARTS if part in sys.argv[2:]]
    parts = parts or (list(PARTS) if metrics == METRICS else ["classes"])
    heads = f"{'measure':19}{'interval':58}{'tried':>7}{'held %':>8}{'above':>8}{'below':>8}{'width':>9}"
    for setting in SETTINGS if "classes" in parts else ():
        positives, n, d, recall, slope = setting
        print(f"\n{positives} positives of {n:,}, d {d}, recall {recall}, slope {slope}\n{heads}", flush=True)
        _print(one_setting(setting, simulations, metrics))
    if "together" in parts:
        print(f"\nfive classes of {MANY} positives, two models, {MANY_IMAGES:,} images\n{heads}")
        _print(together(simulations))
    if {"averages", "slices"} & set(parts):
        from benchmarks import _coverage_of_averages as more
    for correlation in more.CORRELATIONS if "averages" in parts else ():
        said = f"five classes of {MANY} positives, {MANY_IMAGES:,} images, correlation of classes {correlation}"
        print(f"\n{said}\n{heads}", flush=True)
        _print(more.averages(simulations, correlation))
    for setting in more.SLICES if "slices" in parts else ():
        inside, n_inside, outside, n_outside, d, rest = setting
        said = f"slice: {inside} positives of {n_inside:,} images, d {d}; rest: {outside} of {n_outside:,}, d {rest}"
        print(f"\n{said}\n{heads}", flush=True)
        _print(more.slices(setting, simulations))


def _print(tallies: dict[tuple[str, str], Tally]) -> None:
    for (name, what), tally in sorted(tallies.items(), key=_place):
        print(f"{name:19}{what[:56]:58}{tally}", flush=True)


def _place(item: tuple[tuple[str, str], Tally]) -> tuple[int, bool, str]:
    name, method = item[0]
    return METRICS.index(name), method == "percentile", method


if __name__ == "__main__":
    main()
