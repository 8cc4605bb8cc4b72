"""On Ray a sweep gives what it gives here, and a worker that is killed costs no more than its last step.

Ray is not among the requirements of the tests (it is large, and only clusters want it): install
requirements-cluster.txt to run these.
"""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from lt_core.problems import Problem
from lt_core.sweeps import InProcess, SweepPlan, Trainer, carry_out, open_sweep
from lt_core.sweeps.on_ray import OnRay, connected
from lt_core.training import RunConfig
from lt_core.training.folder.events import Event
from tests.sweeps.fake_training import FAKE, begin, go_on

HAVE_RAY = importlib.util.find_spec("ray") is not None
wants_ray = pytest.mark.skipif(not HAVE_RAY, reason="Ray is not installed (pip install -r requirements-cluster.txt)")
Make = Callable[..., SweepPlan]


@pytest.fixture
def ray_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Ray of two workers on this machine, gone afterwards."""
    import ray

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    connected(workers=2)
    yield
    ray.shutdown()


def dies_once(config: RunConfig, folder: Path, *, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Train, but of the third trial the process is killed in the middle."""
    for entry in begin(config, folder, should_stop=should_stop):
        yield entry
        if folder.name.startswith("0002") and entry["event"] == "epoch" and entry["epoch"] == 2:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(HAVE_RAY, reason="Ray is installed")
def test_without_ray_it_is_said_how_to_get_it() -> None:
    with pytest.raises(Problem, match=r"requirements-cluster\.txt"):
        connected()


@wants_ray
@pytest.mark.filterwarnings("ignore")
def test_ray_gives_what_one_process_gives_and_a_killed_worker_is_made_good(
    search: Make, tmp_path: Path, ray_here: None
) -> None:
    plan = search(search="tpe", trials=8, prune=True, at_once=2, startup=3)
    here, there = open_sweep(plan, tmp_path / "here"), open_sweep(plan, tmp_path / "there")
    list(carry_out(here, InProcess(FAKE)))
    events = list(carry_out(there, OnRay(workers=2, trainer=Trainer(dies_once, go_on))))  # type: ignore[arg-type]
    assert events[-1]["event"] == "sweep_finished"
    tables = [sweep.table().drop(columns="seconds").sort_values("key", ignore_index=True) for sweep in (here, there)]
    pd.testing.assert_frame_equal(*tables)
    killed = next(run for run in there.runs() if run.path.name.startswith("0002"))
    kinds = [entry["event"] for entry in killed.events()]
    assert kinds == ["started", "epoch", "epoch", "resumed", "epoch", "epoch", "finished"]


@wants_ray
@pytest.mark.filterwarnings("ignore")
def test_a_sweep_on_ray_is_stopped_and_continued(search: Make, tmp_path: Path, ray_here: None) -> None:
    sweep = open_sweep(search(trials=6), tmp_path / "s")
    list(carry_out(sweep, OnRay(workers=2, trainer=FAKE), should_stop=lambda: bool(sweep.done())))
    first = len(sweep.done())
    list(carry_out(sweep, OnRay(workers=2, trainer=FAKE)))
    assert sweep.state == "finished"
    assert first <= len(sweep.done()) == 6


@wants_ray
@pytest.mark.filterwarnings("ignore")
def test_a_store_that_is_no_shared_folder_gives_the_same(search: Make, tmp_path: Path, ray_here: None) -> None:
    here, there = open_sweep(search(trials=3), tmp_path / "here"), open_sweep(search(trials=3), tmp_path / "there")
    list(carry_out(here, InProcess(FAKE)))
    list(carry_out(there, OnRay(workers=2, trainer=FAKE, storage=f"file://{tmp_path}/store")))
    tables = [sweep.table().drop(columns="seconds").sort_values("key", ignore_index=True) for sweep in (here, there)]
    pd.testing.assert_frame_equal(*tables)
    assert len(there.runs()) == 3
