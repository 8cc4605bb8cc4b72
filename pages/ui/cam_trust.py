"""Can a map be trusted? Computed on request: maps of untrained networks, and pixels changed in the map's order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from lt_core.charts.maps import changed_pixels
from lt_core.explain import NETWORKS, RANDOM_MAPS, overlay
from lt_core.explain.methods import CamMethod
from lt_core.explain.pictures import enlarged, enlarged_map
from pages.ui import blocks, cam_probe
from pages.ui.cam_cases import Case, Cell
from pages.ui.cam_probe import Probed

SIDE = 320
ASKED = "cam-probed"
ALIKE, OTHER = 0.7, 0.3
"""Rank correlations from which on a map is called alike, and below which it is called another one."""

VERBS = {"deletion": "taken away (deletion)", "insertion": "put back (insertion)", "ROAD": "filled in (ROAD)"}

LEAST = 0.05
"""A probability below which nothing is left to be taken away."""

HOW = (
    "Untrained networks (Adebayo et al., NeurIPS 2018): all weights are drawn anew. Deletion and insertion (Petsiuk et "
    "al., BMVC 2018): the map's strongest pixels are replaced by the mean of the training images, or put back into the "
    "blurred image. ROAD (Rong et al., ICML 2022): pixels are filled in from their neighbours, strongest or weakest "
    "first; the score is the mean of half the difference."
)


def draw(cells: list[Cell], case: Case, method: CamMethod) -> None:
    """Draw the expander; nothing is computed before it is asked for."""
    with st.expander("Can this map be trusted?", icon=":material/fact_check:", key="cam-trust"):
        cell = cells[0]
        if len(cells) > 1:
            named = {f"{each.name} · {each.side.title}": each for each in cells}
            picked = st.selectbox("Which map", list(named), key="cam-trust-which")
            cell = named[str(picked)]
        st.markdown(
            "Two questions: would an **untrained** network give the same map, and does the network **need** what the "
            "map shows?",
            help=HOW,
        )
        wanted = _key(cell, case, method)
        if st.session_state.get(ASKED) != wanted:
            if cell.found.cam.blank:
                st.caption("The map is blank: there is nothing to put in order.")
            st.button(
                "Put it to the test",
                key="cam-trust-ask",
                icon=":material/science:",
                disabled=cell.found.cam.blank,
                on_click=lambda: st.session_state.update({ASKED: wanted}),
                help="A second for a small network, up to a minute for a large one.",
            )
            return
        with st.spinner("Drawing weights anew, taking pixels away …", show_time=True):
            found = cam_probe.probed(cell)
        _untrained(cell, found)
        _needed(cell, found)


def _key(cell: Cell, case: Case, method: CamMethod) -> tuple[str, ...]:
    return (str(cell.side.run.path), case.name, str(case.row), cell.name, method.key, cell.found.cam.at)


def _untrained(cell: Cell, found: Probed) -> None:
    st.markdown("##### Would an untrained network give the same map?")
    plain = enlarged(cell.found.shown, SIDE)
    size = (plain.shape[0], plain.shape[1])
    left, middle, right = st.columns([1, 1, 1.4], gap="medium")
    left.image(
        overlay(plain, enlarged_map(cell.found.cam.heatmap, size)),
        caption=f"{cell.name}, {cell.side.title}: trained",
        width="stretch",
    )
    middle.image(
        overlay(plain, enlarged_map(found.untrained.first, size)),
        caption="the same, weights drawn anew; each map to its own maximum",
        width="stretch",
    )
    correlations, likeness = np.array(found.untrained.correlations), np.array(found.untrained.likeness)
    right.markdown(
        f"{in_words(correlations)}\n\n"
        f"Rank correlation of the places: **{_range(correlations)}**. Structural similarity (SSIM) of the pictures: "
        f"**{_range(likeness)}**."
    )
    right.caption(
        f"Median and range of {NETWORKS} untrained networks. Both are 1 for the same map; a map that was learned has a "
        "rank correlation near 0. SSIM is high too where both pictures are mostly empty."
    )


def in_words(correlations: np.ndarray) -> str:
    """Return what the rank correlations with untrained networks say; by rule of thumb, for there is no known limit."""
    if np.isnan(correlations).all():
        return "**Not defined**: a map is the same at every place."
    middle = float(np.nanmedian(np.abs(correlations)))
    if middle >= ALIKE:
        return (
            "**Alike, which is bad**: untrained networks give nearly the same map, so it shows the image, not what "
            "was learned."
        )
    if middle < OTHER:
        return "**Another map, which is good**: it depends on what the network has learned."
    return "**Partly alike**: some of the map is there without any training. Read it with care."


def _range(values: np.ndarray) -> str:
    known = values[~np.isnan(values)]
    if not len(known):
        return "not defined"
    return f"{np.median(known):.2f} ({known.min():.2f} to {known.max():.2f})"


def _needed(cell: Cell, found: Probed) -> None:
    st.markdown("##### Does the network need what the map shows?")
    chance = cell.mapped.probability or 0.0
    if chance < LEAST:
        st.caption(
            f":material/warning: The network gives {cell.name} a probability of {chance:.3f}: there is hardly "
            "anything to take away, so these curves say little."
        )
    st.markdown("\n".join(f"* {_said(row)}" for _, row in found.needed.tests.iterrows()))
    for column, (test, curves) in zip(st.columns(3), found.needed.curves.groupby("test", sort=False), strict=True):
        with column:
            blocks.figure(
                changed_pixels(curves, title=VERBS[str(test)]),
                curves,
                name=f"pixels-{str(test).lower()}",
                alt_text=f"Lines: the probability while pixels are {VERBS[str(test)]}, in the order of the map; grey "
                f"lines are {RANDOM_MAPS} maps at random.",
            )
    st.dataframe(
        found.needed.tests.drop(columns="beaten").assign(
            better=[f"than {n} of {RANDOM_MAPS} at random" for n in found.needed.tests["beaten"]]
        ),
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.3f")
            for name in ("this map", "at random (mean)", "lowest", "highest")
        },
    )
    st.caption(
        f"One image: a single map can do well or badly by chance. Grey lines and the table hold it against "
        f"{RANDOM_MAPS} maps at random, as coarse as this one. Images with pixels changed are none that the network "
        "was trained on; ROAD leaves the least trace."
    )


def _said(row: pd.Series) -> str:
    """Return one test in words: what it gives, and whether that is good."""
    share = row["beaten"] / RANDOM_MAPS
    verdict = (
        "**good**" if share >= 0.95 else "**no better than chance**" if share <= 0.6 else "chance cannot be ruled out"
    )
    return (
        f"{str(row['test']).capitalize() if not str(row['test']).startswith('ROAD') else row['test']}: "
        f"{row['this map']:.3f} ({row['good is']} is good), better than {row['beaten']} of {RANDOM_MAPS} maps at "
        f"random: {verdict}."
    )
