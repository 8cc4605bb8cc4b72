"""Pairs of classes as the cells of a map: every ordered pair of a few classes, the diagonal included."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lt_core.stats.label_stats import LabelStats
from lt_core.stats.pairs import never_together, pair_table
from lt_core.stats.pairs_known import KnownTogether


def pair_cells(stats: LabelStats, classes: Sequence[int], *, known: KnownTogether | None = None) -> pd.DataFrame:
    """Return one row for each ordered pair of ``classes``, in their order: row ``a``, column ``b``.

    ``n`` images have both; ``n_row`` images have a; ``share`` = P(b | a), in [0, 1], with ``share_low`` and
    ``share_high``; ``jaccard``; ``expected``; ``lift`` with ``lift_low`` and ``lift_high``; ``sure`` says that this
    interval does not hold 1; ``q`` is over the pairs of these classes. On the diagonal ``n`` is the positives of the
    class and the rest NaN, as it is where a class has no positive.
    """
    pairs = pd.concat(
        [pair_table(stats, known=known, classes=classes), never_together(stats, known=known, classes=classes)],
        ignore_index=True,
    )
    shared = ["n", "jaccard", "expected", "lift", "lift_low", "lift_high", "q"]
    share = {"p_b_given_a": "share", "p_b_given_a_low": "share_low", "p_b_given_a_high": "share_high"}
    other = {"p_a_given_b": "share", "p_a_given_b_low": "share_low", "p_a_given_b_high": "share_high"}
    there = pairs[["a", "b", "n_a", *share, *shared]].rename(columns={"n_a": "n_row", **share})
    back = pairs[["b", "a", "n_b", *other, *shared]].rename(columns={"b": "a", "a": "b", "n_b": "n_row", **other})
    both = pd.concat([there, back], ignore_index=True).set_index(["a", "b"])
    names = [stats.class_names[c] for c in classes]
    every = pd.MultiIndex.from_product([names, names], names=["a", "b"])
    cells = both.reindex(every).reset_index()
    own = np.repeat(stats.positives[np.asarray(classes, np.intp)], len(names))
    cells["n"] = np.where(cells["a"] == cells["b"], own, cells["n"].fillna(0)).astype(np.int64)
    cells["n_row"] = cells["n_row"].fillna(pd.Series(own)).astype(np.int64)
    cells["sure"] = (cells["lift_low"] > 1) | (cells["lift_high"] < 1)
    return cells
