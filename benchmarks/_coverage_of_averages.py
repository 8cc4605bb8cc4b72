"""Do intervals of averages and slices hold 95 %? The parts ``averages`` and ``slices`` of ``benchmarks.coverage``.

``averages``: micro and weighted means of five classes of 10, 10, 20, 50 and 200 positives among 1,500 images, by
percentiles as ``evaluate`` gives them; in the second setting the labels of an image's classes correlate by 0.5, and so
do their scores. ``slices``: one measure of a class in a slice of the images, and its difference from the rest, as
``by_slice`` gives them, and the same of the mean over the five classes; the model ranks the slice as it does the rest,
or worse. Micro AP and AUROC rank the probabilities of all classes together.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from benchmarks.coverage import DRAWS, MANY, MANY_IMAGES, WIDE, Tally, probability, truth
from lt_core.evaluation.errors import by_slice
from lt_core.evaluation.errors.shares import apart
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.averaging import AVERAGED, mean_of, micro, weighted
from lt_core.evaluation.uncertainty.cells import cells_of
from lt_core.evaluation.uncertainty.counted import counted
from lt_core.evaluation.uncertainty.drawing import MICRO, draw
from lt_core.evaluation.uncertainty.evaluating import point_values
from lt_core.evaluation.uncertainty.intervals import intervals_of

Tallies = dict[tuple[str, str], Tally]
RATES = np.array(MANY) / MANY_IMAGES
D, RECALL = 1.5, 0.6
CORRELATIONS = (0.0, 0.5)
SLICED = ("precision", "recall", "specificity", "f1", "mcc", "ap", "auroc", "brier")
SLICES = (  # positives and images in the slice, in the rest, d in the slice, in the rest
    (10, 300, 90, 1700, 1.5, 1.5),
    (20, 400, 80, 1600, 1.5, 1.5),
    (20, 400, 80, 1600, 1.0, 1.5),
    (100, 1000, 400, 4000, 1.0, 1.5),
)


def averages(simulations: int, correlation: float) -> Tallies:
    """Return the tallies of micro and weighted averages."""
    true, random = true_averages(), np.random.default_rng(2)
    tallies: Tallies = defaultdict(Tally)
    names, ids = tuple(map(str, range(len(MANY)))), np.arange(MANY_IMAGES).astype(str)
    at = probability(np.array(D - ndtri(RECALL)), RATES, D, 1.0)
    for seed in range(simulations):
        y = _shared(random, correlation) < ndtri(RATES)
        z = _shared(random, correlation) + D * y
        scored = Scored(names, z, probability(z, RATES, D, 1.0), y.astype(np.float32), ids)
        cells = cells_of(scored, at)
        drawn = draw(cells, n_draws=DRAWS, seed=seed)
        found = {"micro": micro(cells, drawn, 2.0), "weighted": weighted(point_values(cells), drawn, y.sum(axis=0))}
        for kind, values in found.items():
            for name, value in values.items():
                tallies[name, kind].add(np.array(value.low), np.array(value.high), true[kind][name])
    return tallies


def _shared(random: np.random.Generator, correlation: float) -> np.ndarray:
    """Return standard normal numbers (MANY_IMAGES, classes) that correlate by so much between classes of an image."""
    own, common = random.normal(size=(MANY_IMAGES, len(MANY))), random.normal(size=(MANY_IMAGES, 1))
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own


def true_averages() -> dict[str, dict[str, float]]:
    """Return the true micro and weighted averages; micro AP and AUROC by integration over the probabilities."""
    at = D - ndtri(RECALL)
    each = [truth(rate, D, at, 1.0) for rate in RATES]
    mean = {name: float(np.average([one[name] for one in each], weights=RATES)) for name in AVERAGED}
    tp, fp = RATES * RECALL, (1 - RATES) * ndtr(-at)
    found = counted([part.sum() for part in (tp, fp, RATES - tp, 1 - RATES - fp)])
    together = {name: float(found[name]) for name in MICRO if name in found}
    z = np.linspace(-9, 9 + D, 200_001)[:, None]
    step = (z[1, 0] - z[0, 0]) / np.sqrt(2 * np.pi)
    down = np.argsort(-probability(z, RATES, D, 1.0), axis=None)
    yes, no = (
        (share * np.exp(-((z - middle) ** 2) / 2) * step).ravel()[down]
        for share, middle in ((RATES, D), (1 - RATES, 0.0))
    )
    above = np.cumsum(yes), np.cumsum(no)
    together["ap"] = float((yes * above[0] / (above[0] + above[1])).sum() / yes.sum())
    together["auroc"] = float((no * (above[0] - yes / 2)).sum() / (yes.sum() * no.sum()))
    return {"micro": together, "weighted": mean}


def slices(setting: tuple[int, int, int, int, float, float], simulations: int) -> Tallies:
    """Return the tallies of a slice of one class, of its difference from the rest, and of the means over five."""
    inside, n_inside, outside, n_outside, *ds = setting
    n, rate = n_inside + n_outside, np.array([inside / n_inside, outside / n_outside])
    model = float((inside + outside) / n), ds[1]
    at = ds[1] - ndtri(RECALL)
    true = [truth(r, d, at, 1.0, model) for r, d in zip(rate, ds, strict=True)]
    here = np.arange(n) < n_inside
    known = pd.DataFrame({"slice": np.where(here, "in", "out")})
    random, tallies = np.random.default_rng(inside), defaultdict(Tally)
    names, ids = tuple(map(str, range(WIDE))), np.arange(n).astype(str)
    cut = float(probability(np.array(at), *model, 1.0))
    for seed in range(max(simulations // WIDE, 1)):
        y = random.random((n, WIDE)) < np.where(here, *rate)[:, None]
        z = random.normal(size=(n, WIDE)) + np.where(here, *ds)[:, None] * y
        scored = Scored(names, z, probability(z, *model, 1.0), y.astype(np.float32), ids, columns=known)
        for name in SLICED:
            found = by_slice(scored, "slice", cut, metric=name, draws=DRAWS, seed=seed).table
            mine = found[found["slice"] == "in"]
            tallies[name, "slice"].add(mine["low"].to_numpy(), mine["high"].to_numpy(), true[0][name])
            ends = mine["difference_low"].to_numpy(), mine["difference_high"].to_numpy()
            tallies[name, "slice - rest"].add(*ends, true[0][name] - true[1][name])
        _tally_means(tallies, [scored.only(here), scored.only(~here)], cut, seed, true)
    return tallies


def _tally_means(tallies: Tallies, sides: list[Scored], cut: float, seed: int, true: list[dict[str, float]]) -> None:
    """Add means over five classes, of the slice and of its difference from the rest, as ``slice_means`` makes them."""
    made = []
    for side in sides:
        cells = cells_of(side, cut)
        values, drawn = point_values(cells), draw(cells, SLICED, n_draws=DRAWS, seed=seed, pooled=False)
        made.append((values, intervals_of(cells, values, drawn, metrics=SLICED), drawn))
    for name in SLICED:
        for start in range(0, WIDE, len(MANY)):
            which = (np.arange(WIDE) >= start) & (np.arange(WIDE) < start + len(MANY))
            which &= np.all([~np.isnan(values[name]) for values, _, _ in made], axis=0)
            inside, rest = (mean_of(name, v[name], found[name], drawn, which) for v, found, drawn in made)
            ends = [np.array([part]) for part in (inside.value, inside.low, inside.high)]
            others = [np.array([part]) for part in (rest.value, rest.low, rest.high)]
            _, low, high = apart(ends[0], (ends[1], ends[2]), others[0], (others[1], others[2]))
            tallies[name, "mean of 5, slice"].add(ends[1], ends[2], true[0][name])
            tallies[name, "mean of 5, slice - rest"].add(low, high, true[0][name] - true[1][name])
