"""A new comparison of losses: which ones, with how many seeds, and how the learning rate is tuned for each."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lt_core.losses import get_loss
from lt_core.problems import Problem
from lt_core.sweeps import Candidate, ComparePlan
from lt_core.sweeps.candidates import FIRST, candidates_for
from lt_core.training import RunConfig
from pages.ui import blocks, compare_base, state, train_panel, train_start
from pages.ui import compare_words as say
from pages.ui.compare_base import PREFIX, number
from pages.ui.train_widgets import KEPT


def panel() -> None:
    """Draw the form of a comparison, and beside it what it will take and the way to begin."""
    blocks.data_strip(change=True)
    kind = train_panel.trainable_kind(state.source())
    if kind is None:
        return
    left, right = st.columns([3, 2], gap="large")
    below, _ = st.columns([3, 2], gap="large")  # on a phone the way to begin comes before the settings few change
    with left:
        st.markdown("#### What is compared")
        candidates = _candidates(kind)
        budget = _budget([candidate.label for candidate in candidates])
    with below:
        base = compare_base.shared_settings(candidates[0].loss if candidates else train_panel.FIRST_LOSS[kind])
    plan, why = compare_base.guarded_plan(lambda: _plan(candidates, budget, base))
    with right, st.container(key="compare-summary"):
        compare_base.summary(plan, why, _words(plan) if isinstance(plan, ComparePlan) else "")


def _candidates(kind: str) -> list[Candidate]:
    offered = candidates_for("multi" if kind == "multi" else "single")
    key = f"{PREFIX}losses.{kind}"
    first = [name for name in FIRST[kind] if name in offered]
    picked = st.multiselect(
        "Losses",
        list(offered),
        default=first,
        format_func=lambda name: offered[name].label,
        key=key,
        placeholder="Choose at least two",
        help="A loss is there twice where its authors trained it in a way of their own, such as LDAM and LDAM-DRW: the "
        "second comes with their stages, head or sampler. All else is shared.",
        persist_state="session",
    )
    with st.expander("Settings of each loss", icon=":material/tune:", key="compare-knobs"):
        st.caption("What is left alone is at the default of the loss.")
        return [_set(name, offered[name]) for name in picked]


def _set(name: str, candidate: Candidate) -> Candidate:
    """Draw the hyper-parameters of a candidate and return it with those that are not at their default."""
    spec = get_loss(candidate.loss)
    with_it = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in candidate.settings.items())
    st.markdown(f"**{candidate.label}**" + (f" :gray[with {with_it}]" if with_it else ""))
    if not spec.params:
        st.caption("It has no settings of its own.")
        return candidate
    values = blocks.param_widgets(name, spec.params, prefix=PREFIX)
    changed = {param.name: values[param.name] for param in spec.params if values[param.name] != param.default}
    label = ", ".join([candidate.label, *(f"{key} {value}" for key, value in changed.items())])
    return Candidate(candidate.loss, changed, candidate.settings, label)


def _budget(labels: list[str]) -> dict[str, Any]:
    """Draw seeds, epochs, the tuning of the rate and the reference; return the arguments of a plan."""
    one, two = st.columns(2)
    with one:
        seeds = number("Seeds", 1, 50, 3, name="seeds",
                       note="Runs of each loss that count. Every seed gives all losses the same parts, first weights "
                       "and order of images. From one seed nothing can be concluded.")  # fmt: skip
    with two:
        epochs = number("Epochs of each run", 1, 1000, 12, name="epochs",
                        note="As many as the reference needs until its curve is flat.")  # fmt: skip
    rates = st.text_input(
        "Learning rates that each loss may choose from", "0.001, 0.003, 0.01", key=f"{PREFIX}rates",
        help="Each loss is first trained once at each and takes the one that is best on validation: at one rate for "
        "all, a comparison measures the rate. One rate means no tuning.", **KEPT,
    )  # fmt: skip
    one, two = st.columns(2)
    with one:
        tune = number("Epochs of a tuning run", 1, 1000, 6, name="tune_epochs",
                      note="The same for every loss and rate.")  # fmt: skip
    with two:
        reference = st.selectbox(
            "Held against", labels or ["none"], key=f"{PREFIX}reference", persist_state="session",
            help="The loss that the others are compared with, pair by pair of seeds.",
        )  # fmt: skip
    name = st.text_input(
        "Name",
        key=f"{PREFIX}name",
        placeholder="of this comparison, if you like",
        persist_state="session",
        max_chars=60,
    )
    return {
        "seeds": tuple(range(seeds)),
        "epochs": epochs,
        "rates": rates or "",
        "tune_epochs": tune,
        "reference": reference if reference in labels else "",
        "name": (name or "").strip(),
    }


def _plan(candidates: list[Candidate], budget: dict[str, Any], base: dict[str, Any]) -> ComparePlan:
    if len(candidates) < 2:
        raise Problem("Choose at least two losses to compare.")
    rates = compare_base.rates_of(str(budget["rates"]))
    config = RunConfig(state.source(), candidates[0].loss, groups=state.groups(), **base)
    name = budget["name"] or f"{len(candidates)} losses on {say.data_of(config.data)}"
    given = {**budget, "rates": rates, "name": name}
    plan = ComparePlan(config, tuple(candidates), metric=config.metric, **given)
    for place, candidate in enumerate(candidates):
        for epochs in {plan.epochs, plan.tune_epochs if plan.tunes else plan.epochs}:
            made = plan.config(place, rate=plan.rates[0], seed=0, epochs=epochs, name="")
            if why := train_start.refusal(made):
                raise Problem(f"{candidate.label}, {epochs} epochs: {why}")
    return plan


def _words(plan: ComparePlan) -> str:
    losses, seeds, rates = len(plan.losses), len(plan.seeds), len(plan.rates)
    said = f"**{losses} losses × {seeds} seed{'s' if seeds > 1 else ''}**, {plan.epochs} epochs each"
    if plan.tunes:
        said += f", after **{losses} × {rates} tuning runs** of {plan.tune_epochs} epochs that choose each loss's rate"
    else:
        said += f", all at the rate {plan.rates[0]:g}: without tuning, this measures the rate as much as the loss"
    few = "" if seeds >= compare_base.SEEDS_AT_LEAST else (
        " :orange[With so few seeds hardly any difference can be told from chance.]"
    )  # fmt: skip
    return f"{said}.{few}"
