"""Choose a data set: built in, by path, uploaded, or fetched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import streamlit as st

from lt_core.datasets import Source, builtins, store_upload
from lt_core.problems import Problem
from pages.ui import blocks, data_question, state
from pages.ui.pictures import plain
from pages.ui.wording import on_page

UPLOADS = ["zip", "npz", "csv", "tsv", "txt", "gz", "bz2", "xz", "parquet", "jsonl", "json", "xlsx", "arff", "dcm"]
MOST_BUTTONS = 12
ASKED = "data-asked"
"""Session: what was wanted and could not be loaded without an answer, the sentence, and the answers to choose from."""


def chooser() -> None:
    """Draw the choice of data set; a choice takes force on every page."""
    _asked_by_link()
    ways: dict[str, Callable[[], None]] = {"built-in": _built_in, "path": _by_path, "upload": _by_upload}
    if find_spec("pages.ui.data_medmnist") is not None:
        ways["MedMNIST download"] = _by_download
    with st.expander("Choose a data set", icon=":material/folder_open:", expanded=ASKED in st.session_state,
                     key="choose-data"):  # fmt: skip
        how = st.segmented_control(
            "From",
            list(ways),
            default="path" if ASKED in st.session_state else "built-in",
            key="data-from",
            persist_state="session",
            label_visibility="collapsed",
        )
        ways.get(how or "built-in", _built_in)()
    if st.session_state.get(ASKED, {}).get("linked") == state.source().name:
        state.offer_default()
        st.stop()


def _built_in() -> None:
    known = {entry.key: entry for entry in builtins()}
    now = state.source().name
    keys = list(known)
    left, right = st.columns([2, 3], gap="large")
    with left:
        key = st.selectbox(
            "Built-in set",
            keys,
            index=keys.index(now) if now in known else 0,
            format_func=lambda k: known[k].title + ("" if known[k].has_images else " · counts only"),
            key="builtin-key",
        )
        st.caption(known[key].about)
    with right:
        values = blocks.param_widgets(key, known[key].params, start=state.source().options if key == now else None)
    options = {p.name: values[p.name] for p in known[key].params if values[p.name] != p.default}
    _load_button(Source(key, options=options), "load-builtin")


def _by_path() -> None:
    path = st.text_input(
        "Path on the machine that runs the app",
        key="data-path",
        persist_state="session",
        placeholder="/data/labels.csv  or  /data/set.npz  or  /data/folder  or  /data/set.zip",
        help="A table (CSV, TSV, Excel, Parquet, JSON lines, also packed), a MedMNIST-layout .npz, ARFF, COCO JSON, "
        "DICOM, a set of the Hugging Face library, a folder with one of these or with a folder of images a class, or a "
        "zip of table and images.",
    )
    _recognised(path.strip())
    left, right = st.columns(2)
    images = left.text_input(
        "Image folder", key="data-images", persist_state="session", help="Only if it is not beside the table."
    )
    labels = right.text_input(
        "Label columns",
        key="data-labels",
        persist_state="session",
        help="Only if they are not recognised: names separated by commas; one name for a column like `Mass|Nodule`.",
    )
    names = tuple(name.strip() for name in labels.split(",") if name.strip())
    source = Source(path.strip(), images=images.strip() or None, labels=names)
    _load_button(source, "load-path", disabled=not path.strip())
    _ask(path.strip())


def _by_upload() -> None:
    file = st.file_uploader(
        "One zip of table and images, or a MedMNIST-layout .npz, or a table alone",
        type=UPLOADS,
        key="data-file",
        help="The file stays on the machine that runs the app, in its cache folder.",
    )
    if file is None:
        return
    if st.button("Load this file", type="primary", key="load-upload"):
        with blocks.guarded(f"{file.name} could not be loaded."):
            _try(Source(str(store_upload(file.name, file))))
    _ask(file.name)


def _by_download() -> None:
    from pages.ui import data_medmnist

    source = data_medmnist.chooser()
    if source is not None and source != state.source():
        with blocks.guarded(f"{source.name} could not be loaded; the set in force stays."):
            _try(source)


def _recognised(path: str) -> None:
    """Say before loading which reader takes the path, and why; recognising looks at the beginning of files only."""
    from lt_core.datasets.readers import recognise

    if not path or state.builtin(path) is not None:
        return
    try:
        place = Path(path).expanduser()
        if not place.exists():
            st.caption("No file or folder is there.")
            return
        found = recognise(place)
    except Problem as problem:
        st.text(on_page(problem))
        return
    except (OSError, ValueError):
        st.caption("This path cannot be looked at.")
        return
    if found is None:
        st.text(f"{place.name} is not in a format that is recognised.")
    else:
        st.text(f"Will be read as: {found[0].title} ({found[0].key}), because {found[1]}.")


def _load_button(source: Source, key: str, *, disabled: bool = False) -> None:
    if st.button("Load", type="primary", key=key, disabled=disabled or source == state.source()):
        with blocks.guarded(f"{source.name} could not be loaded; the set in force stays."):
            _try(source)


def _try(source: Source) -> None:
    """Load a source; where it cannot be loaded without an answer, keep the question, else raise its ``Problem``."""
    st.session_state.pop(ASKED, None)
    try:
        _take(source)
    except Problem as problem:
        asked = data_question.asked_by(source, problem)
        if not asked["files"] and not (asked["columns"] and "--labels" in str(problem)):
            raise
        st.session_state[ASKED] = asked


def _ask(path: str) -> None:
    """Draw the question that a load has left: which of several files, or which columns hold the labels."""
    asked = st.session_state.get(ASKED)
    if not asked or Path(asked["path"]).name != Path(path).name:
        return
    with st.container(border=True, key="data-question"):
        st.text(asked["sentence"])
        source = Source.from_json(asked["source"])
        if asked["files"]:
            chosen = _which_file(asked["files"], asked["what"])
        else:
            picked = st.multiselect(
                "Which columns hold the labels?",
                asked["columns"],
                key="data-which-columns",
                help="Columns of 0 and 1, or the one column that names the classes.",
            )
            source = replace(source, labels=tuple(picked))
            pressed = st.button("Load with this", type="primary", key="load-asked", disabled=not picked)
            chosen = source if pressed else None
        if chosen is not None:
            with blocks.guarded(f"{Path(chosen.name).name} could not be loaded; the set in force stays."):
                _try(chosen)
                if ASKED in st.session_state:  # an answer may raise the next question: the sheet of a workbook
                    st.session_state[ASKED] |= {key: asked[key] for key in ("path", "linked") if key in asked}
                    st.rerun()


def _which_file(files: dict[str, dict[str, Any]], what: str) -> Source | None:
    """Draw a button for each file (or sheet) and return the one that was pressed; of many, a list with a button."""
    st.text(f"Which {what} has the labels?")
    if len(files) > MOST_BUTTONS:
        name = st.selectbox(what.capitalize(), list(files), key="data-which-file")
        pressed = st.button("Load with this", type="primary", key="load-asked")
        return Source.from_json(files[name]) if pressed else None
    with st.container(horizontal=True, gap="small"):
        for k, (name, entry) in enumerate(files.items()):
            if st.button(plain(name), key=f"load-file-{k}", icon=":material/description:"):
                return Source.from_json(entry)
    return None


def _asked_by_link() -> None:
    """Turn a link to a set that cannot be loaded without an answer into the question for that answer."""
    source, asked = state.source(), st.session_state.get(ASKED, {})
    if asked.get("linked", source.name) != source.name:
        st.session_state.pop(ASKED)
    if ASKED in st.session_state or state.builtin(source.name) is not None:
        return
    try:
        with st.spinner(f"Loading {source.name} …", show_time=True):
            state.loaded(source)
    except Problem as problem:
        asked = data_question.asked_by(source, problem)
        if not asked["files"] and not (asked["columns"] and "--labels" in str(problem)):
            return  # the page says it where it loads the set
        st.session_state[ASKED] = asked | {"linked": source.name}
        st.session_state["data-from"], st.session_state["data-path"] = "path", source.name


def _take(source: Source) -> None:
    with st.spinner(f"Loading {source.name} …", show_time=True):
        state.loaded(source)
    st.session_state.pop(ASKED, None)
    state.choose(source)
    st.rerun()
