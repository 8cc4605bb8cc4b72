"""The Data set page's view of the classes: headline numbers, counts, measures, and the images behind a class."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from lt_core.charts.distribution import CLICKED, class_counts, labels_per_image
from lt_core.charts.tail import binned_ranks, rank_curve, thinned
from lt_core.datasets import LabeledImages, NoImages, Source
from lt_core.datasets.notes import counted
from lt_core.stats import LabelStats
from lt_core.stats.definitions import OF_CLASS, OF_SET
from lt_core.stats.measures import Measure, measure_table, measures
from lt_core.stats.tail_fit import TailFit, tail_fit
from pages.ui import blocks, data_examples

BARS = 60
"""Up to so many classes each has its bar; more are drawn as a curve by rank."""
HEADLINE = ("n_samples", "n_classes", "imbalance_ratio", "mean_ir", "scumble", "cardinality", "n_multi_label",
            "n_without_label")  # fmt: skip
KEY = "chart-class-counts"


def panel(data: LabeledImages, _: Source, part: str | None, stats: LabelStats) -> None:
    """Draw the classes of one part of a set (None = all of it)."""
    found = measures(stats)
    headline(found)
    _counts(data, stats)
    _tables(stats, found, clickable=True)
    data_examples.panel(data, part, stats)


def panel_of_counts(_: Source, stats: LabelStats) -> None:
    """Draw what published counts say of the classes: everything but the images."""
    found = measures(stats)
    headline(found)
    _counts(None, stats)
    _tables(stats, found, clickable=False)


def headline(found: tuple[Measure, ...]) -> None:
    """Draw the numbers everybody asks for first, each with its definition on hover."""
    by_key = {measure.key: measure for measure in found}
    with st.container(horizontal=True, gap="medium"):
        for key in HEADLINE:
            st.metric(by_key[key].name, by_key[key].shown(), help=str(OF_SET[key]), width="content")


def _counts(data: LabeledImages | None, stats: LabelStats) -> None:
    per_image = None if stats.images_by_labels is None else stats.labels_per_image()
    several = per_image is not None and int((per_image["images"] > 0).sum()) > 1
    left, right = st.columns([5, 3], gap="large") if several else (st.container(), None)
    with left:
        st.markdown("#### How many images has each class?")
        st.caption(_hint(data, stats))
        _chart(stats, clickable=data is not None)
    if per_image is not None and not several and stats.images_by_labels is not None:
        one = int((per_image["images"] > 0).to_numpy().argmax()) if len(per_image) else 0
        st.caption(f"Every image has exactly {counted(one, 'classes')}.")
    if right is not None and per_image is not None:
        with right:
            st.markdown("#### How many classes has one image?")
            blocks.figure(
                labels_per_image(per_image),
                per_image,
                name="labels-per-image",
                alt_text="Bars: images by number of classes.",
            )


def _hint(data: LabeledImages | None, stats: LabelStats) -> str:
    """Return what the chart's colours mean and what a click on it does."""
    colours = f"{stats.grouping.sentence().capitalize()} (*Groups*, above)."
    if data is None:
        return f"Published counts. {colours}"
    mark = "bar" if len(stats.class_names) <= BARS else "point"
    shows = "lists" if isinstance(data.images, NoImages) else "shows"
    return f"A click on a {mark} {shows} its images below. {colours}"


