"""Choose a data set: built in, by path, or uploaded."""

from __future__ import annotations

import streamlit as st

from lt_core.datasets import Source, builtins, store_upload
from pages.ui import blocks, state


def chooser() -> None:
    """Draw the choice of data set; a choice takes force on every page."""
    with st.expander("Choose a data set", icon=":material/folder_open:", expanded=False, key="choose-data"):
        how = st.segmented_control(
            "From",
            ["built-in", "path", "upload"],
            default="built-in",
            key="data-from",
            persist_state="session",
            label_visibility="collapsed",
        )
        if how == "path":
            _by_path()
        elif how == "upload":
            _by_upload()
        else:
            _built_in()


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
        help="A MedMNIST-layout .npz, a CSV table (also .gz, .bz2, .zip), a folder with one table, "
        "or a zip of table and images.",
    )
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
    _load_button(
        Source(path.strip(), images=images.strip() or None, labels=names), "load-path", disabled=not path.strip()
    )


def _by_upload() -> None:
    file = st.file_uploader(
        "One zip of table and images, or a MedMNIST-layout .npz, or a table alone",
        type=["zip", "npz", "csv", "gz", "tsv"],
        key="data-file",
        help="The file stays on the machine that runs the app, in its cache folder.",
    )
    if file is not None and st.button("Load this file", type="primary", key="load-upload"):
        with blocks.guarded(f"{file.name} could not be loaded."):
            _take(Source(str(store_upload(file.name, file))))


def _load_button(source: Source, key: str, *, disabled: bool = False) -> None:
    if st.button("Load", type="primary", key=key, disabled=disabled or source == state.source()):
        with blocks.guarded(f"{source.name} could not be loaded; the set in force stays."):
            _take(source)


def _take(source: Source) -> None:
    with st.spinner(f"Loading {source.name} …", show_time=True):
        state.loaded(source)
    state.choose(source)
    st.rerun()
