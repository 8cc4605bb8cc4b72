"""Keep a set: as a folder on the machine that runs the app, or as one zip to download."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import streamlit as st

from lt_core.datasets import LabeledImages
from lt_core.datasets.saving import save
from lt_core.home import cache_dir
from lt_core.problems import Problem
from pages.ui import blocks

_ZIP_BYTES = 1 << 30


def panel(data: LabeledImages) -> None:
    """Draw the way to keep the set: as a folder on this machine, or as one zip."""
    with st.expander("Save this set", icon=":material/save:"):
        st.caption(
            "One Parquet file with labels, parts, patients and metadata, and a manifest with the source, the columns, "
            "the changes and a checksum. The folder loads again as the same set. Patient names are written as the file "
            "has them."
        )
        inside = st.toggle(
            "Put the images into the file",
            key="save-images",
            bind="query-params",
            help="Otherwise images in a folder stay there and are named. Images in memory always go into the file.",
        )
        folder = st.text_input(
            "Folder on the machine that runs the app", key="save-folder", placeholder=f"/data/{data.key}-saved"
        )
        left, right = st.columns(2)
        if left.button("Save as Parquet + manifest", key="save-set", disabled=not folder.strip()):
            with blocks.guarded("The set could not be saved."), st.spinner("Writing …", show_time=True):
                path = save(data, Path(folder.strip()), with_images=inside)
                st.success("Saved. This path loads it again:", icon=":material/check:")
                st.code(str(path), language=None)
        _download(data, inside, right)


def _download(data: LabeledImages, inside: bool, place: Any) -> None:
    """A zip is made on demand only: it may be large."""
    mark = json.dumps([data.source.as_json(), inside], sort_keys=True)
    made = st.session_state.get("save-zip")
    if made and made[0] == mark:
        place.download_button(
            f"Download {data.key}.zip ({len(made[1]) / 1e6:,.1f} MB)",
            made[1],
            file_name=f"{data.key}.zip",
            mime="application/zip",
            icon=":material/download:",
            key="save-download",
            on_click="ignore",
        )
    elif place.button("Make a zip to download", key="save-zip-make"):
        with blocks.guarded("The zip could not be made."), st.spinner("Writing …", show_time=True):
            st.session_state["save-zip"] = (mark, zip_of(data, with_images=inside))
            st.rerun()


def zip_of(data: LabeledImages, *, with_images: bool) -> bytes:
    """Return the saved set as a zip of its two files; raise ``Problem`` for more than 1 GiB."""
    out = io.BytesIO()
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="saving-") as scratch:
        folder = save(data, Path(scratch) / data.key, with_images=with_images)
        files = sorted(folder.iterdir())
        if sum(file.stat().st_size for file in files) > _ZIP_BYTES:
            raise Problem("the saved set is larger than 1 GiB: save it in a folder instead")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for file in files:
                archive.write(file, f"{data.key}/{file.name}")
    return out.getvalue()
