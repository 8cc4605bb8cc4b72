"""The worker is a process of its own: it is seen, stopped, killed and found again from its folder alone."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lt_core.problems import Problem
from lt_core.training import Run, RunConfig, find_run, runs, start_worker
from lt_core.training.folder.process import alive, record

Make = Callable[..., RunConfig]
PATIENCE = 120.0


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def _until(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def _log(run: Run) -> str:
    return (run.path / "worker.log").read_text()


def test_a_run_is_made_seen_and_found_again(config: Make, tmp_path: Path) -> None:
    run = start_worker(config(epochs=2), tmp_path / "runs" / "mine")
    assert run.state in ("queued", "running")
    _until(lambda: run.state not in ("queued", "running"), "the end")
    assert run.state == "finished", _log(run)
    assert run.progress().fraction == 1.0
    assert len(run.history()) == 2
    assert [found.path for found in runs(tmp_path / "runs")] == [run.path]
    assert find_run(run.path).config == config(epochs=2)
    with pytest.raises(Problem, match="already holds a run"):
        start_worker(config(), run.path)


def test_stop_file_stops_it_and_keeps_the_epochs(config: Make, tmp_path: Path) -> None:
    run = start_worker(config(epochs=1000), tmp_path / "run")
    _until(lambda: len(run.history()) >= 1, "an epoch")
    assert run.state == "running"
    assert 0 < run.progress().fraction < 1
    run.request_stop()
    _until(lambda: run.state != "running", "the stop")
    assert run.state == "stopped", _log(run)
    assert run.reported_epoch is not None


def test_sigterm_is_an_orderly_stop(config: Make, tmp_path: Path) -> None:
    run = start_worker(config(epochs=1000), tmp_path / "run")
    _until(lambda: len(run.history()) >= 1, "an epoch")
    os.kill(json.loads((run.path / "worker.json").read_text())["pid"], signal.SIGTERM)
    _until(lambda: run.state != "running", "the stop")
    assert run.state == "stopped", _log(run)


def test_a_killed_process_leaves_an_interrupted_run(config: Make, tmp_path: Path) -> None:
    run = start_worker(config(epochs=1000), tmp_path / "run")
    _until(lambda: len(run.history()) >= 1, "an epoch")
    os.kill(json.loads((run.path / "worker.json").read_text())["pid"], signal.SIGKILL)
    _until(lambda: run.state != "running", "the end of the process")
    assert run.state == "interrupted"
    run.load_model()  # the last epoch's weights are whole


def test_what_only_the_data_can_tell_is_one_sentence_in_the_run(config: Make, tmp_path: Path) -> None:
    run = start_worker(config(loss="ce"), tmp_path / "run")
    _until(lambda: run.state not in ("queued", "running"), "the failure")
    assert run.state == "failed"
    assert run.error is not None
    assert "ce is for one class an image" in run.error
    assert "\n" not in run.error


@pytest.mark.parametrize("given", [{"loss": "bcee"}, {"model": "resnet81"}, {"loss_values": {"gamma": 1.0}}])
def test_unknown_names_are_refused_before_anything_is_written(
    config: Make, tmp_path: Path, given: dict[str, object]
) -> None:
    with pytest.raises(Problem):
        start_worker(config(**given), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_process_number_used_again_is_not_taken_for_the_run(tmp_path: Path) -> None:
    path = tmp_path / "worker.json"
    record(path)
    assert alive(path)
    entry = json.loads(path.read_text())
    path.write_text(json.dumps(entry | {"began": "1"}))
    assert not alive(path)


def test_no_or_broken_process_record_is_not_alive(tmp_path: Path) -> None:
    assert not alive(tmp_path / "worker.json")
    (tmp_path / "worker.json").write_text("{")
    assert not alive(tmp_path / "worker.json")
