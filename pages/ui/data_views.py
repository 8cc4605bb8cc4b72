"""What the Data set page shows of the set in force."""

from __future__ import annotations

import json

import numpy as np
import streamlit as st

from lt_core.charts.distribution import class_counts, cooccurrence, labels_per_image
from lt_core.datasets import PARTS, ClassCounts, LabeledImages, NoImages, Source
from lt_core.problems import Problem
from lt_core.stats import LabelStats, stats_of
from pages.ui import blocks, pictures, state

TERMS = {
    "imbalance ratio": "Positives of the most frequent class over positives of the rarest class that has any.",
    "cardinality": "Mean number of findings per image (over known labels).",
    "label sets": "Distinct combinations of findings; no finding at all counts as one.",
    "groups": "By training count n: head n ≥ n_max / 5, tail n < n_max / 20, medium between.",
    "co-occurrence": "How many images carry both findings.",
}


def about(data: LabeledImages | ClassCounts) -> None:
    """Say what the set is, and what its reader recognised or repaired."""
    if data.about:
        st.markdown(data.about)
    warnings = getattr(data, "warnings", ())
    if warnings:
        with st.expander(
            f"{len(warnings)} thing{'s' if len(warnings) > 1 else ''} to know about this set", icon=":material/warning:"
        ):
            for warning in warnings:
                st.markdown(f"- {warning}")


def part_picker(data: LabeledImages) -> str | None:
    """Draw the choice of part and return it, None for all."""
    if data.split is None:
        return None
    have = [part for part in PARTS if (data.split == part).any()]
    names = {"train": "training", "val": "validation", "test": "test"}
    picked = st.segmented_control(
        "Part",
        ["all", *have],
        default="all",
        key="part",
        bind="query-params",
        format_func=lambda p: f"{names.get(p, 'all')} · {len(data.rows(None if p == 'all' else p)):,}",
        help="The head, medium and tail groups always come from the training counts.",
    )
    return None if picked in (None, "all") else str(picked)


@st.cache_data(max_entries=12, show_spinner=False)
def _statistics(entry: str, part: str | None) -> LabelStats:
    data = state.loaded(Source.from_json(json.loads(entry)))
    return stats_of(data, part)


def statistics(source: Source, part: str | None) -> LabelStats:
    """Return the label statistics of one part (None = all), computed once."""
    return _statistics(json.dumps(source.as_json(), sort_keys=True), part)


def numbers(stats: LabelStats) -> None:
    """Draw the headline numbers."""
    entry = stats.as_json()
    ratio = entry["imbalance_ratio"]
    cells = (
        ("images", f"{entry['n_samples']:,}", None),
        ("classes", f"{entry['n_classes']}", None),
        ("imbalance ratio", "not defined" if ratio is None else f"{ratio:,.1f}", TERMS["imbalance ratio"]),
        ("findings per image", f"{entry['cardinality']:.2f}", TERMS["cardinality"]),
        ("with two or more", f"{entry['n_multi_label']:,}", "Images that carry at least two findings."),
        ("without a finding", f"{entry['n_without_label']:,}", "Images whose labels are all known and all negative."),
    )
    with st.container(horizontal=True, gap="medium"):
        for label, value, note in cells:
            st.metric(label, value, help=note, width="content")


def distribution(stats: LabelStats) -> None:
    """Draw counts per class and findings per image."""
    left, right = st.columns([5, 3], gap="large")
    with left:
        st.markdown("#### How many images has each class?", help=TERMS["groups"])
        st.caption("Coloured by the training counts, whatever part is shown.")
        table = stats.table()
        blocks.figure(
            class_counts(table),
            table,
            name="class-counts",
            alt_text="Bars on a log axis: images per class, largest first, coloured by head, medium and tail.",
        )
    with right:
        st.markdown("#### How many findings has one image?")
        per_image = stats.labels_per_image()
        blocks.figure(
            labels_per_image(per_image),
            per_image,
            name="labels-per-image",
            alt_text="Bars: images by number of findings.",
        )


def together(stats: LabelStats) -> None:
    """Draw the co-occurrence heat map, or say why there is none."""
    st.markdown("#### Which findings occur together?", help=TERMS["co-occurrence"])
    pairs = stats.cooccurrence_table()
    if not ((pairs["n"] > 0) & (pairs["a"] != pairs["b"])).any():
        st.info("Every image carries at most one class, so nothing occurs together here.", icon=":material/info:")
        return
    measure = st.segmented_control(
        "Show",
        ["n", "conditional"],
        default="n",
        key="pairs-measure",
        bind="query-params",
        format_func={"n": "images with both", "conditional": "share of the row's images"}.get,
        label_visibility="collapsed",
    )
    table = stats.table().sort_values("positives", ascending=False)
    top = table["class"].tolist()[:40]
    if len(table) > 40:
        st.caption(f"The 40 most frequent of {len(table)} classes.")
    shown = pairs[pairs["a"].isin(top) & pairs["b"].isin(top)]
    blocks.figure(
        cooccurrence(shown, top, measure=measure or "n"),
        shown,
        name="co-occurrence",
        alt_text="Heat map: the row's class, and how many of its images carry the column's class too.",
    )


def examples(data: LabeledImages, part: str | None) -> None:
    """Draw a few images of one class, with the finding outlined where its place is known."""
    st.markdown("#### What does a class look like?")
    if isinstance(data.images, NoImages):
        st.info(
            "This set has labels only. Statistics and losses work; training and maps need images.",
            icon=":material/image_not_supported:",
        )
        return
    counts = np.nansum(data.labels, axis=0)
    order = [data.class_names[i] for i in np.argsort(-counts)]
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    name = left.selectbox("Class", order, key="example-class", bind="query-params")
    outlined = data.masks is not None and right.toggle(
        "Outline the finding", True, key="example-outline", bind="query-params"
    )
    column = data.class_index(name)
    rows = data.rows(part)
    rows = rows[data.labels[rows, column] == 1][:12]
    if not len(rows):
        st.info(f"No image of this part shows {name}.", icon=":material/search_off:")
        return
    try:
        pictures.grid(data, rows.tolist(), column if outlined else None)
    except Problem as problem:
        st.error(str(problem), icon=":material/broken_image:")


def counts_only(counts: ClassCounts) -> None:
    """Draw what class counts alone can tell."""
    table = stats_of(counts).table()
    blocks.figure(
        class_counts(table),
        table,
        name="class-counts",
        alt_text="Bars on a log axis: published number of images per class.",
    )
    st.info(
        "These are published class counts, without images: enough to look at the tail and to shape losses on the "
        "Losses page. Choose a set with images to train.",
        icon=":material/info:",
    )
