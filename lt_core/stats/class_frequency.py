"""The class counts as a file: what losses elsewhere call ``class_freq``.

The format: one row a class, in the order of the label matrix, which is also the order of a model's outputs. ``index``
is the class's number from 0, ``positives`` its images, ``negatives`` the images known not to have it (empty where not
known), ``n_samples`` all images counted. The JSON form says the same, with ``class_freq`` and ``neg_class_freq`` as
plain lists, under the names that the code of the distribution-balanced loss reads.
"""

from __future__ import annotations

import json

import pandas as pd

from lt_core.datasets import csv_text
from lt_core.stats.label_stats import LabelStats

FORMAT = "class counts, version 1"


def frequency_table(stats: LabelStats) -> pd.DataFrame:
    """Return one row a class: ``class, index, positives, negatives, n_samples``; a count not known is missing."""
    table = stats.table()[["class", "positives", "negatives"]]
    table.insert(1, "index", range(len(table)))
    return table.assign(n_samples=stats.n_samples)


def as_csv(stats: LabelStats) -> str:
    """Return the table as CSV; see ``csv_text`` for names that a spreadsheet would take for formulas."""
    return csv_text.as_csv(frequency_table(stats))


def as_json(stats: LabelStats) -> str:
    """Return the counts as one JSON object: format, n_samples, class_names, class_freq, neg_class_freq (or null)."""
    entry = {
        "format": FORMAT,
        "n_samples": stats.n_samples,
        "class_names": list(stats.class_names),
        "class_freq": stats.positives.tolist(),
        "neg_class_freq": None if stats.negatives is None else stats.negatives.tolist(),
    }
    return json.dumps(entry, indent=2, ensure_ascii=False, allow_nan=False)


def as_python(stats: LabelStats) -> str:
    """Return the Python lines that make the ``ClassPrior`` of these counts."""
    names = "".join(f"        {name!r},\n" for name in stats.class_names)
    return (
        "from lt_core.stats import ClassPrior\n\n"
        "prior = ClassPrior(\n"
        f"    positives={stats.positives.tolist()!r},\n"
        f"    n_samples={stats.n_samples!r},\n"
        f"    class_names=(\n{names}    ),\n"
        ")\n"
    )
