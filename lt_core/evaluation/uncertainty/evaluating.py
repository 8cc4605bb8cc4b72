"""Everything about one model on one set of images: every number with its interval and how that was made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lt_core.charts.palette import GROUPS
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.averaging import mean_over_classes, micro, over_images, weighted
from lt_core.evaluation.uncertainty.by_image import confusion_matrix, of_images
from lt_core.evaluation.uncertainty.calibrated import calibration
from lt_core.evaluation.uncertainty.cells import Cells, cells_of
from lt_core.evaluation.uncertainty.closed import Interval
from lt_core.evaluation.uncertainty.counted import counted, counts_of
from lt_core.evaluation.uncertainty.drawing import METRICS, draw
from lt_core.evaluation.uncertainty.evaluation import Evaluation
from lt_core.evaluation.uncertainty.intervals import intervals_of
from lt_core.evaluation.uncertainty.warned import class_warnings, mean_warnings
from lt_core.problems import Invalid

Numbers = NDArray[np.float64]
BETAS = (0.01, 100.0)
"""From where F-beta is next to precision to where it is next to recall."""


def evaluate(
    scored: Scored,
    *,
    thresholds: ArrayLike = 0.5,
    groups: Sequence[str] | None = None,
    draws: int = 1000,
    seed: int = 0,
    beta: float = 2.0,
) -> Evaluation:
    """Return every measure of ``scored`` with its 95 % interval; see ``Evaluation`` for what is in it.

    ``thresholds`` is a number or (C,) array, on the probability scale (of the scores where there are no
    probabilities); unused for single-label sets. ``groups`` names "head", "medium" or "tail" per class; without it the
    group means are left out. ``draws`` = 0 leaves out what only the bootstrap can say. ``beta`` is of F-beta.
    """
    names = scored.class_names
    checked_groups(groups, names)
    beta = checked_beta(beta)
    if draws < 0:
        raise Invalid(f"draws must be at least 0, got {draws}")
    cells = cells_of(scored, thresholds)
    values = point_values(cells, beta)
    images = of_images(cells)
    drawn = draw(cells, n_draws=draws, seed=seed, beta=beta, images=images) if draws else None
    found = intervals_of(cells, values, drawn, beta=beta)
    support = counts_of(cells)[[0, 2]].sum(axis=0)
    everyone = np.ones(cells.n_classes, np.bool_)
    member = np.array(list(groups)) if groups is not None else np.array([""] * len(names))
    return Evaluation(
        title=scored.title,
        part=scored.part,
        kind=scored.kind,
        n=len(cells),
        n_patients=cells.n_units if scored.patients is not None else None,
        beta=beta,
        draws=draws,
        seed=seed,
        classes=_table(cells, values, found, member, class_warnings(cells, values, found, drawn)),
        macro=mean_over_classes(values, found, drawn, everyone),
        weighted=weighted(values, drawn, support),
        micro=micro(cells, drawn, beta),
        whole=over_images(images, drawn),
        groups={name: mean_over_classes(values, found, drawn, member == name) for name in GROUPS}
        if groups is not None
        else {},
        confusion=confusion_matrix(cells) if cells.single else None,
        notes=scored.notes,
        warnings=mean_warnings(support, drawn),
    )


def checked_beta(beta: float) -> float:
    """Return the beta of F-beta: how many times recall counts as much as precision; raise ``Invalid`` out of range."""
    if not BETAS[0] <= beta <= BETAS[1]:
        raise Invalid(f"the beta of F-beta must be from {BETAS[0]:g} to {BETAS[1]:g}, got {beta:g}")
    return float(beta)


def checked_groups(groups: Sequence[str] | None, class_names: Sequence[str]) -> None:
    """Raise ``Invalid`` unless ``groups`` is None or names a group for each class."""
    if groups is not None and (len(groups) != len(class_names) or not set(groups) <= set(GROUPS)):
        wanted = f"one of {', '.join(GROUPS)} for each of {len(class_names)} classes"
        raise Invalid(f"groups must be {wanted}, got {list(groups)}")


def point_values(cells: Cells, beta: float = 2.0) -> dict[str, Numbers]:
    """Return each of ``METRICS`` per class, (C,) each; NaN where not defined."""
    ones = np.ones((len(cells), 1))
    ranked = np.stack([np.concatenate(order.measures(ones)) for order in cells.orders], axis=1)
    found = counted(counts_of(cells), beta) | {"ap": ranked[0], "auroc": ranked[1]} | calibration(cells)
    return {name: found[name] for name in METRICS}


def _table(
    cells: Cells,
    values: dict[str, Numbers],
    found: dict[str, Interval],
    member: NDArray[np.str_],
    warnings: list[str],
) -> pd.DataFrame:
    tp, fp, fn, tn = counts_of(cells)
    counts = {"n_positive": tp + fn, "n_negative": fp + tn, "n_known": tp + fp + fn + tn}
    counts |= {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    table: dict[str, object] = {"class": list(cells.class_names), "group": member}
    table |= {name: column.astype(np.int64) for name, column in counts.items()}
    table["threshold"] = cells.thresholds
    for name in METRICS:
        table |= {name: values[name], f"{name}_low": found[name].low, f"{name}_high": found[name].high}
        table[f"{name}_method"] = found[name].method
    table["warning"] = warnings
    return pd.DataFrame(table)
