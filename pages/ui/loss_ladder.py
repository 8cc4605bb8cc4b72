"""The ladder: from the plainest loss to the newest, one change at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
import streamlit as st

from lt_core.charts.ladder import step_lines
from lt_core.charts.palette import PULL, PUSH
from lt_core.datasets import ClassCounts, LabeledImages
from lt_core.params import Value
from lt_core.stats import ClassPrior, prior_of
from pages.ui import blocks

if TYPE_CHECKING:
    from lt_core.losses.ladder import Ladder, Step

Entry: TypeAlias = tuple[str, dict[str, Value]]
Draw: TypeAlias = Callable[[list[Entry]], None]

TITLES = {
    (1, "value"): "Loss, class present",
    (1, "gradient"): "Gradient, class present",
    (0, "value"): "Loss, class absent",
    (0, "gradient"): "Gradient, class absent",
}
CSS = """
<style>
.st-key-ladder-said p { font-size: 1.35rem; line-height: 1.4; }
.st-key-ladder-formula { overflow-x: auto; overflow-y: hidden; }
.st-key-ladder-formula .katex { font-size: 1.35em; }
.ladder-legend { display: flex; gap: 1.4rem; font-size: 1.05rem; }
.ladder-legend span { display: inline-flex; align-items: center; gap: .5rem; }
.ladder-legend i { width: 34px; border-top-width: 4px; border-color: currentColor; }
.ladder-legend .before { opacity: .65; }
@media (max-width: 640px) {
  .st-key-ladder-said p { font-size: 1.1rem; }
  .st-key-ladder-formula .katex { font-size: 1em; }
}
</style>
"""


def panel(data: LabeledImages | ClassCounts, draw: Draw) -> None:
    """Draw the ladder that fits the data set, one step at a time; ``draw`` puts a step into the page's charts."""
    from lt_core.losses.ladder import LADDERS

    st.html(CSS)
    ladders = {ladder.key: ladder for ladder in LADDERS}
    chosen = st.segmented_control(
        "Ladder",
        list(ladders),
        default=data.kind,
        required=True,
        format_func=lambda key: ladders[key].title,
        key="ladder",
        persist_state="session",
        label_visibility="collapsed",
    )
    ladder = ladders[str(chosen)]
    number = _chosen_step(ladder)
    step, before = ladder.steps[number], ladder.steps[number - 1] if number else None
    with st.container(key="ladder-said"):
        st.markdown(f"**{step.name}.** {step.changed}")
    with st.container(key="ladder-formula"):
        st.latex(step.formula)
    with blocks.guarded("This step cannot be drawn."):
        _charts(ladder, step, before, prior_of(data))
    _below(step, before, draw)
    st.caption(_note(ladder, data))


def _chosen_step(ladder: Ladder) -> int:
    """Draw Back, the names of the steps, and Next; return the number of the step that is on."""
    key = f"ladder-step-{ladder.key}"
    names = [step.name for step in ladder.steps]
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[0]
    now = names.index(st.session_state[key])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Back",
            icon=":material/arrow_back:",
            disabled=now == 0,
            on_click=_go,
            args=(key, names, -1),
            key="ladder-back",
            shortcut="B",
        )
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            icon_position="right",
            type="primary",
            disabled=now == len(names) - 1,
            on_click=_go,
            args=(key, names, 1),
            key="ladder-next",
            shortcut="N",
        )
        name = st.segmented_control(
            "Step",
            names,
            required=True,
            key=key,
            persist_state="session",
            label_visibility="collapsed",
            width="content",
        )
    return names.index(str(name))


def _go(key: str, names: list[str], by: int) -> None:
    now = names.index(st.session_state[key])
    st.session_state[key] = names[min(max(now + by, 0), len(names) - 1)]


@st.cache_data(max_entries=100, show_spinner=False)
def _curves(
    loss: str, values: tuple[tuple[str, Value], ...], positives: tuple[float, ...], n: int, column: int, limit: float
) -> pd.DataFrame:
    from lt_core.losses import get_loss
    from lt_core.losses.curves import loss_curves

    prior = ClassPrior(positives, n)
    return loss_curves(get_loss(loss), dict(values), prior=prior, class_index=column, limit=limit, points=161)


def _charts(ladder: Ladder, step: Step, before: Step | None, prior: ClassPrior) -> None:
    column = int(prior.counts.argmin())
    counts = tuple(prior.positives.tolist()), prior.n_samples
    tables = [
        _curves(one.key, tuple(sorted(one.settings.items())), *counts, column, ladder.limit)
        for one in (step, before)
        if one is not None
    ]
    st.html(_legend(step, before))
    for measure in ("value", "gradient"):
        for place, y, colour in zip(st.columns(2), (1, 0), (PULL, PUSH), strict=True):
            now, *earlier = (table[table["y"] == y] for table in tables)
            same = bool(earlier) and np.allclose(now[measure], earlier[0][measure], rtol=1e-9, atol=1e-12)
            title = f"{TITLES[y, measure]}{': unchanged' if same else ''}"
            chart = step_lines(
                now, earlier[0] if earlier else None, measure=measure, colour=colour, title=title,
                x_title=measure == "gradient",
            )  # fmt: skip
            said = f"{title}: {step.name}" + (f" over {before.name}, dashed." if before else ".")
            place.altair_chart(chart, width="stretch", alt=said, key=f"ladder-{measure}-{y}")


def _note(ladder: Ladder, data: LabeledImages | ClassCounts) -> str:
    """Say what the curves are drawn for."""
    prior = prior_of(data)
    rarest = int(prior.counts.argmin())
    drawn = (
        f"Losses that know the counts: rarest class, {data.class_names[rarest]}, n = {prior.positives[rarest]:,.0f}."
    )
    return f"{ladder.note} {drawn}" if ladder.key == "single" else ladder.note


def _legend(step: Step, before: Step | None) -> str:
    rows = [f'<span><i style="border-top-style: solid"></i>{step.name}</span>']
    if before is not None:
        rows.append(f'<span class="before"><i style="border-top-style: dashed"></i>{before.name}</span>')
    return f'<div class="ladder-legend">{"".join(rows)}</div>'


def _below(step: Step, before: Step | None, draw: Draw) -> None:
    """Say which knobs carry the change and where the step before lies, and offer both to the charts of the page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if before is not None and step.contains is not None:
            st.markdown(
                f":gray[{step.name} is {step.contains.said or before.name} where {step.contains.where}. "
                f"Knobs: {', '.join(step.knobs)}.]"
            )
        steps = [one for one in (before, step) if one is not None]
        st.button(
            "Draw both" if before else "Draw it",
            on_click=draw,
            args=([(one.key, dict(one.settings)) for one in steps],),
            icon=":material/show_chart:",
            type="tertiary",
            key="ladder-draw",
        )
