"""Between which numbers a threshold can lie: probabilities, or the scores of a model that only ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pages.ui.results.models import Model


@dataclass(frozen=True)
class Scale:
    """The ends of a slider of thresholds, where it starts, its step and how its numbers are written.

    ``suffix`` tells sliders of one scale from those of another; ``words`` is what to say about it, if anything.
    """

    low: float = 0.0
    high: float = 1.0
    start: float = 0.5
    step: float = 0.01
    suffix: str = ""
    words: str = ""

    @property
    def decimals(self) -> int:
        """How many decimals tell one step from the next."""
        return max(0, -int(np.floor(np.log10(self.step))))

    @property
    def format(self) -> str:
        """How a slider writes its numbers."""
        return f"%.{self.decimals}f"

    def say(self, value: float) -> str:
        """Return a threshold in words."""
        return f"{value:.{self.decimals}f}"


def scale_of(models: Sequence[Model]) -> Scale:
    """Return [0, 1] where all models say probabilities, else the range of the scores of those that only rank.

    Then it starts where as many cells are called as are positive.
    """
    ranking = [model for model in models if model.scored.probabilities is None]
    if not ranking:
        return Scale()
    scores = np.concatenate([model.scored.scores.ravel() for model in ranking])
    truth = np.concatenate([model.scored.targets.ravel() for model in ranking])
    step = float(10.0 ** np.floor(np.log10(max(float(np.ptp(scores)), 1e-9) / 100)))
    low = float(np.round(np.floor(scores.min() / step) * step, 12))
    high = float(np.round(np.ceil(scores.max() / step) * step, 12))
    if len(ranking) < len(models):  # those with probabilities are cut by the same number
        low, high = min(low, 0.0), max(high, 1.0)
    high = max(high, low + step)
    known = truth[~np.isnan(truth)]
    start = float(np.quantile(scores, 1.0 - float(known.mean()) if known.size else 0.5))
    start = min(max(float(np.round(np.round((start - low) / step) * step + low, 12)), low), high)
    names = " and ".join(model.letter for model in ranking)
    words = f"{names} only {'ranks' if len(ranking) == 1 else 'rank'}: a threshold is a score, not a probability."
    if len(ranking) < len(models):
        words += " The others say probabilities: one number cannot suit both, so tune them."
    return Scale(low, high, start, step, f"-{low:g}-{high:g}", words)
