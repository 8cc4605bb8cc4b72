"""One image to explain, of the set or the user's own, the runs that are asked, and their maps; draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from torch import nn

from lt_core.datasets import LabeledImages
from lt_core.evaluation import Predictions
from lt_core.explain import Explanation, Mapped, dataset_of_run, explain_run
from lt_core.explain.layers import Layer, choose_layer, target_layers
from lt_core.explain.pictures import enlarged_mask
from lt_core.explain.reshaping import AUTO, laid_out
from lt_core.problems import Problem
from lt_core.training import Run
from pages.ui import state

ORDERS = {"surest": "surest first", "missed": "most missed first", "file": "as in the set"}


@dataclass(frozen=True, eq=False)
class Case:
    """An image (H, W) or (H, W, 3) uint8, what it is called, its truth (C,) or None, and its row in the run's set."""

    pixels: NDArray[np.uint8]
    name: str
    truth: NDArray[np.float32] | None = None
    row: int | None = None
    suggested: str = ""


@dataclass(frozen=True, eq=False)
class Side:
    """One run of those side by side, and what it is called there: its name, behind a letter where there are several."""

    run: Run
    title: str

    @property
    def class_names(self) -> list[str]:
        """The run's classes, in the order of its scores."""
        return [str(name) for name in self.run.dataset_card["class_names"]]


@dataclass(frozen=True, eq=False)
class Cell:
    """One map of the grid: whose it is, of which class, what was found, and the true place at the image's own size."""

    side: Side
    name: str
    found: Explanation
    mask: NDArray[np.bool_] | None

    @property
    def mapped(self) -> Mapped:
        """The map as files hold it."""
        chance = float(self.found.probabilities[self.side.class_names.index(self.name)])
        return Mapped(self.found.cam, self.side.title, self.name, chance, self.mask)


def case_of_set(run: Run, predictions: Predictions, place: int, suggested: str) -> Case:
    """Return image number ``place`` of the predictions."""
    row = int(predictions.rows[place])
    data = data_of(run)
    return Case(data.images.read(row), str(predictions.ids[place]), predictions.targets[place], row, suggested)


def mask_of(run: Run, case: Case, column: int) -> NDArray[np.bool_] | None:
    """Return the known place of a class in the image, or None where none is known."""
    if case.row is None:
        return None
    masks = data_of(run).masks
    mask = masks.read(case.row, column) if masks is not None else None
    return mask if mask is not None and mask.any() else None


def fitting(mask: NDArray[np.bool_] | None, size: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Return a mask at ``size`` (height, width), or None where nothing of it is left."""
    if mask is None:
        return None
    fitted = enlarged_mask(mask, size)
    return fitted if fitted.any() else None


def strangers(sides: list[Side], case: Case, part: str) -> list[str]:
    """Return the titles of the runs whose own ``part`` does not hold the image: they may have been trained on it."""
    if case.row is None:
        return []
    return [side.title for side in sides[1:] if not _holds(side.run, part, case.name)]


def _holds(run: Run, part: str, name: str) -> bool:
    file = run.path / f"predictions-{part}.npz"
    return file.is_file() and name in _names(str(file), file.stat().st_mtime)


@st.cache_data(max_entries=8, show_spinner=False)
def _names(file: str, changed: float) -> frozenset[str]:  # noqa: ARG001 - part of the key
    return frozenset(Predictions.load(Path(file)).ids.tolist())


def ordered(predictions: Predictions, column: int, order: str) -> NDArray[np.intp]:
    """Return the places of the images that have the class, in the order asked for."""
    have = np.flatnonzero(predictions.targets[:, column] == 1)
    chances = predictions.probabilities[have, column]
    match order:
        case "surest":
            return have[np.argsort(-chances, kind="stable")]
        case "missed":
            return have[np.argsort(chances, kind="stable")]
        case _:
            return have


def stamp(run: Run) -> float:
    """Return when the run's weights were last written: part of every key under which something is kept."""
    return max((file.stat().st_mtime for file in run.path.glob("*.safetensors")), default=0.0)


@st.cache_resource(max_entries=2, show_spinner=False)
def _data(path: str, changed: float) -> LabeledImages:  # noqa: ARG001 - part of the key
    run = Run(Path(path))
    loaded = state.loaded(run.config.data)
    return dataset_of_run(run, loaded if isinstance(loaded, LabeledImages) else None)


def data_of(run: Run) -> LabeledImages:
    """Return the run's data set, loaded once and shared; raise ``Problem`` if it cannot be, or is another by now."""
    return _data(str(run.path), stamp(run))


@st.cache_resource(max_entries=6, show_spinner=False)
def _model(path: str, changed: float) -> nn.Module:  # noqa: ARG001 - part of the key
    return Run(Path(path)).load_model()


def model_of(run: Run) -> nn.Module:
    """Return the run's network, loaded once and shared; maps lock it while they use it."""
    return _model(str(run.path), stamp(run))


@st.cache_data(max_entries=16, show_spinner=False)
def _layers(path: str, changed: float) -> list[tuple[str, int, int, int]]:
    run = Run(Path(path))
    high, wide, channels = run.dataset_card["shape"]
    return [tuple(layer) for layer in target_layers(_model(path, changed), (channels, high, wide))]  # type: ignore[misc]


def layers_of(run: Run) -> tuple[Layer, ...]:
    """Return the layers a map can be read from, shallow to deep."""
    return tuple(Layer(*entry) for entry in _layers(str(run.path), stamp(run)))


@st.cache_data(max_entries=256, show_spinner=False)
def _explained(
    path: str, changed: float, pixels: NDArray[np.uint8], column: int, layer: Layer, method: str
) -> Explanation:
    return explain_run(Run(Path(path)), pixels, column, model=_model(path, changed), layer=layer, method=method)


def explained(run: Run, case: Case, column: int, layer: Layer, method: str) -> Explanation:
    """Return the map of one class, computed once."""
    return _explained(str(run.path), stamp(run), case.pixels, column, layer, method)


def layer_key(run: Run) -> str:
    """Return the key under which the session keeps the layer that maps of the run are read from."""
    return f"cam-layer-{run.key}"


def reshape_key(run: Run, layer: Layer) -> str:
    """Return the key under which the session keeps how that layer of the run is read: each layer has its own."""
    return f"cam-reshape-{run.key}-{layer.name}"


def layer_of(run: Run) -> Layer:
    """Return the layer chosen for the run, or its default, its output laid out as chosen.

    Raises ``Problem`` where that does not fit, with the run's name.
    """
    known = layers_of(run)
    name = st.session_state.get(layer_key(run))
    layer = choose_layer(known, name if name in {each.name for each in known} else None)
    reshape = st.session_state.get(reshape_key(run, layer)) or AUTO
    try:
        return layer if reshape == AUTO else laid_out(layer.name, layer.output, reshape)
    except Problem as problem:
        raise type(problem)(f"{run.name}: {problem}") from None


def cells(sides: list[Side], case: Case, names: list[str], method: str) -> list[Cell]:
    """Return the maps of all classes from all runs, class by class; a run that does not know a class has none."""
    made = []
    for name in names:
        mask = mask_of(sides[0].run, case, sides[0].class_names.index(name)) if case.row is not None else None
        for side in sides:
            if name in side.class_names:
                column = side.class_names.index(name)
                made.append(Cell(side, name, explained(side.run, case, column, layer_of(side.run), method), mask))
    return made
