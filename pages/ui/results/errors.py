"""Results, errors: which images, what is called instead, and which class is found by its companion."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lt_core.charts.errors import mistaken_map, two_sides
from lt_core.evaluation.errors import Probe
from pages.ui import blocks
from pages.ui.pictures import plain
from pages.ui.results import error_cases
from pages.ui.results.error_choice import ink, model_and_class
from pages.ui.results.error_data import Cuts, mistaken_of, probe_of
from pages.ui.results.models import Model

MOST_CLASSES = 40
"""Classes drawn in the map of pairs; the table has all."""
PROBES = {"f1": "F1", "recall": "Recall", "ap": "AP", "auroc": "AUROC"}
SIDES = ("with", "without")


def draw(models: list[Model], thresholds: dict[str, Cuts]) -> None:
    """Draw the view of one of ``models`` at its ``thresholds``, (C,) by letter."""
    model, name = model_and_class(models)
    cuts = thresholds[model.letter]
    with blocks.guarded("The cases cannot be shown."):
        error_cases.draw(model, cuts, name)
    st.space("small")
    with blocks.guarded("What is called instead cannot be said."):
        _instead(model, cuts)
    st.space("small")
    with blocks.guarded("There is no shortcut probe."):
        _probe(model, cuts, name)


def _instead(model: Model, cuts: Cuts) -> None:
    st.markdown("#### Missed one, called another")
    single = model.scored.kind == "single"
    alike = not single and st.toggle(
        "Compare with images that have the same other findings", value=True, key="err-alike", bind="query-params",
        help="The rate in the images where a class is missed is held against images with neither of the two. With this "
        "on, these count by how often their other findings occur among the missed ones: what comes with a third "
        "finding is then not put down to the missed one.",
    )  # fmt: skip
    found = mistaken_of(model, cuts, "others" if alike else "nothing")
    pairs = found.pairs
    sure = pairs[pairs["verdict"] == "more often"].sort_values("difference", ascending=False)
    st.markdown(_story(sure, int(pairs["p"].notna().sum())))
    order = [model.scored.class_names[c] for c in model.order][-MOST_CLASSES:]
    missed = pairs.groupby("missed", sort=False)["n"].max()
    never = [name for name in order if missed.get(name, 0) == 0]
    st.caption(
        "Row: the class that is there and was missed. Column: the class that is not there and was called. Number: of "
        "the images with the row missed and the column absent, the share with the column called. Faded: the difference "
        f"may be chance, after Holm's correction for {int(pairs['p'].notna().sum())} pairs. Classes from head to tail."
        + (f" Never missed: {plain(', '.join(never))}." if never else "")
        + (" The rarest 40 classes are drawn; the table has all." if len(model.order) > MOST_CLASSES else "")
    )
    blocks.figure(
        mistaken_map(pairs, order, ink=ink()), pairs.sort_values(["p", "missed"], na_position="last"),
        name="missed-called",
        alt_text=f"Heat map of {len(order)} classes: how often the column's class is called where the row's is missed.",
    )  # fmt: skip
    for note in found.notes:
        st.caption(note)


def _story(sure: pd.DataFrame, n: int) -> str:
    if not len(sure):
        return f"Of {n} pairs none stands out: no class is called more often for sure where another was missed."
    told = [
        f"**{plain(row.missed)}** missed, **{plain(row.called)}** called: {row.rate:.0%} of {row.n:,} "
        f"({row.difference:+.0%}, 95 % {row.difference_low:+.0%} to {row.difference_high:+.0%})"
        for row in sure.head(3).itertuples()
    ]
    more = f" {len(sure)} of {n} pairs are more frequent than in comparable images." if len(sure) > 3 else ""
    return "; ".join(told) + "." + more


def _probe(model: Model, cuts: Cuts, name: str) -> None:
    st.markdown(f"#### Is {plain(name)} found by its companions?")
    if model.scored.kind == "single":
        st.caption("Every image has one class here, so none stands beside another.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        metric = st.segmented_control(
            "Metric of the probe", list(PROBES), default="f1", required=True, format_func=lambda key: PROBES[key],
            key="err-probe", bind="query-params", label_visibility="collapsed", width="content",
        )  # fmt: skip
        metric = str(metric)
        equal = metric in ("recall", "auroc") or st.toggle(
            "At equal prevalence", value=True, key="err-equal", bind="query-params",
            help="F1 and AP rise with how frequent a class is, and beside a companion it is more frequent. With this "
            "on, negatives are weighed until it is as frequent on both sides as among all images.",
        )  # fmt: skip
    found = probe_of(model, cuts, name, metric, equal=bool(equal))
    st.markdown(_found(found))
    st.caption(
        f"{PROBES[metric]} of {plain(name)} in the images with and without each other class; in brackets its positives "
        f"with and without. A class that is found by its companion does worse without it. {found.method}; verdicts "
        "after Holm's correction, none with fewer than five positives on a side. Strong: the sides differ for sure."
    )
    sides = sides_of_probe(found)
    blocks.figure(
        two_sides(sides, title=PROBES[metric], sides=SIDES), found.table, name=f"probe-{metric}",
        alt_text=f"Dots: {PROBES[metric]} of {name} in the images with and in those without each other class.",
    )  # fmt: skip


def _found(probe: Probe) -> str:
    said = []
    for verdict in ("better with", "worse with"):
        names = probe.table.loc[probe.table["verdict"] == verdict, "beside"].tolist()
        if names:
            said.append(f"{verdict.split()[0]} with **{plain(', '.join(names))}** than without")
    few = int((probe.table["note"] != "").sum())
    rest = f" Beside {few} of {len(probe.table)} classes it has too few positives to say." if few else ""
    head = (
        f"{plain(probe.name)} is found {' and '.join(said)}." if said else "No companion makes a difference for sure."
    )
    return head + rest


def sides_of_probe(probe: Probe) -> pd.DataFrame:
    """Return the probe as ``two_sides`` draws it, the largest difference first, what is not defined last."""
    table = probe.table.sort_values("difference", ascending=False, na_position="last")
    rows = [
        {
            "row": f"{row['beside']} ({row['n_positive_with']:,} | {row['n_positive_without']:,})", "side": side,
            "value": row[f"value_{side}"], "low": row[f"low_{side}"], "high": row[f"high_{side}"],
            "n_positive": row[f"n_positive_{side}"], "n": row[f"n_{side}"],
            "verdict": row["verdict"], "note": row["note"],
        }
        for row in table.to_dict("records") for side in SIDES
    ]  # fmt: skip
    return pd.DataFrame(rows)
