"""The form that corrects how a file was read: reader, file, sheet, columns, classes, options."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from lt_core.datasets import LabeledImages, Reader, Source, all_readers
from lt_core.datasets.reading import Reading
from lt_core.datasets.tables.peek import peek
from lt_core.params import Choice, Integer, Param, Real, Value
from lt_core.problems import Problem
from pages.ui import blocks, data_inside, state
from pages.ui.pictures import plain

AUTO = "as recognised"
TABLE = "table"
AROUND = ("folder", "zip")
"""Readers that look for a file and leave the reading to the reader of it."""
OPEN = "columns-open"
"""Session: the mark of the source whose form is drawn open."""
WHAT = {"image": "Image column", "patient": "Patient or lesion column", "split": "Part column (train, val, test)"}
NAMING = ("medmnist",)
"""Readers to which the labels asked for are names for the classes, in order."""
CHOOSING = ("arff", "isic")
"""Readers without options for columns that take label columns all the same."""
WITHOUT_LABELS = ("saved", "dicom")
WITHOUT_FOLDER = ("medmnist", "arff", "image-folder", "hf", "dicom")
"""Readers of sets that hold their images themselves, or have none."""


def mark_of(source: Source) -> str:
    """Return what keeps the widgets of one source apart from those of another."""
    return hashlib.sha256(json.dumps(source.as_json(), sort_keys=True).encode()).hexdigest()[:8]


def fixed_columns(data: LabeledImages, source: Source, reading: Reading) -> None:
    """Say where a layout fixes the columns, and draw the button that reads the file as a plain table instead."""
    reader = _reader_of(reading.reader)
    path = Path(data.source.name)
    if reader is None or _takes_columns(reader):
        if source.reader == TABLE and (found := _layout(path)) is not None:
            st.caption(f"Read as a plain table, as asked. The file is recognised as {found.key}: {plain(found.title)}.")
            if st.button(f"Read as {found.key} again", key="columns-layout", icon=":material/undo:"):
                _take(Source(str(path), images=source.images), "The file could not be read so; the set in force stays.")
        return
    st.caption(f"The columns are fixed by the layout {reader.key}, so there is none to choose; its options are below.")
    if not path.is_file() or (table := _reader_of(TABLE)) is None or table.sniff(path) is None:
        return
    if st.button(
        "Read as a plain table instead",
        key="columns-plain",
        icon=":material/table:",
        help="Every column can then be chosen: which is the image, the patient, the part, the labels.",
    ):
        st.session_state[f"columns-reader-{mark_of(source)}"] = TABLE
        st.session_state[OPEN] = mark_of(source)
        _take(
            Source(str(path), images=source.images, reader=TABLE),
            "As a plain table the file needs an answer first: choose its label columns below.",
        )


def form(data: LabeledImages, source: Source, reading: Reading) -> None:
    """Draw the form of corrections; they take force when the file could be read with them.

    Nothing here is in the URL before that: what is in force is, as part of the source.
    """
    mark = mark_of(source)
    with st.expander("Correct it", icon=":material/edit:", expanded=st.session_state.get(OPEN) == mark):
        key, reader = _reader_widget(source, reading, mark)
        if reader is None:
            return
        inside = data_inside.widgets(data, source, mark)
        names = [column.name for column in reading.columns] or _header(source)
        picked = _column_widgets(reader, names, source, mark)
        labels = _labels(reader, names, data, source, mark)
        images = source.images or ""
        if reader.key not in WITHOUT_FOLDER:
            images = st.text_input(
                "Image folder",
                value=images,
                key=f"columns-images-{mark}",
                help="The folder that holds the images, where it is not found beside the table.",
            )
        values = _options(reader, dict(reading.options) | source.options, mark)
        wanted = Source(
            source.name,
            images=images.strip() or None,
            labels=labels,
            reader=None if key == AUTO else key,
            options={**inside, **picked, **values},
        )
        _again(wanted, source)


def _reader_widget(source: Source, reading: Reading, mark: str) -> tuple[str, Reader | None]:
    """Draw the choice of reader; return what was chosen, and the reader whose options are shown for it."""
    readers = {reader.key: reader for reader in all_readers()}
    keys, name = [AUTO, *readers], f"columns-reader-{mark}"
    if name not in st.session_state:
        st.session_state[name] = source.reader if source.reader in readers else AUTO
    key = str(
        st.selectbox(
            "Reader",
            keys,
            format_func=lambda k: k if k == AUTO else f"{k} · {readers[k].title}",
            key=name,
            help="The format that the file is read as. *As recognised* lets the program look again.",
        )
    )
    return key, readers.get(reading.reader if key in (AUTO, *AROUND) else key)


def _reader_of(key: str | None) -> Reader | None:
    return next((reader for reader in all_readers() if reader.key == key), None)


def _takes_columns(reader: Reader) -> bool:
    return bool(reader.columns) or reader.key in CHOOSING


def _layout(path: Path) -> Reader | None:
    """The published layout that the file is recognised as, None where it is a plain table."""
    from lt_core.datasets.readers import recognise

    try:
        found = recognise(path)
    except Problem:
        return None
    return None if found is None or found[0].key == TABLE else found[0]


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
                width=260,
            )
            if answer != AUTO:
                picked[role] = answer
    return picked


def _labels(reader: Reader, names: Sequence[str], data: LabeledImages, source: Source, mark: str) -> tuple[str, ...]:
    """Draw what the reader takes as the labels asked for: columns, names for the classes, or some of its classes."""
    key = f"columns-labels-{reader.key}-{mark}"
    if reader.key in WITHOUT_LABELS:
        return source.labels
    if reader.key in NAMING:
        text = st.text_area(
            "Names of the classes, one a line",
            value="\n".join(source.labels),
            key=key,
            placeholder="\n".join(data.class_names[:4]) + ("\n…" if data.n_classes > 4 else ""),
            help=f"All {data.n_classes:,}, in the order of their numbers. Empty: as recognised.",
        )
        return tuple(name.strip() for name in (text or "").splitlines() if name.strip())
    if _takes_columns(reader):
        options, label = list(names), "Label columns"
        found = [column.name for column in (data.reading.columns if data.reading else ()) if column.role == "label"]
        note = "Columns of 0 and 1, or the one column that names the classes. None chosen: as recognised."
    else:
        options, label, found = list(data.class_names), "Only these classes", ["all"]
        note = "The other classes are left out; the images stay. None chosen: all of them."
    answer = st.multiselect(
        label,
        list(dict.fromkeys([*source.labels, *options])),
        default=list(source.labels),
        key=key,
        placeholder=f"{AUTO}: " + ", ".join(found[:4]) + (" …" if len(found) > 4 else ""),
        help=note,
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
            picked = st.selectbox(
                label, options, index=index, format_func=lambda o: said.get(o, o), key=key, help=note, width=260
            )
            return str(picked)
        case Integer(low, high, step):
            return int(st.number_input(label, low, high, int(first), step, key=key, help=note))
        case Real(low, high, step):
            return float(st.number_input(label, low, high, float(first), step, key=key, help=note))
        case _:
            return st.toggle(label, bool(first), key=key, help=note)


def _again(wanted: Source, source: Source) -> None:
    if st.button("Read again", type="primary", key="columns-again", icon=":material/refresh:"):
        _take(wanted, "The file could not be read this way; the set in force stays.")
    elif wanted.as_json() != source.as_json():
        st.caption("Not in force yet: *Read again* applies it.")


def _take(wanted: Source, otherwise: str) -> None:
    """Read the file so; where that works it is in force and its form is open, else ``otherwise`` and why are said."""
    with blocks.guarded(otherwise):
        with st.spinner("Reading …", show_time=True):
            state.loaded(wanted)
        state.choose(wanted)
        st.session_state[OPEN] = mark_of(wanted)
        st.rerun()
