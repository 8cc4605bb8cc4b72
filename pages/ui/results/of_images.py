"""The images behind a model's predictions, and what is known of each: of its run's set, or found by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lt_core.datasets import LabeledImages, NoImages, Source
from lt_core.evaluation import Scored
from lt_core.evaluation.reading.pictures import Pictures, pictures_in, pictures_of
from lt_core.problems import Problem
from pages.ui import state
from pages.ui.results.models import Model
from pages.ui.wording import on_page

WHERE = "err-images"
"""Key of the folder or archive that is said to hold the images."""
HOW = (
    "To see the images, load their data set on the Data set page, or name a folder or an .npz that has them: they are "
    "found by the names that the predictions use"
)


def images_of(model: Model) -> Pictures | str:
    """Return the images of a model's predictions, or why there are none: of its run's set, or found by name."""
    if model.run is None:
        return _by_name(model)
    try:
        data, rows = _data_of(model)
    except Problem as problem:
        return f"The run's images could not be loaded: {on_page(problem)}"
    if isinstance(data.images, NoImages):
        return "The run's set has labels only, so there is nothing to look at."
    return Pictures(data.images, rows, data.title, "", data.masks, data.class_names)


def _by_name(model: Model) -> Pictures | str:
    """Look in what was named, then beside the truth, then in the set of the Data set page."""
    asked = str(st.session_state.get(WHERE, "") or "").strip()
    try:
        if asked:
            return _found_in(model.scored, model.key, asked, _stamp(Path(asked).expanduser()))
        chosen = state.source()
        # the phantom is what is loaded where nobody chose, and it takes long to draw: only when it is asked for
        for source in (Source(model.truth) if model.truth else None, chosen if chosen.name != state.DEFAULT else None):
            if source is not None and isinstance(found := _found(model, source), Pictures):
                return found
    except Problem as problem:
        return f"No images: {on_page(problem)}."
    return f"{HOW} (such as {model.scored.ids[0]})." if len(model.scored) else "There is no image."


def _found(model: Model, source: Source) -> Pictures | None:
    """Return the images of a data set that the app reads; None where it cannot be, or has none of these names."""
    try:
        data = state.loaded(source)
        if isinstance(data, LabeledImages) and not isinstance(data.images, NoImages):
            return _of_set(model.scored, data, (model.key, json.dumps(source.as_json(), sort_keys=True)))
    except Problem:
        pass
    return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _of_set(_scored: Scored, _data: LabeledImages, key: tuple[str, str]) -> Pictures:  # noqa: ARG001 - says whose
    return pictures_of(_scored, _data)


@st.cache_resource(max_entries=8, show_spinner=False)
def _found_in(_scored: Scored, key: str, asked: str, stamp: float) -> Pictures:  # noqa: ARG001 - parts of the key
    path = Path(asked).expanduser()
    if path.is_dir() or path.suffix.lower() == ".npz":
        return pictures_in(_scored, path)
    data = state.loaded(Source(asked))
    if not isinstance(data, LabeledImages):
        raise Problem(f"{asked} has counts only, no images")
    return pictures_of(_scored, data)


def _stamp(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def columns_of(model: Model) -> pd.DataFrame | str:
    """Return what is known of each prediction's image (age, sex, view ...), (n rows), or why nothing is."""
    if model.scored.columns is not None and len(model.scored.columns.columns):
        return model.scored.columns
    if model.run is None:
        return (
            "The truth of these predictions has labels only. A table with columns such as age, sex, view or site gives "
            "slices: choose it as the truth."
        )
    try:
        data, rows = _data_of(model)
    except Problem as problem:
        return f"The run's data set could not be loaded, and with it what is known of its images: {on_page(problem)}"
    if data.metadata is None or not len(data.metadata.columns):
        return (
            f"{data.title} says nothing of its images but their labels. A table with columns such as age, sex, view or "
            "site gives slices."
        )
    return data.metadata.iloc[rows].reset_index(drop=True)


def _data_of(model: Model) -> tuple[LabeledImages, NDArray[np.int64]]:
    """Return the run's data set and the rows of the predictions in it, by the names of the images."""
    from pages.ui import cam_cases, run_picker  # PyTorch comes with it

    assert model.run is not None
    predictions = run_picker.predictions(model.run, model.scored.part)
    if np.array_equal(predictions.ids, model.scored.ids):
        return cam_cases.data_of(model.run), predictions.rows
    at = {str(name): int(row) for name, row in zip(predictions.ids, predictions.rows, strict=True)}
    if not all(str(name) in at for name in model.scored.ids):
        raise Problem("these predictions are not those that the run kept")
    return cam_cases.data_of(model.run), np.array([at[str(name)] for name in model.scored.ids], dtype=np.int64)
