"""What the views of errors are drawn from, each made once for a model and its thresholds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lt_core.evaluation import errors
from lt_core.evaluation.scored import Scored
from pages.ui.results.models import Model

Cuts = NDArray[np.float64]
FEWER_DRAWS = 400
"""For slices: the bootstrap runs twice in each of them."""


def mistaken_of(model: Model, cuts: Cuts, given: str) -> errors.Mistaken:
    """Return what is called instead of each class."""
    return _mistaken(model.scored, model.key, cuts.tobytes(), given)


@st.cache_resource(max_entries=24, show_spinner="Comparing images with images alike …")
def _mistaken(_scored: Scored, key: str, cuts: bytes, given: str) -> errors.Mistaken:  # noqa: ARG001 - part of the key
    return errors.missed_called(_scored, np.frombuffer(cuts), given=given)


def probe_of(model: Model, cuts: Cuts, name: str, metric: str, *, equal: bool) -> errors.Probe:
    """Return the shortcut probe of a class."""
    return _probe(model.scored, model.key, cuts.tobytes(), name, metric, equal)


@st.cache_resource(max_entries=64, show_spinner="Drawing patients again and again, for the intervals …")
def _probe(_scored: Scored, key: str, cuts: bytes, name: str, metric: str, equal: bool) -> errors.Probe:  # noqa: ARG001
    return errors.shortcut_probe(_scored, name, np.frombuffer(cuts), metric=metric, equal_prevalence=equal)


def cases_of(model: Model, cuts: Cuts, name: str, which: str) -> pd.DataFrame:
    """Return all misses, or all false alarms, the surest first."""
    return _cases(model.scored, model.key, cuts.tobytes(), name, which)


@st.cache_data(max_entries=64, show_spinner=False)
def _cases(_scored: Scored, key: str, cuts: bytes, name: str, which: str) -> pd.DataFrame:  # noqa: ARG001
    found = errors.confident_misses if which == "misses" else errors.false_alarms
    return found(_scored, name, np.frombuffer(cuts))


def slices_of(
    model: Model, cuts: Cuts, columns: pd.DataFrame, column: str, metric: str, classes: tuple[str, ...] | None,
    beta: float = 2.0,
) -> errors.Sliced:  # fmt: skip
    """Return a metric in each slice of ``column``, of all classes where ``classes`` is None."""
    return _slices(model.scored, columns, model.key, cuts.tobytes(), column, metric, classes, beta)


@st.cache_resource(max_entries=64, show_spinner="Measuring each slice …")
def _slices(
    _scored: Scored,
    _columns: pd.DataFrame,
    key: str,  # noqa: ARG001 - says whose they are
    cuts: bytes,
    column: str,
    metric: str,
    classes: tuple[str, ...] | None,
    beta: float,
) -> errors.Sliced:
    return errors.by_slice(
        _scored, column, np.frombuffer(cuts), metric=metric, classes=classes, columns=_columns, draws=FEWER_DRAWS,
        beta=beta, macro=classes is None,
    )  # fmt: skip