def _chart(stats: LabelStats, *, clickable: bool) -> None:
    table = stats.table()
    if not (table["positives"] > 0).any():
        st.info("No class has a known positive here, so there is nothing to draw.", icon=":material/info:")
        return
    fit = tail_fit(stats.positives) if st.toggle(
        "Line of the tail",
        key="tail-line",
        bind="query-params",
        help="The closer of a power law and an exponential by rank. More in the view *Tail*.",
    ) else None  # fmt: skip
    clicks = {"selection": CLICKED, "on_select": partial(data_examples.clicked, KEY, CLICKED)} if clickable else {}
    line = None if fit is None else _line(fit, stats)
    chosen = data_examples.chosen(stats) if clickable else None
    if len(table) <= BARS:
        # All bars are in full colour until one is chosen that is not looked at anyway.
        marked = None if chosen in data_examples.by_count(stats)[:1] else chosen
        chart = class_counts(table, fit=line, chosen=marked, clickable=clickable)
        blocks.figure(
            chart, table, name="class-counts", key=KEY, **clicks,
            alt_text="Bars on a log axis: images per class, largest first, coloured by head, medium and tail.",
        )  # fmt: skip
    else:
        curve = rank_curve(binned_ranks(table), fit=line, chosen=_at(table, chosen), clickable=clickable)
        blocks.figure(
            curve, table, name="class-counts", key=KEY, **clicks,
            alt_text=f"Curve of {len(table)} class counts by rank on log axes, coloured by head, medium and tail.",
        )  # fmt: skip
        st.caption(
            f"{len(table):,} classes, {int((table['positives'] == 0).sum()):,} without a positive (not drawn). Ranks "
            "that fall together are one point; the class chosen below is circled."
        )
    if fit is not None:
        st.caption(fit.sentence())


def _line(fit: TailFit, stats: LabelStats) -> pd.DataFrame:
    ranks = fit.table(list(stats.class_names))
    if len(stats.class_names) > BARS:
        return thinned(ranks, (fit.better.law,))
    return ranks.melt(["rank", "class"], [fit.better.law], var_name="law", value_name="expected")


def _at(table: pd.DataFrame, name: str | None) -> pd.DataFrame | None:
    """Return the rank and count of one class, for the mark on the curve."""
    ranked = table[table["positives"] > 0].sort_values("positives", ascending=False, kind="stable")
    ranked = ranked.assign(rank=range(1, len(ranked) + 1))
    return None if name is None else ranked[ranked["class"] == name][["class", "rank", "positives"]]


def _tables(stats: LabelStats, found: tuple[Measure, ...], *, clickable: bool) -> None:
    """Draw the classes and the measures; a row of the classes can be picked where there are images behind it."""
    classes, whole = st.tabs(["Table of classes", "All measures"], key="measure-tables")
    with classes:
        table = stats.table().sort_values("positives", ascending=False, kind="stable").reset_index(drop=True)
        known = [column for column in table if column == "class" or not table[column].isna().all()]
        shown = {"hide_index": True, "height": blocks.table_height(len(table)), "column_config": _columns()}
        if clickable:
            picked = partial(_row_clicked, "class-table", table["class"].tolist())
            shown |= {"key": "class-table", "selection_mode": "single-row", "on_select": picked}
        st.dataframe(table[known], **shown)
    with whole:
        st.caption("Not defined: 0/0, or not known of this set. n: the images, classes or cells it is about.")
        table = measure_table(found)
        st.dataframe(
            table[["measure", "shown", "n", "definition", "source"]],
            hide_index=True,
            height=blocks.table_height(len(table), 460),
            column_config={
                "measure": st.column_config.TextColumn(pinned=True),
                "shown": st.column_config.TextColumn("value", alignment="right"),
                "definition": st.column_config.TextColumn(width="large"),
            },
        )
    # each value with its formula, for a table cell shows no LaTeX
    with whole, st.expander("Formulas", icon=":material/function:"):
        for measure in found:
            st.markdown(f"**{measure.name}** $\\;{measure.formula}$")


def _columns() -> dict[str, object]:
    settings: dict[str, object] = {"class": st.column_config.TextColumn(pinned=True)}
    for key, definition in OF_CLASS.items():
        form = {"share": "percent", "count": "localized", "number": "%.4g"}[definition.kind]
        text = str(definition).replace("$$", "").strip()
        settings[key] = (
            st.column_config.TextColumn(definition.name, help=text)
            if key == "group"
            else st.column_config.NumberColumn(definition.name, help=text, format=form)
        )
    return settings


def _row_clicked(key: str, names: list[str]) -> None:
    rows = st.session_state.get(key, {}).get("selection", {}).get("rows", [])
    if rows:
        data_examples.choose(names[rows[0]])
