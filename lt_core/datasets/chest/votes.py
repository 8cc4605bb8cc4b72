"""Several readers of one image: how many must see a finding for it to count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.reading import Change
from lt_core.params import Choice, Param

READERS = Param("readers", "any", Choice(
    ("any", "majority", "all"),
    ("at least one reader sees it", "more than half of its readers see it", "all of its readers see it"),
    help="How many of an image's readers must mark a finding for it to be positive."))  # fmt: skip


def decided(votes: NDArray[np.intp], asked: NDArray[np.intp], rule: str) -> tuple[NDArray[np.float32], list[Change]]:
    """Return labels (N, C) in {0, 1, NaN} and on how many the readers differ.

    ``votes`` (N, C) are the readers who see a finding, ``asked`` (N, C) or (N, 1) those who said either way; nobody
    asked is unknown.
    """
    asked = np.broadcast_to(asked, votes.shape)
    enough = {"any": votes >= 1, "majority": 2 * votes > asked, "all": (votes == asked) & (votes >= 1)}[rule]
    labels = np.where(asked == 0, np.nan, enough).astype(np.float32)
    split = (votes > 0) & (votes < asked)
    rows = int(split.any(axis=1).sum())
    if not rows:
        return labels, []
    words = {"any": "one reader is enough", "majority": "more than half must agree", "all": "all must agree"}[rule]
    return labels, [
        Change("merged", int(split.sum()), f"findings on {rows:,} images are seen by some of the image's readers only: "
               f"{words} (option readers)")
    ]  # fmt: skip
