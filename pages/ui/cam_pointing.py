"""How well the maps of a whole part point: tables and charts, class by class and run by run."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lt_core.charts.maps import pointing_differences
from lt_core.charts.results import class_metric
from lt_core.explain import localisation_differences, localisation_table
from lt_core.explain.localisation_table import ALL, FEW, LEAST
from lt_core.problems import Problem
from pages.ui import blocks, cam_choice
from pages.ui.cam_work import Job
from pages.ui.results.models import LETTERS

SCORES = {"pointing game": "hit", "share inside": "inside", "IoU": "iou"}
"""The scores as the page and its links call them."""

TERMS = {
    "hit": "Pointing game (Zhang et al., 2018): the share of images where the strongest place of the map is in the "
    "finding. Its interval is Wilson's for a class, wider where patients have several images (Rao and Scott).",
    "inside": "Energy-based pointing game (Wang et al., 2020): the share of the map that lies in the finding, mean "
    "over the images.",
    "iou": "Intersection over union of the finding and what the map shows above its threshold, mean over the images.",
}
LONGEST = 30


def draw(jobs: list[Job], stopped: list[str]) -> None:
    """Draw what was found of the jobs that have rows, the first of which the others are held against.

    ``stopped`` names the runs that are not done yet.
    """
    rows = {job.side.title: job.table for job in jobs}
    there = [
        name
        for name in cam_choice.head_to_tail(jobs[0].side.run)
        if any((table["class"] == name).any() for table in rows.values())
    ]
    if stopped:
        st.warning(
            f"Stopped: of {' and '.join(stopped)} only the first images of the part are in these numbers, or none.",
            icon=":material/hourglass_top:",
        )
    chosen = st.segmented_control(
        "Score", list(SCORES), default="pointing game", required=True, key="cam-score", bind="query-params"
    )
    score = SCORES[str(chosen)]
    tables = {title: localisation_table(table, there) for title, table in rows.items()}
    st.markdown(f"#### {_named(str(chosen))}, mean of the classes", help=TERMS[score])
    st.markdown("\n".join(f"* {_mean(title, table.iloc[-1], score)}" for title, table in tables.items()))
    whole = pd.concat([table.assign(run=title) for title, table in tables.items()], ignore_index=True)
    blocks.figure(
        class_metric(_shown(tables, jobs, score), title=f"{chosen}, the bar is chance"),
        whole[["run", *whole.columns[:-1]]],
        name="localisation",
        alt_text=f"Dots with intervals: {chosen} of each class and run; upright bars say what chance gives.",
    )
    first = jobs[0].table
    st.caption(
        f"{TERMS[score]} {len(first):,} findings of {first['patient'].nunique():,} patients whose place is known; a "
        "blank map counts as a miss. Lines are 95 % intervals, the other ones from 1,000 resamples of patients; none "
        'where it is "not defined", and too narrow below about ten patients. Maps are read where the finding is '
        "present, also where the network missed it. Not for diagnosis."
    )
    if len(rows) > 1:
        _differences(rows, there, score, str(chosen))


def _named(words: str) -> str:
    return words if words == "IoU" else words.capitalize()


def _mean(title: str, last: pd.Series, score: str) -> str:
    """Return the mean of the classes of a run, with its interval, beside chance."""
    low, high, chance = (float(last[f"{score}_{end}"]) for end in ("low", "high", "chance"))
    between = "" if low != low else f" [{low:.2f}, {high:.2f}]"
    verdict = (
        f", {FEW}: too few to tell" if last["patients"] < LEAST
        else "" if low != low else ", above it" if low > chance else ", below it" if high < chance
        else ", not told apart"
    )  # fmt: skip
    return f"**{title}** {last[score]:.2f}{between}; chance is {chance:.2f}{verdict}"


def _shown(tables: dict[str, pd.DataFrame], jobs: list[Job], score: str) -> pd.DataFrame:
    """Return the rows of the chart, from head to tail, with the mean of all classes first."""
    card = jobs[0].side.run.dataset_card
    group = dict(zip(card["class_names"], card["groups"], strict=True))
    made = []
    for letter, (title, table) in zip(LETTERS, tables.items(), strict=False):
        known = table[table["class"] != ALL]
        made.append(
            pd.DataFrame(
                {
                    "class": known["class"],
                    "run": letter,
                    "run_name": title,
                    "group": known["class"].map(group),
                    "n_positive": known["n"],
                    "value": known[score],
                    "low": known[f"{score}_low"],
                    "high": known[f"{score}_high"],
                    "chance": known[f"{score}_chance"],
                }
            )
        )
    whole = pd.concat(made, ignore_index=True)
    n = whole.groupby("class")["n_positive"].transform("max")
    return whole.assign(row=[f"{name} · {int(k):,}" for name, k in zip(whole["class"], n, strict=True)])


def _differences(rows: dict[str, pd.DataFrame], class_names: list[str], score: str, words: str) -> None:
    baseline = next(iter(rows))
    try:
        found = localisation_differences(rows, baseline, class_names)
    except Problem as problem:
        st.info(str(problem), icon=":material/info:")
        return
    st.markdown("#### Does another run point better?")
    shown = found[found["score"] == score]
    for title, table in shown.groupby("run", sort=False):
        st.markdown(f"* **{title}** {_in_words(table, baseline)}")
    own = shown[shown["class"] != ALL].copy()
    most = own.groupby("class")["n"].transform("max")
    own["row"] = [f"{name} · {int(n):,}" for name, n in zip(own["class"], most, strict=True)]
    blocks.figure(
        pointing_differences(own.head(LONGEST * 5), title=f"{words}, minus that of {baseline}"),
        found,
        name="localisation-differences",
        alt_text=f"Dots with intervals: {words} of each run minus that of {baseline}, class by class.",
    )
    st.caption(
        "The same images and the same 1,000 resamples of patients for both. Better and worse: the 95 % interval of the "
        "difference does not hold 0. Each class stands for itself: of 20 classes, one is called wrongly by chance. "
        f"With fewer than {LEAST} patients there is no verdict, and below about ten an interval is too narrow. "
        "One run each says nothing about other seeds."
    )


def _in_words(table: pd.DataFrame, baseline: str) -> str:
    """Return what the differences of one run say."""
    classes, last = table[table["class"] != ALL], table[table["class"] == ALL].iloc[0]
    count = classes["verdict"].value_counts()
    better, worse = int(count.get("better", 0)), int(count.get("worse", 0))
    rest = len(classes) - better - worse
    few = int((classes["note"] != "").sum())
    lost = f" ({few} of them with {FEW}: too few)" if few else ""
    verdict = f"{last['note']}: too few to tell" if last["note"] else last["verdict"]
    between = "" if pd.isna(last["low"]) else f" [{last['low']:+.3f}, {last['high']:+.3f}]"
    return (
        f"against {baseline}: {last['difference']:+.3f}{between} in the mean of the classes, {verdict}; better "
        f"in {better}, worse in {worse}, cannot tell in {rest}{lost} of {len(classes)} classes."
    )
