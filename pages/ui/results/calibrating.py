"""Probabilities as they are, calibrated on validation or crosswise, or adjusted by training counts: for all views."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lt_core.evaluation.recalibrated import ADJUSTED, WAYS, Recalibrated, recalibrated
from lt_core.problems import Problem
from lt_core.training.recalibrating import recalibrated_run
from pages.ui.results.models import Model

CALIBRATIONS = {"none": "as they are", **WAYS}
CALIBRATION_HELP = (
    "Temperature and isotonic regression are fitted on the validation part; without one crosswise, on the images of "
    "other patients of the part shown. Logit adjustment takes training counts (Menon et al., 2021). AP and AUROC of a "
    "class stay what they are, except where each image has one class."
)


def choose(models: list[Model]) -> tuple[list[Model], str]:
    """Draw the choice; return the models as they are then, and what was done in words, "" for nothing."""
    kind = str(
        st.selectbox(
            "Probabilities",
            list(CALIBRATIONS),
            format_func=lambda key: CALIBRATIONS[key],
            key="calibration",
            bind="query-params",
            help=CALIBRATION_HELP,
        )
    )
    if kind == "none":
        return models, ""
    found = []
    for model in models:
        try:
            found.append(_recalibrated(model, kind))
        except Problem as problem:
            st.caption(f"{model.title} stays as it is: {problem}")
            found.append(model)
    if kind == ADJUSTED:
        _twice(found)
    _crossed(found)
    return found, _words(found, kind)


def _words(models: list[Model], kind: str) -> str:
    """Return the calibration and which models it was for, where not for all: "isotonic regression, cross-fitted"."""
    done = [model.letter for model in models if model.calibrated is not None]
    crossed = [model.letter for model in models if model.calibrated is not None and model.calibrated.crossed]
    if not done:
        return ""
    of = f" of {' and '.join(done)}" if len(done) < len(models) else ""
    crosswise = ", cross-fitted" + (f" for {' and '.join(crossed)}" if len(crossed) < len(done) else "")
    return f"{CALIBRATIONS[kind]}{of}{crosswise if crossed else ''}"


def _crossed(models: list[Model]) -> None:
    """Say of models without a validation part how they were calibrated, what that means, and what stayed as it is."""
    said: dict[str, list[str]] = {}
    for model in models:
        if model.calibrated is not None and model.calibrated.crossed:
            said.setdefault(" ".join(model.calibrated.said), []).append(model.title)
    for words, titles in said.items():
        st.caption(f"{' and '.join(titles)}: no validation part stands beside the one shown. {words}")


def _twice(models: list[Model]) -> None:
    """Warn of models whose training took out the prevalence already."""
    for model in models:
        if why := model.adjusted_in_training:
            st.warning(
                f"{model.title}: {why}; post-hoc adjustment corrects a second time, and calls the tail too often. Take "
                "its probabilities as they are.",
                icon=":material/warning:",
            )
    files = [model.title for model in models if model.run is None]
    if files:
        st.caption(f"{' and '.join(files)}: if the training adjusted the logits already, this corrects a second time.")


def _recalibrated(model: Model, kind: str) -> Model:
    found = _stepped(model, model.key, kind)
    return replace(model, key=f"{model.key}:{kind}", scored=found.scored, validation=found.validation, calibrated=found)


@st.cache_resource(max_entries=24, show_spinner="Calibrating …")
def _stepped(_model: Model, key: str, kind: str) -> Recalibrated:  # noqa: ARG001 - the key says whose
    if _model.run is None:
        return recalibrated(_model.scored, _model.validation, kind, positives=_model.positives, n_train=_model.n_train)
    return recalibrated_run(_model.run, _model.scored, _model.validation, kind)
