"""The classes of one or several evaluations as numbers in full: CSV for programs, and CSV for Excel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lt_core.datasets.csv_text import as_csv
from lt_core.evaluation.result_table import TITLES
from lt_core.evaluation.uncertainty import Evaluation, Value
from lt_core.problems import Unknown
from lt_core.review.tables import named, value_of

COUNTS = ("n_positive", "n_negative", "tp", "fp", "fn", "tn")
BOM = "\ufeff"
"""Excel takes a CSV file for UTF-8 only where it begins with this."""


def numbers(
    evaluations: Mapping[str, Evaluation] | Evaluation, metrics: Sequence[str] = tuple(TITLES), *, data: str = ""
) -> pd.DataFrame:
    """Return the same as numbers in full, for programs: a row a class or mean, and what a caption would say.

    Columns: model, data, part, of ("class", "group", "macro", "weighted", "micro", "sample"), name, group, n_images,
    n_patients, n_classes, n_positive, n_negative, tp, fp, fn, tn, threshold, ``<metric>``, ``_low``, ``_high``,
    ``_method``, beta, draws, seed, warning. NaN = not defined. Counts of an average are the sums over its classes.
    """
    rows: list[dict[str, Any]] = []
    for title, evaluation in named(evaluations).items():
        if unknown := [metric for metric in metrics if metric not in evaluation.classes]:
            raise Unknown.of("metric", unknown[0], [name for name in TITLES if name in evaluation.classes])
        head = {"model": title, "data": data, "part": evaluation.part}
        n = {"n_images": evaluation.n, "n_patients": evaluation.n_patients}
        tail = {"beta": evaluation.beta, "draws": evaluation.draws, "seed": evaluation.seed}
        found = evaluation.classes
        for row in found.to_dict("records"):
            counts: dict[str, Any] = {
                "n_classes": 1,
                **{one: row[one] for one in COUNTS},
                "threshold": row["threshold"],
            }
            what = {"of": "class", "name": row["class"], "group": row["group"], **n, **counts}
            warned = {"warning": row["warning"]}
            rows.append(head | what | _columns({m: value_of(row, m) for m in metrics}) | tail | warned)
        for of, name, values in _averages(evaluation):
            mine = found if of != "group" else found[found["group"] == name]
            counts = {"n_classes": len(mine), **{one: int(mine[one].sum()) for one in COUNTS}, "threshold": np.nan}
            what = {"of": of, "name": name, "group": name if of == "group" else "", **n, **counts}
            rows.append(head | what | _columns({m: values[m] for m in metrics if m in values}) | tail | {"warning": ""})
    return pd.DataFrame(rows).astype({"n_patients": "Int64"})


def _averages(evaluation: Evaluation) -> list[tuple[str, str, dict[str, Value]]]:
    groups = [("group", name, values) for name, values in evaluation.groups.items()]
    means = [(name, name, getattr(evaluation, name)) for name in ("macro", "weighted", "micro")]
    begin = "sample_"
    sample = {name.removeprefix(begin): v for name, v in evaluation.whole.items() if name.startswith(begin)}
    return [*groups, *means, *([("sample", "sample", sample)] if sample else [])]


def _columns(values: Mapping[str, Value]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for metric, value in values.items():
        columns |= {metric: value.value, f"{metric}_low": value.low, f"{metric}_high": value.high}
        columns[f"{metric}_method"] = value.method
    return columns


def csv(
    evaluations: Mapping[str, Evaluation] | Evaluation, metrics: Sequence[str] = tuple(TITLES), *, data: str = ""
) -> str:
    """Return ``numbers`` as CSV; no cell is a formula to a spreadsheet, and what is not defined says so.

    Cells that have no meaning are empty: the threshold of a mean, a metric that a mean is not taken of.
    """
    table = numbers(evaluations, metrics, data=data).astype(object)
    table["n_patients"] = table["n_patients"].where(table["n_patients"].notna(), "not known")
    table["threshold"] = table["threshold"].where(table["of"] == "class", "")
    single = (table["of"] == "class") & table["threshold"].isna()
    table.loc[single, "threshold"] = "largest score"
    for metric in metrics:
        none = table[f"{metric}_method"].isna()
        for column in (metric, f"{metric}_low", f"{metric}_high", f"{metric}_method"):
            table.loc[none, column] = ""
    return as_csv(table, undefined="not defined")


def excel_csv(
    evaluations: Mapping[str, Evaluation] | Evaluation, metrics: Sequence[str] = tuple(TITLES), *, data: str = ""
) -> bytes:
    """Return ``csv`` as the bytes of a file that Excel opens with every letter right: UTF-8 with a byte-order mark."""
    return f"{BOM}{csv(evaluations, metrics, data=data)}".encode()
