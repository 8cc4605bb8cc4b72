"""The blocks of the Results page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lt_core.charts.results import class_difference, class_metric, group_means
from lt_core.datasets.csv_text import as_csv
from lt_core.training import Run
from pages.ui import blocks, run_picker
from pages.ui.results_data import (
    AVERAGED,
    METRICS,
    TERMS,
    UNDEFINED,
    Compared,
    as_text,
    class_rows,
    compared,
    difference_rows,
    everything,
    group_rows,
    said,
    story,
    written,
)


def choose(found: list[Run]) -> tuple[Run, Run | None]:
    """Draw the choice of one or two runs and what they were made with."""
    left, right = st.columns(2)
    with left:
        first = run_picker.pick("Run A", found, key="run")
    with right:
        second = run_picker.pick_other(
            "Run B", found, first, key="versus", note="A second run, to see B minus A class by class."
        )
    run_picker.strip(first)
    if second is not None and second.dataset_card["title"] != first.dataset_card["title"]:
        run_picker.strip(second, key="data-strip-b")
    return first, second


def settings(first: Run, second: Run | None) -> tuple[str, float]:
    """Draw the choice of part and threshold and return both."""
    parts = [part for part in run_picker.parts_of(first) if second is None or part in run_picker.parts_of(second)]
    if not parts:
        st.info(
            "A and B have no part in common that both were measured on: choose another run.", icon=":material/info:"
        )
        st.stop()
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
        help="An image is called positive for a class when its probability is at least this. "
        "AP and AUROC do not depend on it.",
    )
    return part, float(threshold)


def evaluated(first: Run, second: Run | None, part: str, threshold: float) -> Compared:
    """Return the evaluations to show, after saying what keeps them from being compared."""
    found = compared(first, second, part, threshold)
    if found.note:
        st.info(found.note, icon=":material/info:")
    return found


def numbers(found: Compared) -> None:
    """Draw the averages over all classes, with B minus A where there are two."""

    def tile(label: str, values: list[float | int | None], text: str) -> None:
        a, b = (*values, None)[:2]
        change = None if a is None or b is None else f"{b - a:+.3f} in B"
        row.metric(label, said(a), change, delta_color="off", help=text, width="content")

    results = list(found.reports.values())
    single = results[0].kind == "single"
    row = st.container(horizontal=True, horizontal_alignment="distribute", key="averages")
    for name in AVERAGED:
        defined = f"Here {results[0].macro[f'n_{name}']} of {len(found.order)} classes."
        tile(f"Macro {METRICS[name]}", [r.macro[name] for r in results], f"{TERMS[name]} {TERMS['macro']} {defined}")
    if single:
        tile("Accuracy", [r.accuracy for r in results], TERMS["accuracy"])
        tile("Balanced accuracy", [r.balanced_accuracy for r in results], TERMS["balanced"])
    else:
        tile("Micro F1", [r.micro["f1"] for r in results], TERMS["micro"])


def groups(found: Compared, threshold: float) -> None:
    """Draw head, medium and tail means of F1, AP and AUROC."""
    st.markdown(f"#### {story(found.reports['A'], threshold)}", help=TERMS["groups"])
    table = group_rows(found)
    blocks.figure(
        group_means(table),
        as_text(table),
        name="group-means",
        alt_text="Bars: mean F1, AP and AUROC of head, medium and tail classes.",
    )


def classes(found: Compared) -> None:
    """Draw one metric class by class, from head to tail, and the difference where there are two runs."""
    st.markdown("#### Class by class, from head to tail")
    metric = st.segmented_control(
        "Metric",
        list(METRICS),
        default="f1",
        required=True,
        format_func=METRICS.get,
        key="metric",
        bind="query-params",
        label_visibility="collapsed",
    )
    st.caption(TERMS[metric])
    if not found.two:
        _values(found, metric)
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _values(found, metric)
    with right:
        table = difference_rows(found, metric)
        blocks.figure(
            class_difference(table, title=METRICS[metric], row_height=36),
            as_text(table),
            name=f"difference-{metric}",
            alt_text=f"Bars: {METRICS[metric]} of run B minus that of run A, class by class.",
        )
        st.caption("One run each: a difference is no proof yet. Repeat with other seeds before you believe it.")


def _values(found: Compared, metric: str) -> None:
    table = pd.concat([class_rows(found, letter, metric) for letter in found.reports], ignore_index=True)
    blocks.figure(
        class_metric(table, title=METRICS[metric]),
        as_text(table),
        name=f"per-class-{metric}",
        alt_text=f"Dots: {METRICS[metric]} of each class, from head to tail, with its number of positives.",
    )
    how = TERMS["chance"] if metric in ("ap", "auroc") else TERMS["interval"]
    st.caption(f"{how} The number behind a class is how many images of this part have it.")


def table(found: Compared) -> None:
    """Draw every number of every class, and offer them as a file."""
    st.markdown("#### All numbers")
    st.caption("In brackets: 95 % intervals. Click a column to sort by it.")
    named = {"n_positive": "positives", "n_negative": "negatives"}
    titles = {
        name: st.column_config.TextColumn(title, help=TERMS[name], alignment="right") for name, title in METRICS.items()
    }
    for letter in found.reports:
        if found.two:
            st.markdown(f"**{letter}** · {found.names[letter]}")
        st.dataframe(
            written(found, letter),
            hide_index=True,
            height="content",
            column_config=titles
            | {"class": st.column_config.TextColumn(pinned=True)}
            | {name: st.column_config.NumberColumn(title, width="small") for name, title in named.items()},
            alt=f"Every metric of every class of run {found.names[letter]}.",
        )
    st.download_button(
        "Download all numbers as CSV",
        lambda: as_csv(everything(found), undefined=UNDEFINED).encode(),
        file_name="results.csv",
        mime="text/csv",
        icon=":material/download:",
        key="csv-results",
        on_click="ignore",
    )
