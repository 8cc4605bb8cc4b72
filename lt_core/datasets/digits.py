"""Digits, long-tailed (being written)."""

from __future__ import annotations

from typing import Annotated, Literal

from lt_core.datasets.labeled_images import LabeledImages
from lt_core.params import Choice, Integer, Real

KEY = "digits"
TITLE = "Digits, long-tailed"
KIND: Literal["multi", "single"] = "single"
ABOUT = ""


def load(
    *,
    imbalance_ratio: Annotated[float, Real(1, 100, step=1)] = 20.0,
    size: Annotated[str, Choice(("8", "16", "32", "64"))] = "32",
    seed: Annotated[int, Integer(0, 9999)] = 0,
) -> LabeledImages:
    """Being written."""
    raise NotImplementedError
