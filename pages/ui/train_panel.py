"""The settings of a run: every widget comes from a declaration, every value is in the URL."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lt_core.datasets import ClassCounts, NoImages, Source
from lt_core.losses import LossSpec, all_losses, get_loss
from lt_core.models import DEFAULT, BackboneCard, card_of, shortlist
from lt_core.params import Value
from lt_core.problems import Problem
from lt_core.training import RunConfig
from pages.ui import blocks, state, train_advice, train_estimate, train_groups, train_propensities, train_start
from pages.ui.train_state import FIRST_LOSS, PREFIX
from pages.ui.train_widgets import choice
from pages.ui.wording import on_page


def settings() -> RunConfig | None:
    """Draw the settings and what can be done with them, and return the run they describe.

    None where there is none: the data set cannot be trained on, which says what to do instead, or they are refused.
    """
    source = state.source()
    kind = trainable_kind(source)
    if kind is None:
        train_start.queue()
        return None
    st.markdown("#### What to train")
    loss, values = loss_choice(kind)
    written = train_propensities.control(get_loss(loss))
    advised = st.container()
    model = backbone()
    chosen: dict[str, Any] = train_groups.essentials()
    name = st.text_input(
        "Name", key=f"{PREFIX}name", placeholder="of this run, if you like", persist_state="session", max_chars=60
    )
    started = st.container()
    chosen |= train_groups.groups(get_loss(loss))
    config, why = None, ""
    try:
        if written:
            chosen["propensities"] = train_propensities.read(written, source)
        config = RunConfig(
            source, loss, values, model=model, name=(name or "").strip(), groups=state.groups(), **chosen
        )
        why = train_start.refusal(config)
    except Problem as problem:
        why = on_page(problem)
    if config is not None:
        with advised:
            train_advice.beside_the_loss(config)
    with started:
        train_start.buttons(config, why, kind)
        if config is not None and not why:
            train_estimate.panel(config)
        train_start.queue()
    if config is not None and not why:
        train_start.as_text(config)
    return None if why else config


def trainable_kind(source: Source) -> str | None:
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


def loss_choice(kind: str) -> tuple[str, dict[str, Value]]:
    """Draw the choice of a loss that fits labels of ``kind``; return its key and what is not at its defaults."""
    fits = sorted((spec for spec in all_losses() if kind in (spec.labels, "single")), key=lambda s: s.labels != kind)
    fitting = {spec.key: spec for spec in fits}
    key = f"{PREFIX}loss"
    if st.session_state.get(key, FIRST_LOSS[kind]) not in fitting:  # the set in force is of the other kind now
        st.session_state[key] = FIRST_LOSS[kind]
    images = (
        "several findings per image."
        if kind == "multi"
        else "one class per image; sigmoid losses answer each class apart, and the arg-max decides."
    )
    note = f"Losses for {images} What each of them does is drawn on the page Losses."
    titles = {name: spec.title for name, spec in fitting.items()}
    loss = choice("Loss", list(fitting), FIRST_LOSS[kind], titles, key=key, note=note)
    return loss, _knobs(fitting[loss])


def _knobs(spec: LossSpec) -> dict[str, Value]:
    """Draw the hyper-parameters of the loss and return those that are not at their default."""
    st.caption(spec.what)
    if not spec.params:
        return {}
    count = len(spec.params)
    title = f"{count} setting{'s' if count > 1 else ''} of {spec.title}"
    with st.expander(title, icon=":material/tune:", key=f"train-knobs-{spec.key}"):
        values = blocks.param_widgets(spec.key, spec.params, prefix=PREFIX)
    return {param.name: values[param.name] for param in spec.params if values[param.name] != param.default}


def backbone() -> str:
    """Draw the choice of a backbone and return its timm name."""
    cards = {card.name: card for card in shortlist()}
    model = choice(
        "Backbone",
        list(cards),
        DEFAULT,
        {name: _said(card) for name, card in cards.items()},
        key=f"{PREFIX}model",
        note="The shortlist says what each is fit for; any other name that timm knows can be typed in.",
        more=True,
    )
    card = card_of(model)
    st.caption(card.why if card else "Not on the shortlist: the run says whether it can be built for these images.")
    return model


def _said(card: BackboneCard) -> str:
    return f"{card.title} · {card.params_m:.1f} M · {'runs well on a CPU' if card.fit == 'cpu' else 'wants a GPU'}"
