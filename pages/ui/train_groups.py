"""The settings that most people leave alone, in groups that are closed at first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st

from lt_core.losses import LossSpec
from lt_core.params import Choice, Toggle
from lt_core.training.softening import why_not_mixup, why_not_smoothing
from pages.ui import train_methods, train_state
from pages.ui.train_state import PREFIX, SETTING
from pages.ui.train_widgets import KEPT, LABELS, widget

ESSENTIAL = ("epochs", "learning_rate", "batch_size", "seed", "sampler")
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Optimizer and schedule": (
        "speed",
        ("optimizer", "momentum", "schedule", "warmup", "weight_decay", "clip_norm", "ema", "reduction"),
    ),
    "Rare classes": ("monitoring", ("stages", "deferred_from", "deferred_beta")),
    "Images and labels": ("image", ("channels", "bad_images", "augment", "mixup", "label_smoothing", "split_method")),
    "Backbone": ("hub", ("pretrained", "head", "freeze")),
    "Selection and stopping": ("flag", ("select", "metric", "patience")),
    "Machine": (
        "memory",
        ("device", "devices", "precision", "layout", "compile", "accumulate", "monitor", "tensorboard"),
    ),
}
"""Title, icon and settings of every group; those without a declared domain are drawn beside them."""


def essentials() -> dict[str, Any]:
    """Draw the settings that everybody looks at and return their values."""
    values = {}
    for column, name in zip([*st.columns(2), *st.columns(2)], ESSENTIAL[:4], strict=True):
        with column:
            values[name] = widget(name)
    return values | {"sampler": widget("sampler")}


def groups(spec: LossSpec) -> dict[str, Any]:
    """Draw the groups for a run with this loss, and return the values of all of them."""
    values: dict[str, Any] = {}
    st.markdown("##### More settings")
    for title, (icon, names) in GROUPS.items():
        with st.expander(title, icon=f":material/{icon}:", key=f"train-group-{icon}"):
            _changed(names)
            values |= _around(title)
            pair: Iterator[Any] = iter(())
            for name in names:
                off = reasons(spec).get(name, "")
                if isinstance(SETTING[name].domain, Choice | Toggle):  # sentences: they want the whole width
                    pair, cell = iter(()), st.container()
                elif (cell := next(pair, None)) is None:
                    pair = iter(st.columns(2))
                    cell = next(pair)
                with cell:
                    values[name] = widget(name, off=off)
    return values | train_methods.control(spec)


def reasons(spec: LossSpec) -> dict[str, str]:
    """Return the settings that do not apply as the others are now, each with the reason."""
    found = {}
    if train_state.now("optimizer") != "sgd":
        found["momentum"] = "Of SGD only."
    if train_state.now("stages") == "one":
        found["deferred_from"] = "There is one stage only."
    if train_state.now("stages") != "drw":
        found["deferred_beta"] = "Of the stages drw only."
    if train_state.now("weights"):
        found["pretrained"] = "The file named above is taken."
    if train_state.now("select") == "last" and not train_state.now("patience"):
        found["metric"] = "The last epoch is reported, and nothing stops early."
    for name, why in (("mixup", why_not_mixup(spec)), ("label_smoothing", why_not_smoothing(spec))):
        if why and not train_state.now(name):  # one that is on stays open, so that it can be put back
            found[name] = f"Not with this loss: {why.partition(': set ')[0]}."
    return found


def _changed(names: tuple[str, ...]) -> None:
    changed = [LABELS[name] for name in names if train_state.now(name) != SETTING[name].default]
    if changed:
        st.caption(f":material/edit: Not at the default: {', '.join(changed)}.")


def _around(title: str) -> dict[str, Any]:
    """Draw what a group has beside the declared settings."""
    if title == "Images and labels":
        return {"image_size": _side()}
    if title == "Backbone":
        return {"weights": _weights()}
    if title == "Rare classes":
        st.caption(
            "Rare classes can be shown more often (the choice above), weighted more, or learned in a second stage."
        )
    return {}


def _side() -> int | None:
    side = st.number_input(
        "Image side in pixels",
        min_value=8,
        max_value=1024,
        value=None,
        placeholder="the images' own",
        key=f"{PREFIX}image_size",
        help="Leave empty to keep the images as they are; a set with images of several sizes needs one.",
        **KEPT,
    )
    return None if side is None else int(side)


def _weights() -> str:
    text = st.text_input(
        "Start from the weights in a file",
        key=f"{PREFIX}weights",
        placeholder="/path/to/weights.safetensors",
        help="A .safetensors or weights-only .pt file of this backbone, on the machine that the app runs on. Its "
        "classifier is left aside; all else must fit name by name.",
        **KEPT,
    )
    return str(text or "").strip()
