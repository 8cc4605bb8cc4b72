"""What every cut of a class's scores would call: true and false positives at each distinct score, sorted once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.scored import Scored

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Cuts:
    """One class: ``scores`` (n,) from the highest down, who is ``positive`` and ``negative`` (n,), and ``rows`` (n,).

    ``ends`` (m,) are the last places of each run of equal scores: those and no others are places to cut.
    """

    scores: Numbers
    positive: Numbers
    negative: Numbers
    rows: NDArray[np.intp]
    ends: NDArray[np.intp]

    @classmethod
    def of(cls, scores: Numbers, targets: NDArray[np.floating]) -> Cuts:
        """Return the cuts of scores (n,) against targets (n,) in {0, 1, NaN}; rows of unknown truth are left out."""
        known = np.flatnonzero(~np.isnan(targets))
        rows = known[np.argsort(-scores[known], kind="stable")]
        down = scores[rows]
        ends = np.flatnonzero(np.append(down[1:] != down[:-1], True)) if len(rows) else np.zeros(0, np.intp)
        positive = (targets[rows] == 1).astype(np.float64)
        return cls(down, positive, 1 - positive, rows, ends)

    def sweep(self) -> Sweep:
        """Return the counts at every cut."""
        tp, fp = np.cumsum(self.positive)[self.ends], np.cumsum(self.negative)[self.ends]
        return Sweep(self.scores[self.ends], tp, fp)


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """Thresholds (m,) from the highest down, and true and false positives (m,) of calling from there up."""

    thresholds: Numbers
    tp: Numbers
    fp: Numbers

    def __len__(self) -> int:
        return len(self.thresholds)

    @property
    def n_positive(self) -> float:
        """Positives in all."""
        return float(self.tp[-1]) if len(self) else 0.0

    @property
    def n_negative(self) -> float:
        """Negatives in all."""
        return float(self.fp[-1]) if len(self) else 0.0


def decision_values(scored: Scored) -> Numbers:
    """Return what thresholds cut, (n, C): probabilities, or the scores where there are none."""
    return scored.scores if scored.probabilities is None else scored.probabilities
