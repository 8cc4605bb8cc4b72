"""Where an interval is missing or may hold less than it promises, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.evaluation.uncertainty.answering import by_patient
from lt_core.evaluation.uncertainty.cells import Cells
from lt_core.evaluation.uncertainty.closed import Interval
from lt_core.evaluation.uncertainty.drawing import METRICS, Draws

Numbers = NDArray[np.float64]
CHECKED_FROM = 10
"""Positives from which on ``benchmarks/coverage.py`` has tried every interval."""
PATIENTS_FROM = 20
"""Patients with a positive, where some have several images, below which intervals hold about 92 %, not 95
(``benchmarks/coverage_patients.py``)."""
BIASED_BELOW = 50
"""Positives below which the bias of AP is felt in a mean over classes."""
STEADY_FROM = 20
"""Positives from which on AUROC's interval holds between 93 and 97 % however high it is."""
OFTEN = 0.05


def class_warnings(
    cells: Cells, values: dict[str, Numbers], found: dict[str, Interval], drawn: Draws | None
) -> list[str]:
    """Return a warning for each class, "" where there is none."""
    patients = (by_patient(cells.truth, cells) > 0).sum(axis=0)
    who = "patients with a positive" if cells.clustered else "positives"
    said = []
    for k in range(cells.n_classes):
        mine = []
        if 0 < patients[k] < CHECKED_FROM:
            mine.append(f"{patients[k]} {who}: with fewer than {CHECKED_FROM} an interval may hold less than 95 %.")
        elif cells.clustered and 0 < patients[k] < PATIENTS_FROM:
            mine.append(f"{patients[k]} {who}: with fewer than {PATIENTS_FROM} an interval may hold but 92 %.")
        if 0 < patients[k] < STEADY_FROM and values["auroc"][k] > 0.95:
            mine.append("The interval of AUROC is cautious: with few positives and so high a value it holds 98 %.")
        bare = [name for name in METRICS if not np.isnan(values[name][k]) and np.isnan(found[name].low[k])]
        if bare and drawn is not None:
            mine.append(f"No interval for {', '.join(bare)}: the draws do not vary, or there is but one positive.")
        lost = 0.0 if drawn is None or "ap" not in drawn.classes else float(np.isnan(drawn.classes["ap"][:, k]).mean())
        if patients[k] and lost > OFTEN:
            mine.append(f"{lost:.0%} of the draws have no positive and were left out.")
        said.append(" ".join(mine))
    return said


def by_sentence(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[str]]:
    """Return every warning of ``tables`` (``Evaluation.classes`` by model) with the classes it is of, in order; a class
    names its models, "Hernia (B)", where not all of them have the warning."""
    who: dict[str, dict[str, list[str]]] = {}
    for model, table in tables.items():
        for name, sentence in zip(table["class"], table["warning"], strict=True):
            if sentence:
                who.setdefault(str(sentence), {}).setdefault(str(name), []).append(model)
    return {
        sentence: [
            name if len(models) == len(tables) else f"{name} ({', '.join(models)})" for name, models in classes.items()
        ]
        for sentence, classes in who.items()
    }


def mean_warnings(support: Numbers, drawn: Draws | None) -> tuple[str, ...]:
    """Return what to keep in mind of the averages of classes with ``support`` (C,) positives."""
    few = int(((support > 0) & (support < BIASED_BELOW)).sum())
    if drawn is None or not few:
        return ()
    return (
        f"AP of {few} classes with fewer than {BIASED_BELOW} positives is too high on average; the interval of macro "
        "and group AP makes up for about half of that and holds about 92 % instead of 95.",
    )
