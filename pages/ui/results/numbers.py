"""The evaluations behind the views, each made once, and how their numbers are written."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lt_core.evaluation import Scored
from lt_core.evaluation.optimism import Optimism, optimism
from lt_core.evaluation.uncertainty import Comparison, Evaluation, Value, compare, evaluate
from pages.ui.results.cutting import Choice
from pages.ui.results.models import Model

UNDEFINED = "not defined"
DRAWS = 1000
METRICS = {
    "f1": "F1",
    "ap": "AP",
    "auroc": "AUROC",
    "precision": "Precision",
    "recall": "Recall",
    "specificity": "Specificity",
    "npv": "NPV",
    "f_beta": "F-beta",
    "mcc": "MCC",
    "balanced_accuracy": "Balanced accuracy",
    "brier": "Brier",
    "ece": "ECE",
    "prevalence": "Prevalence",
}
COMPARED = [name for name in METRICS if name != "prevalence"]
"""Metrics that say something of a model: prevalence is of the images alone."""
AVERAGED = ("f1", "ap", "auroc")
TERMS = {
    "f1": "2TP / (2TP + FP + FN) at the threshold. Not defined only where a class is neither there nor called.",
    "ap": "Average precision: how pure the ranking is from the top down; needs no threshold.",
    "auroc": "The chance that an image with the finding scores above one without; needs no threshold.",
    "precision": "Of the images called positive, the share that are: TP / (TP + FP).",
    "recall": "Sensitivity: of the images that have the finding, the share that is called: TP / (TP + FN).",
    "specificity": "Of the images without the finding, the share that is not called: TN / (TN + FP).",
    "npv": "Negative predictive value: of the images not called, the share without the finding: TN / (TN + FN).",
    "f_beta": "F-beta: recall counts beta² times as much as precision; beta is set beside the views.",
    "mcc": "Matthews correlation between truth and call, -1 to 1; 0 is chance.",
    "balanced_accuracy": "The mean of recall and specificity; 0.5 is chance.",
    "brier": "Mean squared distance of probability and truth: smaller is better.",
    "ece": "Expected calibration error over 15 bins of equal width: smaller is better.",
    "prevalence": "Of the images whose label is known, the share that has the finding: the same for every model.",
    "macro": "Plain mean over the classes where the value is defined: every class counts the same, however rare.",
    "micro": "F1 of all cells thrown together: frequent classes dominate.",
    "accuracy": "The share of images whose largest probability is the true class.",
    "balanced": "Mean recall over the classes: every class counts the same, however rare.",
    "groups": "By the counts of {}, with the rule of the run, where there is one: usually head has at least a fifth of "
    "the largest class, tail less than a twentieth.",
}
LOWER_IS_BETTER = ("brier", "ece")


def evaluation_of(
    model: Model, thresholds: NDArray[np.float64], *, draws: int = DRAWS, beta: float = 2.0
) -> Evaluation:
    """Return the evaluation of one model at its thresholds, made once; ``beta`` is of F-beta."""
    return _evaluation(model.scored, model.key, thresholds.tobytes(), model.groups, draws, beta)


@st.cache_resource(max_entries=48, show_spinner="Drawing patients again and again, for the intervals …")
def _evaluation(
    _scored: Scored,
    key: str,  # noqa: ARG001 - says whose they are
    thresholds: bytes,
    groups: tuple[str, ...] | None,
    draws: int,
    beta: float,
) -> Evaluation:
    return evaluate(_scored, thresholds=np.frombuffer(thresholds), groups=groups, draws=draws, beta=beta)


def comparison_of(a: Model, b: Model, choice: Choice, metric: str, correction: str = "holm") -> Comparison:
    """Return B minus A in one metric, made once."""
    cuts = choice.cuts[a.letter].tobytes(), choice.cuts[b.letter].tobytes()
    return _comparison(a.scored, b.scored, (a.key, b.key), cuts, a.groups, metric, correction, choice.beta)


@st.cache_resource(max_entries=48, show_spinner="Drawing patients again and again, for the difference …")
def _comparison(
    _a: Scored,
    _b: Scored,
    keys: tuple[str, str],  # noqa: ARG001 - say whose they are
    cuts: tuple[bytes, bytes],
    groups: tuple[str, ...] | None,
    metric: str,
    correction: str,
    beta: float,
) -> Comparison:
    at_a, at_b = (np.frombuffer(cut) for cut in cuts)
    return compare(
        _a, _b, metric=metric, thresholds_a=at_a, thresholds_b=at_b, groups=groups, draws=DRAWS, correction=correction,
        beta=beta,
    )  # fmt: skip


def optimism_of(model: Model, choice: Choice) -> Optimism:
    """Return how much tuning as in ``choice`` (to F1 where nothing was tuned) flatters, on validation where there is
    one, made once."""
    base = model.scored if model.validation is None else model.validation
    key = f"{model.key}:{model.validation is None}"
    return _optimism(base, key, choice.method or "f1", choice.target, choice.per_class)


@st.cache_resource(max_entries=32, show_spinner="Tuning on some and scoring on others …")
def _optimism(
    _scored: Scored,
    key: str,  # noqa: ARG001 - says whose they are
    method: str,
    target: float | None,
    per_class: bool,
) -> Optimism:
    return optimism(_scored, method, target=target, per_class=per_class)


def term(metric: str, beta: float) -> str:
    """Return what ``metric`` means, with the beta of F-beta."""
    return TERMS[metric] + (f" Here beta is {beta:g}." if metric == "f_beta" else "")


def ordered(model: Model, evaluation: Evaluation) -> pd.DataFrame:
    """Return the class table from head to tail."""
    return evaluation.classes.iloc[model.order].reset_index(drop=True)


def said(value: float | int | None) -> str:
    """Return a number as text, three digits."""
    return UNDEFINED if value is None or np.isnan(value) else f"{value:.3f}"


def between(low: float, high: float) -> str:
    """Return an interval as text; "" where there is none."""
    return "" if np.isnan(low) or np.isnan(high) else f"[{low:.2f}, {high:.2f}]"


def signed(value: float, low: float, high: float) -> str:
    """Return a difference with its interval as text, three digits each: two could write an end beyond 0 as 0."""
    if np.isnan(value):
        return UNDEFINED
    return f"{value:+.3f}" + ("" if np.isnan(low) or np.isnan(high) else f" [{low:+.3f}, {high:+.3f}]")


def with_interval(value: Value) -> str:
    """Return a number with its interval as text."""
    return f"{said(value.value)} {between(value.low, value.high)}".strip()


def in_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its numbers as text and without columns in which nothing is defined."""
    kept = table.drop(columns="row", errors="ignore").dropna(axis="columns", how="all")
    return kept.assign(**{name: [said(v) for v in kept[name]] for name in kept.select_dtypes("float").columns})
