"""Take the maps away: the picture as PNG, the values as NPZ, both made on click."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from lt_core.explain import save_maps
from lt_core.explain.scale import Scale
from pages.ui.cam_cases import Case, Cell

KINDS = {
    "png": ("Picture (PNG)", "image/png", ":material/image:", "The maps with their colour bar, runs and classes."),
    "npz": (
        "Values (NPZ)",
        "application/octet-stream",
        ":material/data_array:",
        "For NumPy, without pickle: map i as raw_i, negative parts included, and shown_i as drawn; run, class, method, "
        "layer, reshape, raw_max and probability of each.",
    ),
}


def buttons(cells: list[Cell], case: Case, scale: Scale, opacity: float) -> None:
    """Draw the downloads of the maps that are shown."""
    for kind, (label, mime, icon, note) in KINDS.items():
        st.download_button(
            label,
            lambda kind=kind: made(cells, case, scale, opacity, kind),
            file_name=f"maps.{kind}",
            mime=mime,
            icon=icon,
            key=f"cam-save-{kind}",
            help=note,
            on_click="ignore",
        )


def made(cells: list[Cell], case: Case, scale: Scale, opacity: float, kind: str) -> bytes:
    """Return the file of the maps, "png" or "npz"."""
    drawn = " Synthetic image." if case.row is not None and cells[0].side.run.dataset_card["synthetic"] else ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"maps.{kind}"
        save_maps(
            path,
            cells[0].found.shown,
            [cell.mapped for cell in cells],
            scale=scale,
            caption=[f"{case.name}.{drawn} Not for diagnosis."],
            opacity=opacity,
        )
        return path.read_bytes()
