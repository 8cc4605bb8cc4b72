"""What is queued and where it runs: all runs and all trials of this machine's folder in one table."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from lt_core.sweeps.board import board
from pages.ui import blocks, slot_words, train_estimate, train_owner
from pages.ui.compare_words import readable


def panel() -> None:
    """Draw the table, looked at anew every few seconds."""
    st.fragment(_board, run_every=3.0)()


def _board() -> None:
    with readable("What runs where cannot be read."):
        table = board()
        if table.empty:
            box = blocks.empty(
                "Nothing waits and nothing runs",
                "Here you will see every run that waits or is trained: on which device, by which process, whose it is.",
                ":material/bedtime:",
            )
            box.page_link("pages/train.py", label="Train a run", icon=":material/model_training:")
            return
        states = table["state"].value_counts()
        waiting = ", ".join(f"{count} {state}" for state, count in states.items())
        st.markdown(f"#### {waiting}")
        st.dataframe(
            _shown(table),
            hide_index=True,
            height=blocks.table_height(len(table), 600),
            alt="Every run that waits or runs, with device, process and owner.",
            column_config={"process": st.column_config.NumberColumn(format="%d", help="Its number on that machine."),
                           "place": st.column_config.NumberColumn(format="%d", help="In the queue of its device."),
                           "for": st.column_config.TextColumn(help="Since it began, or was queued.")},
        )  # fmt: skip
        st.caption(
            f"{slot_words.limits()} {slot_words.taken_now()} A comparison or a search begins at once and counts with "
            "the runs it makes at a time; a queued run begins when there is room beside it."
        )


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    me, now = train_owner.me(), time.time()
    epochs = [
        "" if pd.isna(done) or pd.isna(of) else f"{int(done)} of {int(of)}"
        for done, of in zip(table["epoch"], table["epochs"], strict=True)
    ]
    shown = pd.DataFrame(
        {
            "what": table["what"],
            "of": table["part_of"],
            "state": table["state"],
            "device": table["device"],
            "place": table["place"],
            "on": table["machine"],
            "process": table["process"],
            "epoch": epochs,
            "owner": ["you" if owner == me else owner or "nobody" for owner in table["owner"]],
            "for": [train_estimate.duration(max(0.0, now - since)) for since in table["since"]],
        }
    )
    empty = [name for name in ("of", "place") if shown[name].isna().all() or shown[name].eq("").all()]
    return shown.drop(columns=empty)
