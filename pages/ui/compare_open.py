"""From a comparison or a search to its runs: one of each loss side by side on Results and on Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lt_core.sweeps import Sweep
from lt_core.sweeps.openable import one_each, seeds_of, trial_runs
from lt_core.training import Run
from pages.ui import compare_words as say
from pages.ui import run_source
from pages.ui.results.models import MOST

BEST = "best"
WEIGHTS = ("best.safetensors", "last.safetensors")


def of_losses(sweep: Sweep) -> None:
    """Draw the choice of losses and seed, and the ways to their runs; nothing before there is one."""
    found = trial_runs(sweep)
    seeds = seeds_of(found)
    if not seeds:
        return
    st.markdown(
        "**Look inside: one run of each loss, side by side**",
        help="Runs of one seed had the same parts, the same first weights and the same order of images: what differs "
        "is the loss. One run says nothing about seeds: the table above does.",
    )
    left, right = st.columns([1, 3])
    with left:
        said = {str(seed): f"seed {seed}" for seed in seeds} | {BEST: "each loss's best"}
        wanted = st.selectbox(
            "Runs", list(said), format_func=said.__getitem__, key=f"compare-open-seed-{sweep.path.name}",
            help=f"Its best: by {say.metric_of(sweep.plan)} on validation, each with another seed, so less alike.",
        )  # fmt: skip
    each = one_each(sweep, found, None if wanted == BEST else int(wanted))
    with right:
        picked = st.multiselect(
            "Losses", list(each), default=list(each)[:MOST], max_selections=MOST,
            key=f"compare-open-losses-{sweep.path.name}-{'-'.join(each)}", placeholder="Choose at least one",
            help=f"Up to {MOST}; the others are held against the first.",
        )  # fmt: skip
    links([each[label] for label in picked], key="losses")


def of_best(sweep: Sweep, number: int) -> None:
    """Draw the ways to the runs of one setting of a search, a seed each."""
    links([entry.run for entry in trial_runs(sweep) if entry.result.number == number][:MOST], key="best")


def of_one(run: Run) -> None:
    """Draw the ways to one run, with the name that the command line takes."""
    if any(run.path.glob("predictions-*.npz")):
        links([run], key="one")
    st.caption(f"On the command line: `{run.key}`, such as `python -m lt_core evaluate {run.key}`")


def links(runs: Sequence[Run], *, key: str) -> None:
    """Draw the links that open runs on Results and Grad-CAM, the first one as the one others are held against."""
    if not runs:
        return
    query = {run_source.RUN: runs[0].key}
    if others := ",".join(run.key for run in runs[1:]):
        query[run_source.OTHERS] = others
    without = [run.name for run in runs if not any((run.path / name).is_file() for name in WEIGHTS)]
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"compare-open-{key}"):
        st.page_link("pages/results.py", label="Open in Results", icon=":material/fact_check:", query_params=query)
        st.page_link("pages/gradcam.py", label="Open in Grad-CAM", icon=":material/center_focus_strong:",
                     query_params=query, disabled=len(without) == len(runs))  # fmt: skip
    if without:
        st.caption(
            f":material/info: {', '.join(without)}: the weights are not in the folder any more, so there is no "
            "Grad-CAM. Results work: they need the predictions only."
        )
