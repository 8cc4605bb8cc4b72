"""The results of a comparison: every loss on the test part, mean over seeds, and its difference to the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from lt_core.problems import Problem
from lt_core.sweeps.compare_plan import ComparePlan
from lt_core.sweeps.folder import Sweep
from lt_core.sweeps.paired import Mean, difference_of, holm, mean_of, verdict

if TYPE_CHECKING:
    from lt_core.training import Run

GROUPS = ("head", "medium", "tail")
MEASURES = ("ap_macro", "f1_macro", *(f"{metric}_{group}" for metric in ("ap", "f1") for group in GROUPS))
TITLES = {
    f"{metric}_{group}": f"{name}, {group}" if group != "macro" else f"macro {name}"
    for metric, name in (("ap", "AP"), ("f1", "F1"))
    for group in ("macro", *GROUPS)
}
"""What people call the measures; F1 is at threshold 0.5, or of the arg-max where an image has one class."""


def measures_of(run: Run, part: str = "test") -> dict[str, float]:
    """Return every measure of a run on one part; NaN where it is not defined."""
    from lt_core.evaluation import report

    said = report(run.predictions(part), groups=run.dataset_card["groups"])
    means = {"macro": said.macro, **said.groups}
    found = {f"{metric}_{group}": means[group][metric] for metric in ("ap", "f1") for group in means}
    return {name: math.nan if found[name] is None else float(found[name] or 0.0) for name in MEASURES}


def per_seed(sweep: Sweep, part: str = "test") -> pd.DataFrame:
    """Return a row a loss and seed of a comparison: candidate, seed, learning_rate, at_edge, and every measure.

    ``at_edge``: the chosen rate is the first or last of those tried, so a better one may lie beyond.
    """
    plan = plan_of(sweep)
    rows = []
    for result in sweep.done():
        if result.step == "seeds" and result.state in ("finished", "stopped"):
            rate = float(result.setting["learning_rate"])
            edge = len(plan.rates) > 1 and rate in (plan.rates[0], plan.rates[-1])
            about = {"candidate": result.setting["candidate"], "seed": result.seed, "learning_rate": rate}
            from lt_core.training import Run

            rows.append({**about, "at_edge": edge, **measures_of(Run(sweep.folder_of(result.key)), part)})
    columns = ["candidate", "seed", "learning_rate", "at_edge", *MEASURES]
    table = pd.DataFrame(rows, columns=columns)
    order = {label: place for place, label in enumerate(plan.labels)}
    places = table["candidate"].map(order)
    return table.assign(place=places).sort_values(["place", "seed"]).drop(columns="place").reset_index(drop=True)


def compared(table: pd.DataFrame, reference: str, metrics: Sequence[str] = MEASURES) -> pd.DataFrame:
    """Return a row a candidate and metric of the table that ``per_seed`` gives, in its order.

    Columns: candidate, metric, n (seeds), mean, low, high; then, of the differences to ``reference`` over the seeds
    both have: n_pairs, difference, difference_low, difference_high, p_t, p_exact, p_holm (of p_t, over the candidates
    of one metric) and verdict. The intervals are 95 % each, for one comparison at a time; the verdict is by ``p_holm``.
    """
    labels = list(dict.fromkeys(table["candidate"]))
    if reference not in labels:
        raise Problem(f"the reference {reference} has no finished run yet: wait for it, or continue the sweep")
    seeds = sorted(set(table["seed"]))
    rows: list[dict[str, object]] = []
    for metric in metrics:
        values = table.set_index(["candidate", "seed"])[metric]
        by_seed = {label: values.loc[label].reindex(seeds).tolist() for label in labels}
        others = [label for label in labels if label != reference]
        gaps = {label: difference_of(by_seed[label], by_seed[reference]) for label in others}
        adjusted = dict(zip(others, holm([gaps[label].p_t for label in others]), strict=True))
        for label in labels:
            mean = _within(mean_of(by_seed[label]))
            row: dict[str, object] = {"candidate": label, "metric": metric, **mean.__dict__, "verdict": "reference"}
            if label != reference:
                gap = gaps[label]
                ends = {"difference_low": gap.low, "difference_high": gap.high, "n_pairs": gap.n}
                tests = {"p_t": gap.p_t, "p_exact": gap.p_exact, "p_holm": adjusted[label]}
                row |= {"difference": gap.mean, **ends, **tests, "verdict": verdict(gap.mean, adjusted[label])}
            rows.append(row)
    columns = ["candidate", "metric", "n", "mean", "low", "high", "n_pairs", "difference", "difference_low"]
    return pd.DataFrame(rows, columns=[*columns, "difference_high", "p_t", "p_exact", "p_holm", "verdict"])


def caveats(sweep: Sweep) -> list[str]:
    """Return what a reader of the results must know, a sentence each: rates at the edge, runs that failed or lack."""
    plan, done = plan_of(sweep), sweep.done()
    chosen, found = plan.chosen_rates(done), []
    for number, label in enumerate(plan.labels):
        runs = [result for result in done if result.number == number]
        if plan.tunes and chosen.get(label) in (plan.rates[0], plan.rates[-1]):
            found.append(
                f"{label}: its rate {chosen[label]:g} is at the edge of those tried, a better one may lie beyond"
            )
        for step, words in (("tune", "while its rate was tuned"), ("seeds", "with its seeds")):
            if failed := [result for result in runs if result.step == step and result.state == "failed"]:
                rates = ", ".join(f"{result.setting['learning_rate']:g}" for result in failed)
                found.append(f"{label}: {len(failed)} runs failed {words} (rate {rates}): {failed[0].error}")
    if left := plan.total - len(done):
        found.append(f"{left} of {plan.total} runs are still to be made")
    return found


def _within(mean: Mean) -> Mean:
    """Return the interval cut to [0, 1], where the measures are: what lies outside is certainly not true."""
    return mean if math.isnan(mean.low) else Mean(mean.n, mean.mean, max(0.0, mean.low), min(1.0, mean.high))


def plan_of(sweep: Sweep) -> ComparePlan:
    """Return the plan of a comparison; raise ``Problem`` for another kind of sweep."""
    plan = sweep.plan
    if not isinstance(plan, ComparePlan):
        raise Problem(f"{sweep.path.name} is a search, not a comparison of losses")
    return plan
