"""Probabilities that mean what they say: temperature, isotonic regression, logit adjustment, each fitted elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation.predictions import Link, probabilities_of
from lt_core.evaluation.reading.joining import listed
from lt_core.evaluation.scored import Scored
from lt_core.problems import Invalid, Problem

Numbers = NDArray[np.float64]
Step = Callable[[Scored], Scored]
EDGE = 1e-12
"""Probabilities nearer to 0 or 1 than this are moved to it before their logit is taken."""
HOTTEST, COLDEST = 100.0, 0.01
"""Temperatures are looked for between these; a perfectly separated class would want 0."""


def composed(*steps: Step) -> Step:
    """Return the steps one after the other, the first one first."""

    def run(scored: Scored) -> Scored:
        for step in steps:
            scored = step(scored)
        return scored

    return run


def logits_of(scored: Scored) -> Numbers:
    """Return (n, C) numbers whose sigmoid (softmax for single-label sets) is the probabilities.

    Those of the model where they are known, else made of the probabilities; of a softmax log p, which differs by a
    constant an image. Raises ``Problem`` for scores that only rank.
    """
    if scored.probabilities is None:
        raise Problem("scores that only rank the images have no probabilities to calibrate: say what they are (scale)")
    if scored.link == "sigmoid":
        return scored.scores
    p = np.clip(scored.probabilities, EDGE, 1 - EDGE)
    return np.asarray(np.log(p) if is_softmax(scored) else np.log(p) - np.log1p(-p))


def is_softmax(scored: Scored) -> bool:
    """Whether the probabilities of an image are those of a softmax: its link says so, or one class and a sum of 1."""
    if scored.link is not None:
        return scored.link == "softmax"
    sums = np.ones(1) if scored.probabilities is None else scored.probabilities.sum(axis=1)
    return scored.kind == "single" and bool(np.allclose(sums, 1.0, atol=1e-2))


def _from_logits(scored: Scored, z: Numbers, note: str) -> Scored:
    """Return ``scored`` with the probabilities of ``z``, each class of which rises with what ranked it before.

    Logits of the model stay logits. Where they were made of probabilities, the scores rank on as they are: the clipping
    of the edges would make ties.
    """
    link: Link = "softmax" if is_softmax(scored) else "sigmoid"
    p = probabilities_of(z, link)
    kept = replace(scored, probabilities=p, notes=(*scored.notes, note))
    if link == "softmax":
        return replace(kept, scores=p, link=link)
    return replace(kept, scores=z) if scored.link == "sigmoid" else kept


@dataclass(frozen=True, eq=False)
class Temperature:
    """Divides the logits by ``values``: () one for all classes, or (C,) (Guo et al. 2017). Called on a ``Scored``."""

    values: Numbers
    notes: tuple[str, ...] = ()

    def __call__(self, scored: Scored) -> Scored:
        """Return ``scored`` with logits divided; ranks within a class stay where a sigmoid reads them."""
        if self.values.ndim and len(self.values) != len(scored.class_names):
            raise Invalid(f"there are {len(self.values)} temperatures and {len(scored.class_names)} classes")
        said = f"{float(self.values):.3g}" if not self.values.ndim else "one for each class"
        return _from_logits(scored, logits_of(scored) / self.values, f"Logits divided by a temperature ({said}).")


def fit_temperature(validation: Scored, *, per_class: bool = False) -> Temperature:
    """Return the temperature with the least cross-entropy on the known cells of ``validation``.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (arXiv 1706.04599); the multi-label form has a
    sigmoid for the softmax. The cross-entropy is convex in 1 / T, so the zero of its slope is found by bisection.
    ``per_class``: a temperature for each class, of sigmoids only; 1 where a class has no positive or no negative.
    """
    z, y = logits_of(validation), validation.targets.astype(np.float64)
    softmax = is_softmax(validation)
    if per_class and softmax:
        raise Invalid("a softmax has one temperature: a factor for each class would change which class is called")
    if softmax:
        known = (y == 1).any(axis=1)
        z, y = z[known], y[known]
        return Temperature(np.asarray(1 / _zero_of(lambda a: _softmax_slope(a, z, y))))
    known_cells = ~np.isnan(y)
    if not per_class:
        flat, truth = z[known_cells], y[known_cells]
        return Temperature(np.asarray(1 / _zero_of(lambda a: _sigmoid_slope(a, flat, truth))))
    both = ((y == 1).any(axis=0)) & ((y == 0).any(axis=0))
    found = np.ones(y.shape[1])
    for k in np.flatnonzero(both):
        flat, truth = z[known_cells[:, k], k], y[known_cells[:, k], k]
        found[k] = 1 / _zero_of(lambda a, x=flat, t=truth: _sigmoid_slope(a, x, t))  # type: ignore[misc]
    return Temperature(found, _left_alone(validation, ~both))


def _sigmoid_slope(factor: float, z: Numbers, y: Numbers) -> float:
    return float((z * (probabilities_of(factor * z, "sigmoid") - y)).sum())


def _softmax_slope(factor: float, z: Numbers, y: Numbers) -> float:
    return float((z * (probabilities_of(factor * z, "softmax") - y)).sum())


def _zero_of(slope: Callable[[float], float]) -> float:
    """Return where a rising function is 0, by bisection of the logarithm; the nearer end where it is outside."""
    low, high = np.log(1 / HOTTEST), np.log(1 / COLDEST)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(float(np.exp(middle))) > 0 else (middle, high)
    return float(np.exp((low + high) / 2))


@dataclass(frozen=True, eq=False)
class Isotonic:
    """A rising step function for each class: ``knots`` (C) of (probability, calibrated) each (m,), None = unchanged.

    Called on a ``Scored``: classes are ranked by their scores as before, for steps only make ties.
    """

    knots: tuple[tuple[Numbers, Numbers] | None, ...]
    notes: tuple[str, ...] = ()

    def __call__(self, scored: Scored) -> Scored:
        """Return ``scored`` with calibrated probabilities; those of a softmax are divided by their sum again."""
        if scored.probabilities is None or len(self.knots) != len(scored.class_names):
            raise Invalid(f"isotonic regression wants probabilities of {len(self.knots)} classes")
        p = scored.probabilities.copy()
        for k, knot in enumerate(self.knots):
            if knot is not None:
                p[:, k] = np.interp(p[:, k], *knot)
        softmax = is_softmax(scored)
        if softmax:
            total = p.sum(axis=1, keepdims=True)
            p = np.where(total > 0, p / np.where(total > 0, total, 1), scored.probabilities)
        notes = (*scored.notes, "Probabilities calibrated by isotonic regression.", *self.notes)
        scores = p if softmax or scored.kind == "single" else scored.scores
        # the scores rank as before but are no logits of the new probabilities
        return replace(scored, probabilities=p, scores=scores, link="softmax" if softmax else None, notes=notes)


def fit_isotonic(validation: Scored) -> Isotonic:
    """Return isotonic regression of truth on probability, class by class (Zadrozny and Elkan 2002; scikit-learn's).

    A class without both positives and negatives on ``validation`` stays as it is, and is named in ``notes``. With few
    positives the steps are coarse: see the reliability table before trusting them.
    """
    from sklearn.isotonic import IsotonicRegression

    if validation.probabilities is None:
        raise Problem("scores that only rank the images have no probabilities to calibrate: say what they are (scale)")
    knots: list[tuple[Numbers, Numbers] | None] = []
    for k in range(len(validation.class_names)):
        p, y = validation.probabilities[:, k], validation.targets[:, k]
        known = ~np.isnan(y)
        if not (y == 1).any() or not (y == 0).any():
            knots.append(None)
            continue
        fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p[known], y[known].astype(np.float64))
        knots.append((np.asarray(fitted.X_thresholds_, np.float64), np.asarray(fitted.y_thresholds_, np.float64)))
    return Isotonic(tuple(knots), _left_alone(validation, np.array([knot is None for knot in knots])))


def _left_alone(scored: Scored, which: NDArray[np.bool_]) -> tuple[str, ...]:
    names = np.asarray(scored.class_names)[which].tolist()
    return (f"Not calibrated, for want of positives or negatives: {listed(names, 20)}.",) if names else ()


@dataclass(frozen=True, eq=False)
class LogitAdjustment:
    """Subtracts ``shifts`` (C,) from the logits; called on a ``Scored``."""

    shifts: Numbers
    tau: float = 1.0

    def __call__(self, scored: Scored) -> Scored:
        """Return ``scored`` with shifted logits: the ranking within a class stays where a sigmoid reads them."""
        if len(self.shifts) != len(scored.class_names):
            raise Invalid(
                f"there are counts of {len(self.shifts)} classes and predictions of {len(scored.class_names)}"
            )
        note = f"Logits adjusted by the training counts, tau = {self.tau:g}."
        return _from_logits(scored, logits_of(scored) - self.shifts, note)


def logit_adjustment(positives: ArrayLike, n_train: int, *, kind: str = "multi", tau: float = 1.0) -> LogitAdjustment:
    """Return post-hoc logit adjustment from training counts (C,) and the number of training images.

    Single-label: z_c - tau log pi_c with pi_c = n_c / sum n (Menon et al., "Long-Tail Learning via Logit Adjustment",
    ICLR 2021, equation 9). Multi-label, derived from it, each class being a problem of two classes, present and absent:
    z_c - tau log(pi_c / (1 - pi_c)) with pi_c = n_c / N: at tau = 1 a threshold of 0.5 calls what is likelier than the
    prevalence. Not for a model trained with a logit-adjusted loss: that corrects twice. A class without an example
    counts as 1, one that every image has as absent once.
    """
    counts = np.asarray(positives, np.float64)
    if counts.ndim != 1 or (counts < 0).any() or n_train < 1 or not np.isfinite(tau):
        raise Invalid("logit adjustment wants a count at least 0 for each class, and the number of training images")
    seen = np.maximum(counts, 1)
    odds = seen / seen.sum() if kind == "single" else seen / np.maximum(n_train - seen, 1)
    return LogitAdjustment(tau * np.log(odds), tau)
