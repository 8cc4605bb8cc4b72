"""What a search found: the best settings, what mattered, and how it went on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from lt_core.charts import sweep_means
from lt_core.charts import sweeps as charts
from lt_core.sweeps import Sweep
from lt_core.sweeps.searched import importance_table, parallel_table, search_plan, settings_of
from lt_core.sweeps.space import applied
from lt_core.sweeps.trials import sign
from lt_core.training.reproduce import as_command
from pages.ui import blocks, compare_open, train_state
from pages.ui import compare_words as say
from pages.ui.compare_words import readable


def panel(sweep: Sweep) -> None:
    """Draw the best settings so far and what they rest on."""
    plan = search_plan(sweep)
    table = settings_of(sweep)
    known = table[table["value"].notna()]
    if known.empty:
        failed = bool(len(table)) and (table["state"] == "failed").all()
        text = (
            "All runs so far have failed: the reason is above."
            if failed
            else "The best settings are named as soon as a run has been trained to its end."
        )
        st.info(f"**No result yet.** {text}", icon=":material/hourglass_empty:")
        return
    st.markdown("#### The best settings so far" if len(table) < plan.n_settings else "#### The best settings")
    best = known.iloc[0]
    names = [axis.name for axis in plan.axes]
    said = ", ".join(f"**{name} {_short(best[name])}**" for name in names if not _missing(best[name]))
    st.markdown(
        f"{said}: {say.metric_of(plan)} {best['value']:.3f} on validation"
        + (f" [{best['low']:.3f}, {best['high']:.3f}] over {int(best['n'])} seeds." if best["n"] > 1 else ", one seed.")
    )
    st.caption(f"The best of {len(known)} is flattered by chance: train it again with other seeds before believing it.")
    _take(sweep, int(best["number"]))
    _over_time(table, plan.metric, say.metric_of(plan))
    with readable("What mattered cannot be told."):
        _mattered(sweep)
    _settings(table, say.metric_of(plan))


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _take(sweep: Sweep, number: int) -> None:
    """Draw the ways on with a setting: into the form of the Train page, or as a command."""
    result = next(result for result in sweep.done() if result.number == number)
    config = applied(search_plan(sweep).base, result.setting)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="compare-take-best"):
        if st.button("Train it on the Train page", icon=":material/model_training:", key="compare-take"):
            train_state.take(config)
            st.switch_page("pages/train.py")
        with st.popover("Copy as command", icon=":material/terminal:", type="tertiary", key="compare-best-text"):
            st.code(as_command(config), language="bash", wrap_lines=True)
    with readable("Its runs cannot be read."):
        compare_open.of_best(sweep, number)


def _over_time(table: pd.DataFrame, metric: str, title: str) -> None:
    ordered = table.sort_values("number")
    best = (ordered["value"] * sign(metric)).cummax() * sign(metric)
    drawn = ordered[["number", "state", "value"]].assign(best=best.ffill())
    st.markdown("**Value over the settings tried**", help="The line is the best so far; a gap is a run that was ended.")
    blocks.figure(
        sweep_means.over_trials(drawn, metric=title),
        drawn,
        name="over-trials",
        alt_text="Dots: the value of each setting in the order tried; a line: the best so far.",
    )


def _mattered(sweep: Sweep) -> None:
    shares = _importance(str(sweep.path), (sweep.path / "trials.jsonl").stat().st_mtime_ns)
    if shares.empty:
        st.caption("What mattered can be told once two settings that differ in value were trained to the end.")
    else:
        st.markdown(
            "**What mattered**",
            help="How much of the variance of the metric each axis explains (fANOVA), over the settings tried. "
            "From a few settings this is a rough guess.",
        )
        blocks.figure(
            charts.importance(shares), shares, name="importance", alt_text="Bars: share of the variance by axis."
        )
    lines = parallel_table(sweep)
    st.markdown("**Every setting, across all axes**")
    blocks.figure(
        charts.parallel_coordinates(lines, metric=say.metric_of(search_plan(sweep))),
        lines,
        name="parallel",
        alt_text="A line a setting across the axes, coloured by the metric.",
    )


@st.cache_data(max_entries=20, show_spinner=False)
def _importance(path: str, changed: int) -> pd.DataFrame:  # noqa: ARG001 - the key
    return importance_table(Sweep(Path(path)))


def _settings(table: pd.DataFrame, metric: str) -> None:
    shown = table.rename(columns={"value": metric, "number": "setting", "n": "seeds"}).dropna(axis="columns", how="all")
    with st.expander("All settings, best first", icon=":material/format_list_numbered:", key="compare-settings"):
        st.dataframe(shown, hide_index=True, height=blocks.table_height(len(shown)),
                     alt="Every setting with its value.")  # fmt: skip
