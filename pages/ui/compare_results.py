"""What a comparison of losses found: the sentence, the picture, the tables, and files for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from lt_core.charts import sweep_means
from lt_core.charts import sweeps as charts
from lt_core.charts.paper_figure import means_svg
from lt_core.datasets.csv_text import as_csv
from lt_core.sweeps import ComparePlan, Sweep, paper
from lt_core.sweeps.conclusion import conclude
from lt_core.sweeps.results import GROUPS, MEASURES, TITLES, caveats, compared, per_seed, plan_of
from pages.ui import blocks, compare_open, run_words
from pages.ui.compare_words import readable

METRICS = {"ap": "AP", "f1": "F1 at 0.5"}
FOREST = "A dot is the mean difference over pairs of runs with the same seed, the line its 95 % interval."
FIRST_STAYS = {"loss": st.column_config.TextColumn(pinned=True)}
"""On a phone the names stay in sight while the numbers are moved."""


def panel(sweep: Sweep) -> None:
    """Draw what can be concluded so far, and what it rests on; before the reference has a run, what comes first."""
    plan = plan_of(sweep)
    table = _table(str(sweep.path), _changed(sweep))
    if plan.reference not in set(table["candidate"]):
        _nothing_yet(sweep, plan)
        _rates(sweep, plan)
        return
    results = compared(table, plan.reference)
    st.markdown(
        "#### What can be concluded" + ("" if sweep.state == "finished" else " so far"),
        help="Better and worse: the paired t-test over seeds, adjusted for the number of losses (Holm), is below 0.05. "
        "An interval beside *cannot tell* is for one loss at a time, so it may leave out 0.",
    )
    metric = st.segmented_control("Metric", list(METRICS), default="ap", required=True, format_func=METRICS.get,
                                  key="compare-metric", label_visibility="collapsed",
                                  help="AP does not depend on a threshold. F1 is at 0.5, or of the arg-max where an "
                                  "image has one class: a difference in F1 may be one of calibration.")  # fmt: skip
    for group in ("macro", "tail") if len(plan.seeds) > 1 else ("macro",):
        st.markdown(_sentence(results, plan, f"{metric}_{group}"))
    for note in caveats(sweep):
        if " failed " not in note:  # said above
            st.caption(f":material/info: {run_words.plain(note[:1].upper() + note[1:])}.")
    _means(results, plan.reference, metric)
    _tables(results, plan, metric)
    _differences(results, plan, metric)
    with readable("The runs cannot be read."):
        compare_open.of_losses(sweep)
    with readable("The rates cannot be read."):
        _rates(sweep, plan)
    _files(results, table, plan)


def _sentence(results: pd.DataFrame, plan: ComparePlan, measure: str) -> str:
    said = run_words.plain(conclude(results, plan.reference, measure))
    first, colon, rest = said.partition("\\:")
    return f"**{first}:**{rest}" if colon else said


def _nothing_yet(sweep: Sweep, plan: ComparePlan) -> None:
    tuned = [result for result in sweep.done() if result.step == "tune"]
    if plan.tunes and len(tuned) < len(plan.losses) * len(plan.rates):
        text = "First every loss is tried at every rate; the results come with the runs after that."
    elif plan.tunes and plan.reference not in plan.chosen_rates(sweep.done()):
        text = (
            f"{plan.reference}, which the others are held against, has failed at every rate: start another comparison "
            "with other rates, or with another loss to hold against."
        )
    else:
        text = f"The results begin when {plan.reference}, which the others are held against, has a finished run."
    st.info(f"**No result yet.** {text}", icon=":material/hourglass_empty:")


def _by_group(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the rows of AP or of F1, with the group of classes that each is of."""
    rows = results[results["metric"].str.startswith(f"{metric}_")]
    return rows.assign(group=rows["metric"].str.partition("_")[2])


def _means(results: pd.DataFrame, reference: str, metric: str) -> None:
    shown = _by_group(results, metric)
    st.markdown(
        f"**{METRICS[metric]} on the test part, from all classes to the tail**",
        help="A dot is the mean over seeds, the line its 95 % interval (Student's t). Dashed: the mean of "
        f"{reference}. The interval says how well the mean over seeds is known on this test part.",
    )
    blocks.figure(
        sweep_means.means(shown, reference=reference, title=METRICS[metric]),
        shown[["candidate", "group", "n", "mean", "low", "high", "verdict"]],
        name=f"losses-{metric}",
        alt_text=f"Dots with intervals: mean {METRICS[metric]} of each loss over all, head, medium and tail classes.",
    )


