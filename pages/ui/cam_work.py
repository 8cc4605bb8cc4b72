"""Scoring the maps of whole parts, a slice at a time: kept in the session, so that it survives a rerun and can stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from lt_core.explain import Layer, Progress, localising
from lt_core.explain.methods import CamMethod
from lt_core.problems import Problem
from pages.ui import cam_cases
from pages.ui.cam_cases import Side
from pages.ui.wording import on_page

WORK = "cam-work"
SLICE = 0.7
"""Seconds of work between two looks at the page."""

PIXELS = 64 * 64 * 64
"""Pixels of a batch, so that one takes no longer than a slice on a slow machine: 64 images of 64 x 64."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of every run: the part, the method, and how a hit and an overlap are counted."""

    part: str
    method: str
    tolerance: float
    iou_at: float


@dataclass(eq=False)
class Job:
    """The scores of one run: what is done of what, the rows so far, and what is wrong where something is."""

    side: Side
    wanted: Wanted
    layer: Layer
    batch: int
    done: int = 0
    of: int = 0
    rows: list[pd.DataFrame] = field(default_factory=list)
    finished: bool = False
    problem: str = ""
    steps: Iterator[Progress] | None = None

    @property
    def table(self) -> pd.DataFrame:
        """All rows so far."""
        return pd.concat(self.rows, ignore_index=True) if self.rows else pd.DataFrame()

    def work(self, until: float) -> None:
        """Go on for as long as the clock (``time.monotonic``) is before ``until``, by one step at least."""
        try:
            if self.steps is None:
                self.steps = self._steps()
            for step in self.steps:
                self.done, self.of = step.done, step.of
                if len(step.rows):
                    self.rows.append(step.rows)
                if time.monotonic() >= until:
                    return
        except Problem as problem:
            self.problem = on_page(problem)
        self.finished, self.steps = True, None

    def _steps(self) -> Iterator[Progress]:
        run, wanted = self.side.run, self.wanted
        return localising(
            run,
            wanted.part,
            method=wanted.method,
            layer=self.layer,
            tolerance=wanted.tolerance,
            iou_at=wanted.iou_at,
            data=cam_cases.data_of(run),
            model=cam_cases.model_of(run),
            batch=self.batch,
        )


@dataclass(eq=False)
class Work:
    """The jobs of this session by what they are of, and whether they are going on."""

    jobs: dict[tuple[object, ...], Job] = field(default_factory=dict)
    going: bool = False


def work() -> Work:
    """Return this session's work."""
    if WORK not in st.session_state:
        st.session_state[WORK] = Work()
    held: Work = st.session_state[WORK]
    return held


def jobs_of(sides: list[Side], wanted: Wanted, method: CamMethod) -> list[Job]:
    """Return a job a run, those that are known already with what they have; not those of other settings."""
    held, found = work(), {}
    for side in sides:
        layer = cam_cases.layer_of(side.run)
        key = (str(side.run.path), cam_cases.stamp(side.run), layer, wanted)
        job = held.jobs.get(key) or Job(side, wanted, layer, _batch(side, method))
        job.side = side
        found[key] = job
    kept = {key: job for key, job in held.jobs.items() if job.finished and key not in found}
    held.jobs = dict(list(kept.items())[-24:]) | found
    return list(found.values())


def go_on(jobs: list[Job]) -> None:
    """Work for one slice on the jobs that are not finished, one after the other; stop when all are."""
    until = time.monotonic() + SLICE
    for job in jobs:
        if job.finished:
            continue
        job.work(until)
        if time.monotonic() >= until:
            break
    if all(job.finished for job in jobs):
        work().going = False


def _batch(side: Side, method: CamMethod) -> int:
    high, wide, _ = side.run.dataset_card["shape"]
    most = max(1, min(64, PIXELS // (high * wide)))
    return most if method.gradient or method.passes == "none" else max(1, most // 32)
