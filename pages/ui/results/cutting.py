"""Where a model's answer becomes yes: thresholds and calibration, chosen once for all views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lt_core.evaluation import Scored
from lt_core.evaluation.thresholds import WITH_TARGET, Thresholds, tune
from pages.ui.results import calibrating
from pages.ui.results.cut_scale import Scale, scale_of
from pages.ui.results.models import Model

Cuts = dict[str, NDArray[np.float64]]
HAND = "results-by-hand"
RULES = {"number": "one number", "tuned": "tuned", "hand": "by hand"}
METHODS = {
    "f1": "largest F1",
    "youden": "largest Youden index",
    "prevalence": "as many called as are positive",
    "prior": "probability at the class's prevalence",
    "sensitivity": "a given sensitivity",
    "specificity": "a given specificity",
    "precision": "a given precision",
}
START_WORDS = "set where as many cells are called as are positive"
"""Where the one number of a model that only ranks begins."""


@dataclass(frozen=True)
class Choice:
    """Models as they are calibrated, the threshold of every class by letter, and both in words.

    ``by_hand`` says how a person set them, "" where they are tuned or stand where they began;
    ``beta`` is that of F-beta.
    """

    models: list[Model]
    cuts: Cuts
    words: str
    tuned: dict[str, Thresholds]
    method: str = ""
    target: float | None = None
    per_class: bool = True
    by_hand: str = ""
    beta: float = 2.0

    def not_nested(self, model: Model) -> str:
        """Return what the estimate of how much tuning flatters ``model`` leaves out, "" where nothing."""
        return "" if model.calibrated is None else model.calibrated.not_nested(per_class=self.per_class)


def choose(models: list[Model]) -> Choice:
    """Draw the choice of calibration and thresholds and return what comes of it."""
    if models[0].scored.kind == "single":
        left, right = st.columns([3, 2], gap="large", vertical_alignment="top")
        left.caption("One class per image: the largest probability wins, there is no threshold.")
        with right:
            models, said = calibrating.choose(models)
        largest = "each image is called the class of its largest probability"
        return Choice(
            models,
            {m.letter: np.full(len(m.scored.class_names), 0.5) for m in models},
            largest + (f", {said}" if said else ""),
            {},
        )
    left, right = st.columns([3, 2], gap="large", vertical_alignment="top")
    with right:
        models, said = calibrating.choose(models)
    with left:
        return _cut(models, said)


def _cut(models: list[Model], said: str) -> Choice:
    rule = st.segmented_control(
        "Thresholds",
        list(RULES),
        default="number" if all(model.scored.probabilities is not None for model in models) else "tuned",
        required=True,
        format_func=lambda key: RULES[key],
        key="cut",
        bind="query-params",
        help="An image is called positive for a class when its probability is at least the class's threshold. "
        "AP and AUROC do not depend on it.",
    )
    calibrated = f", {said}" if said else ""
    if rule == "tuned":
        return _tuned(models, calibrated)
    scale = scale_of(models)
    value = float(
        st.slider(
            "Threshold" if rule == "number" else "Threshold of the classes without one of their own",
            scale.low,
            scale.high,
            scale.start,
            scale.step,
            format=scale.format,
            key=f"threshold{scale.suffix}",
            bind="query-params",
        )
    )
    if scale.words:
        st.caption(scale.words)
    cuts = {model.letter: np.full(len(model.scored.class_names), value) for model in models}
    if rule == "number":
        moved = "moved by hand" if value != scale.start else START_WORDS if scale.words else ""
        return Choice(models, cuts, f"threshold {scale.say(value)}{calibrated}", {}, by_hand=moved)
    _by_hand(models, cuts, value, scale)
    return Choice(models, cuts, f"thresholds by hand{calibrated}", {}, by_hand="set by hand, class by class")


def _by_hand(models: list[Model], cuts: Cuts, value: float, scale: Scale) -> None:
    """Draw one class's slider, and put what was chosen for every class into ``cuts``."""
    own: dict[str, float] = st.session_state.setdefault(HAND + scale.suffix, {})
    first = models[0]
    names = [first.scored.class_names[c] for c in reversed(first.order)]
    left, right = st.columns([2, 3])
    name = left.selectbox("Class", names, key="hand-class", bind="query-params", help="From tail to head.")
    key = f"hand-{name}{scale.suffix}"
    if key not in st.session_state:
        st.session_state[key] = own.get(name, value)
    own[name] = float(
        right.slider(f"Threshold of {name}", scale.low, scale.high, step=scale.step, format=scale.format, key=key)
    )
    for model in models:
        for c, each in enumerate(model.scored.class_names):
            cuts[model.letter][c] = own.get(each, value)
    kept = ", ".join(f"{each} {scale.say(at)}" for each, at in own.items())
    st.caption(f"By hand: {kept}. They hold for every model shown.")
    if st.button("Forget them", icon=":material/undo:", key="hand-forget", type="tertiary"):
        for each in list(own):
            st.session_state.pop(f"hand-{each}{scale.suffix}", None)
        st.session_state[HAND + scale.suffix] = {}
        st.rerun()


def _tuned(models: list[Model], calibrated: str) -> Choice:
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    method = str(
        left.selectbox(
            "Tuned to",
            list(METHODS),
            format_func=lambda key: METHODS[key],
            key="cut-by",
            bind="query-params",
            help="Probability at the class's prevalence: the share of positives on the part that tunes is the cut "
            "itself. Of calibrated probabilities it has the largest sensitivity + specificity - 1; it means nothing of "
            "scores that only rank. As many called as are positive: the cut that calls that many, of any scores.",
        )
    )
    target = None
    if method in WITH_TARGET:
        target = float(
            middle.slider(f"At least this {method}", 0.01, 0.99, 0.9, 0.01, key="cut-at", bind="query-params")
        )
    per_class = right.toggle("One a class", value=True, key="cut-apart", bind="query-params")
    found: Cuts = {}
    tuned: dict[str, Thresholds] = {}
    on_itself = [model.letter for model in models if model.validation is None]
    for model in models:
        base = model.validation or model.scored
        tuned[model.letter] = _tuned_on(base, f"{model.key}:{model.validation is None}", method, target, per_class)
        found[model.letter] = tuned[model.letter].for_classes(model.scored.class_names)
    if on_itself:
        st.warning(
            f"{' and '.join(on_itself)}: tuned on the images they are measured on, as there is no validation part: "
            "what they are tuned for is too high by what the view Thresholds estimates.",
            icon=":material/warning:",
        )
    words = METHODS[method] if target is None else f"{method} of at least {target:g}"
    where = "these images" if on_itself else "validation"
    apart = "per class" if per_class else "one for all"
    said = f"thresholds tuned on {where}: {words}, {apart}{calibrated}"
    return Choice(models, found, said, tuned, method, target, per_class)


@st.cache_resource(max_entries=64, show_spinner=False)
def _tuned_on(
    _scored: Scored,
    key: str,  # noqa: ARG001 - says whose they are
    method: str,
    target: float | None,
    per_class: bool,
) -> Thresholds:
    return tune(_scored, method, target=target, per_class=per_class)