def _tables(results: pd.DataFrame, plan: ComparePlan, metric: str) -> None:
    means, gaps = _both(results, [f"{metric}_{group}" for group in ("macro", *GROUPS)])
    few = "One seed, so no interval" if len(plan.seeds) < 2 else "Mean over seeds, with its 95 % interval"
    st.markdown(f"**{few}**")
    st.dataframe(means, hide_index=True, column_config=FIRST_STAYS, height=blocks.table_height(len(means)),
                 alt="Each loss with mean and interval of each measure.")  # fmt: skip
    if len(gaps):
        st.markdown(f"**Difference to {run_words.plain(plan.reference)}, pair by pair of seeds**")
        st.dataframe(gaps, hide_index=True, column_config=FIRST_STAYS, height=blocks.table_height(len(gaps)),
                     alt="Each loss with its paired differences, their intervals and the verdict.")  # fmt: skip
    if len(plan.seeds) > 1:
        st.caption(run_words.plain(paper.notes(results, plan.reference)))


def _both(results: pd.DataFrame, metrics: Sequence[str] = MEASURES) -> tuple[pd.DataFrame, pd.DataFrame]:
    return paper.cells(results, metrics), paper.differences(results, metrics)


def _differences(results: pd.DataFrame, plan: ComparePlan, metric: str) -> None:
    rows = results[(results["verdict"] != "reference") & results["difference"].notna()]
    if rows.empty:
        return
    st.markdown(f"**How far each is from {run_words.plain(plan.reference)}**", help=FOREST)
    group = st.segmented_control("Classes", ["macro", *GROUPS], default="macro", required=True, key="compare-group",
                                 label_visibility="collapsed")  # fmt: skip
    measure = f"{metric}_{group}"
    shown = rows[rows["metric"] == measure].assign(title=TITLES[measure])
    if shown.empty:
        st.caption(f"{TITLES[measure]} is not defined here.")
        return
    columns = {"difference_low": "low", "difference_high": "high"}
    drawn = shown.drop(columns=["low", "high"]).rename(columns=columns)
    blocks.figure(
        charts.differences(drawn, reference=plan.reference),
        drawn[["candidate", "n_pairs", "difference", "low", "high", "p_t", "p_exact", "p_holm", "verdict"]],
        name=f"differences-{measure.replace('_', '-')}",
        alt_text=f"Dots with intervals: difference of each loss to {plan.reference} in {TITLES[measure]}.",
    )


def _rates(sweep: Sweep, plan: ComparePlan) -> None:
    """Draw which rate each loss took, and what it was worth at each."""
    tuned = [result for result in sweep.done() if result.step == "tune"]
    if not plan.tunes or not tuned:
        return
    chosen = plan.chosen_rates(sweep.done())
    rows = []
    for label in plan.labels:
        values = {float(r.setting["learning_rate"]): r for r in tuned if r.setting["candidate"] == label}
        rate = chosen.get(label)
        edge = rate in (plan.rates[0], plan.rates[-1])
        said = "none" if rate is None else f"{rate:g}" + (" (at the edge)" if edge else "")
        rows.append({"loss": label, "chosen": said, **{f"{r:g}": _worth(values.get(r)) for r in plan.rates}})
    with st.expander("Which rate each loss took", icon=":material/speed:", key="compare-rates"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Each loss with its rate and its value at each rate.")
        st.caption(
            f"{plan.metric} on validation after {plan.tune_epochs} epochs with seed {plan.tune_seed}; one run each. "
            "Where the rate is at the edge of those tried, a better one may lie beyond."
        )


def _worth(result: object) -> str:
    value, state = getattr(result, "value", None), getattr(result, "state", "to be made")
    return state if value is None or state == "failed" else f"{value:.3f}"


def _files(results: pd.DataFrame, seeds: pd.DataFrame, plan: ComparePlan) -> None:
    """Draw the downloads."""
    means, gaps = _both(results)
    said = paper.notes(results, plan.reference)
    figures = {
        f"Figure of {metric.upper()} (SVG)": (
            f"{metric}.svg",
            means_svg(_by_group(results, metric), reference=plan.reference, title=METRICS[metric]),
        )
        for metric in METRICS
    }
    offered = figures | {
        "Markdown": ("md", f"{paper.markdown(means)}\n{said}\n\n{paper.markdown(gaps)}"),
        "LaTeX": ("tex", f"{paper.latex(means, caption=said)}\n{paper.latex(gaps)}"),
        "CSV": ("csv", as_csv(results)),
        "CSV, every seed": ("seeds.csv", as_csv(seeds)),
    }
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="compare-files"):
        st.markdown("For a paper:", width="content")
        for label, (suffix, text) in offered.items():
            st.download_button(label, text, file_name=f"comparison.{suffix}", icon=":material/download:",
                               key=f"compare-file-{suffix}", on_click="ignore", type="tertiary")  # fmt: skip


def _changed(sweep: Sweep) -> int:
    file = sweep.path / "trials.jsonl"
    return file.stat().st_mtime_ns if file.exists() else 0


@st.cache_data(max_entries=20, show_spinner="Reading the test part of every run …")
def _table(path: str, changed: int) -> pd.DataFrame:  # noqa: ARG001 - the key
    return per_seed(Sweep(Path(path)))
