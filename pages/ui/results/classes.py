"""Class by class: averages, groups, one metric with its intervals, and the table of everything."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from lt_core.charts.confusion import confusion_heat
from lt_core.charts.results import class_metric, group_means
from lt_core.datasets.csv_text import as_csv
from lt_core.evaluation.uncertainty import Evaluation, Value
from pages.ui import blocks
from pages.ui.results.cutting import Choice
from pages.ui.results.models import Model
from pages.ui.results.numbers import (
    AVERAGED,
    METRICS,
    TERMS,
    UNDEFINED,
    between,
    evaluation_of,
    in_text,
    ordered,
    said,
    with_interval,
)

Found = list[tuple[Model, Evaluation]]
WHOLE = {
    "accuracy": "Accuracy",
    "top_3_accuracy": "Top-3 accuracy",
    "top_5_accuracy": "Top-5 accuracy",
    "subset_accuracy": "Subset accuracy",
    "hamming_loss": "Hamming loss",
    "sample_precision": "Precision, mean over images",
    "sample_recall": "Recall, mean over images",
    "sample_f1": "F1, mean over images",
    "ranking_loss": "Ranking loss",
    "coverage_error": "Coverage error",
    "label_ranking_ap": "Label-ranking AP",
    "ranking_loss_with_findings": "Ranking loss, images with findings",
    "coverage_error_with_findings": "Coverage error, images with findings",
    "label_ranking_ap_with_findings": "Label-ranking AP, images with findings",
}
RANKED = ("ranking_loss", "coverage_error", "label_ranking_ap")
"""Of an image that always has a finding these are the same with findings as over all."""


def draw(choice: Choice) -> None:
    """Draw the view."""
    found = [(model, evaluation_of(model, choice.cuts[model.letter])) for model in choice.models]
    _averages(found)
    _groups(found, choice.words)
    _one_metric(found)
    _table(found)
    _whole(found)


def _averages(found: Found) -> None:
    first = found[0][1]
    row = st.container(horizontal=True, horizontal_alignment="distribute", key="averages")

    def tile(label: str, values: list[Value], text: str) -> None:
        with row.container(width="content"):
            a, b = values[0].value, values[1].value if len(values) == 2 else np.nan
            change = None if np.isnan(a) or np.isnan(b) else f"{b - a:+.3f} in B"
            note = f"{text} 95 % interval: {values[0].method}."
            st.metric(
                f"{label}, A" if len(found) > 2 else label,
                said(a),
                change,
                delta_color="off",
                help=note,
                width="content",
            )
            for (model, _), value in zip(found, values, strict=True):
                ends = between(value.low, value.high)
                if ends and len(found) <= 2:
                    st.caption(f"{model.letter} {ends}" if len(found) > 1 else ends)

    for name in AVERAGED:
        defined = f"Here {first.macro[name].n_classes} of {len(first.classes)} classes."
        tile(f"Macro {METRICS[name]}", [e.macro[name] for _, e in found], f"{TERMS[name]} {TERMS['macro']} {defined}")
    if first.kind == "single":
        tile("Accuracy", [e.whole["accuracy"] for _, e in found], TERMS["accuracy"])
        tile("Balanced accuracy", [e.macro["recall"] for _, e in found], TERMS["balanced"])
    else:
        tile("Micro F1", [e.micro["f1"] for _, e in found], TERMS["micro"])
    if len(found) > 2:
        rows = [{"model": m.title} | {METRICS[n]: with_interval(e.macro[n]) for n in AVERAGED} for m, e in found]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="content", alt="Macro means of every model.")


def _groups(found: Found, words: str) -> None:
    if not found[0][1].groups:
        st.caption("Head, medium and tail are not known for these predictions.")
        return
    st.markdown(f"#### {_story(found[0][1], words)}", help=TERMS["groups"])
    table = pd.DataFrame(
        [
            {
                "metric": METRICS[name],
                "group": group,
                "run": model.letter,
                "run_name": model.name,
                "value": values[name].value,
                "low": values[name].low,
                "high": values[name].high,
                "n_classes": values[name].n_classes,
            }
            for model, evaluation in found
            for group, values in evaluation.groups.items()
            if group in (model.groups or ())
            for name in AVERAGED
        ]
    )
    blocks.figure(
        group_means(table),
        in_text(table),
        name="group-means",
        alt_text="Bars with intervals: mean F1, AP and AUROC of head, medium and tail classes.",
    )


def _story(evaluation: Evaluation, words: str) -> str:
    """Return what head and tail say, in one sentence."""
    there = {name: values for name, values in evaluation.groups.items() if values["f1"].n_classes}
    if not {"head", "tail"} <= set(evaluation.groups) or not evaluation.groups["tail"]["f1"].n_classes:
        means = [f"{values['f1'].value:.2f} in {name}" for name, values in there.items()]
        return f"Mean F1 is {' and '.join(means)} classes; none is in the tail" if means else "Head, medium and tail"
    head, tail = evaluation.groups["head"], evaluation.groups["tail"]
    at = "" if evaluation.kind == "single" else f", {words}"
    f1_head, f1_tail, auroc = head["f1"].value, tail["f1"].value, tail["auroc"].value
    if np.isnan(f1_tail) or np.isnan(f1_head):
        return "Head, medium and tail"
    if f1_tail < 0.1 and auroc >= 0.6:
        return f"The tail is ranked (AUROC {auroc:.2f}) but hardly ever called (F1 {f1_tail:.2f}{at})"
    return f"Mean F1 is {f1_head:.2f} in the head and {f1_tail:.2f} in the tail"


def _one_metric(found: Found) -> None:
    st.markdown("#### Class by class, from head to tail")
    metric = str(
        st.pills(
            "Metric",
            list(METRICS),
            default="f1",
            required=True,
            format_func=METRICS.get,
            key="metric",
            bind="query-params",
            label_visibility="collapsed",
        )
    )
    st.caption(TERMS[metric])
    table = pd.concat([metric_rows(model, e, metric) for model, e in found], ignore_index=True)
    blocks.figure(
        class_metric(table, title=METRICS[metric], scale=(-1.0, 1.0) if metric == "mcc" else (0.0, 1.0)),
        in_text(table),
        name=f"per-class-{metric}",
        alt_text=f"Dots: {METRICS[metric]} of each class with its interval, from head to tail.",
    )
    methods = " and ".join(sorted({m for m in table["method"] if m}))
    chance = "The grey bar is what chance would give. " if table["chance"].notna().any() else ""
    st.caption(
        f"{chance}The line is a 95 % interval{f' ({methods})' if methods else ''}. The number behind a class is how "
        "many images of this part have it."
    )


def metric_rows(model: Model, evaluation: Evaluation, metric: str) -> pd.DataFrame:
    """Return the rows of ``charts.results.class_metric`` for one model."""
    table = ordered(model, evaluation)
    known = table["n_known"].where(table["n_known"] > 0)
    chance = {"ap": table["n_positive"] / known, "auroc": 0.5, "balanced_accuracy": 0.5, "mcc": 0.0}
    return pd.DataFrame(
        {
            "row": [f"{name} · {count:,}" for name, count in zip(table["class"], table["n_positive"], strict=True)],
            "class": table["class"],
            "group": table["group"],
            "run": model.letter,
            "run_name": model.name,
            "n_positive": table["n_positive"],
            "value": table[metric],
            "low": table[f"{metric}_low"],
            "high": table[f"{metric}_high"],
            "chance": chance.get(metric, np.nan),
            "method": table[f"{metric}_method"],
        }
    )


def _table(found: Found) -> None:
    st.markdown("#### All numbers")
    st.caption("In brackets: 95 % intervals. Click a column to sort by it.")
    titles = {
        name: st.column_config.TextColumn(title, help=TERMS[name], alignment="right") for name, title in METRICS.items()
    }
    counts = {"n_positive": "positives", "n_negative": "negatives"}
    for model, evaluation in found:
        if len(found) > 1:
            st.markdown(f"**{model.letter}** · {model.name}")
        st.dataframe(
            written(model, evaluation),
            hide_index=True,
            height="content" if len(evaluation.classes) <= 40 else 800,
            column_config=titles
            | {"class": st.column_config.TextColumn(pinned=True)}
            | {name: st.column_config.NumberColumn(title, width="small") for name, title in counts.items()},
            alt=f"Every metric of every class of {model.name}.",
        )
    for sentence in dict.fromkeys(w for _, e in found for w in e.classes["warning"] if w):
        st.caption(f":material/warning: {sentence}")
    st.download_button(
        "Download all numbers as CSV",
        lambda: as_csv(everything(found), undefined=UNDEFINED).encode(),
        file_name="results.csv",
        mime="text/csv",
        icon=":material/download:",
        key="csv-results",
        on_click="ignore",
    )


def written(model: Model, evaluation: Evaluation) -> pd.DataFrame:
    """Return the class table of one model as text: 0.351 [0.31, 0.40], or that a value is not defined."""
    source = ordered(model, evaluation)
    kept = [name for name in ("class", "group", "n_positive", "n_negative") if name != "group" or source["group"].any()]
    shown = source[kept].copy()
    if evaluation.kind == "multi":
        shown["threshold"] = [said(value) for value in source["threshold"]]
    for name in METRICS:
        ends = zip(source[name], source[f"{name}_low"], source[f"{name}_high"], strict=True)
        shown[name] = [f"{said(v)}  {between(low, high)}".rstrip() for v, low, high in ends]
    return shown


def everything(found: Found) -> pd.DataFrame:
    """Return every number of every class and model, for a file."""
    tables = [ordered(model, e).assign(model=model.name, part=e.part, n=e.n) for model, e in found]
    return pd.concat(tables, ignore_index=True)


def _whole(found: Found) -> None:
    names = [name for name in found[0][1].whole if all(name in e.whole for _, e in found)]
    if found[0][1].kind == "single":
        names = [name for name in names if name not in {f"{ranked}_with_findings" for ranked in RANKED}]
    if not names:
        return
    with st.expander("Over whole images", icon=":material/stacks:", expanded=found[0][1].confusion is not None):
        rows = [
            {
                "measure": WHOLE.get(name, name.replace("_", " ")),
                **{m.title: with_interval(e.whole[name]) for m, e in found},
            }
            for name in names
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="content", alt="Measures over whole images.")
        for model, evaluation in found:
            if evaluation.confusion is not None:
                _confusion(model, evaluation)


def _confusion(model: Model, evaluation: Evaluation) -> None:
    assert evaluation.confusion is not None
    names = list(evaluation.classes["class"])
    counts = evaluation.confusion
    table = pd.DataFrame(
        [
            {"true": names[i], "called": names[j], "n": int(counts[i, j]), "of": int(counts[i].sum())}
            for i in model.order
            for j in model.order
        ]
    )
    blocks.figure(
        confusion_heat(table.assign(share=table["n"] / table["of"].where(table["of"] > 0))),
        table,
        name=f"confusion-{model.letter}",
        alt_text=f"Confusion matrix of {model.name}: true classes by row, called classes by column.",
    )
