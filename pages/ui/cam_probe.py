"""Probe one map: does the network need what it shows, and would an untrained network give the same? Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lt_core.explain import CamResult, Needed, Untrained, needed, untrained
from lt_core.training import Run
from pages.ui import cam_cases
from pages.ui.cam_cases import Cell


@dataclass(frozen=True)
class Probed:
    """What was found about a map."""

    needed: Needed
    untrained: Untrained


def probed(cell: Cell) -> Probed:
    """Return what was found about a map, computed once."""
    cam, run = cell.found.cam, cell.side.run
    key = (cam.class_index, cam.at, cam.method, cam.raw.tobytes())
    return _probed(str(run.path), cam_cases.stamp(run), cell.found.shown, cam, key)


@st.cache_data(max_entries=32, show_spinner=False)
def _probed(
    path: str,
    changed: float,  # noqa: ARG001 - part of the key
    shown: NDArray[np.uint8],
    _cam: CamResult,
    key: tuple[int, str, str, bytes],  # noqa: ARG001 - says which map
) -> Probed:
    run = Run(Path(path))
    model = cam_cases.model_of(run)
    return Probed(needed(run, model, shown, _cam), untrained(run, model, shown, _cam))
