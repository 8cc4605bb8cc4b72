"""One or two evaluations made ready for the Results page; draws nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lt_core.evaluation import Report, report
from lt_core.training import Run
from pages.ui import run_picker

METRICS = {"f1": "F1", "ap": "AP", "auroc": "AUROC", "precision": "Precision", "recall": "Recall"}
AVERAGED = ("f1", "ap", "auroc")

TERMS = {
    "f1": "2TP / (2TP + FP + FN) at the threshold. Not defined only where a class is neither there nor called.",
    "ap": "Average precision: how pure the ranking is from the top down; needs no threshold.",
    "auroc": "The chance that an image with the finding scores above one without; needs no threshold.",
    "precision": "Of the images called positive, the share that are: TP / (TP + FP).",
    "recall": "Of the images that have the finding, the share that is called: TP / (TP + FN).",
    "macro": "Plain mean over the classes where the value is defined: every class counts the same, however rare.",
    "micro": "F1 of all cells thrown together: frequent classes dominate.",
    "accuracy": "The share of images whose largest probability is the true class.",
    "balanced": "Mean recall over the classes: every class counts the same, however rare.",
    "interval": "The line is a 95 % interval: Wilson's for precision and recall, for F1 Wilson's by way of "
    "TP / (TP + FP + FN) (Lam et al., 2023).",
    "chance": "The grey bar is what chance would give.",
    "groups": "By training counts: head has at least a fifth of the largest class, tail less than a twentieth.",
}
UNDEFINED = "not defined"


@dataclass(frozen=True)
class Compared:
    """Evaluations of the same classes by letter ("A", "B"), the runs' names, and the classes from head to tail.

    ``note`` says why B is not there or why its difference from A must be read with care.
    """

    reports: dict[str, Report]
    names: dict[str, str]
    order: list[int]
    note: str = ""

    @property
    def two(self) -> bool:
        """Whether there is a B."""
        return "B" in self.reports

    def classes(self, letter: str) -> pd.DataFrame:
        """Return the class table of one report, from head to tail."""
        return self.reports[letter].classes.iloc[self.order].reset_index(drop=True)


def compared(first: Run, second: Run | None, part: str, threshold: float) -> Compared:
    """Return the evaluation of A and, where it can stand beside it, of B; groups and order are those of A."""
    card = first.dataset_card
    order = np.argsort(-np.asarray(card["positives_per_class"], dtype=float), kind="stable").tolist()
    mine = run_picker.predictions(first, part)
    a = report(mine, threshold=threshold, groups=card["groups"])
    if second is None:
        return Compared({"A": a}, {"A": first.name}, order)
    other = run_picker.predictions(second, part)
    if other.class_names != mine.class_names or other.kind != mine.kind:
        note = "A and B know different classes, so only A is shown: choose two runs on one data set."
        return Compared({"A": a}, {"A": first.name}, order, note)
    b = report(other, threshold=threshold, groups=card["groups"])
    same = np.array_equal(mine.ids, other.ids) and np.array_equal(mine.targets, other.targets, equal_nan=True)
    note = "" if same else "A and B were measured on different images: read their difference with care."
    return Compared({"A": a, "B": b}, {"A": first.name, "B": second.name}, order, note)


def class_rows(found: Compared, letter: str, metric: str) -> pd.DataFrame:
    """Return the rows of ``charts.results.class_metric`` for one run."""
    table = found.classes(letter)
    known = table["n_positive"] + table["n_negative"]
    chance = {"ap": table["n_positive"] / known.where(known > 0), "auroc": 0.5}.get(metric, np.nan)
    return pd.DataFrame(
        {
            "row": [f"{name} · {count:,}" for name, count in zip(table["class"], table["n_positive"], strict=True)],
            "class": table["class"],
            "group": table["group"],
            "run": letter,
            "run_name": found.names[letter],
            "n_positive": table["n_positive"],
            "value": table[metric],
            "low": table.get(f"{metric}_low", np.nan),
            "high": table.get(f"{metric}_high", np.nan),
            "chance": chance,
        }
    )


def difference_rows(found: Compared, metric: str) -> pd.DataFrame:
    """Return the rows of ``charts.results.class_difference``: B minus A, NaN where one of them is not defined."""
    rows = class_rows(found, "A", metric)[["row", "class", "group", "n_positive"]]
    a, b = found.classes("A")[metric], found.classes("B")[metric]
    return rows.assign(a=a, b=b, difference=b - a)


def group_rows(found: Compared) -> pd.DataFrame:
    """Return the rows of ``charts.results.group_means``."""
    return pd.DataFrame(
        [
            {
                "metric": METRICS[name],
                "group": group,
                "run": letter,
                "run_name": found.names[letter],
                "value": np.nan if means[name] is None else means[name],
                "n_classes": means[f"n_{name}"],
            }
            for letter, result in found.reports.items()
            for group, means in result.groups.items()
            for name in AVERAGED
        ]
    )


def story(result: Report, threshold: float) -> str:
    """Return what head and tail say, in one sentence."""
    head, tail = result.groups["head"], result.groups["tail"]
    if tail["f1"] is None or head["f1"] is None:
        return "Head, medium and tail"
    if tail["f1"] < 0.1 and (tail["auroc"] or 0) >= 0.6:
        at = "" if result.kind == "single" else f" at {threshold:.2f}"
        return f"The tail is ranked (AUROC {tail['auroc']:.2f}) but hardly ever called (F1 {tail['f1']:.2f}{at})"
    return f"Mean F1 is {head['f1']:.2f} in the head and {tail['f1']:.2f} in the tail"


def everything(found: Compared) -> pd.DataFrame:
    """Return every number of every class and run, for a file."""
    tables = [
        found.classes(letter).assign(run=found.names[letter], part=result.part)
        for letter, result in found.reports.items()
    ]
    return pd.concat(tables, ignore_index=True)


def written(found: Compared, letter: str) -> pd.DataFrame:
    """Return the class table of one run as text: 0.351 [0.31, 0.40], or that a value is not defined."""
    source = found.classes(letter)
    shown = source[["class", "group", "n_positive", "n_negative"]].copy()
    for name in METRICS:
        shown[name] = [said(value) for value in source[name]]
        if f"{name}_low" in source:
            ends = zip(source[name], source[f"{name}_low"], source[f"{name}_high"], strict=True)
            shown[name] = [said(v) + (f"  [{low:.2f}, {high:.2f}]" if v == v else "") for v, low, high in ends]
    return shown


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its numbers in [0, 1] as text and without columns in which nothing is defined."""
    kept = table.drop(columns="row", errors="ignore").dropna(axis="columns", how="all")
    return kept.assign(**{name: [said(v) for v in kept[name]] for name in kept.select_dtypes("float").columns})


def said(value: float | int | None) -> str:
    """Return a value in [0, 1] as text."""
    return UNDEFINED if value is None or np.isnan(value) else f"{value:.3f}"
