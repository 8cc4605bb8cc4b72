"""How was this file read? The reader, its options, the columns and what was changed, all to be corrected."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lt_core.datasets import LabeledImages, Source, all_readers
from lt_core.datasets.notes import agreeing
from lt_core.datasets.reading import Reading
from lt_core.stats import LabelStats
from pages.ui import blocks, data_correct, data_saving, state
from pages.ui.wording import on_page

KINDS = {
    "dropped": "dropped: not in the set",
    "repaired": "repaired: read as something slightly else",
    "merged": "merged: several became one",
    "unknown": "unknown: kept, with labels that are not known",
}


def panel(data: LabeledImages, source: Source, part: str | None, stats: LabelStats) -> None:  # noqa: ARG001
    """Draw what the reader made of the file, the way to correct it, and the way to save the set."""
    st.markdown("#### How was this file read?")
    if state.builtin(source.name) is not None:
        st.info(
            "This set is built in: nothing was read from a file, so there is nothing to correct. "
            "Its settings are under *Choose a data set*.",
            icon=":material/info:",
        )
    else:
        reading = data.reading or Reading(data.source.reader or "")
        _reader_line(data, reading)
        _columns(reading)
        data_correct.fixed_columns(data, source, reading)
        data_correct.form(data, source, reading)
        _changes(reading)
    _warnings(data)
    data_saving.panel(data)


def _reader_line(data: LabeledImages, reading: Reading) -> None:
    title = next((reader.title for reader in all_readers() if reader.key == data.source.reader), data.source.reader)
    with st.container(border=True, horizontal=True, gap="large"):
        st.metric(
            "Reader", str(data.source.reader), width="content", help="What --reader on the command line calls it."
        )
        with st.container():
            st.text(f"{title}")
            st.text(f"Chosen because: {reading.reason or 'asked for'}")
            st.text(f"File: {data.source.name}")


def _columns(reading: Reading) -> None:
    if not reading.columns:
        st.caption("Its reader lists no columns.")
        return
    table = pd.DataFrame(
        [(column.name, column.role, column.why) for column in reading.columns], columns=["column", "taken for", "why"]
    )
    counts = table["taken for"].value_counts()
    st.caption(", ".join(f"{n:,} × {role}" for role, n in counts.items()))
    st.dataframe(
        table, hide_index=True, height=blocks.table_height(len(table), 320), alt="Columns and what each is taken for"
    )


def _changes(reading: Reading) -> None:
    st.markdown("##### What was dropped, repaired, merged or is not known")
    if not reading.changes:
        st.text("Nothing: every row and cell is used as it is written.")
        return
    table = pd.DataFrame(
        [
            (KINDS[c.kind].split(":")[0], c.count, on_page(agreeing(c.count, c.what)), ", ".join(c.examples))
            for c in reading.changes
        ],
        columns=["kind", "count", "what", "examples"],
    )
    there = [kind for kind in KINDS if kind in set(table["kind"])]
    st.caption(". ".join(KINDS[kind].capitalize() for kind in there) + ".")
    st.dataframe(table, hide_index=True, alt="What was changed in reading, with counts and examples")


def _warnings(data: LabeledImages) -> None:
    if data.warnings:
        st.markdown("##### To know before trusting results")
        for warning in data.warnings:
            st.text(f"• {on_page(warning)}")
