"""The classes of an evaluation as text, for a paper or a page: every number beside its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lt_core.evaluation.uncertainty import Evaluation
from lt_core.problems import Unknown

SHOWN = ("precision", "recall", "f1", "ap", "auroc")
TITLES = {
    "prevalence": "Prevalence", "precision": "Precision", "recall": "Recall", "specificity": "Specificity",
    "npv": "NPV", "f1": "F1", "f_beta": "F-beta", "mcc": "MCC", "balanced_accuracy": "Balanced accuracy", "ap": "AP",
    "auroc": "AUROC", "brier": "Brier", "ece": "ECE",
}  # fmt: skip


def result_table(evaluation: Evaluation, metrics: Sequence[str] = SHOWN) -> pd.DataFrame:
    """Return text: a row a class, then the means of head, medium, tail and all.

    Columns are Class, n positive, Threshold and the metrics; cells "0.123 [0.101, 0.150]" or "not defined". Raises
    ``Unknown`` for a metric that is not there.
    """
    table = evaluation.classes
    for name in metrics:
        if name not in table:
            raise Unknown.of("metric", name, [name for name in TITLES if name in table])
    rows = []
    for row in table.to_dict("records"):
        cells = [cell(row[name], row[f"{name}_low"], row[f"{name}_high"]) for name in metrics]
        rows.append([str(row["class"]), f"{row['n_positive']:,}", _threshold(row["threshold"]), *cells])
    means = {f"mean of {name}": values for name, values in evaluation.groups.items()} | {"macro": evaluation.macro}
    for title, values in means.items():
        found = [values[name] for name in metrics if name in values]
        if len(found) == len(metrics) and not all(np.isnan(value.value) for value in found):
            rows.append([title, "", "", *(cell(value.value, value.low, value.high) for value in found)])
    return pd.DataFrame(rows, columns=["Class", "n positive", "Threshold", *(TITLES.get(m, m) for m in metrics)])


def caption(evaluation: Evaluation) -> str:
    """Return the sentence under such a table: how many images, and what the brackets are."""
    who = "" if evaluation.n_patients is None else f" of {evaluation.n_patients:,} patients"
    name = evaluation.title or evaluation.part
    draws = f" ({evaluation.draws:,} draws, seed {evaluation.seed})" if evaluation.draws else ""
    return f"{name}: {evaluation.n:,} images{who}. In brackets 95 % intervals{draws}."


def cell(value: float, low: float, high: float) -> str:
    """Return a number with its interval, three digits each."""
    if np.isnan(value):
        return "not defined"
    return f"{value:.3f}" + ("" if np.isnan(low) or np.isnan(high) else f" [{low:.3f}, {high:.3f}]")


def _threshold(value: float) -> str:
    return "largest score" if np.isnan(value) else "nobody" if np.isinf(value) else f"{value:.3g}"
