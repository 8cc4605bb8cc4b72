"""How was this file read? The reader, its options, the columns and what was changed, all to be corrected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from lt_core.datasets import LabeledImages, Reader, Source, all_readers
from lt_core.datasets.reading import Reading
from lt_core.datasets.tables.peek import peek
from lt_core.params import Choice, Integer, Param, Real, Value
from lt_core.stats import LabelStats
from pages.ui import blocks, data_saving, state

AUTO = "as recognised"
KINDS = {
    "dropped": "dropped: not in the set",
    "repaired": "repaired: read as something slightly else",
    "merged": "merged: several became one",
    "unknown": "unknown: kept, with labels that are not known",
}
WHAT = {"image": "Image column", "patient": "Patient or lesion column", "split": "Part column (train, val, test)"}


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
        _correct(data, source, reading)
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
        table, hide_index=True, height=min(320, 40 + 35 * len(table)), alt="Columns and what each is taken for"
    )


def _correct(data: LabeledImages, source: Source, reading: Reading) -> None:
    """Draw the form of corrections; they take force when the file could be read with them.

    Nothing here is in the URL before that: what is in force is, as part of the source.
    """
    mark = hashlib.sha256(json.dumps(source.as_json(), sort_keys=True).encode()).hexdigest()[:8]
    with st.expander("Correct it", icon=":material/edit:"):
        readers = {reader.key: reader for reader in all_readers()}
        keys = [AUTO, *readers]
        key = st.selectbox(
            "Reader",
            keys,
            index=keys.index(source.reader) if source.reader in readers else 0,
            format_func=lambda k: k if k == AUTO else f"{k} · {readers[k].title}",
            key=f"columns-reader-{mark}",
            help="The format that the file is read as. *As recognised* lets the program look again.",
        )
        reader = readers.get(key) or readers.get(str(data.source.reader))
        if reader is None:
            return
        names = [column.name for column in reading.columns] or _header(source)
        picked = _column_widgets(reader, names, source, mark)
        labels = _label_widget(names, source, reading, mark)
        images = st.text_input(
            "Image folder",
            value=source.images or "",
            key=f"columns-images-{mark}",
            help="The folder that holds the images, where it is not found beside the table.",
        )
        values = _options(reader, dict(reading.options) | source.options, mark)
        wanted = Source(
            source.name,
            images=images.strip() or None,
            labels=labels,
            reader=None if key == AUTO else key,
            options={**picked, **values},
        )
        _again(wanted, source)


def _header(source: Source) -> list[str]:
    """The column names of a table whose reader does not list them."""
    glimpse = peek(Path(source.name).expanduser())
    return list(dict.fromkeys(name for name in glimpse.columns if name)) if glimpse else []


def _column_widgets(reader: Reader, names: Sequence[str], source: Source, mark: str) -> dict[str, Any]:
    """One select box for each option that names a column; only those set are returned."""
    if not reader.columns:
        return {}
    picked = {}
    with st.container(horizontal=True):
        for role in reader.columns:
            asked = source.options.get(role)
            choices = [AUTO, *(name for name in names if name != AUTO)]
            answer = st.selectbox(
                WHAT.get(role, f"Column of {role}"),
                choices,
                index=choices.index(asked) if asked in choices else 0,
                key=f"columns-{role}-{mark}",
            )
            if answer != AUTO:
                picked[role] = answer
    return picked


def _label_widget(names: Sequence[str], source: Source, reading: Reading, mark: str) -> tuple[str, ...]:
    if not names:
        return source.labels
    found = reading.named("label")
    answer = st.multiselect(
        "Label columns",
        list(names),
        default=[name for name in source.labels if name in names],
        key=f"columns-labels-{mark}",
        placeholder=f"{AUTO}: " + ", ".join(found[:4]) + (" …" if len(found) > 4 else ""),
        help="Columns of 0 and 1, or the one column that names the classes. None chosen: as recognised.",
    )
    return tuple(answer)


def _options(reader: Reader, start: dict[str, Any], mark: str) -> dict[str, Value]:
    """The reader's own options that are not at their default."""
    values = {}
    with st.container(horizontal=True):
        for param in reader.options:
            first = start.get(param.name, param.default)
            if isinstance(first, str) and not isinstance(param.default, str):
                first = param.default
            values[param.name] = _option(param, first, f"columns-{reader.key}-{param.name}-{mark}")
    return {p.name: values[p.name] for p in reader.options if values[p.name] != p.default}


def _option(param: Param, first: Any, key: str) -> Value:
    label, note = param.name.replace("_", " ").capitalize(), param.domain.help or None
    match param.domain:
        case Choice(options, labels):
            said = dict(zip(options, labels, strict=True)) if labels else {}
            index = options.index(first) if first in options else 0
            picked = st.selectbox(label, options, index=index, format_func=lambda o: said.get(o, o), key=key, help=note)
            return str(picked)
        case Integer(low, high, step):
            return int(st.number_input(label, low, high, int(first), step, key=key, help=note))
        case Real(low, high, step):
            return float(st.number_input(label, low, high, float(first), step, key=key, help=note))
        case _:
            return st.toggle(label, bool(first), key=key, help=note)


def _again(wanted: Source, source: Source) -> None:
    if st.button("Read again", type="primary", key="columns-again", icon=":material/refresh:"):
        with blocks.guarded("The file could not be read this way; the set in force stays."):
            with st.spinner("Reading …", show_time=True):
                state.loaded(wanted)
            state.choose(wanted)
            st.rerun()
    elif wanted.as_json() != source.as_json():
        st.caption("Not in force yet: *Read again* applies it.")


def _changes(reading: Reading) -> None:
    st.markdown("##### What was dropped, repaired, merged or is not known")
    if not reading.changes:
        st.text("Nothing: every row and cell is used as it is written.")
        return
    table = pd.DataFrame(
        [(KINDS[c.kind].split(":")[0], c.count, c.what, ", ".join(c.examples)) for c in reading.changes],
        columns=["kind", "count", "what", "examples"],
    )
    there = [kind for kind in KINDS if kind in set(table["kind"])]
    st.caption(". ".join(KINDS[kind].capitalize() for kind in there) + ".")
    st.dataframe(table, hide_index=True, alt="What was changed in reading, with counts and examples")


def _warnings(data: LabeledImages) -> None:
    if data.warnings:
        st.markdown("##### To know before trusting results")
        for warning in data.warnings:
            st.text(f"• {warning}")
