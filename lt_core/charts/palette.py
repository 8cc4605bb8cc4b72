"""One meaning per colour, everywhere.

Mid-tones that reach a contrast of 3:1 on the light and on the dark background, and that people with
red-green colour blindness tell apart by lightness and by the blue-yellow axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

GROUPS = ("head", "medium", "tail")
GROUP_COLOURS = {"head": "#3B7DD8", "medium": "#C97B00", "tail": "#D6456F"}
"""Classes by their training count."""

PULL, PUSH = "#149C85", "#8C6BD9"
"""Positives pull a logit up (y = 1), negatives push it down (y = 0)."""

SERIES = ("#3B7DD8", "#C97B00", "#149C85", "#D6456F", "#8C6BD9", "#7A8B2C", "#B0603A", "#5B7C99")
"""Losses or runs overlaid in one chart, in order of their choice."""

SERIES_DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [1, 0], [6, 3], [2, 2], [8, 2, 2, 2])
"""The same series told apart without colour."""

TRUE_PLACE = (64, 224, 255)
"""Outline of where a finding truly is, RGB: on grey images and on maps, whose scale ends in yellow."""

QUIET = "#87929A"
"""Grid, reference lines, what is not the point."""

PLAIN = "#5B7C99"
"""Counts that belong to no group, loss or run."""

HEAT: Literal["tealblues"] = "tealblues"
"""Vega's sequential scheme for counts: light is few, dark is many (reversed by Vega on dark backgrounds)."""


def run_colours(names_oldest_first: Sequence[str]) -> dict[str, str]:
    """Return the colour of each run: given by age, so that a new run never recolours an old one."""
    return {name: SERIES[i % len(SERIES)] for i, name in enumerate(names_oldest_first)}
