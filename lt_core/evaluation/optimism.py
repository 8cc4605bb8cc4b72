"""How much tuning thresholds flatters: tuned and scored on the same images, against tuned on some, scored on others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.evaluation.cores import each
from lt_core.evaluation.cuts import Cuts, decision_values
from lt_core.evaluation.ratios import or_none, ratio
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.thresholds import checked_method, place_of
from lt_core.problems import Invalid

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Optimism:
    """F1 of each class with thresholds tuned on the same images, and on others.

    ``classes`` has the columns class, n_positive, apparent, honest, optimism, sd: ``apparent`` is F1 where the images
    that tuned the threshold are scored, ``honest`` the mean over ``repeats`` of F1 where each fold is scored at the
    threshold of the others, ``optimism`` their difference and ``sd`` its standard deviation over the repeats: how much
    it depends on which images fall together. ``macro`` holds the same of the mean over classes. NaN = not defined.
    """

    classes: pd.DataFrame
    macro: dict[str, float]
    method: str
    folds: int
    repeats: int

    def __repr__(self) -> str:
        return f"Optimism({self.method}: macro F1 {self.macro['optimism']:.3f} too high)"

    def as_json(self) -> dict[str, Any]:
        """Return the same as a JSON object; what is not defined is None."""
        rows = [
            {"name": row["class"], "n_positive": int(row["n_positive"])}
            | {key: or_none(row[key]) for key in ("apparent", "honest", "optimism", "sd")}
            for row in self.classes.to_dict("records")
        ]
        macro = {name: or_none(value) for name, value in self.macro.items()}
        return {"method": self.method, "folds": self.folds, "repeats": self.repeats, "macro": macro, "classes": rows}


def optimism(
    scored: Scored,
    method: str,
    *,
    target: float | None = None,
    folds: int = 5,
    repeats: int = 20,
    seed: int = 0,
    otherwise: float = 0.5,
) -> Optimism:
    """Return how much too high F1 is when thresholds are tuned and scored on ``scored``.

    Repeated cross-validation within the set: patients are dealt into ``folds`` at random, each class's threshold is
    tuned on all folds but one and applied to that one, and the counts of all folds are added before F1 is taken, so
    that folds without a positive do no harm. A threshold is tuned on (folds - 1) / folds of the images, so the estimate
    errs on the side of caution. Scores are sorted once.
    """
    target = checked_method(method, target)
    c = len(scored.class_names)
    if folds < 2 or repeats < 1 or scored.kind == "single":
        raise Invalid(f"optimism wants a multi-label set, 2 folds and 1 repeat at least, got {folds} and {repeats}")
    values = decision_values(scored)
    fallback = otherwise if scored.probabilities is not None else np.inf
    fold = folds_of(scored.units, folds, repeats, np.random.default_rng(seed))

    def one(k: int) -> Numbers:
        """Return F1 of class k as it seems, and as it is in each repeat, (1 + repeats,)."""
        cuts = Cuts.of(values[:, k], scored.targets[:, k])
        whole = cuts.sweep()
        if not len(whole):
            return np.full(1 + repeats, np.nan)
        place = place_of(whole.tp, whole.fp, method, target)
        at = fallback if place is None else np.inf if place < 0 else whole.thresholds[place]
        called = [_called(cuts, mine, folds, method, target, fallback) for mine in fold]
        return np.array([_f1(cuts.positive, cuts.negative, part) for part in (cuts.scores >= at, *called)])

    found = np.stack(each(one, range(c)), axis=1) if c else np.full((1 + repeats, 0), np.nan)
    return _told(scored, method, folds, repeats, found[0], found[1:])


def folds_of(units: NDArray[np.int64], folds: int, repeats: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the fold of every image in each repeat, (repeats, n); all images of a patient are in one fold."""
    n_units = int(units.max()) + 1 if len(units) else 0
    dealt = np.arange(n_units) % folds
    return np.stack([random.permutation(dealt)[units] for _ in range(repeats)])


def _called(
    cuts: Cuts, fold: NDArray[np.int64], folds: int, method: str, target: float | None, fallback: float
) -> NDArray[np.bool_]:
    """Which images (sorted as in ``cuts``) are called, each at the threshold of the folds it is not in."""
    mine = fold[cuts.rows]
    positive = cuts.positive == 1
    called = np.zeros(len(mine), np.bool_)
    for f in range(folds):
        inside = mine == f
        n = np.cumsum(~inside, dtype=np.int32)[cuts.ends]
        tp = np.cumsum(positive & ~inside, dtype=np.int32)[cuts.ends].astype(np.float64)
        place = place_of(tp, n - tp, method, target)
        at = fallback if place is None else np.inf if place < 0 else cuts.scores[cuts.ends[place]]
        called |= inside & (cuts.scores >= at)
    return called


def _f1(positive: Numbers, negative: Numbers, called: NDArray[np.bool_]) -> float:
    tp, fp = positive[called].sum(), negative[called].sum()
    return float(ratio(2 * tp, tp + fp + positive.sum()))


def _told(scored: Scored, method: str, folds: int, repeats: int, apparent: Numbers, honest: Numbers) -> Optimism:
    gap = apparent - honest
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
    defined = ~np.isnan(apparent) & ~np.isnan(honest).any(axis=0)
    per_repeat = gap[:, defined].mean(axis=1) if defined.any() else np.full(repeats, np.nan)
    macro = {
        "apparent": float(apparent[defined].mean()) if defined.any() else float("nan"),
        "honest": float(honest[:, defined].mean()) if defined.any() else float("nan"),
        "optimism": float(per_repeat.mean()),
        "sd": float(per_repeat.std(ddof=ddof)),
        "n_classes": float(defined.sum()),
    }
    return Optimism(table, macro, method, folds, repeats)
