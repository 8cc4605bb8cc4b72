"""The blocks of the Results page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from lt_core.charts.results import class_difference, class_metric, group_means
from lt_core.evaluation import GROUPS, Report, report
from lt_core.training import Run
from pages.ui import blocks, run_picker

METRICS = {"f1": "F1", "ap": "AP", "auroc": "AUROC", "precision": "Precision", "recall": "Recall"}

TERMS = {
    "f1": "2TP / (2TP + FP + FN) at the threshold. Not defined only where a class is neither there nor called.",
    "ap": "Average precision: how pure the ranking is from the top down, no threshold. By chance it is the share of positives.",
    "auroc": "The chance that an image with the finding scores above one without. By chance 0.5; needs no threshold.",
    "precision": "Of the images called positive, the share that are: TP / (TP + FP).",
    "recall": "Of the images that have the finding, the share that is called: TP / (TP + FN).",
    "macro": "Plain mean over the classes where the value is defined: every class counts the same, however rare.",
    "micro": "All cells thrown together: frequent classes dominate.",
    "interval": "95 % interval: Wilson's score interval, for F1 by way of TP / (TP + FP + FN) (Lam et al., 2023).",
    "groups": "By training counts: head has at least a fifth of the largest class, tail less than a twentieth.",
}
UNDEFINED = "not defined"


@dataclass(frozen=True)
class Compared:
    """One or two evaluations of the same classes, by letter, in the order head to tail."""

    reports: dict[str, Report]
    names: dict[str, str]
    order: list[int]
    paired: bool

    def column(self, letter: str, name: str) -> pd.Series:
        """Return one column of one report, from head to tail."""
        return self.reports[letter].classes[name].iloc[self.order].reset_index(drop=True)


def choose(found: list[Run]) -> tuple[Run, Run | None]:
    """Draw the choice of one or two runs and what they were made with."""
    left, right = st.columns(2)
    with left:
        first = run_picker.pick("Run A", found, key="run")
    with right:
        second = run_picker.pick_other(
            "Run B", found, first, key="versus", help="A second run, to see B minus A class by class."
        )
    run_picker.strip(first)
    if second is not None and second.dataset_card["title"] != first.dataset_card["title"]:
        run_picker.strip(second)
    return first, second


def settings(first: Run, second: Run | None) -> tuple[str, float]:
    """Draw the choice of part and threshold and return both."""
    parts = [part for part in run_picker.parts_of(first) if second is None or part in run_picker.parts_of(second)]
    left, right = st.columns([1, 2], gap="large", vertical_alignment="center")
    part = left.segmented_control(
        "Measured on",
        parts,
        default=parts[0],
        required=True,
        format_func=run_picker.PARTS.get,
        key="part",
        bind="query-params",
        help="The test part is read once, at the end. Choose thresholds and epochs on validation only.",
    )
    if first.dataset_card["kind"] == "single":
        right.caption("One class per image: the largest probability wins, there is no threshold.")
        return part, 0.5
    threshold = right.slider(
        "Threshold",
        0.0,
        1.0,
        0.5,
        0.01,
        key="threshold",
        bind="query-params",
        help="An image is called positive for a class when its probability is at least this. AP and AUROC do not depend on it.",
    )
    return part, float(threshold)


def evaluated(first: Run, second: Run | None, part: str, threshold: float) -> Compared:
    """Return the evaluation of A and, where it can stand beside it, of B; say so where it cannot."""
    card = first.dataset_card
    mine = run_picker.predictions(first, part)
    reports = {"A": report(mine, threshold=threshold, groups=card["groups"])}
    names, paired = {"A": first.name}, False
    if second is not None:
        other = run_picker.predictions(second, part)
        if other.class_names != mine.class_names or other.kind != mine.kind:
            st.info("A and B know different classes, so only A is shown: choose two runs on one data set.", icon=":material/info:")
        else:
            reports["B"] = report(other, threshold=threshold, groups=card["groups"])
            names["B"] = second.name
            paired = bool(np.array_equal(mine.ids, other.ids)) and np.array_equal(mine.targets, other.targets, equal_nan=True)
            if not paired:
                st.info("A and B were measured on different images: read their difference with care.", icon=":material/info:")
    order = np.argsort(-np.asarray(card["positives_per_class"], dtype=float), kind="stable").tolist()
    return Compared(reports, names, order, paired)


def numbers(found: Compared) -> None:
    """Draw the averages over all classes, with B minus A where there are two."""
    a, b = found.reports["A"], found.reports.get("B")
    tiles: list[tuple[str, float | int | None, float | int | None, str]] = [
        (f"Macro {METRICS[name]}", a.macro[name], b and b.macro[name], _macro_help(a, name)) for name in ("f1", "ap", "auroc")
    ]
    if a.kind == "single":
        tiles.append(("Accuracy", a.accuracy, b and b.accuracy, "Share of images whose largest probability is the true class."))
        tiles.append(("Balanced accuracy", a.balanced_accuracy, b and b.balanced_accuracy, "Mean recall over classes."))
    else:
        tiles.append(("Micro F1", a.micro["f1"], b and b.micro["f1"], TERMS["micro"]))
    for column, (label, value, other, text) in zip(st.columns(len(tiles)), tiles, strict=True):
        change = None if value is None or other is None else f"{other - value:+.3f} in B"
        column.metric(label, _said(value), change, help=text)


def groups(found: Compared, threshold: float) -> None:
    """Draw head, medium and tail means of F1, AP and AUROC."""
    st.markdown(f"#### {story(found.reports['A'], threshold)}", help=TERMS["groups"])
    rows = [
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
        for name in ("f1", "ap", "auroc")
    ]
    table = pd.DataFrame(rows)
    blocks.figure(
        group_means(table),
        table.assign(value=[_said(value) for value in table["value"]]),
        name="group-means",
        alt_text="Bars: mean F1, AP and AUROC of head, medium and tail classes.",
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


def classes(found: Compared) -> None:
    """Draw one metric class by class, from head to tail, and the difference where there are two runs."""
    st.markdown("#### Class by class, from head to tail")
    metric = st.segmented_control(
        "Metric", list(METRICS), default="f1", required=True, format_func=METRICS.get, key="metric", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    st.caption(TERMS[metric])
    table = pd.concat([class_rows(found, letter, metric) for letter in found.reports], ignore_index=True)
    chart = class_metric(table, title=METRICS[metric])
    shown = table.drop(columns="row").fillna({"value": UNDEFINED, "low": "", "high": "", "chance": ""})
    words = f"Dots: {METRICS[metric]} of each class, from head to tail, with its number of positives."
    if "B" not in found.reports:
        blocks.figure(chart, shown, name=f"per-class-{metric}", alt_text=words)
        _legend(metric)
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        blocks.figure(chart, shown, name=f"per-class-{metric}", alt_text=words)
        _legend(metric)
    with right:
        difference = difference_rows(found, metric)
        blocks.figure(
            class_difference(difference, title=METRICS[metric], row_height=36),
            difference.drop(columns="row").fillna(UNDEFINED),
            name=f"difference-{metric}",
            alt_text=f"Bars: {METRICS[metric]} of run B minus that of run A, class by class.",
        )
        st.caption("One run each: a difference is no proof yet. Repeat with other seeds before you believe it.")


def class_rows(found: Compared, letter: str, metric: str) -> pd.DataFrame:
    """Return the rows of the class chart for one run."""
    result = found.reports[letter]
    table = result.classes.iloc[found.order]
    n = table["n_positive"] + table["n_negative"]
    chance = {"ap": table["n_positive"] / n.where(n > 0), "auroc": 0.5}.get(metric, np.nan)
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
    ).reset_index(drop=True)


def difference_rows(found: Compared, metric: str) -> pd.DataFrame:
    """Return B minus A class by class, NaN where one of them is not defined."""
    rows = class_rows(found, "A", metric)[["row", "class", "group", "n_positive"]]
    a, b = found.column("A", metric), found.column("B", metric)
    return rows.assign(a=a, b=b, difference=b - a)


def table(found: Compared) -> None:
    """Draw every number of every class, and offer them as a file."""
    st.markdown("#### All numbers")
    for letter, result in found.reports.items():
        wanted = ["class", "group", "n_positive", "n_negative", "threshold", *METRICS]
        shown = result.classes.iloc[found.order][wanted]
        if result.kind == "single":
            shown = shown.drop(columns="threshold")
        if "B" in found.reports:
            st.markdown(f"**{letter}** · {found.names[letter]}")
        st.dataframe(
            shown.style.format(precision=3, na_rep=UNDEFINED),
            hide_index=True,
            height="content",
            column_config={name: st.column_config.NumberColumn(title, help=TERMS[name]) for name, title in METRICS.items()},
            alt=f"Every metric of every class of run {found.names[letter]}.",
        )
    everything = pd.concat(
        [r.classes.iloc[found.order].assign(run=found.names[letter], part=r.part) for letter, r in found.reports.items()]
    )
    st.download_button(
        "Download all numbers as CSV",
        lambda: everything.to_csv(index=False, na_rep=UNDEFINED).encode(),
        file_name="results.csv",
        mime="text/csv",
        icon=":material/download:",
        key="csv-results",
        on_click="ignore",
    )


def _legend(metric: str) -> None:
    if metric in ("ap", "auroc"):
        st.caption("The grey bar is what chance gives. The number behind a class is its positives in this part.")
    else:
        st.caption(f"{TERMS['interval']} The number behind a class is its positives in this part.")


def _macro_help(result: Report, name: str) -> str:
    return f"{TERMS[name]} {TERMS['macro']} Here {result.macro[f'n_{name}']} of {len(result.classes)} classes."


def _said(value: float | int | None) -> str:
    return UNDEFINED if value is None or np.isnan(value) else f"{value:.3f}"
