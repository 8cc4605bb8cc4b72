"""Do the maps point at the finding, over a whole part? Runs beside each other, class by class."""

from __future__ import annotations

import streamlit as st

from pages.ui import blocks, cam_cases, cam_choice, cam_pointing, cam_work, run_picker
from pages.ui.cam_cases import Side
from pages.ui.cam_work import Job, Wanted

SHOWN = {"test": "test", "val": "validation"}


def draw(sides: list[Side]) -> None:
    """Draw the choices, the work under way, and what was found so far."""
    data = cam_cases.data_of(sides[0].run)
    if data.masks is None:
        box = blocks.empty(
            "No place of any finding is known",
            f"{data.title} has neither masks nor boxes, so there is nothing to hold the maps against. Train a run on "
            "the chest phantom, which knows where it drew each finding, or on a set with boxes, such as NIH with its "
            "`BBox_List_2017.csv` beside it.",
            ":material/location_off:",
        )
        box.page_link("pages/train.py", label="Train such a run", icon=":material/play_arrow:")
        return
    first, second = st.columns([2, 3], gap="medium")
    with first:
        part = _part(sides)
    with second:
        method = cam_choice.method()
    with st.expander("How it is counted, and at which layer", icon=":material/tune:", key="cam-counted"):
        tolerance, iou_at = _counted()
        cam_choice.layers(sides)
    jobs = cam_work.jobs_of(sides, Wanted(part, method.key, tolerance, iou_at), method)
    live = cam_work.work().going and not all(job.finished for job in jobs)
    st.fragment(_progress, run_every=0.3 if live else None)(jobs, was_live=live)
    for job in jobs:
        if job.problem:
            st.error(f"**{job.side.title} cannot be scored.** {job.problem}", icon=":material/error:")
        elif job.finished and not job.rows:
            st.info(
                f"No finding of this part of {job.side.title} has a known place: choose another part.",
                icon=":material/location_off:",
            )
    held = [job for job in jobs if job.rows]
    if held and not live:
        cam_pointing.draw(held, [job.side.title for job in jobs if not job.finished])
    elif held:
        st.caption("Tables follow when it is done, or when you stop it.")


def _part(sides: list[Side]) -> str:
    parts = [part for part in run_picker.parts_of(sides[0].run) if part in SHOWN]
    chosen = st.segmented_control(
        "Part",
        [SHOWN[part] for part in parts],
        default=SHOWN[parts[0]],
        required=True,
        key="cam-part",
        bind="query-params",
    )
    return next(part for part in parts if SHOWN[part] == chosen)


def _counted() -> tuple[float, float]:
    """Draw when a strongest place counts as a hit, and what of a map counts as shown."""
    left, right = st.columns(2, gap="medium")
    tolerance = left.slider(
        "A hit may lie this far from the finding, in pixels",
        0,
        20,
        0,
        key="cam-tolerance",
        bind="query-params",
        help="In pixels of the size the network was trained on. Zhang et al. had 15 on photographs of about 500.",
    )
    iou_at = right.slider(
        "For the IoU, a map shows what is above this share of its maximum",
        0.05,
        0.95,
        0.5,
        0.05,
        key="cam-iou-at",
        bind="query-params",
    )
    return float(tolerance), float(iou_at)


def _progress(jobs: list[Job], *, was_live: bool) -> None:
    """Draw how far the work is, and go on with it for a moment; the whole page anew when it has ended."""
    left = [job for job in jobs if not job.finished]
    if was_live:
        bar = st.progress(_share(jobs), text=_words(jobs))
        st.button("Stop", key="cam-stop", icon=":material/stop:", on_click=_go, args=(False,))
        if cam_work.work().going:
            cam_work.go_on(jobs)
            bar.progress(_share(jobs), text=_words(jobs))
        if not cam_work.work().going:
            st.rerun(scope="app")
        return
    if not left:
        return
    if any(job.done for job in left):
        st.progress(_share(jobs), text=f"Stopped. {_words(jobs)}")
    begun = any(job.done for job in jobs)
    if st.button(
        "Go on" if begun else "Score the maps",
        key="cam-start",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_go,
        args=(True,),
        help="Of every image with a finding whose place is known, from every run. It can be stopped.",
    ):
        st.rerun(scope="app")


def _go(going: bool) -> None:
    cam_work.work().going = going


def _share(jobs: list[Job]) -> float:
    shares = [1.0 if job.finished else job.done / job.of if job.of else 0.0 for job in jobs]
    return sum(shares) / len(shares)


def _words(jobs: list[Job]) -> str:
    now = next((job for job in jobs if not job.finished), jobs[-1])
    done = sum(job.finished for job in jobs)
    which = f", run {done + 1} of {len(jobs)}" if len(jobs) > 1 else ""
    return f"{now.side.title}{which}: {now.done:,} of {now.of:,} findings" if now.of else f"{now.side.title}{which}"
