"""The calibration that a person asked for, fitted on validation, or crosswise on the images themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

from numpy.typing import ArrayLike

from lt_core.evaluation.calibration import Step, logit_adjustment
from lt_core.evaluation.cross_fitted import FITTED, FOLDS, cross_fitted, fit
from lt_core.evaluation.reading.joining import listed
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.pairing import of_classes
from lt_core.problems import Problem, Unknown

ADJUSTED = "logit-adjustment"
WAYS = {**FITTED, ADJUSTED: "post-hoc logit adjustment"}
"""Calibrations by the names under which they are asked for, in words."""
CROSSED = "the other folds of the same images"
FITTED_BEFORE = (
    "The calibration was fitted on all of these images, before they were dealt into folds: what it flatters is not "
    "counted."
)
CROSSED_BEFORE = (
    "The calibrations were fitted crosswise before these folds were dealt: those of the images that tune had seen "
    "images that are scored, and what that does is not counted."
)


@dataclass(frozen=True, eq=False, repr=False)
class Recalibrated:
    """Predictions as they are calibrated, those of ``validation`` too, and how: ``way`` of ``WAYS``.

    ``fitted_on`` says on what in words, ``folds`` over how many where that was the other folds of the same images, and
    ``said`` what that means, in sentences.
    """

    scored: Scored
    validation: Scored | None
    way: str
    fitted_on: str
    folds: int | None = None
    said: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Recalibrated({self.words})"

    @property
    def crossed(self) -> bool:
        """Whether it was fitted on the other folds of the same images."""
        return self.folds is not None

    @property
    def words(self) -> str:
        """Return way and origin: "isotonic regression, fitted on val"."""
        return f"{WAYS[self.way]}, {'by' if self.way == ADJUSTED else 'fitted on'} {self.fitted_on}"

    def as_json(self) -> dict[str, object]:
        """Return way, words, what it was fitted on, and over how many folds (None: not crosswise)."""
        return {"way": self.way, "words": self.words, "fitted_on": self.fitted_on, "folds": self.folds}

    def not_nested(self, *, per_class: bool) -> str:
        """Return what an estimate of how much tuning thresholds flatters leaves out, "" where that is nothing.

        Isotonic steps move cuts, and temperatures of classes move one threshold of all; one rising map of all images
        and classes changes no call.
        """
        if self.crossed:
            return CROSSED_BEFORE
        moves = self.way == "isotonic" or (self.way == "temperatures" and not per_class)
        return FITTED_BEFORE if moves else ""


def recalibrated(
    scored: Scored,
    validation: Scored | None,
    way: str,
    *,
    positives: ArrayLike | None = None,
    n_train: int | None = None,
    twice: str = "",
    seed: int = 0,
) -> Recalibrated:
    """Return ``scored`` and ``validation`` calibrated by ``way``: fitted on ``validation``, or cross-fitted without.

    Logit adjustment takes the training counts ``positives`` (C,) of ``n_train`` images; ``twice`` says why training
    adjusted already (``training.recalibrating``), which is noted. ``seed`` deals the folds.
    Classes of ``validation`` are found by name. Raises ``Unknown`` for another way, ``Problem`` where it cannot be
    fitted: counts that are not known, a class that validation does not have, too few labels, scores that only rank.
    """
    if way not in WAYS:
        raise Unknown.of("calibration", way, list(WAYS))
    if validation is not None:
        validation = _alike(validation, scored)
    if way == ADJUSTED:
        if positives is None or n_train is None:
            raise Problem("logit adjustment wants the training counts, and those of these predictions are not known")
        step: Step = logit_adjustment(positives, n_train, kind=scored.kind)
        on = "the training counts"
        if twice:
            scored = replace(scored, notes=(*scored.notes, f"Adjusted twice: {twice}."))
        return Recalibrated(step(scored), None if validation is None else step(validation), way, on)
    if validation is None:
        folds = min(FOLDS, int(scored.units.max(initial=-1)) + 1)
        found = cross_fitted(scored, way, seed=seed)
        return Recalibrated(found, None, way, CROSSED, folds, found.notes[len(scored.notes) :])
    step = fit(validation, way)
    return Recalibrated(step(scored), step(validation), way, validation.part or "validation")


def _alike(validation: Scored, scored: Scored) -> Scored:
    missing = [name for name in scored.class_names if name not in validation.class_names]
    if missing:
        raise Problem(f"the validation predictions have no {listed(missing)}, so that it cannot be calibrated on them")
    return of_classes(validation, scored.class_names)
