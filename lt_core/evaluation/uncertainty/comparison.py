"""What a comparison of two models found, and how it is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lt_core.evaluation.ratios import or_none

BETTER, WORSE, UNDECIDED = "better", "worse", "cannot tell"
LOWER_IS_BETTER = ("brier", "ece")
OFTEN = 0.8
"""How often a difference as large as the smallest detectable one is called."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What ``compare`` found about B minus A.

    ``classes`` has a row per class, ``groups`` a row per head, medium, tail (none without groups), ``macro`` one row:
    name, group or n_classes, n_positive, a, b, difference, low, high (95 % interval of this difference alone), p,
    p_adjusted, verdict, smallest_detectable, method. ``verdict`` is of B, from ``p_adjusted`` <= 0.05: "better",
    "worse", "cannot tell"; for Brier and ECE lower is better. ``smallest_detectable`` is the true difference of which
    a set of this size would give that verdict four times in five, were it the only one: ``power_factor`` times the
    standard error, at the level that the correction leaves (``multiple.strictest``).
    """

    title_a: str
    title_b: str
    metric: str
    n: int
    n_patients: int | None
    draws: int
    seed: int
    correction: str
    classes: pd.DataFrame
    groups: pd.DataFrame
    macro: pd.DataFrame
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        row = self.macro.iloc[0]
        said = "not defined" if np.isnan(row["difference"]) else f"{row['difference']:+.3f} ({row['verdict']})"
        return f"Comparison({self.title_b or 'B'} minus {self.title_a or 'A'}: macro {self.metric} {said})"

    def as_json(self) -> dict[str, Any]:
        """Return one JSON object; what is not defined is None."""
        return {
            "a": self.title_a,
            "b": self.title_b,
            "metric": self.metric,
            "n": self.n,
            "n_patients": self.n_patients,
            "draws": self.draws,
            "seed": self.seed,
            "correction": self.correction,
            "macro": _rows(self.macro)[0],
            "groups": _rows(self.groups),
            "classes": _rows(self.classes),
            "notes": list(self.notes),
        }


def power_factor(level: float) -> float:
    """Return how many standard errors a true difference must have to be called at ``level`` ``OFTEN`` of the time."""
    from scipy.special import ndtri

    return float(ndtri(1 - level / 2) + ndtri(OFTEN))


def smallest_in_words(correction: str) -> str:
    """Return what ``smallest_detectable`` is, for a person."""
    said = "the smallest true difference of which a set of this size would be sure four times in five"
    alone = "after that correction, were no other class (or no other group) to differ"
    return f"{said}, not corrected" if correction == "none" else f"{said} {alone}"


def verdicts(metric: str, difference: Any, p: Any) -> list[str]:
    """Return the verdict about B for each ``difference`` B - A with corrected ``p``."""
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    return [
        UNDECIDED if not (chance <= 0.05 and gap != 0) else BETTER if gap * sign > 0 else WORSE
        for gap, chance in zip(difference, p, strict=True)
    ]


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): _plain(value) for key, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, (str, np.integer, int)):
        return (value or None) if isinstance(value, str) else int(value)
    return or_none(float(value))
