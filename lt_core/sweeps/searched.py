"""What a search found, as tables: settings with their mean, and their places along the axes of the search."""

from __future__ import annotations

import math

import pandas as pd

from lt_core.problems import Problem
from lt_core.sweeps.folder import Sweep
from lt_core.sweeps.paired import mean_of
from lt_core.sweeps.plan import SweepPlan
from lt_core.sweeps.trials import Done, sign


def settings_of(sweep: Sweep) -> pd.DataFrame:
    """Return a row a setting, best first: number, state, n (seeds), value (mean over them), low, high, each axis.

    The value is on validation and was searched for: the best is flattered by chance. Only settings trained to the end
    with every seed so far have one.
    """
    plan = search_plan(sweep)
    rows = []
    for number, runs in sorted(_by_number(sweep).items()):
        ended = all(run.state in ("finished", "stopped") and run.value is not None for run in runs)
        mean = mean_of([run.value for run in runs if run.value is not None] if ended else [])
        state = next((s for s in ("failed", "pruned", "stopped") if any(r.state == s for r in runs)), "finished")
        about = {"number": number, "state": state, "n": mean.n, "value": mean.mean, "low": mean.low, "high": mean.high}
        rows.append({**about, **{axis.name: runs[0].setting.get(axis.name) for axis in plan.axes}})
    columns = ["number", "state", "n", "value", "low", "high", *(axis.name for axis in plan.axes)]
    table = pd.DataFrame(rows, columns=columns)
    return table.iloc[(table["value"] * -sign(plan.metric)).argsort(kind="stable")].reset_index(drop=True)


def importance_table(sweep: Sweep) -> pd.DataFrame:
    """Return ``axis, share``: how much of the metric's variance each axis explains (fANOVA), largest first."""
    from lt_core.sweeps.tpe import importances

    shares = importances(search_plan(sweep), sweep.done())
    return pd.DataFrame({"axis": list(shares), "share": list(shares.values())})


def parallel_table(sweep: Sweep) -> pd.DataFrame:
    """Return a row per setting and axis: setting, axis, place, said, value, as ``charts.sweeps`` draws them.

    ``place`` is in [0, 1] between the lowest and the highest of the plan's range (its logarithm where searched so);
    values that are names stand in the plan's order. The metric itself is the last axis.
    """
    plan = search_plan(sweep)
    table = settings_of(sweep)
    known = table["value"].dropna()
    low, high = (known.min(), known.max()) if len(known) else (math.nan, math.nan)
    rows = []
    for row in table.to_dict("records"):
        shared = {"setting": f"setting {row['number']}", "value": row["value"]}
        for axis in plan.axes:
            value = row[axis.name]
            missing = value is None or (isinstance(value, float) and math.isnan(value))
            place = math.nan if missing else axis.place(value)
            rows.append({**shared, "axis": axis.name, "place": place, "said": "" if missing else _said(value)})
        place = (row["value"] - low) / (high - low) if high > low else 0.5 if row["value"] == low else math.nan
        rows.append({**shared, "axis": plan.metric, "place": place, "said": _said(row["value"])})
    return pd.DataFrame(rows, columns=["setting", "value", "axis", "place", "said"])


def _said(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _by_number(sweep: Sweep) -> dict[int, list[Done]]:
    found: dict[int, list[Done]] = {}
    for result in sweep.done():
        found.setdefault(result.number, []).append(result)
    return found


def search_plan(sweep: Sweep) -> SweepPlan:
    """Return the plan of a search; raise ``Problem`` for another kind of sweep."""
    plan = sweep.plan
    if not isinstance(plan, SweepPlan):
        raise Problem(f"{sweep.path.name} is a comparison of losses, not a search")
    return plan
