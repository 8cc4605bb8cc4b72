"""How much of a loss's gain in the tail remains once every model has its own tuned thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.charts.palette import GROUPS
from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.thresholds import Thresholds, tune
from lt_core.evaluation.uncertainty.cells import cells_of
from lt_core.evaluation.uncertainty.drawing import draw
from lt_core.evaluation.uncertainty.resampled import percentile
from lt_core.problems import Invalid, Problem

Numbers = NDArray[np.float64]
AT_HALF, OWN = "0.5", "own thresholds"
RULES = (AT_HALF, OWN)
COLUMNS = ["run", "group", "rule", "n_classes", "n_positive", "value", "low", "high", "gain", "gain_low", "gain_high",
           "remains", "remains_low", "remains_high"]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Entrant:
    """One model: its ``name``, its predictions on ``validation``, which tune its thresholds, and on ``test``."""

    name: str
    validation: Scored
    test: Scored


def tail_gain(
    entrants: Sequence[Entrant],
    groups: Sequence[str],
    *,
    metric: str = "f1",
    method: str = "f1",
    target: float | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return one row for each model, group (head, medium, tail, all) and rule ("0.5", "own thresholds").

    Columns: run, group, rule, n_classes (with the metric defined), n_positive (test), value (mean of ``metric`` over
    the classes), low, high; then, against the first of ``entrants`` under the same rule, gain, gain_low, gain_high, and
    remains, remains_low, remains_high, on the rows of "own thresholds": the share of the gain at 0.5 that is left, not
    defined unless the interval of that gain lies above 0 (``share_ends``). Intervals are 95 % percentiles over
    bootstrap draws of test patients, the same for all models and rules; thresholds, tuned by ``method`` on validation,
    are held as they are. ``groups`` are of the training counts, one for each class. Raises ``Problem`` where models
    differ in classes or test images, or only rank: 0.5 means nothing on a scale of their own.
    """
    _check(entrants, groups)
    member = np.asarray(list(groups))
    values = {}
    for entrant in entrants:
        own = tune(entrant.validation, method, target=target).for_classes(entrant.test.class_names)
        for rule, at in ((AT_HALF, 0.5), (OWN, own)):
            values[entrant.name, rule] = _means(entrant.test, at, member, metric, draws, seed)
    first = entrants[0].name
    rows = []
    for entrant in entrants:
        for k, group in enumerate((*GROUPS, "all")):
            which = member == group if group != "all" else np.ones(len(member), np.bool_)
            known = (entrant.test.targets[:, which] == 1).sum()
            gain = {rule: values[entrant.name, rule][0][k] - values[first, rule][0][k] for rule in RULES}
            gaps = {rule: values[entrant.name, rule][1][k] - values[first, rule][1][k] for rule in RULES}
            share = _remains(gain, gaps)
            for rule in RULES:
                mean, drawn, defined = values[entrant.name, rule]
                left = share if rule == OWN else (np.nan, np.nan, np.nan)
                rows.append((entrant.name, group, rule, int(defined[k]), int(known), mean[k], *_ends(drawn[k]),
                             gain[rule], *_ends(gaps[rule]), *left))  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def own_thresholds(entrants: Sequence[Entrant], method: str = "f1", target: float | None = None) -> list[Thresholds]:
    """Return the thresholds that ``tail_gain`` gives each model, in order."""
    return [tune(entrant.validation, method, target=target) for entrant in entrants]


def _check(entrants: Sequence[Entrant], groups: Sequence[str]) -> None:
    if not entrants or len({entrant.name for entrant in entrants}) < len(entrants):
        raise Invalid("the tail gain wants one model or more, each with a name of its own")
    first = entrants[0].test
    if len(groups) != len(first.class_names) or not set(groups) <= set(GROUPS):
        raise Invalid(f"groups must be one of {', '.join(GROUPS)} for each of {len(first.class_names)} classes")
    ranks = [entrant.name for entrant in entrants if entrant.test.probabilities is None]
    if ranks:
        raise Problem(f"{' and '.join(ranks)}: scores that only rank, so that 0.5 means nothing: give probabilities")
    for entrant in entrants[1:]:
        other = entrant.test
        if other.class_names != first.class_names or not np.array_equal(other.ids, first.ids):
            raise Problem(
                f"{entrant.name} and {entrants[0].name} differ in classes or test images: only models on the same "
                "test part compare"
            )


def _means(
    test: Scored, thresholds: float | Numbers, member: NDArray[np.str_], metric: str, draws: int, seed: int
) -> tuple[Numbers, Numbers, NDArray[np.int64]]:
    """Means over head, medium, tail and all (4,), the same of every draw (4, B), and of how many classes (4,)."""
    cells = cells_of(test, thresholds)
    drawn = draw(cells, (metric,), n_draws=max(draws, 1), seed=seed, pooled=False)
    point = _point(test, thresholds, metric)
    masks = [member == group for group in GROUPS] + [np.ones(len(member), np.bool_)]
    defined = np.array([np.count_nonzero(~np.isnan(point[mask])) for mask in masks])
    mean = ratio([np.nansum(point[mask]) for mask in masks], defined)
    every = np.stack([drawn.mean(metric, mask) for mask in masks])
    return mean, every if draws else np.full((4, 0), np.nan), defined


def _point(test: Scored, thresholds: float | Numbers, metric: str) -> Numbers:
    from lt_core.evaluation.uncertainty.evaluating import point_values

    found = point_values(cells_of(test, thresholds))
    if metric not in found:
        raise Invalid(f"the tail gain is of one of {', '.join(found)}, got {metric!r}")
    return found[metric]


def _ends(values: Numbers) -> tuple[float, float]:
    low, high = percentile(values[:, None])
    return float(low[0]), float(high[0])


def _remains(gain: dict[str, float], gaps: dict[str, Numbers]) -> tuple[float, float, float]:
    """Return which share of the gain at 0.5 is left, and its interval; NaN where no gain at 0.5 can be told."""
    if not (_ends(gaps[AT_HALF])[0] > 0 and gain[AT_HALF] > 0) or np.isnan(gain[OWN]):
        return np.nan, np.nan, np.nan
    return (gain[OWN] / gain[AT_HALF], *share_ends(gaps[OWN], gaps[AT_HALF]))


def share_ends(part: Numbers, whole: Numbers) -> tuple[float, float]:
    """Return the 95 % interval of the share ``part`` / ``whole``, paired draws (B,) each, 2.5 % of ``whole`` at most
    not above 0: all shares s at which the percentile interval of part - s whole holds 0.

    Fieller, "Some problems in interval estimation", JRSS B 1954, by draws: where a denominator comes near 0 percentiles
    of the ratio would be too narrow; where it does not they are the same.
    """
    defined = ~np.isnan(part) & ~np.isnan(whole)
    part, whole = part[defined], whole[defined]
    found = []
    for level in (0.025, 0.975):
        low, high = -1.0, 1.0  # the quantile of part - s whole falls as s grows
        while np.quantile(part - low * whole, level) < 0 and low > -1e6:
            low *= 2
        while np.quantile(part - high * whole, level) > 0 and high < 1e6:
            high *= 2
        for _ in range(60):
            middle = (low + high) / 2
            above = np.quantile(part - middle * whole, level) > 0
            low, high = (middle, high) if above else (low, middle)
        found.append((low + high) / 2)
    return found[0], found[1]
