"""Where to cut: thresholds tuned on one set of predictions, to be applied to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.cuts import Cuts, Sweep, decision_values
from lt_core.evaluation.ratios import or_none
from lt_core.evaluation.reading.joining import listed
from lt_core.evaluation.scored import Scored
from lt_core.problems import Invalid, Problem, Unknown

Numbers = NDArray[np.float64]
Method = Literal["f1", "youden", "sensitivity", "specificity", "precision", "prevalence", "prior"]
METHODS: tuple[Method, ...] = get_args(Method)
WITH_TARGET = ("sensitivity", "specificity", "precision")
NOBODY = np.inf
"""The threshold at which nobody is called positive."""


@dataclass(frozen=True, eq=False, repr=False)
class Thresholds:
    """A threshold for each of C classes: a cell is called positive where its decision value is at or above it.

    ``values`` (C,) are on the scale of ``cuts.decision_values``, infinite where nobody is to be called. ``tuned`` (C,)
    is False where the method has no answer and ``values`` is the fallback. ``target`` is the sensitivity, specificity
    or precision asked for. ``notes`` name the classes that have no threshold of their own, and say why.
    """

    class_names: tuple[str, ...]
    values: Numbers
    tuned: NDArray[np.bool_]
    method: str
    per_class: bool
    target: float | None = None
    tuned_on: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Thresholds({in_words(self.method, self.target)}, {'per class' if self.per_class else 'one for all'})"

    def for_classes(self, names: tuple[str, ...]) -> Numbers:
        """Return the thresholds of ``names`` in their order, (n,); raise ``Unknown`` for a class that has none."""
        at = {name: k for k, name in enumerate(self.class_names)}
        for name in names:
            if name not in at:
                raise Unknown.of("class", name, list(self.class_names))
        return self.values[[at[name] for name in names]]

    def as_json(self) -> dict[str, Any]:
        """Return method, target, where they were tuned, and the threshold of each class (None: nobody is called)."""
        return {
            "method": self.method,
            "target": self.target,
            "per_class": self.per_class,
            "tuned_on": self.tuned_on,
            "values": {name: or_none(value) for name, value in zip(self.class_names, self.values, strict=True)},
            "notes": list(self.notes),
        }


def in_words(method: str, target: float | None) -> str:
    """Return the name of a method as a person says it: "sensitivity of at least 0.9"."""
    words = {"f1": "largest F1", "youden": "largest Youden index", "prevalence": "as many called as are positive",
             "prior": "probability at the class's prevalence"}  # fmt: skip
    return words.get(method, f"{method} of at least {target:g}" if target is not None else method)


def checked_method(method: str, target: float | None) -> float | None:
    """Return ``target`` if ``method`` wants one, else None; raise ``Unknown`` or ``Invalid``."""
    if method not in METHODS:
        raise Unknown.of("way to tune thresholds", method, list(METHODS))
    if method not in WITH_TARGET:
        if target is not None:
            raise Invalid(f"thresholds by {method} take no target, got {target:g}")
        return None
    if target is None or not 0 < target <= 1:
        raise Invalid(f"thresholds at a given {method} need a target above 0 and at most 1, got {target}")
    return target


def refuse_ranks(scored: Scored, method: str) -> None:
    """Raise ``Problem`` where ``method`` reads probabilities and ``scored`` has none."""
    if method == "prior" and scored.probabilities is None:
        raise Problem(
            "scores that only rank the images have no probability to be cut at the prevalence: say what they are "
            "(scale), or choose another rule"
        )


def method_of(text: str) -> tuple[str, float | None]:
    """Return the method and the target of ``method`` or ``method:target``, such as "f1" or "sensitivity:0.9"."""
    method, _, target = text.partition(":")
    try:
        found = float(target) if target else None
    except ValueError:
        raise Invalid(f"thresholds are METHOD or METHOD:TARGET, such as sensitivity:0.9, got {text!r}") from None
    return method, checked_method(method, found)


def tune(
    scored: Scored, method: str, *, target: float | None = None, per_class: bool = True, otherwise: float = 0.5
) -> Thresholds:
    """Return thresholds tuned on ``scored``, by rule over its distinct decision values; exact, ties whole.

    ``f1``: the largest F1. ``youden``: the largest sensitivity + specificity - 1. ``sensitivity``: the highest cut that
    reaches ``target``. ``specificity``: the lowest cut that keeps it. ``precision``: the lowest cut that has it.
    ``prevalence``: the cut at which the number called is nearest to the number of positives. Of equally good cuts the
    highest. ``prior``: no cut is looked for, the probability is cut at the prevalence itself, positives over known
    labels of ``scored``; of calibrated probabilities this has the largest sensitivity + specificity - 1. With
    ``per_class`` False one threshold for all: f1 and youden of the mean over the classes that have positives (and
    negatives), the others of all cells together.

    A class in which the method is not defined (no positive, no negative) gets ``otherwise``, and infinity where no
    probabilities are; one in which no cut reaches the target gets infinity: nobody is called. Both are in ``notes``.
    Tuning and scoring on the same images flatters: see ``optimism``. Raises ``Invalid`` for single-label sets.
    """
    target = checked_method(method, target)
    if scored.kind == "single":
        raise Invalid("a single-label set calls the class with the largest score: it has no thresholds to tune")
    refuse_ranks(scored, method)
    values = decision_values(scored)
    c = len(scored.class_names)
    fallback = otherwise if scored.probabilities is not None else NOBODY
    if not per_class:
        one = _one_for_all(values, scored.targets, method, target)
        found = np.full(c, one)
    else:
        cuts = [Cuts.of(values[:, k], scored.targets[:, k]) for k in range(c)]
        found = np.array([threshold_of(cut.sweep(), method, target) for cut in cuts])
    tuned = ~np.isnan(found)
    notes = _notes(scored, found, tuned, method, target, fallback)
    return Thresholds(
        scored.class_names, np.where(tuned, found, fallback), tuned, method, per_class, target,
        scored.part or scored.title, notes,
    )  # fmt: skip


def fixed(class_names: tuple[str, ...], value: float = 0.5) -> Thresholds:
    """Return the same threshold for every class, not tuned on anything."""
    return Thresholds(class_names, np.full(len(class_names), value), np.zeros(len(class_names), np.bool_),
                      "fixed", False, value)  # fmt: skip


def threshold_of(sweep: Sweep, method: str, target: float | None) -> float:
    """Return the threshold that ``method`` takes of one class, infinite for "nobody"; NaN where it is not defined."""
    return cut_at(sweep.thresholds, sweep.tp, sweep.fp, method, target)


def cut_at(thresholds: Numbers, tp: Numbers, fp: Numbers, method: str, target: float | None) -> float:
    """Return the threshold that ``method`` takes where ``thresholds`` (m,) give ``tp`` and ``fp`` (m,), or takes of
    the positives and negatives alone; infinite for "nobody", NaN where it is not defined."""
    if method == "prior":
        defined = len(tp) and tp[-1] and fp[-1]
        return float(tp[-1] / (tp[-1] + fp[-1])) if defined else float("nan")
    place = place_of(tp, fp, method, target)
    if place is None:
        return float("nan")
    return NOBODY if place < 0 else float(thresholds[place])


def place_of(tp: Numbers, fp: Numbers, method: str, target: float | None) -> int | None:
    """Return which of the cuts with ``tp`` and ``fp`` (m,) is taken: -1 calls nobody, None is not defined."""
    if not len(tp):
        return None
    positives, negatives = tp[-1], fp[-1]
    if (method != "specificity" and not positives) or (method in ("youden", "specificity") and not negatives):
        return None
    if method in ("f1", "youden"):
        value = objective(tp, fp, positives, negatives, method)
        best = int(np.argmax(value))
        return -1 if value[best] <= 0 else best
    if method == "sensitivity":
        return int(np.argmax(tp >= float(target or 0) * positives - 1e-9))
    if method == "prevalence":
        gap = np.abs(np.append(0.0, tp + fp) - positives)
        return int(np.argmin(gap)) - 1
    kept = fp <= (1 - float(target or 0)) * negatives + 1e-9 if method == "specificity" else (
        (tp > 0) & (tp >= float(target or 0) * (tp + fp) - 1e-9)
    )  # fmt: skip
    if not kept.any():
        return -1
    last = len(kept) - 1 - int(np.argmax(kept[::-1]))
    # cuts that call the same images are one: the highest of them, which may be nobody
    return int(np.argmax(tp + fp >= (tp + fp)[last])) if (tp + fp)[last] else -1


def objective(tp: Numbers, fp: Numbers, positives: Numbers | float, negatives: Numbers | float, method: str) -> Numbers:
    """Return F1, or sensitivity + specificity - 1, at each cut."""
    if method == "f1":
        return np.asarray(2 * tp / np.maximum(tp + fp + positives, 1e-300))
    return np.asarray(tp / positives - fp / negatives)


def _one_for_all(values: Numbers, targets: NDArray[np.floating], method: str, target: float | None) -> float:
    """Return the one threshold for all classes; NaN where none has positives."""
    if method not in ("f1", "youden"):
        return threshold_of(Cuts.of(values.ravel(), targets.ravel()).sweep(), method, target)
    thresholds, gains = [], []
    count = 0
    for k in range(values.shape[1]):
        sweep = Cuts.of(values[:, k], targets[:, k]).sweep()
        if not len(sweep) or not sweep.n_positive or (method == "youden" and not sweep.n_negative):
            continue
        count += 1
        value = objective(sweep.tp, sweep.fp, sweep.n_positive, sweep.n_negative, method)
        thresholds.append(sweep.thresholds)
        gains.append(np.diff(value, prepend=0.0))
    if not count:
        return float("nan")
    # the mean over classes changes only at a distinct score of one of them, by what that class gains there
    every, gain = np.concatenate(thresholds), np.concatenate(gains)
    order = np.argsort(-every, kind="stable")
    every, total = every[order], np.cumsum(gain[order])
    ends = np.append(every[1:] != every[:-1], True)
    best = total[ends].max()
    return float(every[ends][np.argmax(total[ends] >= best - 1e-12)])


def _notes(
    scored: Scored, found: Numbers, tuned: NDArray[np.bool_], method: str, target: float | None, fallback: float
) -> tuple[str, ...]:
    where = scored.part or scored.title or "the images they were tuned on"
    names = np.asarray(scored.class_names)
    said = []
    if (~tuned).any():
        kept = "nobody is called" if np.isinf(fallback) else f"the threshold stays at {fallback:g}"
        said.append(f"{listed(names[~tuned].tolist(), 20)}: too few known labels on {where} to tune, {kept}.")
    nobody = tuned & np.isinf(found)
    if nobody.any():
        what = in_words(method, target)
        said.append(f"{listed(names[nobody].tolist(), 20)}: no cut on {where} gives {what}, nobody is called.")
    return tuple(said)
