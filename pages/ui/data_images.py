"""Data set, images: sizes, channels, brightness, unreadable files, near-duplicates."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lt_core.charts import images as charts
from lt_core.datasets import LabeledImages, NoImages, Source
from lt_core.datasets.csv_text import as_csv
from lt_core.datasets.image_checks import SAMPLE, as_table, findings, measures, sample_of
from lt_core.datasets.near_duplicates import DISTANCE, LEAST, clusters, confirmed
from lt_core.datasets.notes import counted
from lt_core.stats import LabelStats
from pages.ui import blocks, pictures

CHUNK_SECONDS = 1.0
"""How long one turn of the work takes before the page may be used again, and the work be stopped."""
POINTS = 4_000
SHOWN_GROUPS = 8
TERMS = {
    "outlier": "Robust z-score 0.6745 (x - median) / MAD of the mean or of the standard deviation above 3.5 "
    "(Iglewicz and Hoaglin 1993). It says unlike the others, not wrong.",
    "near": f"Perceptual hashes (64 bits) at most {DISTANCE} bits apart, confirmed by a correlation of the small "
    f"pictures of at least {LEAST}. Mirrored and cropped copies are not found.",
}
"""Definitions, shown where the words are used."""


def panel(data: LabeledImages, source: Source, part: str | None, stats: LabelStats) -> None:  # noqa: ARG001
    """Draw what the images of one part are like; they are read only when asked for, and reading can be stopped."""
    if isinstance(data.images, NoImages):
        st.info(
            "This set has labels only. Statistics and losses work; training, maps and this view need images: "
            "give their folder under *Choose a data set*.",
            icon=":material/image_not_supported:",
        )
        return
    rows = data.rows(part)
    every = len(rows) > SAMPLE and st.toggle(
        f"All {len(rows):,} images, not a sample of {SAMPLE:,}", key="images-all", bind="query-params"
    )
    looked = rows if every else sample_of(rows)
    name = json.dumps([source.as_json(), part, bool(every)], sort_keys=True)
    done = _work(data, looked, name)
    if done is None:
        pictures.for_rows(data, rows, title="Look through them", key="images-browse")
        return
    table = as_table(done["entries"])
    _notes(data, table, len(rows))
    _charts(data, table)
    _unreadable(data, table)
    _alike(data, table["index"].to_numpy(), np.array([entry["hash"] for entry in done["entries"]], np.uint64), name)


def _work(data: LabeledImages, rows: NDArray[np.intp], name: str) -> dict[str, Any] | None:
    """Draw the button, or the progress, of reading the images; return what was found once it is done or stopped."""
    jobs: dict[str, dict[str, Any]] = st.session_state.setdefault("image-checks", {})
    job = jobs.get(name)
    if job is None:
        st.markdown(
            f"Reading {len(rows):,} images tells their sizes, channels and brightness, which cannot be read, and which "
            "are nearly the same."
        )
        if st.button("Check the images", type="primary", icon=":material/image_search:", key="images-check"):
            while len(jobs) >= 4:
                jobs.pop(next(iter(jobs)))
            jobs[name] = {"entries": [], "state": "running"}
            st.rerun()
        return None
    if job["state"] == "running":
        _progress(data, rows, job)
        return None
    left, right = st.columns([3, 1], vertical_alignment="center")
    if job["state"] == "stopped":
        left.warning(f"Stopped after {len(job['entries']):,} of {len(rows):,} images: what follows is of those.")
        if right.button("Go on", icon=":material/play_arrow:", key="images-resume"):
            job["state"] = "running"
            st.rerun()
    return job if job["entries"] else None


@st.fragment(run_every=0.1)
def _progress(data: LabeledImages, rows: NDArray[np.intp], job: dict[str, Any]) -> None:
    """Read images for a second at a time, so that the stop button is answered in between."""
    import time

    left, right = st.columns([4, 1], vertical_alignment="center")
    if right.button("Stop", icon=":material/stop:", key="images-stop"):
        job["state"] = "stopped"
        st.rerun()
    start = time.monotonic()
    n = len(job["entries"])
    for entry in measures(data.images, rows[n:], hashed=True):
        job["entries"].append(entry)
        if time.monotonic() - start > CHUNK_SECONDS:
            break
    n = len(job["entries"])
    left.progress(n / max(len(rows), 1), text=f"{n:,} of {len(rows):,} images read")
    if n == len(rows):
        job["state"] = "done"
        st.rerun()


def _notes(data: LabeledImages, table: pd.DataFrame, total: int) -> None:
    said = findings(table, total, data.ids)
    if not said:
        st.success(
            f"All {len(table):,} images can be read, have one size and one kind of pixels, and none stands out.",
            icon=":material/check:",
        )
    for change in said:
        st.text(f"• {change}")


def _charts(data: LabeledImages, table: pd.DataFrame) -> None:
    read = table[table["unreadable"] == ""]
    if read.empty:
        return
    sizes = read.groupby(["width", "height", "channels", "mode"]).size().rename("images").reset_index()
    named = read.assign(id=[_name(data, row) for row in read["index"]])
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown("#### How large are they?")
        by_size = sizes.groupby(["width", "height"], as_index=False)["images"].sum()
        if len(by_size) == 1:
            w, h = int(by_size["width"][0]), int(by_size["height"][0])
            st.metric("width x height, all images", f"{w} x {h}", width="content")
            st.dataframe(sizes, hide_index=True)
        else:
            blocks.figure(
                charts.sizes(by_size.head(POINTS)),
                sizes,
                name="image-sizes",
                alt_text="Circles at width and height; the area is the number of images.",
            )
    with right:
        st.markdown("#### How bright are they?", help=TERMS["outlier"])
        picked = _brightness(named)
    if picked:
        pictures.for_rows(data, picked, title="The images picked", key="images-picked")
    odd = read.loc[read["outlier"].astype(bool) | read["blank"].astype(bool), "index"].tolist()
    if odd:
        pictures.for_rows(data, odd, title="They stand out by brightness or contrast, or are blank", key="images-odd")


def _brightness(named: pd.DataFrame) -> list[int]:
    """Draw brightness against contrast and return the rows clicked on."""
    drawn = named
    if len(named) > POINTS:
        odd = named[named["outlier"]]
        drawn = pd.concat([odd, named[~named["outlier"]].sample(POINTS, random_state=0)])
        st.caption(f"All that stand out, and {POINTS:,} of the others drawn at random.")
    columns = ["index", "id", "mean", "std", "z_mean", "z_std", "outlier"]
    event = st.altair_chart(
        charts.brightness(drawn[columns]),
        width="stretch",
        key="chart-brightness",
        on_select="rerun",
        selection_mode=charts.PICK,
        alt="Points: mean grey value against its standard deviation, one an image; those that stand out are diamonds.",
    )
    with st.popover("Table", icon=":material/table_rows:", type="tertiary", key="table-brightness"):
        st.dataframe(named[columns], hide_index=True, height=380)
        st.download_button(
            "Download as CSV",
            lambda: as_csv(named).encode(),
            file_name="image-checks.csv",
            mime="text/csv",
            icon=":material/download:",
            key="csv-brightness",
            on_click="ignore",
        )
    chosen = event["selection"].get(charts.PICK, []) if event else []
    return [int(point["index"]) for point in chosen if "index" in point]


def _unreadable(data: LabeledImages, table: pd.DataFrame) -> None:
    bad = table[table["unreadable"] != ""]
    if bad.empty:
        return
    st.markdown(f"#### Which cannot be read? · {len(bad):,}")
    named = pd.DataFrame({"image": [_name(data, row) for row in bad["index"]], "why": bad["unreadable"]})
    st.dataframe(named, hide_index=True, height=blocks.table_height(len(named), 380))


def _alike(data: LabeledImages, rows: NDArray[np.intp], values: NDArray[np.uint64], name: str) -> None:
    st.markdown("#### Are some nearly the same?", help=TERMS["near"])
    with blocks.guarded("Near-duplicates could not be looked for."):
        pairs = _pairs(data, rows, values, f"{name} {len(values)}")
        groups = clusters(len(data), pairs[["first", "second"]].to_numpy(np.int64))
        if not groups:
            st.caption(f"No two of {len(rows):,} images look alike.")
            return
        several = sum(len(group) for group in groups)
        alike = f"{counted(len(groups), 'groups of near-duplicates')} ({counted(len(pairs), 'pairs')})"
        st.text(f"{several:,} images are in {alike}.")
        for k, group in enumerate(groups[:SHOWN_GROUPS]):
            pictures.for_rows(data, group, title=f"Group {k + 1}{_across(data, group)}", key=f"images-alike-{k}")
        if len(groups) > SHOWN_GROUPS:
            st.caption(f"The {SHOWN_GROUPS} largest groups; the table has all pairs.")
        st.dataframe(pairs.assign(first=pairs["first"].map(_namer(data)), second=pairs["second"].map(_namer(data))),
                     hide_index=True, height=blocks.table_height(len(pairs), 380))  # fmt: skip


def _pairs(data: LabeledImages, rows: NDArray[np.intp], values: NDArray[np.uint64], name: str) -> pd.DataFrame:
    """The confirmed pairs, found once for what was read."""
    known: dict[str, pd.DataFrame] = st.session_state.setdefault("image-pairs", {})
    if name not in known:
        known.clear()
        with st.spinner("Comparing …"):
            known[name] = confirmed(data.images, rows, values)
    return known[name]


def _across(data: LabeledImages, group: NDArray[np.int64]) -> str:
    """Which parts or patients a group lies in, where it lies in several."""
    said = []
    if data.split is not None and len(parts := sorted(set(data.split[group].tolist()))) > 1:
        said.append("in " + " and ".join(parts))
    if data.groups is not None and len(people := set(data.groups[group].tolist())) > 1:
        said.append(f"of {len(people)} patients")
    return f" ({', '.join(said)})" if said else ""


def _namer(data: LabeledImages) -> Callable[[int], str]:
    return lambda row: _name(data, int(row))


def _name(data: LabeledImages, row: int) -> str:
    return f"row {row + 1}" if data.ids is None else str(data.ids[row])
