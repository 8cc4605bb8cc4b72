"""The cells of a table of predictions: which are known, which are true, which are called positive, whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation.cores import each
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.ordered import Order
from lt_core.problems import Invalid, Problem

Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Cells:
    """What every measure is computed from, for n images and C classes.

    ``truth``, ``known`` and ``called`` (n, C) are masks; ``truth`` is False where nothing is known. ``scores`` (n, C)
    rank the images within a class, ``pooled`` (n, C) all cells of all classes (probabilities where there are some);
    all lie column by column in memory, for most of what is done with them is done class by class.
    ``units`` (n,) number the patients from 0 to ``n_units`` - 1. ``thresholds`` (C,) are NaN for single-label sets,
    where the class with the largest score is called.
    """

    class_names: tuple[str, ...]
    truth: Mask
    known: Mask
    called: Mask
    scores: Numbers
    probabilities: Numbers | None
    units: NDArray[np.int64]
    n_units: int
    thresholds: Numbers
    single: bool

    def __len__(self) -> int:
        return len(self.units)

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    @property
    def pooled(self) -> Numbers:
        """What ranks cells of different classes against each other, (n, C)."""
        return self.scores if self.probabilities is None else self.probabilities

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """The images of each class in order of their scores."""

        def one(k: int) -> Order:
            return Order.of(self.scores[:, k], self.truth[:, k], self.known[:, k])

        return tuple(each(one, range(self.n_classes)))

    @cached_property
    def pooled_order(self) -> Order:
        """All cells in one order, each standing for its image."""
        # column after column, as they lie in memory
        order = Order.of(self.pooled.ravel("F"), self.truth.ravel("F"), self.known.ravel("F"))
        return order.by_row(len(self))

    @property
    def clustered(self) -> bool:
        """Whether some patient has several images, so that images are not independent."""
        return self.n_units < len(self)


def cells_of(scored: Scored, thresholds: ArrayLike = 0.5) -> Cells:
    """Return the cells of ``scored`` at ``thresholds``, a number or (C,) array.

    They are on the probability scale, in [0, 1], or on the scale of the scores where there are no probabilities; a cell
    at its threshold is called positive. Raises ``Problem`` for no images and for scores that are not numbers.
    """
    if not len(scored):
        raise Problem("there are no images to evaluate: choose a part of the data set that has some")
    bad = np.asarray(~np.isfinite(scored.scores).all(axis=0))
    if bad.any():
        named = ", ".join(name for name, wrong in zip(scored.class_names, bad.tolist(), strict=True) if wrong)
        raise Problem(f"some scores of {named} are missing or infinite: every image needs a finite number per class")
    single = scored.kind == "single"
    at = checked_thresholds(thresholds, len(scored.class_names), scale=scored.probabilities is not None)
    if single:
        at = np.full(len(scored.class_names), np.nan)
        called = np.zeros(scored.scores.shape, np.bool_)
        called[np.arange(len(scored)), scored.scores.argmax(axis=1)] = True
    else:
        called = (scored.scores if scored.probabilities is None else scored.probabilities) >= at
    units, targets, scores = scored.units, np.asfortranarray(scored.targets), np.asfortranarray(scored.scores)
    same = scored.probabilities is scored.scores or scored.probabilities is None
    return Cells(
        class_names=scored.class_names,
        truth=targets == 1,
        known=~np.isnan(targets),
        called=np.asfortranarray(called),
        scores=scores,
        probabilities=(scores if scored.probabilities is not None else None)
        if same
        else np.asfortranarray(scored.probabilities),
        units=units,
        n_units=int(units.max()) + 1,
        thresholds=at,
        single=single,
    )


def checked_thresholds(thresholds: ArrayLike, n_classes: int, *, scale: bool) -> Numbers:
    """Return (C,) thresholds; ``scale`` says that they are probabilities. Raises ``Invalid``."""
    values = np.asarray(thresholds, dtype=np.float64)
    if values.ndim and values.shape != (n_classes,):
        raise Invalid(f"thresholds must be one number or one for each of {n_classes} classes, got shape {values.shape}")
    if np.isnan(values).any():
        raise Invalid("thresholds must be numbers, got nan")
    wrong = values[~(((values >= 0) & (values <= 1)) | np.isposinf(values))]  # infinite: nobody is called
    if scale and wrong.size:
        raise Invalid(f"threshold must be in [0, 1], got {wrong.flat[0]:g}")
    return np.broadcast_to(values, (n_classes,)).copy()
