"""What the authors of a loss trained it with, beside what is chosen, and one click to do the same."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from lt_core.losses import get_loss
from lt_core.training import RunConfig
from lt_core.training.advice import Advice, advice
from pages.ui import train_state
from pages.ui.train_widgets import in_words, short


def beside_the_loss(config: RunConfig) -> None:
    """Draw in what the settings differ from the authors', why they chose theirs, and buttons to set the same."""
    known = advice(config)
    theirs = [entry for entry in known if not entry.ours]
    if not get_loss(config.loss).trained_with and not any(entry.deviates for entry in theirs):
        return
    others = [entry for entry in theirs if entry.deviates]
    with st.container(border=True, key="train-advice", gap="small"):
        if others:
            _deviating(config.loss, others)
        else:
            st.markdown(":material/check_circle: **Set as its authors trained it**, as far as they say.")
        with st.popover("What they did, and why", type="tertiary", icon=":material/menu_book:"):
            for _, entries in groupby(known, key=lambda entry: (entry.why, entry.source)):
                _recipe(config.loss, list(entries))


def _deviating(loss: str, others: list[Advice]) -> None:
    settings = ", ".join(f"{short(entry.setting)} **{in_words(entry.suggested)}**" for entry in others)
    st.markdown(f":material/school: Its authors trained it otherwise: {settings}.")
    st.button(
        "Do as the authors did",
        icon=":material/done_all:",
        key="train-as-authors",
        on_click=train_state.put,
        args=(loss, {entry.setting: entry.suggested for entry in others}),
        help="Sets these settings as they had them. The learning rate stays yours: it depends on the data.",
    )


def _recipe(loss: str, entries: list[Advice]) -> None:
    """Draw settings that were chosen for one reason, the reason, and a button for each that is set otherwise."""
    first = entries[0]
    settings = ", ".join(f"{short(entry.setting)} {in_words(entry.suggested)}" for entry in entries)
    ours = " :violet-badge[our advice, not the authors']" if first.ours else ""
    st.markdown(f"**{settings[:1].upper()}{settings[1:]}**{ours}  \n{first.why} :gray[*{first.source}*]")
    deviating = [entry for entry in entries if entry.deviates]
    if not deviating:
        return
    with st.container(horizontal=True, gap="small"):
        for entry in deviating:
            suggested = in_words(entry.suggested)
            st.button(
                f"Set {short(entry.setting)} to {suggested}",
                key=f"train-advice-{entry.setting}-{suggested}",
                icon=":material/done:",
                help=f"Now {in_words(entry.yours)}.",
                on_click=train_state.put,
                args=(loss, {entry.setting: entry.suggested}),
            )
