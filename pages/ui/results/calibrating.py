"""Probabilities as they are, calibrated on validation, or adjusted by the training counts: chosen for all views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from lt_core.evaluation import Scored
from lt_core.evaluation.calibration import fit_isotonic, fit_temperature, logit_adjustment
from lt_core.problems import Problem
from pages.ui.results.models import Model

CALIBRATIONS = {
    "none": "as they are",
    "temperature": "temperature, one for all classes",
    "temperatures": "temperature, one a class",
    "isotonic": "isotonic regression",
    "adjusted": "post-hoc logit adjustment",
}
CALIBRATION_HELP = (
    "Temperature and isotonic regression are fitted on the validation part; logit adjustment takes training counts "
    "(Menon et al., 2021). All but isotonic regression across ties keep each class's order, and so AP and AUROC."
)


def choose(models: list[Model]) -> tuple[list[Model], str]:
    """Draw the choice; return the models as they are then, and the key of ``CALIBRATIONS``."""
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
        return models, kind
    found = []
    for model in models:
        try:
            found.append(_recalibrated(model, kind))
        except Problem as problem:
            st.caption(f"{model.title} stays as it is: {problem}")
            found.append(model)
    if kind == "adjusted":
        _twice(found)
    return found, kind


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
    scored, validation = _stepped(model, model.key, kind)
    if kind == "adjusted" and model.adjusted_in_training:
        scored = replace(scored, notes=(*scored.notes, f"Adjusted twice: {model.adjusted_in_training}."))
    return replace(model, key=f"{model.key}:{kind}", scored=scored, validation=validation)


@st.cache_resource(max_entries=24, show_spinner="Calibrating …")
def _stepped(_model: Model, key: str, kind: str) -> tuple[Scored, Scored | None]:  # noqa: ARG001 - the key says whose
    step = _step(_model, kind)
    return step(_model.scored), None if _model.validation is None else step(_model.validation)


def _step(model: Model, kind: str) -> Callable[[Scored], Scored]:
    if kind == "adjusted":
        if model.positives is None or model.n_train is None:
            raise Problem("its training counts are not known")
        return logit_adjustment(model.positives, model.n_train, kind=model.scored.kind)
    if model.validation is None:
        raise Problem("it has no validation part beside the one shown")
    if kind == "isotonic":
        return fit_isotonic(model.validation)
    return fit_temperature(model.validation, per_class=kind == "temperatures")
