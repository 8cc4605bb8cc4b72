"""A sweep's workers count in the queue's slots: nothing queued is started beside it where there is no room."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lt_core.sweeps import InProcess, Processes, Sweep, SweepPlan, carry_out, open_sweep
from lt_core.sweeps.axes import Axis
from lt_core.sweeps.launch import start_sweep
from lt_core.training import Run, RunConfig
from lt_core.training.folder import lock, process
from lt_core.training.folder.events import append, event
from lt_core.training.folder.store import write_json
from lt_core.training.workers import dispatcher, gpus, queue, taken
from tests.sweeps.fake_training import FAKE

Make = Callable[..., RunConfig]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs whose dispatcher and workers are made out: a run that is started is noted, and holds nothing."""
    monkeypatch.setattr(queue, "ensure_dispatcher", lambda folder: False)
    monkeypatch.delenv(queue.SLOTS, raising=False)
    monkeypatch.setattr(dispatcher, "start_worker_in", lambda folder, gpus=(): Run(folder))
    return tmp_path / "runs"


@pytest.fixture
def sweep(root: Path, config: Make) -> Sweep:
    axes = (Axis("batch_size", values=(8, 16, 32)),)
    plan = SweepPlan(replace(config(), device="cpu"), axes, search="grid", seeds=(0, 1))
    return open_sweep(plan, root / "some-sweep")


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is alive, and can be killed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        yield alive
        alive.kill()


def started(root: Path) -> list[str]:
    return [run.path.name for run in dispatcher.start_due(root)]


def worked_on(sweep: Sweep, by: subprocess.Popen[bytes]) -> None:
    process.record(sweep.path / lock.RECORD, by.pid)


def test_a_queued_run_waits_until_the_sweep_on_its_device_has_ended(
    root: Path, sweep: Sweep, config: Make, other: subprocess.Popen[bytes]
) -> None:
    queue.enqueue(replace(config(), device="cpu"), root / "here")
    queue.enqueue(replace(config(), device="cuda"), root / "elsewhere")
    taken.declare(sweep.path, "cpu", 1)
    worked_on(sweep, other)
    assert taken.busy(root) == {"cpu": 1}
    assert started(root) == ["elsewhere"]
    other.kill()
    other.wait()
    assert taken.busy(root) == {}
    assert started(root) == ["here", "elsewhere"]


def test_a_sweep_takes_as_many_slots_as_it_has_workers(
    root: Path, sweep: Sweep, config: Make, other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(queue.SLOTS, "cpu=3")
    for name in ("a", "b"):
        queue.enqueue(replace(config(), device="cpu"), root / name)
    taken.declare(sweep.path, "cpu", 2)
    worked_on(sweep, other)
    assert started(root) == ["a"]
    assert [(entry.folder.name, entry.slots, entry.sweep) for entry in taken.taken(root)] == [("some-sweep", 2, True)]


def test_runs_that_a_killed_sweep_left_behind_still_count(
    root: Path, sweep: Sweep, other: subprocess.Popen[bytes]
) -> None:
    taken.declare(sweep.path, "cpu", 2)
    run = sweep.folder_of("0000-s0")
    run.mkdir()
    write_json(run / "config.json", sweep.plan.base.as_json())
    (run / lock.NAME).touch()
    append(run / "events.jsonl", event("started"))
    process.record(run / lock.RECORD, other.pid)
    assert taken.busy(root) == {"cpu": 1}
    other.kill()
    other.wait()
    assert taken.busy(root) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"device": "cpu"}', '{"device": "cpu", "slots": "two"}'])
def test_a_damaged_file_takes_nothing_and_stops_nobody(
    root: Path, sweep: Sweep, other: subprocess.Popen[bytes], text: str
) -> None:
    (sweep.path / taken.SWEEP_SLOTS).write_text(text)
    worked_on(sweep, other)
    assert taken.busy(root) == {}


@pytest.mark.parametrize(("executor", "slots"), [(InProcess(FAKE), 1), (Processes(4), 4), (Processes(64), 6)])
def test_a_sweep_counts_from_its_first_run_to_its_last_and_never_beyond(
    root: Path, sweep: Sweep, executor: InProcess | Processes, slots: int
) -> None:
    events = carry_out(sweep, executor, should_stop=lambda: not isinstance(executor, InProcess))
    looks = [(entry["event"], taken.busy(root)["cpu"]) for entry in events]
    assert {count for _, count in looks} == {slots}
    assert looks[0][0] == "sweep_started"
    assert taken.busy(root) == {}
    assert not (sweep.path / taken.SWEEP_SLOTS).exists()


def test_a_sweep_counts_before_its_process_has_begun(
    root: Path, sweep: Sweep, other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lt_core.sweeps.launch.detached", lambda *_: other)
    start_sweep(sweep, workers=2)
    assert taken.busy(root) == {"cpu": 2}


def test_workers_of_a_sweep_are_dealt_over_the_gpus_that_the_fewest_runs_have(
    root: Path, sweep: Sweep, config: Make, other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes are made out, for there is no GPU here: each says which GPUs it was given, and waits."""
    monkeypatch.setenv(gpus.VISIBLE, "0,1,2")
    queued = root / "queued"
    queued.mkdir()
    process.record(queued / lock.RECORD, other.pid, gpus="0")
    taken.declare(sweep.path, "cuda", 2)
    worked_on(sweep, other)
    on_gpu = [replace(trial, config=replace(config(), device="cuda")) for trial in sweep.plan.generation([])[:2]]
    folders = {trial.key: sweep.folder_of(trial.key) for trial in on_gpu}
    code = "import os, time; print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True); time.sleep(60)"
    made = Processes(2, command=lambda task, threads: [sys.executable, "-c", code])
    said = made.run(on_gpu, folders, should_stop=lambda: False)
    next(said), next(said)
    assert taken.gpus_taken(root) == {"0": 1, "1": 1, "2": 1}
    for worker in made.running.values():
        worker.kill()
    said.close()  # type: ignore[attr-defined]
