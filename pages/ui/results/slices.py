"""Results, slices: the same numbers by sex, age, view or hospital."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd
import streamlit as st

from lt_core.charts.errors import slice_map, two_sides
from lt_core.evaluation.errors import Sliced
from lt_core.evaluation.errors.slices import CLOSED, DIFFERS, own_tests
from lt_core.problems import Problem
from pages.ui import blocks
from pages.ui.pictures import plain
from pages.ui.results import report_slices
from pages.ui.results.error_choice import ALL, ink, model_and_class
from pages.ui.results.error_data import FEWER_DRAWS, Cuts, slices_of
from pages.ui.results.models import Model
from pages.ui.results.numbers import METRICS, signed
from pages.ui.results.of_images import columns_of

SIDES = ("slice", "the rest")
WITH_PREVALENCE = ("f1", "f_beta", "precision", "npv", "ap", "mcc", "brier")


def draw(models: list[Model], thresholds: dict[str, Cuts], beta: float = 2.0) -> None:
    """Draw the view of one of ``models`` at its ``thresholds``, (C,) by letter; ``beta`` is of F-beta."""
    model, name = model_and_class(models, every=True)
    with st.spinner("Reading what is known of the images …", show_time=True):
        columns = columns_of(model)
    if isinstance(columns, str):
        blocks.empty("Nothing to slice by", columns, icon=":material/donut_small:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        names = [str(column) for column in columns.columns]
        column = str(st.selectbox("Slices by", names, key="err-by", bind="query-params", width=240))
        # without draws all classes are measured at once; with them, one class at a time
        metrics = [key for key in METRICS if name != ALL or key in CLOSED]
        if st.session_state.get("err-metric") not in (None, *metrics):
            st.session_state["err-metric"] = metrics[0]
        metric = str(
            st.selectbox(
                "Metric",
                metrics,
                format_func=lambda key: METRICS[key],
                key="err-metric",
                bind="query-params",
                width=240,
            )
        )
    report_slices.looked_at(column, metric)
    with blocks.guarded("These slices cannot be shown."):
        found = slices_of(
            model, thresholds[model.letter], columns, column, metric, None if name == ALL else (name,), beta
        )
        table = found.table if name == ALL else found.table[found.table["class"] == name]
        if not len(table):
            raise Problem("there is no image in any slice")
        st.markdown(_story(own_tests(table, found.slices)))
        alone = "" if model.scored.patients is not None else " Every image is taken to be of another patient."
        st.caption(_how(found) + alone)
        if name == ALL:
            _all(model, found)
        else:
            _one(found, table, name)


def _story(table: pd.DataFrame) -> str:
    told = table[table["verdict"] != "cannot tell"].sort_values("p_adjusted")
    tested = int(table["p"].notna().sum())
    few = int((table["note"] != "").sum())
    said = [
        f"**{plain(row['class'])}** {_is(row)} in **{plain(row['slice'])}** "
        f"({row['value']:.2f} against {row['rest']:.2f}, {row['n_positive']:,} positives)"
        for row in told.head(4).to_dict("records")
    ]
    small = f" {few} are too small to say." if few else ""
    if not said:
        return f"No slice differs from the rest for sure; {tested} could be tested.{small}"
    return f"{'; '.join(said)}. {len(told)} of the {tested} that could be tested differ from the rest for sure.{small}"


def _is(row: dict[Hashable, Any]) -> str:
    """The verdict as a verb; of prevalence, which is neither better nor worse, which way it differs."""
    if row["verdict"] == DIFFERS:
        return "is more frequent" if row["difference"] > 0 else "is rarer"
    return f"is {row['verdict']}"


def _how(found: Sliced) -> str:
    metric = METRICS[found.metric]
    moved = f" {metric} goes with prevalence, which differs between slices; recall and AUROC do not." * (
        found.metric in WITH_PREVALENCE
    )
    drawn = f" ({FEWER_DRAWS} draws)" * (found.draws > 0 and str(FEWER_DRAWS) not in found.method)
    return (
        f"{found.slices.rule} {metric} in each slice, beside all other images. Intervals: {found.method}{drawn}; of "
        f"the difference: MOVER; verdicts after Holm's correction, none with fewer than five patients on a side.{moved}"
    )


def _one(found: Sliced, table: pd.DataFrame, name: str) -> None:
    metric = METRICS[found.metric]
    blocks.figure(
        two_sides(sides_of_slices(table), title=metric, sides=SIDES), table, name=f"slices-{found.metric}",
        alt_text=f"Dots: {metric} of {name} in each slice of {found.slices.column} and in the rest.",
    )  # fmt: skip
    small = table[table["note"] != ""]
    if len(small):
        st.caption(" ".join(f"{plain(row['slice'])}: {row['note']}." for row in small.to_dict("records")))


def _all(model: Model, found: Sliced) -> None:
    order = [model.scored.class_names[c] for c in model.order]
    blocks.figure(
        slice_map(found.table, list(found.slices.names), order, metric=METRICS[found.metric], ink=ink()),
        found.table.sort_values("p_adjusted", na_position="last"),
        name=f"slice-map-{found.metric}",
        alt_text=f"Heat map: {METRICS[found.metric]} of each class in each slice of {found.slices.column}.",
    )
    sizes = found.table.groupby("slice", sort=False)["n"].max()
    st.caption(
        "Number: the value in the slice; faint where there are too few to say, faded where it may be chance. "
        "Images: " + ", ".join(f"{plain(str(name))}: {n:,}" for name, n in sizes.items()) + "."
    )
    _mean(found)


def _mean(found: Sliced) -> None:
    """Draw the mean over classes in each slice, where it was measured."""
    if not len(found.macro):
        return
    metric = METRICS[found.metric]
    st.markdown(f"#### Mean {metric} over the classes")
    blocks.figure(
        two_sides(sides_of_slices(found.macro), title=f"macro {metric}", sides=SIDES), found.macro,
        name=f"slice-means-{found.metric}",
        alt_text=f"Dots: mean {metric} over the classes in each slice of {found.slices.column} and in the rest.",
    )  # fmt: skip
    rows = found.macro.to_dict("records")
    ends = ("difference", "difference_low", "difference_high")
    told = [f"{row['verdict']} in **{plain(row['slice'])}** ({signed(*(row[end] for end in ends))})"
            for row in rows if row["verdict"] != "cannot tell"]  # fmt: skip
    counts = sorted({int(row["n_classes"]) for row in rows})
    st.caption(
        f"{'; '.join(told) or 'No mean differs from the rest for sure'}. Over the classes that are defined on both "
        f"sides ({' to '.join(str(n) for n in dict.fromkeys((counts[0], counts[-1])))}). Intervals: "
        f"{rows[0]['method']}, {FEWER_DRAWS} draws."
    )


def sides_of_slices(table: pd.DataFrame) -> pd.DataFrame:
    """Return the slices of one class, or of the mean over classes, as ``two_sides`` draws them."""
    rows = []
    for row in table.to_dict("records"):
        of = f"{row['n']:,} images" if "n_classes" in row else f"{row['n_positive']:,} of {row['n']:,}"
        said = f"{row['slice']} ({of})"
        for side, value, ends in zip(SIDES, ("value", "rest"), ("", "rest_"), strict=True):
            rest = "_rest" if ends else ""
            rows.append(
                {
                    "row": said, "side": side, "value": row[value], "low": row[f"{ends}low"],
                    "high": row[f"{ends}high"], "n_positive": row[f"n_positive{rest}"], "n": row[f"n{rest}"],
                    "verdict": row["verdict"], "note": row["note"],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)
