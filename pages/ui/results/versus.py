"""Two models or more on the same images: how much better, and how sure."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lt_core.charts.versus import differences
from lt_core.evaluation.uncertainty import Comparison
from lt_core.evaluation.uncertainty.comparison import smallest_in_words
from lt_core.problems import Problem
from pages.ui import blocks
from pages.ui.results.cutting import Choice
from pages.ui.results.models import Model
from pages.ui.results.numbers import COMPARED, LOWER_IS_BETTER, METRICS, comparison_of, in_text, said, signed, term

CORRECTIONS = {"holm": "Holm", "benjamini-hochberg": "Benjamini-Hochberg"}
LOOKED_AT = "results-compared-in"
"""Where the session keeps the metric and the correction that this view showed last, for the report."""


def draw(choice: Choice) -> None:
    """Draw the view."""
    first, *others = choice.models
    if not others:
        box = blocks.empty(
            "One model has nothing to be compared with",
            "Choose another one above, under *Others beside it*: a run of another loss, of the same loss with another "
            "seed, or predictions from a file.",
            ":material/compare_arrows:",
        )
        box.page_link("pages/train.py", label="Train another one", icon=":material/play_arrow:")
        return
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        metric = str(
            st.pills(
                "Difference in",
                COMPARED,
                default="f1",
                required=True,
                format_func=METRICS.get,
                key="versus-metric",
                bind="query-params",
            )
        )
    correction = str(
        right.selectbox(
            "Many classes",
            list(CORRECTIONS),
            format_func=CORRECTIONS.get,
            key="versus-correction",
            bind="query-params",
            help="Holm: the chance of even one wrong verdict stays below 5 %. Benjamini-Hochberg: of the verdicts, at "
            "most 5 % are wrong on average.",
        )
    )
    st.session_state[LOOKED_AT] = (metric, correction)
    lower = " Smaller is better." if metric in LOWER_IS_BETTER else ""
    st.caption(f"{term(metric, choice.beta)}{lower}")
    for model in others:
        try:
            found = comparison_of(first, model, choice, metric, correction)
        except Problem as problem:
            st.error(f"**{model.title} cannot be compared with A.** {problem}", icon=":material/error:")
            continue
        _pair(first, model, found, metric)
    if any(model.run is not None for model in choice.models):
        st.caption(
            "One run each: the interval is about these images, not about other seeds. A difference is no proof yet "
            "that a loss is better: the page Compare repeats runs with several seeds."
        )


def _pair(first: Model, model: Model, found: Comparison, metric: str) -> None:
    row = found.macro.iloc[0]
    st.markdown(f"#### {model.title}: {in_words(found)}")
    gap = signed(row["difference"], row["low"], row["high"])
    macro = f"Macro {METRICS[metric]}: {said(row['a'])} in A, {said(row['b'])} in {model.letter}, difference {gap}"
    patients = "" if found.n_patients is None else f" of {found.n_patients:,} patients"
    st.markdown(f"{macro}. {found.n:,} images{patients}; A is {first.name}.")
    for note in found.notes:
        st.caption(note)
    rows = found.classes.assign(
        row=[f"{name} · {int(n):,}" for name, n in zip(found.classes["name"], found.classes["n_positive"], strict=True)]
    )
    place = {first.scored.class_names[c]: k for k, c in enumerate(first.order)}
    rows = rows.assign(place=rows["name"].map(place)).sort_values("place").drop(columns="place")
    if len(found.groups):
        groups = found.groups.assign(row=[f"mean of {name}" for name in found.groups["group"]])
        rows = pd.concat([groups, rows], ignore_index=True)
    letter = model.letter
    blocks.figure(
        differences(rows, title=f"{METRICS[metric]}, {letter} minus A", model=letter),
        in_text(rows).rename(columns={"a": "A", "b": letter}),
        name=f"difference-{metric}-{letter}",
        alt_text=f"Dots with intervals: {METRICS[metric]} of {model.name} minus that of {first.name}, class by class.",
    )
    st.caption(
        f"{how(found)} The words go by p corrected after {CORRECTIONS[found.correction]} over the classes, and over "
        f"the groups. The grey band is {smallest_in_words(found.correction)}: within it, "
        '"cannot tell" says little about whether there is none.'
    )


def how(found: Comparison) -> str:
    """Return in a sentence how the intervals of the differences were made, and of what the draws are."""
    unit = "images" if found.n_patients in (None, found.n) else "patients, each with all images"
    ways = {"of a class": found.classes, "of a mean": found.groups if len(found.groups) else found.macro}
    said = [f"{of} by {' or '.join(dict.fromkeys(table['method']))}" for of, table in ways.items()]
    return f"Lines are 95 % intervals of each difference: {', '.join(said)}. Draws are of {unit}, the same for both."


def in_words(found: Comparison) -> str:
    """Return how many classes are better and worse, which groups are, and the mean of all, in words."""
    count = found.classes["verdict"].value_counts()
    better, worse, n = int(count.get("better", 0)), int(count.get("worse", 0)), len(found.classes)
    parts = [f"better in {better}" if better else "", f"worse in {worse}" if worse else ""]
    said = " and ".join(part for part in parts if part)
    rest = f"; {n - better - worse} cannot be told" if better + worse < n else ""
    classes = f"{said} of {n} classes{rest}" if said else f"no difference shown in any of {n} classes"
    if not len(found.groups):
        return classes
    by_verdict = found.groups.groupby("verdict", sort=False)["group"].agg(" and ".join)
    groups = [f"{by_verdict[verdict]} {verdict}" for verdict in ("better", "worse") if verdict in by_verdict]
    if groups:
        return f"{classes}; mean of {', '.join(groups)}"
    return classes + ("" if said else ", nor in the means of head, medium and tail")
