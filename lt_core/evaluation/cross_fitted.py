"""Calibration where no other images are at hand: fitted on all folds of patients but one, applied to the one left out.

Each image's probability then is of a calibration that did not see its patient, so that Brier, ECE and F1 are not
flattered by the fit (Platt 1999 fitted his sigmoid so).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.calibration import Step, fit_isotonic, fit_temperature, is_softmax, logits_of
from lt_core.evaluation.optimism import folds_of
from lt_core.evaluation.predictions import Link
from lt_core.evaluation.reading.joining import listed
from lt_core.evaluation.scored import Scored
from lt_core.problems import Invalid, Problem, Unknown

FITTED = {
    "temperature": "temperature, one for all classes",
    "temperatures": "temperature, one a class",
    "isotonic": "isotonic regression",
}
"""Calibrations that are fitted to truth, in words."""
FOLDS = 5


def fit(scored: Scored, way: str) -> Step:
    """Return the calibration ``way``, one of ``FITTED``, fitted on ``scored``."""
    if way not in FITTED:
        raise Unknown.of("calibration that is fitted", way, list(FITTED))
    if way == "isotonic":
        return fit_isotonic(scored)
    return fit_temperature(scored, per_class=way == "temperatures")


def cross_fitted(scored: Scored, way: str, *, folds: int = FOLDS, seed: int = 0) -> Scored:
    """Return ``scored`` with probabilities calibrated by ``way`` fitted on the images of other patients.

    Patients (images, where none are known) are dealt into ``folds`` at random as ``optimism`` deals them, fewer where
    there are fewer patients. A class that lacks positives or negatives in the images of any one fit stays as it is in
    all folds and is named in ``notes``; one temperature for all classes wants a positive and a negative there.

    Of multi-label sets, and after one temperature, ``scores`` stay the model's: AP and AUROC of a class do not move,
    and nothing is ranked across fits. The other calibrations of single-label sets can change which class is called, so
    that ``scores`` are the calibrated ones there. Raises ``Problem`` for scores that only rank and for too few
    patients or labels.
    """
    base = _with_logits(scored)
    units = scored.units
    n_units = int(units.max(initial=-1)) + 1
    who = "images" if scored.patients is None else "patients"
    if folds < 2:
        raise Invalid(f"cross-fitting wants 2 folds at least, got {folds}")
    if n_units < 2:
        raise Problem(
            f"calibration wants images to be fitted on: give a validation part, or {who} enough for two folds"
        )
    folds = min(folds, n_units)
    fold = folds_of(units, folds, 1, np.random.default_rng(seed))[0]
    rare = _rare(base, fold, folds, way)
    kept = np.where(rare, np.float32(np.nan), base.targets) if way != "temperature" else base.targets
    training = replace(base, targets=kept)
    assert base.probabilities is not None
    probabilities, scores = np.empty_like(base.probabilities), np.empty_like(base.scores)
    for f in range(folds):
        inside = fold == f
        part = fit(training.only(~inside), way)(base.only(inside))
        probabilities[inside], scores[inside] = part.probabilities, part.scores
    ranks = way == "temperature" or scored.kind == "multi"
    said = (*scored.notes, *_notes(scored, way, folds, seed, rare, ranks))
    link: Link | None = (
        "softmax" if base.link == "softmax" else None
    )  # the scores are no logits of the new probabilities
    return replace(
        scored, probabilities=probabilities, scores=scored.scores if ranks else scores, link=link, notes=said
    )


def _with_logits(scored: Scored) -> Scored:
    """Return ``scored`` with a link, and with the logits that belong to it, so that all folds are read alike."""
    z = logits_of(scored)
    return replace(scored, link="softmax") if is_softmax(scored) else replace(scored, scores=z, link="sigmoid")


def _rare(base: Scored, fold: NDArray[np.int64], folds: int, way: str) -> NDArray[np.bool_]:
    """Return which classes (C,) lack positives or negatives in a fit; raise ``Problem`` where nothing can be fitted."""
    inside = np.arange(folds)[:, None] == fold
    by_fold = np.stack([inside @ (base.targets == value).astype(np.int64) for value in (1, 0)])  # (2, folds, C)
    fitted_on = by_fold.sum(axis=1, keepdims=True) - by_fold
    if way == "temperature":
        if (fitted_on.sum(axis=2) == 0).any():
            raise Problem(
                f"a temperature wants positives and negatives outside each of {folds} folds, and there are "
                f"{by_fold[0].sum():,} and {by_fold[1].sum():,} in all: give more labels, or a validation part"
            )
        return np.zeros(len(base.class_names), np.bool_)
    rare = np.asarray((fitted_on == 0).any(axis=(0, 1)))
    if rare.all():
        raise Problem(
            f"no class has positives and negatives outside each of {folds} folds: give more labels, or a validation "
            "part"
        )
    return rare


def _notes(scored: Scored, way: str, folds: int, seed: int, rare: NDArray[np.bool_], ranks: bool) -> tuple[str, ...]:
    who, own = ("images", "it") if scored.patients is None else ("patients", "its patient")
    said = [
        f"Probabilities calibrated by {FITTED[way]}, cross-fitted: the {who} were dealt into {folds} folds (seed "
        f"{seed}), and each image's probability comes from a calibration fitted on the other folds, which did not see "
        f"{own}. Intervals do not contain how much another fit would have changed.",
        "AP and AUROC of a class are of the model's own ranking; only micro AP and AUROC read the calibrated "
        "probabilities." if ranks else
        "AP and AUROC hold images of different folds against each other, whose calibrations differ a little.",
    ]  # fmt: skip
    if rare.any():
        names = np.asarray(scored.class_names)[rare].tolist()
        few = "Too few positives or negatives to be calibrated fold by fold, left as they are"
        said.append(f"{few}: {listed(names, 20)}.")
    return tuple(said)
