"""Numeric soundness: where each number format still says what the formula says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd
import streamlit as st

from lt_core.charts.palette import QUIET
from lt_core.charts.soundness import VERDICT_COLOURS, gradient_lines, spans, verdict_map
from lt_core.datasets import ClassCounts, LabeledImages
from lt_core.params import Value
from lt_core.stats import ClassPrior, prior_of
from pages.ui import blocks

if TYPE_CHECKING:
    from lt_core.losses import LossSpec

Entry: TypeAlias = "tuple[str, LossSpec, dict[str, Value], str]"
"""Name, loss, values, colour."""

MEANINGS = {
    "sound": "as exact as the format",
    "off": "wrong by more than rounding and more than 1 in 10,000",
    "gradient gone": "below a thousandth of what it should be: the cell is not learnt",
    "infinite": "value or gradient",
    "not a number": "one such cell ruins the whole step",
}
FORMS = {"ours": "This app", "textbook": "Textbook form"}
SIDES = {1: "y = 1", 0: "y = 0"}
SAID_FOR = ("float32", "float16")
CSS = """
<style>
.verdict-legend { display: flex; flex-wrap: wrap; gap: .15rem 1.2rem; font-size: .9rem; line-height: 1.6; }
.verdict-legend span { display: inline-flex; align-items: center; gap: .4rem; }
.verdict-legend i { width: 14px; height: 14px; border-radius: 3px; flex: none; }
.verdict-legend small { opacity: .75; font-size: .85rem; }
</style>
"""


def panel(entries: Sequence[Entry], data: LabeledImages | ClassCounts) -> None:
    """Draw, for each loss, the map of its verdicts beside that of its textbook form."""
    st.html(CSS + _legend())
    curves = st.toggle("Show the gradients", key="soundness-curves", help="The numbers behind the map, as curves.")
    for number, entry in enumerate(entries):
        with blocks.guarded(f"{entry[0]} cannot be tested."):
            _one(number, entry, prior_of(data), curves=curves)


@st.cache_data(max_entries=60, show_spinner=False)
def _table(loss: str, values: tuple[tuple[str, Value], ...], positives: tuple[float, ...], n: int) -> pd.DataFrame:
    from lt_core.losses import get_loss
    from lt_core.losses.soundness import soundness

    prior = ClassPrior(positives, n)
    return soundness(get_loss(loss), dict(values), prior, class_index=int(prior.counts.argmin()))


def _one(number: int, entry: Entry, prior: ClassPrior, *, curves: bool) -> None:
    from lt_core.losses.soundness_text import sentence
    from lt_core.losses.textbook import TEXTBOOK

    name, spec, values, colour = entry
    with st.spinner(f"Testing {name} …"):
        table = _table(spec.key, tuple(sorted(values.items())), tuple(prior.positives.tolist()), prior.n_samples)
    st.markdown(f"#### {name}")
    st.markdown("  \n".join(sentence(table, dtype) for dtype in SAID_FOR))
    forms = [form for form in FORMS if (table["form"] == form).any()]
    stretches, formats = spans(table), list(dict.fromkeys(table["dtype"]))
    for y in SIDES:
        for place, form in zip(st.columns(2), forms, strict=False):
            own = stretches[(stretches["form"] == form) & (stretches["y"] == y)]
            title = f"{FORMS[form]}, {SIDES[y]}"
            worst = ", ".join(dict.fromkeys(own["verdict"]))
            place.altair_chart(
                verdict_map(own, title=title, formats=formats),
                width="stretch",
                alt=f"{name}, {title}: {worst}.",
                key=f"soundness-{number}-{form}-{y}",
            )
            if curves:
                part = table[(table["form"] == form) & (table["y"] == y)].iloc[::4]
                place.altair_chart(
                    gradient_lines(part, title=f"Gradient, {SIDES[y]}", colour=colour or QUIET),
                    width="stretch",
                    alt=f"{name}, gradient of {title}, per number format, over the exact one.",
                    key=f"soundness-gradient-{number}-{form}-{y}",
                )
    source = TEXTBOOK[spec.key].source if spec.key in TEXTBOOK else "No textbook form: only this app's own is shown."
    st.caption(f"{'Textbook form: ' if spec.key in TEXTBOOK else ''}{source}")


def _legend() -> str:
    entries = "".join(
        f'<span><i style="background: {colour}"></i>{verdict} <small>{MEANINGS[verdict]}</small></span>'
        for verdict, colour in VERDICT_COLOURS.items()
    )
    return f'<div class="verdict-legend">{entries}</div>'
