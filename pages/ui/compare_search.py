"""A new search: which settings are tried, between which values, and how the next one is chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from lt_core.losses import all_losses, get_loss
from lt_core.params import Choice, Domain, Integer, Toggle, Value
from lt_core.problems import Problem
from lt_core.sweeps import Axis, SweepPlan
from lt_core.sweeps.axes import NOT_SWEPT
from lt_core.sweeps.plan import SEARCHES
from lt_core.sweeps.space import applied, domain_of
from lt_core.training import SETTINGS, RunConfig
from pages.ui import blocks, compare_base, state, train_panel, train_start
from pages.ui import compare_words as say
from pages.ui.compare_base import PREFIX, number
from pages.ui.train_widgets import LABELS, choice

FIRST_AXES = ("learning_rate", "weight_decay")
LEARNS = ("tpe",)


def panel() -> None:
    """Draw the form of a search, and beside it what it will take and the way to begin."""
    blocks.data_strip(change=True)
    kind = train_panel.trainable_kind(state.source())
    if kind is None:
        return
    left, right = st.columns([3, 2], gap="large")
    below, _ = st.columns([3, 2], gap="large")  # on a phone the way to begin comes before the settings few change
    with left:
        st.markdown("#### What is searched")
        loss, values = train_panel.loss_choice(kind)
        how = _how()
        axes = _axes(loss, kind, grid=how["search"] == "grid")
        budget = _budget()
    with below:
        base = compare_base.shared_settings(loss)
    plan, why = compare_base.guarded_plan(lambda: _plan(loss, values, base, axes, {**how, **budget}))
    with right, st.container(key="compare-summary"):
        compare_base.summary(plan, why, _words(plan) if isinstance(plan, SweepPlan) else "")


def _how() -> dict[str, Any]:
    labels = dict(zip(SEARCHES.options, SEARCHES.labels, strict=True))
    search = choice("How the next setting is chosen", SEARCHES.options, "tpe", labels, key=f"{PREFIX}search",
                    note="Grid and random learn nothing on the way: all their runs can be made at once.")  # fmt: skip
    given: dict[str, Any] = {"search": search}
    left, right = st.columns(2, vertical_alignment="bottom")
    if search == "grid":
        return given
    with left:
        given["trials"] = number("Settings to try", 1, 10_000, 20, name="trials", note="Ten for each axis is little.")
    with right:
        given["prune"] = st.toggle(
            "End hopeless runs early", value=True, key=f"{PREFIX}prune", persist_state="session",
            help="After five finished runs, one whose best value so far is below the median of the finished ones at "
            "that epoch is ended (median rule).",
        )  # fmt: skip
    if search in LEARNS or given["prune"]:
        given["at_once"] = number(
            "Settings chosen at a time", 1, 1000, 1, name="at_once",
            note="These are chosen from the same knowledge, and can be trained at the same time.",
        )  # fmt: skip
    return given


def _axes(loss: str, kind: str, *, grid: bool) -> list[Axis]:
    """Draw the choice of what varies, and for each the values or the range; return them."""
    knobs = [f"loss.{param.name}" for param in get_loss(loss).params]
    names = ["learning_rate", *knobs, *(p.name for p in SETTINGS if p.name not in (*NOT_SWEPT, "learning_rate"))]
    picked = st.multiselect(
        "What varies",
        [*names, "loss"],
        default=["learning_rate", *(knobs[:1] or FIRST_AXES[1:])],
        format_func=_said,
        key=f"{PREFIX}axes.{loss}",
        placeholder="Choose at least one",
        persist_state="session",
    )
    return [_axis(name, loss, kind, grid=grid) for name in picked]


def _said(name: str) -> str:
    if name == "loss":
        return "the loss itself"
    owner, dot, knob = name.partition(".")
    return f"{knob.replace('_', ' ')} (of the {owner})" if dot else LABELS.get(name, name).partition(":")[0]


def _axis(name: str, loss: str, kind: str, *, grid: bool) -> Axis:
    domain, key = domain_of(name, (loss,)), PREFIX + name.replace("loss.", f"{loss}.")
    with st.container(border=True, key=f"compare-axis-{name.replace('.', '-')}", gap="small"):
        if isinstance(domain, Choice | Toggle):
            return Axis(name, values=_values(name, domain, loss, kind, key))
        return _range(name, domain, key, grid=grid)


def _values(name: str, domain: Choice | Toggle, loss: str, kind: str, key: str) -> tuple[Value, ...]:
    options: list[Value] = list(domain.options)
    first = options
    if name == "loss":
        options = [spec.key for spec in all_losses() if spec.labels == kind]
        first = [loss]
    picked = st.multiselect(
        f"**{_said(name)}**", options, default=first, key=key, persist_state="session",
        format_func=lambda option: {True: "on", False: "off"}.get(option, str(option)) if name != "loss" else (
            get_loss(str(option)).title
        ),
    )  # fmt: skip
    return tuple(picked)


def _range(name: str, domain: Domain, key: str, *, grid: bool) -> Axis:
    """Draw the ends of a range, the declared ones at first, and how it is spread; return the axis."""
    settled = Axis(name).settled(domain)
    low, high = settled.ends
    st.markdown(f"**{_said(name)}** :gray[declared from {domain.low:g} to {domain.high:g}]")  # type: ignore[union-attr]
    whole = isinstance(domain, Integer)
    columns = st.columns(3 if grid else 2)
    ends: list[float] = []
    for column, label, first in zip(columns, ("From", "To"), _sensible(name, low, high), strict=False):
        limits: tuple[Any, ...] = (int(low), int(high), int(first)) if whole else (low, high, first)
        ends.append(
            column.number_input(
                label, *limits, key=f"{key}.{label.lower()}", persist_state="session",
                **({} if whole else {"format": "%.6g", "step": (high - low) / 100}),
            )
        )  # fmt: skip
    points = 0
    if grid:
        points = int(columns[2].number_input("Values", 2, 100, 3, key=f"{key}.points",
                                             persist_state="session"))  # fmt: skip
    log = False
    if low > 0:
        log = st.toggle("By orders of magnitude", bool(settled.log), key=f"{key}.log",
                        persist_state="session")  # fmt: skip
    return Axis(name, low=ends[0], high=ends[1], log=log, points=points)


def _sensible(name: str, low: float, high: float) -> tuple[float, float]:
    """Return where a range begins on the page: the declared one, but for the rate, of which most diverges."""
    return (max(low, 3e-4), min(high, 3e-2)) if name == "learning_rate" else (low, high)


def _budget() -> dict[str, Any]:
    one, two = st.columns(2)
    with one:
        seeds = number("Seeds of each setting", 1, 50, 1, name="search_seeds",
                       note="The value of a setting is the mean over them.")  # fmt: skip
    with two:
        epochs = number("Epochs of each run", 1, 1000, 12, name="search_epochs", note="Of each run that is not pruned.")
    name = st.text_input("Name", key=f"{PREFIX}search_name", placeholder="of this search, if you like",
                         persist_state="session", max_chars=60)  # fmt: skip
    return {"seeds": tuple(range(seeds)), "epochs": epochs, "name": (name or "").strip()}


def _plan(
    loss: str, values: dict[str, Value], base: dict[str, Any], axes: list[Axis], given: dict[str, Any]
) -> SweepPlan:
    if not axes:
        raise Problem("Choose at least one setting that varies.")
    for axis in axes:
        if axis.low is None and len(axis.values) < 2:
            raise Problem(f"Choose at least two values of {_said(axis.name)}, or leave it out.")
    config = RunConfig(state.source(), loss, values, groups=state.groups(), **base)
    name = given["name"] or f"{loss} on {say.data_of(config.data)}"
    plan = SweepPlan(config, tuple(axes), metric=config.metric, **{**given, "name": name})
    first = plan.setting(0, ()) if plan.search != "tpe" else {}
    if why := train_start.refusal(replace(applied(plan.base, first), seed=plan.seeds[0])):
        raise Problem(why)
    return plan


def _words(plan: SweepPlan) -> str:
    seeds = len(plan.seeds)
    said = f"**{plan.n_settings:,} settings × {seeds} seed{'s' if seeds > 1 else ''}**, {plan.epochs} epochs each"
    said += ", fewer where a run is ended early" if plan.prune else ""
    return f"{said}. The value of a setting is on validation; the best of many is flattered by chance."
