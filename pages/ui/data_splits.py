"""The parts of a data set: as training uses them or drawn anew, what is wrong with them, and what they can show."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lt_core.charts import splits as charts
from lt_core.datasets import PARTS, LabeledImages, NoImages, Source
from lt_core.datasets.csv_text import as_csv
from lt_core.datasets.notes import counted
from lt_core.datasets.splits import FRACTIONS, METHOD_LABELS, METHODS
from lt_core.problems import Problem
from lt_core.stats import LabelStats
from lt_core.stats.split_checks import SplitFinding, SplitReport, check_split
from lt_core.stats.split_files import drawn, split_command, split_table
from pages.ui import blocks, data_splits_near, data_splits_power, pictures, state

SHOWN_CLASSES = 40
SHOWN_FINDINGS = 12
SHOWN_IMAGES = 12
CHARTS = {
    "counts": "Positives of each class in each part. Outlined: fewer than 10.",
    "shares": "Where each class's positives went, against each part's share of all images.",
    "shift": "Each part's prevalence minus that of the training part. Filled where the difference is significant "
    "(Holm-adjusted p < 0.05) and one share is at least 1.25 times the other. Intervals allow for several images of "
    "one patient.",
}
"""The charts and what each shows. Bare, for a format_func would put its labels into the URL."""


def panel(data: LabeledImages, source: Source, part: str | None, stats: LabelStats) -> None:
    """Draw how the set is divided; ``part`` and ``stats`` are those of the page and change nothing here."""
    del part, stats
    settings = _settings(data)
    with blocks.guarded("The set cannot be divided so."):
        split, report = _divided(json.dumps(source.as_json(), sort_keys=True), **settings)
        divided = data.with_split(split)
        near = data_splits_near.pairs(divided, source)
        if near is not None:
            report = check_split(divided, near=near)
        _sizes(report)
        _findings(divided, report)
        _charts(divided, report)
        data_splits_near.section(divided, source)
        data_splits_power.section(report)
        _take_along(divided, source, settings)


def _settings(data: LabeledImages) -> dict[str, object]:
    """Draw what decides the parts and return it: ``anew, method, seed, fractions``."""
    st.markdown(
        "#### How is the set divided?",
        help="A patient (or lesion) is never divided, where the file says who is who. Parts that the source has are "
        "kept; one that it lacks is taken from its training part.",
    )
    anew = False
    if data.split is not None:
        anew = (
            st.segmented_control(
                "Parts",
                ["given", "anew"],
                default="given",
                key="split-from",
                bind="query-params",
                label_visibility="collapsed",
            )
            == "anew"
        )
        st.caption("Parts are drawn anew." if anew else "Parts as the source has them.")
    complete = data.split is not None and all((data.split == name).any() for name in PARTS)
    if complete and not anew:
        return {"anew": False, "method": METHODS[0], "seed": 0, "fractions": FRACTIONS}
    left, *others = st.columns([3, 1, 2, 2], vertical_alignment="bottom")
    method = left.selectbox("Method", METHODS, key="split-method", bind="query-params")
    seed = others[0].number_input("Seed", 0, 2**31 - 1, 0, key="split-seed", bind="query-params")
    val = others[1].slider("Validation, %", 0, 40, 10, key="split-val", bind="query-params")
    test = others[2].slider("Test, %", 0, 50, 20, key="split-test", bind="query-params")
    st.caption(METHOD_LABELS[method])
    fractions = ((100 - val - test) / 100, val / 100, test / 100)
    return {"anew": anew, "method": method, "seed": int(seed), "fractions": fractions}


@st.cache_data(max_entries=12, show_spinner="Dividing the set …")
def _divided(
    entry: str, *, anew: bool, method: str, seed: int, fractions: tuple[float, float, float]
) -> tuple[NDArray[np.str_], SplitReport]:
    data = state.loaded(Source.from_json(json.loads(entry)))
    if not isinstance(data, LabeledImages):
        raise Problem("published class counts have no single images to divide")
    divided = drawn(data, seed=seed, fractions=fractions, method=method, anew=anew)
    if divided.split is None:
        raise Problem("the set has no parts")
    return divided.split, check_split(divided)


def _sizes(report: SplitReport) -> None:
    names = {"train": "training", "val": "validation", "test": "test"}
    with st.container(horizontal=True, gap="medium"):
        for row in report.sizes.to_dict("records"):
            patients = row["patients"]
            known = "" if not isinstance(patients, int | np.integer) else f" · {counted(int(patients), 'patients')}"
            st.metric(f"{names[str(row['part'])]} ({row['share']:.1%}{known})", f"{row['images']:,}", width="content")


def _findings(data: LabeledImages, report: SplitReport) -> None:
    """List what was found, each with a button that shows its images."""
    if not data.positives().any():
        st.info("No class has a known positive, so the parts cannot be compared.", icon=":material/info:")
        return
    if not report.findings:
        st.success(
            "Nothing is wrong with these parts: no patient is on two sides, every class is in every part, and no "
            "prevalence has shifted.",
            icon=":material/check_circle:",
        )
        return
    ordered = sorted(report.findings, key=lambda finding: not finding.serious)
    for k, finding in enumerate(ordered[:SHOWN_FINDINGS]):
        if k == 0 or finding.serious != ordered[k - 1].serious:
            mend = ":red[:material/error: To mend: results would be wrong]"
            st.markdown(mend if finding.serious else ":orange[:material/info: To know: results are less sure]")
        left, right = st.columns([7, 1], vertical_alignment="center")
        left.text(finding.sentence)
        if len(finding.rows) and _can_be_seen(data):
            right.toggle("Images", key=f"split-show-{k}")
        if st.session_state.get(f"split-show-{k}"):
            _images(data, finding)
    if len(ordered) > SHOWN_FINDINGS:
        st.caption(f"and {len(ordered) - SHOWN_FINDINGS:,} more, all in the tables below")


def _images(data: LabeledImages, finding: SplitFinding) -> None:
    if finding.pairs is not None:
        data_splits_near.show_pairs(data, finding.pairs)
        return
    with blocks.guarded("These images cannot be shown."):
        pictures.grid(data, finding.rows[:SHOWN_IMAGES].tolist(), None)
    if len(finding.rows) > SHOWN_IMAGES:
        st.caption(f"The first {SHOWN_IMAGES} of {len(finding.rows):,} images.")


def _charts(data: LabeledImages, report: SplitReport) -> None:
    picked = st.segmented_control(
        "Chart",
        list(CHARTS),
        default="counts",
        key="split-chart",
        bind="query-params",
        label_visibility="collapsed",
    )
    look = " Click a cell to see its images." if picked in (None, "counts") and _can_be_seen(data) else ""
    st.caption(CHARTS[picked or "counts"] + look)
    order = _classes(data)
    table = report.table
    match picked:
        case "shares":
            chart = charts.class_shares(table, order)
            text = "Dots: the share of each class's positives in each part, joined to the part's share of all images."
        case "shift":
            chart = charts.prevalence_shift(table, order)
            text = "Dots with intervals: each part's prevalence minus that of the part compared with, for each class."
        case _:
            _counts(data, report, order)
            return
    blocks.figure(chart, table, name=f"split-{picked}", alt_text=text)


def _can_be_seen(data: LabeledImages) -> bool:
    return not isinstance(data.images, NoImages)


def _classes(data: LabeledImages) -> list[str]:
    """Return the classes to draw, most frequent first; of many, those at one end or those searched for."""
    rank = np.argsort(-data.positives(), kind="stable")
    names = [data.class_names[c] for c in rank.tolist()]
    if len(names) <= SHOWN_CLASSES:
        return names
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    word = left.text_input("Search a class", key="split-search", bind="query-params").strip().lower()
    end = right.segmented_control(
        "Classes", ["rarest", "most frequent"], default="rarest", key="split-end", bind="query-params"
    )
    found = [name for name in names if word in name.lower()]
    shown = found[:SHOWN_CLASSES] if end == "most frequent" else found[-SHOWN_CLASSES:]
    st.caption(f"{len(shown)} of {len(names):,} classes.")
    return shown


def _counts(data: LabeledImages, report: SplitReport, order: list[str]) -> None:
    """Draw the heat strip; a click on a cell shows images of that class in that part."""
    text = "Heat strip: positives of each class in each part; outlined where fewer than 10."
    chosen = st.altair_chart(
        charts.part_counts(report.table, order),
        width="stretch",
        alt=text,
        key="split-counts",
        on_select="rerun",
        selection_mode=charts.CLICKED_CELL,
    )
    points = (chosen or {}).get("selection", {}).get(charts.CLICKED_CELL, [])
    if points and _can_be_seen(data) and data.split is not None:
        name, part = str(points[0]["class"]), str(points[0]["part"])
        rows = data.rows_with(data.class_index(name))
        rows = rows[data.split[rows] == part]
        st.text(f"{name} in the {part} part: {counted(len(rows), 'images')}")
        with blocks.guarded("These images cannot be shown."):
            pictures.grid(data, rows[:SHOWN_IMAGES].tolist(), None)


def _take_along(data: LabeledImages, source: Source, settings: dict[str, object]) -> None:
    st.markdown("#### Use this split elsewhere")
    st.markdown(
        "The file has one row an image: its name, its patient, its part, and its labels as columns of 0 and 1. It is a "
        "data set of its own: load it, or train with `--data split.csv --images FOLDER`, and its parts are kept. Other "
        "programs join it to their table by the image's name."
    )
    st.download_button(
        "Download the split as CSV",
        lambda: as_csv(split_table(replace(data))).encode(),
        file_name="split.csv",
        mime="text/csv",
        icon=":material/download:",
        key="split-download",
        on_click="ignore",
    )
    st.code(split_command(source, **settings), language="bash", wrap_lines=True)  # type: ignore[arg-type]
