"""A small search and a small comparison, carried out without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lt_core.datasets import Source
from lt_core.sweeps import Axis, Candidate, ComparePlan, InProcess, Plan, Sweep, SweepPlan, carry_out, open_sweep
from lt_core.training import RunConfig
from lt_core.training.folder.events import Event
from tests.sweeps.fake_training import FAKE

RATE = Axis("learning_rate", low=1e-4, high=0.5)
GAMMA = Axis("loss.gamma_neg")


@pytest.fixture
def base() -> RunConfig:
    return RunConfig(Source("digits"), "asl", epochs=4)


@pytest.fixture
def search(base: RunConfig) -> Callable[..., SweepPlan]:
    """Return a maker of search plans; what is given replaces the small defaults."""

    def make(*axes: Axis, **given: object) -> SweepPlan:
        start: dict[str, object] = {"search": "random", "trials": 12}
        return SweepPlan(base, axes or (RATE, GAMMA), **{**start, **given})  # type: ignore[arg-type]

    return make


@pytest.fixture
def comparison(base: RunConfig) -> ComparePlan:
    losses = (Candidate("bce"), Candidate("asl"), Candidate("focal", label="focal loss"))
    return ComparePlan(base, losses, seeds=(0, 1, 2), rates=(1e-3, 1e-2, 1.0), tune_epochs=2)


@pytest.fixture
def done(tmp_path: Path) -> Callable[..., tuple[Sweep, list[Event]]]:
    """Return a function that carries out a plan with the fake trainer, and gives the sweep and its events."""

    def carry(plan: Plan, name: str = "sweep", **options: object) -> tuple[Sweep, list[Event]]:
        sweep = open_sweep(plan, tmp_path / name)
        return sweep, list(carry_out(sweep, InProcess(FAKE), **options))  # type: ignore[arg-type]

    return carry
