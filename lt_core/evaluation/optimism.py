"""How much tuning thresholds flatters: tuned and scored on the same images, against tuned on some, scored on others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.evaluation.cores import each
from lt_core.evaluation.cuts import Cuts, decision_values
from lt_core.evaluation.one_for_all import tuner_of
from lt_core.evaluation.ratios import or_none, ratio
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.thresholds import checked_method, cut_at, refuse_ranks
from lt_core.problems import Invalid

Numbers = NDArray[np.float64]


MEASURES = {
    "youden": "youden",
    "prior": "youden",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
}
"""What each method of tuning asks for, and so what tuning flatters; F1 of the others."""
MEASURE_NAMES = {"f1": "F1", "youden": "Youden index", "sensitivity": "sensitivity", "specificity": "specificity",
                 "precision": "precision"}  # fmt: skip
Rule = tuple[str, float | None, float]
"""Method, target, and the threshold where the method is not defined."""


@dataclass(frozen=True, eq=False, repr=False)
class Optimism:
    """What was tuned for (``measure``) of each class with thresholds tuned on the same images, and on others.

    ``classes`` has the columns class, n_positive, apparent, honest, optimism, sd: ``apparent`` is the measure where the
    images that tuned the threshold are scored, ``honest`` its mean over ``repeats`` where each fold is scored at the
    threshold of the others, ``optimism`` their difference and ``sd`` its standard deviation over the repeats: how much
    it depends on which images fall together. ``macro`` holds the same of the mean over classes, of all cells together
    where one threshold was tuned on those (``average`` is "micro"). NaN = not defined.
    """

    classes: pd.DataFrame
    macro: dict[str, float]
    method: str
    folds: int
    repeats: int
    measure: str = "f1"
    per_class: bool = True
    average: str = "macro"

    def __repr__(self) -> str:
        return f"Optimism({self.method}: {self.title} {self.macro['optimism']:.3f} too high)"

    @property
    def title(self) -> str:
        """Return what ``macro`` is of: "macro F1"."""
        return title_of(self.measure, self.average)

    def as_json(self) -> dict[str, Any]:
        """Return the same as a JSON object; what is not defined is None."""
        rows = [
            {"name": row["class"], "n_positive": int(row["n_positive"])}
            | {key: or_none(row[key]) for key in ("apparent", "honest", "optimism", "sd")}
            for row in self.classes.to_dict("records")
        ]
        macro = {name: or_none(value) for name, value in self.macro.items()}
        kept = ("method", "measure", "per_class", "average", "folds", "repeats")
        return {name: getattr(self, name) for name in kept} | {"macro": macro, "classes": rows}


def title_of(measure: str, average: str) -> str:
    """Return the name of an average as a person says it: "macro F1", "micro sensitivity"."""
    return f"{average} {MEASURE_NAMES.get(measure, measure)}"


def optimism(
    scored: Scored,
    method: str,
    *,
    target: float | None = None,
    folds: int = 5,
    repeats: int = 20,
    seed: int = 0,
    otherwise: float = 0.5,
    per_class: bool = True,
) -> Optimism:
    """Return how much too high the measure is that thresholds are tuned for, when tuned and scored on ``scored``.

    Repeated cross-validation within the set: patients are dealt into ``folds`` at random, each class's threshold (or
    with ``per_class`` False the one of all classes) is tuned on all folds but one and applied to that one, and the
    counts of all folds are added before the measure is taken, so that folds without a positive do no harm. A threshold
    is tuned on (folds - 1) / folds of the images, so the estimate errs on the side of caution. Scores are sorted once.
    What was done to the probabilities before, such as a calibration fitted on ``scored``, is not counted.
    """
    target = checked_method(method, target)
    if folds < 2 or repeats < 1 or scored.kind == "single":
        raise Invalid(f"optimism wants a multi-label set, 2 folds and 1 repeat at least, got {folds} and {repeats}")
    refuse_ranks(scored, method)
    values = decision_values(scored)
    fallback = otherwise if scored.probabilities is not None else np.inf
    fold = folds_of(scored.units, folds, repeats, np.random.default_rng(seed))
    count = _counts_apart if per_class else _counts_together
    counts = count(values, scored.targets, fold, folds, (method, target, fallback))
    average = "macro" if per_class or method in ("f1", "youden") else "micro"
    table, means = _told(scored, counts, MEASURES.get(method, "f1"), average)
    return Optimism(table, means, method, folds, repeats, MEASURES.get(method, "f1"), per_class, average)


def folds_of(units: NDArray[np.int64], folds: int, repeats: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the fold of every image in each repeat, (repeats, n); all images of a patient are in one fold."""
    n_units = int(units.max()) + 1 if len(units) else 0
    dealt = np.arange(n_units) % folds
    return np.stack([random.permutation(dealt)[units] for _ in range(repeats)])


