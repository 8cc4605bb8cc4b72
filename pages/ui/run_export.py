"""A run or its model to take along: the whole run as a zip, the network for others."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from lt_core.problems import Problem
from lt_core.training import Run
from lt_core.training.folder.archive import export_run

KINDS = {
    "safetensors": "safetensors: the weights, under timm's names",
    "torchscript": "TorchScript: a program that needs PyTorch only",
    "pt2": "pt2: the same, by torch.export",
    "onnx": "ONNX",
}
MADE = "run-export-made"


def offers(run: Run) -> None:
    """Draw the two downloads: the run, and its model once it was made."""
    if run.state == "running":
        st.caption("A run that is going on cannot be exported: stop it first, or wait for its end.")
        return
    st.markdown("**The whole run**")
    st.caption("Settings, events, weights and predictions; *Bring in a run* below takes it elsewhere.")
    st.download_button(
        "Download the run as a zip",
        lambda: _zipped(run),
        file_name=f"{run.path.name}.zip",
        mime="application/zip",
        icon=":material/folder_zip:",
        key="run-export-zip",
        on_click="ignore",
    )
    st.markdown("**Its model, to use elsewhere**")
    if not (run.path / "best.safetensors").is_file():
        st.caption("There are no weights yet: an epoch must have ended.")
        return
    _model(run)


def _zipped(run: Run) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return export_run(run, Path(folder)).read_bytes()


def _model(run: Run) -> None:
    kinds = st.multiselect(
        "As", list(KINDS), default=["safetensors", "torchscript"], format_func=KINDS.get, key="run-export-kinds"
    )
    if st.button("Make it", icon=":material/deployed_code:", key="run-export-model", disabled=not kinds):
        try:
            with st.spinner("Writing, and comparing its answers with the run's …", show_time=True):
                st.session_state[MADE] = (run.path.name, *_exported(run, kinds))
        except Problem as problem:
            st.error(str(problem), icon=":material/error:")
    folder, content, said = st.session_state.get(MADE, ("", b"", []))
    if folder != run.path.name:
        return
    for sentence in said:
        st.caption(sentence)
    st.download_button(
        "Download the model",
        content,
        file_name=f"{folder}-model.zip",
        mime="application/zip",
        icon=":material/download:",
        key="run-export-model-zip",
        type="primary",
        on_click="ignore",
    )


def _exported(run: Run, kinds: list[str]) -> tuple[bytes, list[str]]:
    """Return the zip, and what there is to say of each kind."""
    from lt_core.training.exchange.export import export

    with tempfile.TemporaryDirectory() as folder:
        made = export(run, Path(folder) / f"{run.path.name}.zip", kinds)
        said = [f"{k}: logits within {d:.1g} of the run's own." for k, d in made.largest_difference.items()]
        return made.path.read_bytes(), [*said, *(f"{note[:1].upper()}{note[1:]}." for note in made.notes)]
