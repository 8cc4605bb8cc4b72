"""How far a sweep is, run by run: what is done, what is going on and where, what failed and why."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from lt_core.sweeps import ComparePlan, Done, Plan, Sweep
from lt_core.sweeps.board import running_trials
from lt_core.sweeps.launch import condition
from lt_core.training import Run
from pages.ui import blocks, compare_open, run_curves, run_words, train_estimate
from pages.ui import compare_words as say
from pages.ui.compare_words import readable

STEPS = {"tune": "choosing the rate", "seeds": "with its seeds", "search": "search"}


def panel(sweep: Sweep, state: str) -> None:
    """Draw progress and runs; live while the sweep is going on, and the whole page anew when a run has ended."""
    live = state in say.LIVE
    st.fragment(_live, run_every=2.0 if live else None)(str(sweep.path), state, len(sweep.done()))
    _failures(sweep)
    _runs(sweep, live=live)


def _live(path: str, state: str, done: int) -> None:
    sweep = Sweep(Path(path))
    with readable("How far it is cannot be read."):
        if state in say.LIVE and (condition(sweep) != state or len(sweep.done()) != done):
            st.rerun()
        plan, results = sweep.plan, sweep.done()
        if state not in say.LIVE:
            if state != "finished":
                st.progress(_fraction(plan, results), text=_counted(plan, results, 0))
            return
        now = running_trials(sweep)
        st.progress(_fraction(plan, results), text=_counted(plan, results, len(now)) + _left(plan, results, len(now)))
        if (sweep.path / "stop").exists():
            st.caption("It was asked to stop: the run under way ends after its step.")
        for row in now:
            where = f"{row['device']} of {row['machine']}" + (f", process {row['process']}" if row["process"] else "")
            st.markdown(
                f":material/model_training: **{run_words.plain(row['what'])}** :gray[epoch {row['epoch']} of "
                f"{row['epochs']} · {where} · for {train_estimate.duration(max(0.0, time.time() - row['since']))}]"
            )
        if not now:
            st.caption(":material/hourglass_top: The next run is being prepared.")


def _fraction(plan: Plan, results: list[Done]) -> float:
    return min(1.0, len(results) / max(1, plan.total))


def _counted(plan: Plan, results: list[Done], running: int) -> str:
    states = Counter(result.state for result in results)
    parts = [f"{states[state]} {state}" for state in ("finished", "pruned", "failed", "stopped") if states[state]]
    parts += [f"{running} running"] if running else []
    parts += [f"{left} to be made"] if (left := plan.total - len(results) - running) > 0 else []
    return f"{len(results)} of {plan.total} runs: {', '.join(parts)}"


def _left(plan: Plan, results: list[Done], running: int) -> str:
    """Return about how long it goes on, from the seconds that an epoch took so far; empty where that is not known."""
    epochs = sum(len(result.curve) for result in results)
    seconds = sum(result.seconds or 0.0 for result in results)
    if not epochs or not seconds:
        return ""
    left = max(0, plan.total_epochs - epochs)
    return f"; about {train_estimate.duration(seconds / epochs * left / max(1, running))} left"


def _failures(sweep: Sweep) -> None:
    """Draw why runs failed, each reason once; a rate that was only tried, and that others beat, is no error."""
    plan, results = sweep.plan, sweep.done()
    chosen = plan.chosen_rates(results) if isinstance(plan, ComparePlan) else {}
    reasons: dict[tuple[str, bool], list[Done]] = {}
    for result in results:
        if result.state == "failed":
            harmless = result.step == "tune" and result.setting["candidate"] in chosen
            reasons.setdefault((result.error or "it does not say why", harmless), []).append(result)
    for (reason, harmless), which in list(reasons.items())[:5]:
        some = "; ".join(map(_about, which[:3])) + (f"; and {len(which) - 3} more" if len(which) > 3 else "")
        count = "1 run" if len(which) == 1 else f"{len(which)} runs"
        said = f"({run_words.plain(some)}): {run_words.plain(reason)}."
        if harmless:
            st.caption(f":material/info: {count} failed while a rate was chosen {said} The loss took another rate.")
        else:
            st.error(f"**{count} failed** {said}", icon=":material/error:")


def _about(result: Done) -> str:
    setting = ", ".join(
        f"{name.replace('_', ' ')} {_short(value)}" for name, value in result.setting.items() if name != "candidate"
    )
    first = f"{result.setting['candidate']}, " if "candidate" in result.setting else ""
    return f"{first}{setting}, seed {result.seed}"


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _runs(sweep: Sweep, *, live: bool) -> None:
    """Draw every run that has a result in a table; a click on a row draws its curves."""
    results = sweep.done()
    if not results:
        return
    metric = say.metric_of(sweep.plan)
    table = pd.DataFrame([_row(result, isinstance(sweep.plan, ComparePlan)) for result in results])
    title = f"All runs so far ({len(results)})" if live else f"All runs ({len(results)})"
    with st.expander(title, icon=":material/list:", key="compare-runs"):
        picked = st.dataframe(
            table.rename(columns={"value": metric}).dropna(axis="columns", how="all"),
            hide_index=True,
            on_select="rerun",
            selection_mode="single-row",
            key=f"compare-runs-{sweep.path.name}-{len(results)}",
            height=blocks.table_height(len(results), 420),
            column_config={metric: st.column_config.NumberColumn(format="%.3f", help="On validation."),
                           "learning rate": st.column_config.NumberColumn(format="%g"),
                           "seconds": st.column_config.NumberColumn(format="%.0f")},
        )  # fmt: skip
        st.caption("Each is an ordinary run in the folder of the sweep: click a row to see its curves, and to open it.")
        rows = picked["selection"]["rows"]
        if rows and rows[0] < len(results):
            _one(Run(sweep.folder_of(results[rows[0]].key)))


def _one(run: Run) -> None:
    with readable("This run cannot be read."):
        st.markdown(f"#### {run_words.plain(run.name)}")
        st.caption(f"`{run.path}`")
        compare_open.of_one(run)
        run_curves.curves(run, live=False)


def _row(result: Done, compares: bool) -> dict[str, Any]:
    about: dict[str, Any] = {"loss": result.setting.get("candidate")} if compares else {"setting": result.number}
    setting = {
        name.replace("_", " "): value if isinstance(value, int | float) else str(value)
        for name, value in result.setting.items()
        if name != "candidate"
    }
    return {
        **about,
        **({"step": STEPS.get(result.step, result.step)} if compares else {}),
        **setting,
        "seed": result.seed,
        "state": result.state,
        "value": result.value,
        "epoch": result.epoch,
        "seconds": result.seconds,
        "why it failed": result.error,
    }
