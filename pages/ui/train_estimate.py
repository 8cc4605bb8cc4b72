"""What a run will take, asked of this machine by a few steps on noise, in the background."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from lt_core.problems import Problem
from lt_core.training import RunConfig, runs
from lt_core.training.probe.estimate import duration, in_bytes
from lt_core.training.workers.launch import SPIN

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 300
"""Seconds after which a probe is given up: compiling takes a minute or two."""
ASKED = "train-estimate-for"
MATTER = ("data", "model", "batch_size", "epochs", "image_size", "channels", "device", "precision", "layout", "compile",
          "optimizer", "split_method", "seed")  # fmt: skip
"""Settings that a run's time and memory depend on."""


@dataclass(frozen=True)
class Cost:
    """What the probe says, see ``lt_core.training.probe.cost_probe.Cost``; without importing torch for it."""

    images_per_second: float
    peak_memory_bytes: int
    memory_is_estimate: bool
    chosen: dict[str, Any]
    measured: dict[str, float]
    notes: list[str]
    seconds: float
    """Of the whole run."""


@dataclass(frozen=True)
class Estimate:
    """What the probe found, and for how many images."""

    cost: Cost
    n_train: int
    n_val: int


def panel(config: RunConfig, *, epochs: int = 0) -> None:
    """Draw the button, and what it found for these very settings; while it measures, nothing else waits.

    ``epochs`` is how many there are in all where it is more than this one run.
    """
    question = _question(config)
    if st.button(
        "Estimate time and memory",
        icon=":material/timer:",
        key="train-estimate",
        type="tertiary",
        help="Trains a few steps on noise, on this machine, for a few seconds; nothing is kept but the figures.",
    ):
        st.session_state[ASKED] = question
    if st.session_state.get(ASKED) != question:
        if ASKED in st.session_state:
            st.caption("The settings have changed since: estimate again.")
        return
    future = _asked(question)
    st.fragment(_answer, run_every=None if future.done() else 0.7)(question, config.epochs, epochs or config.epochs)


def _answer(question: str, epochs: int, in_all: int) -> None:
    future = _asked(question)
    if not future.done():
        st.markdown(":material/hourglass_top: Measuring a few steps on this machine …")
        return
    if (error := future.exception()) is not None:
        _asked.clear(question)
        said = str(error) if isinstance(error, Problem) else f"{type(error).__name__}: {error}"
        st.error(f"**No estimate.** {said}", icon=":material/error:")
        return
    _figures(future.result(), epochs, in_all)


def _figures(found: Estimate, epochs: int, in_all: int) -> None:
    cost = found.cost
    each = cost.seconds / epochs
    together = " in all, one run after the other" if in_all != epochs else ""
    memory = f"{'about ' if cost.memory_is_estimate else ''}{in_bytes(cost.peak_memory_bytes)}"
    with st.container(border=True, gap="small", key="train-estimated"):
        st.markdown(
            f":material/timer: **About {duration(each * in_all)}**{together} for {in_all:,} epochs of "
            f"{found.n_train:,} images ({duration(each)} each, {cost.images_per_second:,.0f} images/s), "
            f"and **{memory}** of memory for the network; PyTorch itself takes half a gigabyte more."
        )
        st.caption(" ".join(_small_print(cost)))


def _small_print(cost: Cost) -> list[str]:
    chosen = cost.chosen
    compiled = "compiled" if chosen["compile"] else "not compiled"
    words = [f"Computed in {chosen['precision']}, {str(chosen['layout']).replace('_', ' ')}, {compiled}."]
    if len(cost.measured) > 1:
        words.append("Tried: " + "; ".join(f"{way} {speed:,.0f}/s" for way, speed in cost.measured.items()) + ".")
    words += [f"{note[:1].upper()}{note[1:]}." for note in cost.notes]
    if any(run.state == "running" for run in runs()[:20]):
        words.append("A run is going on beside it: alone, it is faster.")
    return words


def _question(config: RunConfig) -> str:
    entry = config.as_json()
    return json.dumps({name: entry[name] for name in MATTER}, sort_keys=True)


@st.cache_resource(show_spinner=False)
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="estimate")  # two at once would measure each other


@st.cache_resource(max_entries=64, show_spinner=False)
def _asked(question: str) -> Future[Estimate]:
    return _worker().submit(_measured, question)


def _measured(question: str) -> Estimate:
    """Ask a process of its own, set up like that of a run: beside the app's threads a few steps say little."""
    entry = json.loads(question)
    asked = subprocess.run(
        [sys.executable, "-m", "pages.ui.train_probe"],
        input=json.dumps({"loss": "bce", **entry}),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={SPIN[0]: SPIN[1], **os.environ},
        timeout=LONGEST,
        check=False,
    )
    lines = asked.stdout.strip().splitlines()
    if not lines:
        reason = asked.stderr.strip()[-300:] or "it says nothing"
        raise Problem(f"the probe ended with code {asked.returncode}: {reason}")
    said = json.loads(lines[-1])
    if "error" in said:
        raise Problem(said["error"])
    return Estimate(Cost(**said["cost"]), said["n_train"], said["n_val"])
