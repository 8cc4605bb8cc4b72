"""Class by class: averages, groups, one metric with its intervals, and the table of everything."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from lt_core.charts.results import class_metric, group_means
from lt_core.evaluation.uncertainty import Evaluation, Value
from pages.ui import blocks
from pages.ui.results import averages, class_tables
from pages.ui.results.class_tables import Found
from pages.ui.results.cutting import Choice
from pages.ui.results.models import Model
from pages.ui.results.numbers import (
    AVERAGED,
    METRICS,
    TERMS,
    between,
    evaluation_of,
    in_text,
    ordered,
    said,
    term,
    with_interval,
)


def draw(choice: Choice) -> None:
    """Draw the view."""
    found = [(m, evaluation_of(m, choice.cuts[m.letter], beta=choice.beta)) for m in choice.models]
    _averages(found)
    averages.draw(found)
    _groups(found, choice.words)
    _one_metric(found)
    class_tables.numbers(found)
    class_tables.whole(found)


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
    for sentence in dict.fromkeys(sentence for _, e in found for sentence in e.warnings):
        st.caption(f":material/warning: {sentence}")
    if len(found) > 2:
        rows = [
            {"model": m.title} | {f"Macro {METRICS[n]}": with_interval(e.macro[n]) for n in AVERAGED} for m, e in found
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="content", alt="Macro means of every model.")


def _groups(found: Found, words: str) -> None:
    if not found[0][1].groups:
        st.caption("Head, medium and tail are not known for these predictions.")
        return
    st.markdown(f"#### {story(found, words)}", help=TERMS["groups"].format(counted_in(found[0][0])))
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
                "method": values[name].method,
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


def story(found: Found, words: str) -> str:
    """Return what head and tail of every model say, in one sentence."""
    if len(found) == 1:
        return _of_one(found[0][1], words)
    told = []
    for group in ("head", "tail"):
        means = [(m.letter, e.groups[group]["f1"]) for m, e in found if group in e.groups and m.groups]
        known = [f"{value.value:.2f} in {letter}" for letter, value in means if value.n_classes]
        told += [f"of the {group} {', '.join(known)}"] if known else []
    return f"Mean F1 {'; '.join(told)}" if told else "Head, medium and tail"


def _of_one(evaluation: Evaluation, words: str) -> str:
    """Return what head and tail of one model say."""
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
    st.caption(term(metric, found[0][1].beta))
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
        f"many images of this part have it; head to tail goes by how many of {counted_in(found[0][0])} do."
    )


def counted_in(model: Model) -> str:
    """Return which images order the classes and set their groups: not those whose number stands beside a class."""
    if model.run is not None:
        return "the training part"
    return model.read.counted if model.read is not None else "this part"


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
