"""The data set behind a model's predictions: its images, and what is known of each; kept while the run is the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets import LabeledImages, NoImages
from lt_core.problems import Problem
from pages.ui.results.models import Model
from pages.ui.wording import on_page

FROM_FILE = "The predictions come from a file, so the app has no images of them: each case is told by its name."


def images_of(model: Model) -> tuple[LabeledImages, NDArray[np.int64]] | str:
    """Return the data set of a model's run and each prediction's row in it (n,), or why there are no images."""
    if model.run is None:
        return FROM_FILE
    try:
        data, rows = _data_of(model)
    except Problem as problem:
        return f"The run's images could not be loaded: {on_page(problem)}"
    if isinstance(data.images, NoImages):
        return "The run's set has labels only, so there is nothing to look at."
    return data, rows


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
