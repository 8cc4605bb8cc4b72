"""The settings of a run: every widget comes from a declaration, every value is in the URL."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lt_core.datasets import ClassCounts, NoImages, Source
from lt_core.models import BackboneCard, card_of, shortlist
from lt_core.params import Choice, Integer, Real, Value
from lt_core.training import RunConfig, start_worker
from pages.ui import blocks, run_view, state, train_state
from pages.ui.train_state import FIRST_LOSS, PREFIX, SETTING

LABELS = {
    "epochs": "Epochs",
    "learning_rate": "Learning rate",
    "batch_size": "Batch size",
    "seed": "Seed",
    "sampler": "Sampler",
    "reduction": "Reduction of the loss",
    "split_method": "How missing parts are drawn",
    "device": "Device",
    "select": "Report the epoch that is",
    "weight_decay": "Weight decay",
    "pretrained": "Start from pretrained weights",
}
KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def settings() -> None:
    """Draw the settings and the start button; a data set that cannot be trained on says what to do instead."""
    source = state.source()
    kind = _trainable_kind(source)
    if kind is None:
        return
    st.markdown("#### What to train")
    loss, values = _loss(kind)
    model = _backbone()
    chosen = _numbers() | _rare()
    name = st.text_input(
        "Name", key=f"{PREFIX}name", placeholder="of this run, if you like", persist_state="session", max_chars=60
    )
    with st.container(horizontal=True):
        if st.button("Start training", type="primary", icon=":material/play_arrow:", key="train-start"):
            with blocks.guarded("The run could not be started."):
                _start(RunConfig(source, loss, values, model=model, name=name.strip(), **chosen))
        st.button(
            "Defaults",
            icon=":material/restart_alt:",
            key="train-defaults",
            on_click=train_state.forget,
            args=(kind,),
            help="Put every setting back. On the chest phantom the default run takes about a minute on two cores.",
        )


def _start(config: RunConfig) -> None:
    run = start_worker(config)
    run_view.watch(run)
    st.rerun()


def _trainable_kind(source: Source) -> str | None:
    """Return "multi" or "single", or say why nothing can be trained on this set and return None."""
    known = state.builtin(source.name)
    if known is not None and known.has_images:
        return known.kind
    data = None if known is not None else state.current()
    if data is None or isinstance(data, ClassCounts) or isinstance(data.images, NoImages):
        box = blocks.empty(
            "No images to train on",
            "This set has labels or counts only: enough for statistics and losses. Choose one with images; "
            "the chest phantom and the digits need no download.",
            ":material/image_not_supported:",
        )
        with box:
            st.page_link("pages/dataset.py", label="Choose another data set", icon=":material/swap_horiz:")
        return None
    return data.kind


def _loss(kind: str) -> tuple[str, dict[str, Value]]:
    from lt_core.losses import all_losses

    fits = sorted((spec for spec in all_losses() if kind in (spec.labels, "single")), key=lambda s: s.labels != kind)
    fitting = {spec.key: spec for spec in fits}
    key = f"{PREFIX}loss"
    if st.session_state.get(key, FIRST_LOSS[kind]) not in fitting:  # the set in force is of the other kind now
        st.session_state[key] = FIRST_LOSS[kind]
    loss = st.selectbox(
        "Loss",
        list(fitting),
        index=list(fitting).index(FIRST_LOSS[kind]),
        format_func=lambda k: fitting[k].title,
        key=key,
        help="Losses for "
        + (
            "several findings per image."
            if kind == "multi"
            else "one class per image; sigmoid losses answer each class apart, and the arg-max decides."
        )
        + " What each of them does is drawn on the page Losses.",
        **KEPT,
    )
    spec = fitting[loss]
    st.caption(spec.what)
    if not spec.params:
        return loss, {}
    with st.expander(f"{len(spec.params)} settings of {spec.title}", icon=":material/tune:", key=f"train-knobs-{loss}"):
        values = blocks.param_widgets(loss, spec.params, prefix=PREFIX)
    return loss, {param.name: values[param.name] for param in spec.params if values[param.name] != param.default}


def _backbone() -> str:
    cards = {card.name: card for card in shortlist()}
    model = st.selectbox(
        "Backbone",
        list(cards),
        format_func=lambda name: _said(cards.get(name), name),
        key=f"{PREFIX}model",
        accept_new_options=True,
        help="The shortlist says what each is fit for; any other name that timm knows can be typed in.",
        **KEPT,
    )
    card = card_of(model)
    st.caption(card.why if card else "Not on the shortlist: the run says whether it can be built for these images.")
    return str(model)


def _said(card: BackboneCard | None, name: str) -> str:
    if card is None:
        return name
    return f"{card.title} · {card.params_m:.1f} M · {'runs well on a CPU' if card.fit == 'cpu' else 'wants a GPU'}"


def _numbers() -> dict[str, Any]:
    names = ("epochs", "learning_rate", "batch_size", "seed")
    values = {}
    for column, name in zip([*st.columns(2), *st.columns(2)], names, strict=True):
        with column:
            values[name] = _widget(name)
    return values | {"sampler": _widget("sampler")}


def _rare() -> dict[str, Any]:
    with st.expander("More settings", icon=":material/settings:", key="train-more"):
        values = {
            name: _widget(name)
            for name in ("weight_decay", "reduction", "split_method", "device", "select", "pretrained")
        }
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
    return values | {"image_size": None if side is None else int(side)}


def _widget(name: str) -> Any:
    param = SETTING[name]
    label, note, key = LABELS[name], f"{param.domain.help} Default {param.default}.".strip(), PREFIX + name
    match param.domain:
        case Integer(low, high):
            return st.number_input(label, low, high, int(param.default), key=key, help=note, **KEPT)
        case Real(low, high, step):
            return st.number_input(
                label,
                float(low),
                float(high),
                float(param.default),
                float(step),
                format="%.6g",
                key=key,
                help=note,
                **KEPT,
            )
        case Choice(options, labels):
            named = dict(zip(options, labels, strict=False))
            index = options.index(str(param.default))
            return st.selectbox(
                label, options, index=index, format_func=lambda o: named.get(o, o), key=key, help=note, **KEPT
            )
    return st.toggle(label, bool(param.default), key=key, help=note, **KEPT)
