"""What if: another imbalance ratio, fewer classes, another sampling. Measures, counts and class weights follow."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from lt_core.charts.tail import before_after_counts, binned_ranks
from lt_core.datasets import Source
from lt_core.datasets.csv_text import as_csv
from lt_core.problems import Problem
from lt_core.stats import ClassPrior, Grouping, LabelStats, stats_of
from lt_core.stats.label_sets import LabelSets
from lt_core.stats.resampling import SCHEMES, remedial, resampled
from lt_core.stats.what_if import WhatIf, before_after, merged_classes, with_imbalance_ratio, without_classes
from pages.ui import blocks, data_examples, state
from pages.ui.pictures import plain

CHANGES = ("nothing", "ratio", "drop", "merge", "resample", "remedial")
"""Bare, for a format_func would put its labels into the URL."""
_ABOUT = {
    "ratio": "Images are left out until the counts fall off exponentially with this ratio.",
    "drop": "Classes are no longer asked for; their images stay.",
    "merge": "Several classes become one: an image has it if it has any of them.",
    "resample": "Images are taken more or less often.",
    "remedial": "REMEDIAL: images in which frequent and rare classes meet become two (Charte et al. 2019).",
}


@dataclass(frozen=True)
class Change:
    """One change, hashable, so that its result is computed once."""

    kind: str
    value: float = 0.0
    names: tuple[str, ...] = ()
    name: str = ""

    def made(self, sets: LabelSets, class_names: tuple[str, ...]) -> WhatIf:
        """Return the labels after the change."""
        match self.kind:
            case "ratio":
                return with_imbalance_ratio(sets, class_names, self.value)
            case "drop":
                return without_classes(sets, class_names, self.names)
            case "merge":
                return merged_classes(sets, class_names, self.names, self.name)
            case "remedial":
                return remedial(sets, class_names)
        return resampled(sets, class_names, self.name, strength=self.value)


def panel(entry: str, part: str | None, stats: LabelStats, *, single: bool) -> None:
    """Draw the choice of a change and what it does to the counts, the measures and the class weights."""
    st.markdown("#### What if?", help="Nothing on disk changes. Known positives are counted; unknown labels stay so.")
    if stats.label_sets is None:
        st.info("Which labels occur on one image is not known here.", icon=":material/info:")
        return
    kind = st.segmented_control(
        "Change", CHANGES, default="nothing", key="what-if", bind="query-params", label_visibility="collapsed"
    )
    if kind in (None, "nothing"):
        weights(stats, None)
        return
    st.caption(_ABOUT[kind])
    change = _widgets(kind, stats, single=single)
    if change is None:
        return
    try:
        said, after = _made(entry, part, change, str(stats.grouping), stats)
    except Problem as problem:
        st.error(plain(str(problem)), icon=":material/error:")
        return
    st.text(said[:1].upper() + said[1:])
    _before_after(stats, after)
    weights(stats, after)


def _widgets(kind: str, stats: LabelStats, *, single: bool) -> Change | None:
    names = data_examples.by_count(stats)
    match kind:
        case "ratio":
            ratio = st.slider("Imbalance ratio", 1, 1000, 50, key="what-if-ratio", bind="query-params")
            return Change("ratio", float(ratio))
        case "drop":
            dropped = st.multiselect("Drop", names, key="what-if-drop", bind="query-params")
            return Change("drop", names=tuple(dropped)) if dropped else None
        case "merge":
            left, right = st.columns([3, 2])
            merged = left.multiselect("Merge", names, key="what-if-merge", bind="query-params")
            name = right.text_input("Called", "merged", key="what-if-name", bind="query-params", max_chars=200)
            return Change("merge", names=tuple(merged), name=name or "merged") if len(merged) > 1 else None
        case "remedial":
            if single:
                st.info("Every image has one class here: there is nothing to split.", icon=":material/info:")
            return None if single else Change("remedial")
    scheme = st.selectbox("Scheme", list(SCHEMES), key="what-if-scheme", bind="query-params")
    st.caption(SCHEMES[scheme].text)
    if scheme == "repeat-factor":
        value = st.slider(
            "Threshold: share of images below which a class is repeated", 0.001, 0.5, 0.05, 0.001, format="%.3f",
            key="what-if-threshold", bind="query-params",
        )  # fmt: skip
    elif scheme.startswith("ml-"):
        value = float(st.slider("Percent of the images", 1, 100, 25, key="what-if-percent", bind="query-params"))
    else:
        value = 0.0
    return Change("resample", value, name=scheme)


@st.cache_resource(max_entries=12, show_spinner="Counting again …")
def _made(entry: str, part: str | None, change: Change, rule: str, _stats: LabelStats) -> tuple[str, LabelStats]:
    sets = _stats.label_sets
    if sets is None:
        data = state.loaded(Source.from_json(json.loads(entry)))
        sets = stats_of(data, part).label_sets
    assert sets is not None
    after = change.made(sets, _stats.class_names)
    by_hand = Grouping.of(rule).scheme == "hand"  # which knows nothing of classes that the change has made
    return after.said, after.stats(scheme="relative" if by_hand else rule, n_inputs=_stats.n_inputs)


def _before_after(before: LabelStats, after: LabelStats) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        a, b = before.table(), after.table()
        counts = a[["class", "positives"]].merge(
            b[["class", "positives"]], on="class", how="outer", suffixes=(" before", " after"), sort=False
        )
        blocks.figure(
            before_after_counts(binned_ranks(a), binned_ranks(b)),
            counts,
            name="what-if-counts",
            alt_text="Class counts by rank before and after the change, on a log axis.",
        )
    with right:
        table = before_after(before, after)
        changed = table[table["before"].notna() | table["after"].notna()]
        st.dataframe(
            changed[["measure", "was", "now"]],
            hide_index=True,
            height=380,
            column_config={
                "was": st.column_config.TextColumn("before", alignment="right"),
                "now": st.column_config.TextColumn("after", alignment="right"),
            },
        )


def weights(before: LabelStats, after: LabelStats | None) -> None:
    """Draw what each way of weighting makes of the counts, before and after; only when asked, for it needs torch."""
    if not st.toggle("Class weights of each scheme", key="what-if-weights", bind="query-params"):
        return
    from lt_core.losses.class_weight_table import WEIGHTS, class_weight_table

    def table(stats: LabelStats) -> pd.DataFrame:
        prior = ClassPrior(stats.positives, max(stats.n_samples, 1), class_names=stats.class_names)
        return class_weight_table(prior, stats.label_sets)

    scheme = st.selectbox("Weights", list(WEIGHTS), key="what-if-weight", bind="query-params")
    st.caption(f"{WEIGHTS[scheme]} A class without positives counts as one.")
    found = table(before)[["class", "positives", scheme]].rename(columns={scheme: "before"})
    if after is not None:
        new = table(after)[["class", "positives", scheme]].rename(columns={scheme: "after"})
        found = found.merge(new, on="class", how="outer", suffixes=("", " after"), sort=False)
        found["after / before"] = found["after"] / found["before"]
    shown = found.sort_values("positives", ascending=False, kind="stable")
    if shown["before"].isna().all():
        st.info("Not computed: there are too many label sets times classes.", icon=":material/info:")
        return
    numbers = [column for column in ("before", "after", "after / before") if column in shown]
    st.dataframe(
        shown,
        hide_index=True,
        height=blocks.table_height(len(shown)),
        column_config={name: st.column_config.NumberColumn(format="%.4g") for name in numbers},
    )
    st.download_button(
        "All weights as CSV",
        lambda: as_csv(table(before) if after is None else table(after)).encode(),
        file_name="class_weights.csv",
        mime="text/csv",
        icon=":material/download:",
        key="csv-class-weights",
        on_click="ignore",
    )