def _counts_apart(
    values: Numbers, targets: NDArray[np.floating], fold: NDArray[np.int64], folds: int, rule: Rule
) -> Numbers:
    """Return true and false positives of every class as it seems, and in each repeat, (2, 1 + repeats, C)."""

    def one(k: int) -> Numbers:
        cuts = Cuts.of(values[:, k], targets[:, k])
        called = [_called(cuts, mine, folds, rule) for mine in (None, *fold)]
        return np.array([[part[mine].sum() for mine in called] for part in (cuts.positive, cuts.negative)])

    c = values.shape[1]
    return np.stack(each(one, range(c)), axis=2) if c else np.zeros((2, 1 + len(fold), 0))


def _counts_together(
    values: Numbers, targets: NDArray[np.floating], fold: NDArray[np.int64], folds: int, rule: Rule
) -> Numbers:
    """Return the same where all classes have one threshold."""
    method, target, fallback = rule
    tuner = tuner_of(values, targets, method, target)
    truth = np.stack([targets == 1, targets == 0])

    def one(mine: NDArray[np.int64] | None) -> Numbers:
        called = np.zeros(values.shape, np.bool_)
        for inside, tuning in _turns(mine, folds, len(values)):
            at = tuner(tuning)
            called[inside] = values[inside] >= (fallback if np.isnan(at) else at)
        return np.asarray((truth & called).sum(axis=1), np.float64)

    return np.stack(each(one, [None, *fold]), axis=1)


def _turns(fold: NDArray[np.int64] | None, folds: int, n: int) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield the images that are scored and those that tune, fold by fold; all of both where ``fold`` is None."""
    if fold is None:
        yield np.ones(n, np.bool_), np.ones(n, np.bool_)
        return
    for f in range(folds):
        yield fold == f, fold != f


def _called(cuts: Cuts, fold: NDArray[np.int64] | None, folds: int, rule: Rule) -> NDArray[np.bool_]:
    """Which images (as in ``cuts``) are called, each at the threshold of the folds it is not in (None: of all)."""
    method, target, fallback = rule
    positive, thresholds = cuts.positive == 1, cuts.scores[cuts.ends]
    called = np.zeros(len(cuts.rows), np.bool_)
    for inside, tuning in _turns(None if fold is None else fold[cuts.rows], folds, len(cuts.rows)):
        n = np.cumsum(tuning, dtype=np.int32)[cuts.ends]
        tp = np.cumsum(positive & tuning, dtype=np.int32)[cuts.ends].astype(np.float64)
        at = cut_at(thresholds, tp, n - tp, method, target)
        called |= inside & (cuts.scores >= (fallback if np.isnan(at) else at))
    return called


def _measured(counts: Numbers, known: Numbers, measure: str) -> Numbers:
    """Return ``measure`` of true and false positives (2, R, K) among the ``known`` positives and negatives (2, K)."""
    (tp, fp), (positives, negatives) = counts, known
    if measure == "f1":
        return ratio(2 * tp, tp + fp + positives)
    if measure == "precision":
        return ratio(tp, tp + fp)
    found, kept = ratio(tp, positives), 1 - ratio(fp, negatives)
    return {"sensitivity": found, "specificity": kept}.get(measure, found + kept - 1)


def _told(scored: Scored, counts: Numbers, measure: str, average: str) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the table of classes, and the same of their average."""
    known = np.stack([scored.targets == 1, scored.targets == 0]).sum(axis=1).astype(np.float64)
    found = _measured(counts, known, measure)
    apparent, honest = found[0], found[1:]
    gap = apparent - honest
    repeats = len(honest)
    ddof = 1 if repeats > 1 else 0
    table = pd.DataFrame(
        {
            "class": list(scored.class_names),
            "n_positive": (scored.targets == 1).sum(axis=0),
            "apparent": apparent,
            "honest": honest.mean(axis=0),
            "optimism": gap.mean(axis=0),
            "sd": gap.std(axis=0, ddof=ddof),
        }
    )
    if average == "micro":
        found = _measured(counts.sum(axis=2, keepdims=True), known.sum(axis=1, keepdims=True), measure)
    defined = ~np.isnan(found).any(axis=0)
    means = found[:, defined].mean(axis=1) if defined.any() else np.full(1 + repeats, np.nan)
    macro = {
        "apparent": float(means[0]),
        "honest": float(means[1:].mean()),
        "optimism": float((means[0] - means[1:]).mean()),
        "sd": float((means[0] - means[1:]).std(ddof=ddof)),
        "n_classes": float((~np.isnan(apparent) & ~np.isnan(honest).any(axis=0)).sum()),
    }
    return table, macro
