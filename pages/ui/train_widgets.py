"""One widget per declared setting of a run: the label in plain words, all else from the declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from lt_core.params import Choice, Integer, Real
from pages.ui.train_state import PREFIX, SETTING

LABELS = {
    "epochs": "Epochs",
    "learning_rate": "Learning rate",
    "batch_size": "Batch size",
    "seed": "Seed",
    "sampler": "Sampler: how often each image is shown",
    "optimizer": "Optimizer",
    "momentum": "Momentum",
    "schedule": "How the learning rate falls",
    "warmup": "Warm-up, share of the steps",
    "weight_decay": "Weight decay",
    "clip_norm": "Largest gradient (clipping)",
    "ema": "Average of the weights (EMA)",
    "reduction": "Reduction of the loss",
    "stages": "Stages",
    "deferred_from": "Second stage after this share",
    "deferred_beta": "Beta of the class weights",
    "channels": "Colour channels",
    "bad_images": "Images that cannot be read",
    "augment": "Augmentation: random changes",
    "mixup": "Mixup",
    "label_smoothing": "Label smoothing",
    "split_method": "How missing parts are drawn",
    "pretrained": "Start from pretrained weights",
    "head": "Classifier (head)",
    "freeze": "What stays as it is (frozen)",
    "select": "Report the epoch that is",
    "metric": "What the best epoch is best at",
    "patience": "Stop early after epochs without a better one",
    "device": "Device",
    "devices": "Processes that share the run",
    "precision": "Precision",
    "layout": "Memory layout",
    "compile": "Compile the network",
    "accumulate": "Pieces a batch is computed in",
    "monitor": "Watch the gradient that each class receives",
    "tensorboard": "Write TensorBoard files too",
}
KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def widget(name: str, *, off: str = "") -> Any:
    """Draw the widget of one setting and return its value; ``off`` is why it does not apply, and greys it."""
    param = SETTING[name]
    note = f"{param.domain.help} Default {param.default:g}." if isinstance(param.default, float) else (
        f"{param.domain.help} Default {param.default}."
    )  # fmt: skip
    given: dict[str, Any] = {
        "key": PREFIX + name,
        "help": f"{off} {note}".strip(),
        "disabled": bool(off),
        **KEPT,
    }
    label = LABELS[name]
    match param.domain:
        case Integer(low, high):
            return st.number_input(label, low, high, int(param.default), **given)
        case Real(low, high, step):
            numbers = (float(low), float(high), float(param.default), float(step))
            return st.number_input(label, *numbers, format="%.6g", **given)
        case Choice(options, labels):
            named = dict(zip(options, labels, strict=False))
            return choice(
                label, options, str(param.default), named, key=given["key"], note=given["help"], off=bool(off)
            )
    return st.toggle(label, bool(param.default), **given)


def choice(
    label: str,
    options: Sequence[str],
    first: str,
    named: Mapping[str, str],
    *,
    key: str,
    note: str,
    off: bool = False,
    more: bool = False,
) -> str:
    """Draw a choice and return the option; the URL has the option itself where it is not the ``first``.

    Streamlit's own binding would write what is shown, which changes with the wording. ``more`` allows other values.
    """
    linked = st.query_params.get(key)
    if key not in st.session_state and linked is not None and (more or linked in options):
        st.session_state[key] = linked
    picked = str(
        st.selectbox(
            label,
            options,
            index=list(options).index(first),
            format_func=lambda option: named.get(option, option),
            key=key,
            help=note,
            disabled=off,
            accept_new_options=more,
            persist_state="session",
        )
    )
    if picked == first:
        st.query_params.pop(key, None)
    elif linked != picked:
        st.query_params[key] = picked
    return picked


SHORT = {
    "sampler": "sampler",
    "schedule": "schedule",
    "warmup": "warm-up",
    "clip_norm": "clipping",
    "ema": "EMA",
    "stages": "stages",
    "head": "head",
    "reduction": "reduction",
    "deferred_from": "second stage after",
    "deferred_beta": "beta of the class weights",
}
"""Names of settings within a sentence, where their label is too long for one."""


def short(name: str) -> str:
    """Return what a setting, or a hyper-parameter of a loss, is called within a sentence."""
    return SHORT.get(name) or LABELS.get(name, name.replace("_", " ")).lower()


def in_words(value: object) -> str:
    """Return a value as a person reads it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
