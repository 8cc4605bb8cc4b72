"""What a threshold does to a class, what a probability means, and what tuning is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from lt_core.charts.cutting import by_threshold, reliability_curve, what_remains
from lt_core.evaluation import Scored
from lt_core.evaluation.cuts import Cuts, decision_values
from lt_core.evaluation.reliability import reliability
from lt_core.evaluation.tail_gain import RULES, Entrant, tail_gain
from lt_core.problems import Problem
from pages.ui import blocks
from pages.ui.results.cutting import METHODS, Choice
from pages.ui.results.models import Model
from pages.ui.results.numbers import DRAWS, in_text, optimism_of, said, signed

POINTS = 400
"""Thresholds at most that a curve is drawn at."""


def draw(choice: Choice) -> None:
    """Draw the view."""
    models = choice.models
    if models[0].scored.kind == "single":
        _calibration(models)
        st.caption("With one class an image there is no threshold to move: the largest probability wins.")
        return
    first = models[0]
    names = [first.scored.class_names[c] for c in reversed(first.order)]
    name = str(st.selectbox("Class, from tail to head", names, key="cuts-class", bind="query-params"))
    _curves(choice, name)
    _calibration(models, name)
    _optimism(choice)
    _remains(choice)


def _curves(choice: Choice, name: str) -> None:
    st.markdown(f"#### {name}: what the threshold does")
    tables, cuts = [], []
    for model in choice.models:
        if name in model.scored.class_names:
            c = model.scored.class_names.index(name)
            tables.append(_curve(model.scored, model.key, c).assign(model=model.title))
            cut = float(choice.cuts[model.letter][c])
            cuts.append({"model": model.title, "threshold": cut if np.isfinite(cut) else np.nan})
    table, at = pd.concat(tables, ignore_index=True), pd.DataFrame(cuts)
    n = int((choice.models[0].scored.targets[:, choice.models[0].scored.class_names.index(name)] == 1).sum())
    blocks.figure(
        by_threshold(table, at),
        in_text(table),
        name="by-threshold",
        alt_text=f"Lines: precision, recall and F1 of {name} over the threshold; upright lines where the models cut.",
    )
    st.caption(
        f"{n:,} images of this part have it. Upright lines are the thresholds in force; choose *by hand* above to drag "
        "this class's own and see every number move."
    )
    highest = table.groupby("model")["threshold"].max()
    above = [f"{row['model']} ({highest[row['model']]:.2f})" for row in cuts
             if row["threshold"] > highest[row["model"]]]  # fmt: skip
    if above:
        st.caption(f"Nobody is called, for no image scores as high as that (highest score): {', '.join(above)}.")
    missing = [row["model"] for row in cuts if np.isnan(row["threshold"])]
    if missing:
        st.caption(f"{', '.join(missing)}: no threshold reaches what was asked for, so nobody is called.")


@st.cache_data(max_entries=64, show_spinner=False)
def _curve(_scored: Scored, key: str, c: int) -> pd.DataFrame:  # noqa: ARG001 - the key says whose
    """Return precision, recall and F1 at up to ``POINTS`` of the distinct scores of one class, and at 0."""
    sweep = Cuts.of(decision_values(_scored)[:, c], _scored.targets[:, c]).sweep()
    keep = np.unique(np.linspace(0, len(sweep.thresholds) - 1, POINTS).round().astype(int))
    tp, fp = sweep.tp[keep], sweep.fp[keep]
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = 2 * tp / (tp + fp + sweep.n_positive)
        measures = {"precision": tp / (tp + fp), "recall": tp / sweep.n_positive, "F1": f1}
    return pd.concat(
        [pd.DataFrame({"threshold": sweep.thresholds[keep], "measure": m, "value": v}) for m, v in measures.items()],
        ignore_index=True,
    )


def _calibration(models: list[Model], name: str | None = None) -> None:
    st.markdown("#### What a probability means", help="Of the images given about 0.3, three in ten should have it.")
    tables = []
    for model in models:
        try:
            tables.append(_reliable(model.scored, model.key, name).assign(model=model.title))
        except Problem as problem:
            st.caption(f"{model.title}: {problem}")
    if not tables:
        return
    table = pd.concat(tables, ignore_index=True)
    blocks.figure(
        reliability_curve(table, models=[model.title for model in models]),
        in_text(table),
        name="reliability",
        alt_text="Points with intervals: share of positives over mean probability; the diagonal is perfect.",
    )
    st.caption(
        "Ten bins of equal width; lines are Wilson's 95 % intervals, larger points hold more images."
        + ("" if name else " All classes thrown together.")
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _reliable(_scored: Scored, key: str, name: str | None) -> pd.DataFrame:  # noqa: ARG001
    table = reliability(_scored)
    if name is not None:
        return table[table["class"] == name]
    from lt_core.evaluation.intervals import wilson

    summed = (
        table.assign(weight=table["predicted"] * table["n"])
        .groupby("bin", as_index=False)[["n", "n_positive", "weight"]]
        .sum()
    )
    low, high = wilson(summed["n_positive"], summed["n"])
    return summed.assign(
        predicted=summed["weight"] / summed["n"],
        observed=summed["n_positive"] / summed["n"],
        observed_low=low,
        observed_high=high,
    ).drop(columns="weight")


def _optimism(choice: Choice) -> None:
    st.markdown("#### How much tuning flatters")
    method = choice.method or "f1"
    rows = []
    for model in choice.models:
        try:
            found = optimism_of(model, choice)
        except Problem as problem:
            st.caption(f"{model.title}: {problem}")
            continue
        shown = {name: said(found.macro[name]) for name in ("apparent", "honest", "optimism", "sd")}
        rows.append({"model": model.title, "of": found.title} | shown)
    if rows:
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="content", alt="Optimism of tuned thresholds.")
    apart = "one a class" if choice.per_class else "one for all classes"
    rule = METHODS[method] if choice.target is None else f"{method} of at least {choice.target:g}"
    st.caption(
        f"What thresholds tuned to {rule}, {apart}, reach on the images that tune them (apparent), and on others of "
        "the same part (honest: five folds of patients, repeated), on validation where there is one. sd: over the "
        f"repeats, not an interval.{'' if choice.method else ' Nothing is tuned now: this is what tuning would do.'}"
    )
    for note in dict.fromkeys(filter(None, (choice.not_nested(model) for model in choice.models))):
        st.caption(f"{' and '.join(m.letter for m in choice.models if choice.not_nested(m) == note)}: {note}")


def _remains(choice: Choice) -> None:
    st.markdown("#### What remains of a loss's gain with every model's own thresholds")
    ranking = [model.title for model in choice.models if model.scored.probabilities is None]
    if ranking:
        st.caption(f"{' and '.join(ranking)} only rank: 0.5 means nothing on their scale, so they are left out here.")
    models = [m for m in choice.models if m.validation is not None and m.scored.probabilities is not None]
    if len(models) < 2 or models[0].groups is None:
        st.caption(
            "Choose two models or more with a validation part: then this shows how much of the gain at 0.5 is only a "
            "matter of where one cuts."
        )
        return
    try:
        table = _gain(
            tuple(m.title for m in models),
            [m.validation for m in models],
            [m.scored for m in models],
            tuple(m.key for m in models),
            models[0].groups,
            choice.method or "f1",
            choice.target,
        )
    except Problem as problem:
        st.caption(str(problem))
        return
    reference = models[0].title
    shown = table[(table["run"] != reference) & (table["n_classes"] > 0)]
    blocks.figure(
        what_remains(shown, reference=reference, models=[model.title for model in choice.models]),
        in_text(table),
        name="tail-gain",
        alt_text=f"Dots with intervals: gain in mean F1 over {reference}, at 0.5 and with own thresholds, by group.",
    )
    tail = shown[(shown["group"] == "tail") & shown["gain"].notna()]
    for run, rows in tail.groupby("run", sort=False):
        by_rule = {row["rule"]: row for row in rows.to_dict("records")}
        if len(by_rule) == len(RULES):
            st.markdown(f"**{run}**: {remains_in_words(*(by_rule[rule] for rule in RULES))}")
    st.caption(
        "Own thresholds are tuned on validation, class by class; intervals are percentiles of "
        f"{DRAWS:,} paired draws of test patients, as in the view *Compare*. A share is said only where the interval "
        "of the gain at 0.5 lies above 0; its interval is Fieller's."
    )


def remains_in_words(half: dict[Any, Any], own: dict[Any, Any]) -> str:
    """Return what is left of a gain in the tail, from its rows of ``tail_gain`` at 0.5 and with own thresholds."""
    at_half, with_own = (signed(r["gain"], r["gain_low"], r["gain_high"]) for r in (half, own))
    if own["remains"] == own["remains"]:
        share = f"{own['remains']:.0%} [{own['remains_low']:.0%}, {own['remains_high']:.0%}] of its tail gain at 0.5"
        return f"{share} remains: {with_own}, of {at_half}."
    verdict = "it loses in the tail at 0.5" if half["gain_high"] < 0 else "no gain in the tail can be told at 0.5"
    return f"{verdict}, {at_half}, so there is no share that could remain; with own thresholds {with_own}."


@st.cache_data(max_entries=16, show_spinner="Drawing patients again and again …")
def _gain(
    names: tuple[str, ...],
    _validation: list[Scored],
    _test: list[Scored],
    keys: tuple[str, ...],  # noqa: ARG001
    groups: tuple[str, ...],
    method: str,
    target: float | None,
) -> pd.DataFrame:
    entrants = [Entrant(name, v, t) for name, v, t in zip(names, _validation, _test, strict=True)]
    return tail_gain(entrants, groups, method=method, target=target, draws=DRAWS)
