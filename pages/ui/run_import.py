"""A run or a network from elsewhere, to be a run like any other here."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from lt_core.problems import Invalid
from lt_core.training import Run, RunConfig, new_folder
from lt_core.training.folder.archive import import_run
from lt_core.training.folder.meta import now, write_meta
from pages.ui import blocks, run_words, train_owner

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


def panel(config: RunConfig | None) -> None:
    """Draw the two ways in; ``config`` says of which data, backbone and loss brought-in weights are."""
    with st.expander("Bring in a run or weights", icon=":material/upload:", key="run-import"):
        whole, weights = st.columns(2, gap="large")
        with whole:
            _zip()
        with weights:
            _weights(config)


def _zip() -> None:
    st.markdown("**A run, as a zip**")
    st.caption("One that *Export* wrote, here or elsewhere. It is checked like a stranger's file.")
    file = st.file_uploader("Zip of a run", type=["zip"], key="run-import-zip", label_visibility="collapsed")
    if st.button("Bring in the run", icon=":material/upload:", key="run-import-go", disabled=file is None) and file:
        _taken(file, lambda path: import_run(path, owner=train_owner.me()))


def _weights(config: RunConfig | None) -> None:
    st.markdown("**Weights of a network, for this data set**")
    if config is None:
        st.caption("Choose a data set with images and settings that go together first.")
        return
    st.caption(
        f"Of the backbone **{config.model}** with a {config.head} head, one output for each class of this data set in "
        f"the same order, read as {run_words.loss_title(config.loss)} reads it: the settings above."
    )
    file = st.file_uploader(
        "Weights", type=["safetensors", "pt", "pth"], key="run-bring-file", label_visibility="collapsed"
    )
    columns = st.columns(2)
    mean = columns[0].text_input("Mean of a channel", placeholder="0.485, 0.456, 0.406", key="run-bring-mean",
                                 help="What its images were normalised with, on a scale from 0 to 1. Left empty: what "
                                 "the file says, else the training part's.")  # fmt: skip
    std = columns[1].text_input("Its deviation", placeholder="0.229, 0.224, 0.225", key="run-bring-std")
    if st.button("Bring in the weights", icon=":material/upload:", key="run-bring-go", disabled=file is None) and file:
        _taken(file, lambda path: _brought(path, config, file.name, mean or "", std or ""))


def _brought(path: Path, config: RunConfig, name: str, mean: str, std: str) -> Run:
    from lt_core.training.exchange.bring_in import bring_in

    given = {"mean": _numbers("mean", mean), "std": _numbers("deviation", std)}
    run = bring_in(path, config=config, folder=new_folder(config), **given)
    write_meta(run.path, name=config.name or Path(name).stem, owner=train_owner.me(), created=now())
    return run


def _numbers(what: str, text: str) -> list[float] | None:
    if not text.strip():
        return None
    try:
        return [float(part) for part in text.replace(";", ",").split(",")]
    except ValueError:
        raise Invalid(f"the {what} must be numbers with commas between, one a channel; got {text!r}") from None


def _taken(file: UploadedFile, take: Callable[[Path], Run]) -> None:
    """Write what was uploaded into a file, take the run from it, and show that run."""
    with blocks.guarded("It could not be brought in."), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(file.name).name
        path.write_bytes(file.getbuffer())
        with st.spinner("Checking and reading …", show_time=True):
            run = take(path)
        run_words.watch(run)
        st.rerun()
