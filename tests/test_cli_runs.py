"""The commands about runs: what scripts may rely on, in every state a run can be in."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from lt_core.cli import main
from lt_core.datasets import Source
from lt_core.training import Run, RunConfig
from lt_core.training.folder import events, lock
from lt_core.training.folder.meta import write_meta
from lt_core.training.folder.store import write_json
from lt_core.training.workers import launch, queue

STAND_INS = Path(__file__).parent / "training" / "stand_ins"
STATES = {
    "finished": events.event("finished", epoch=2, reported_epoch=2, seconds=1.0),
    "stopped": events.event("stopped", epoch=2, reported_epoch=2),
    "failed": events.event("failed", error="the disk is full"),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of runs of a home of its own; workers are stand-ins and no dispatcher is started."""
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(STAND_INS))
    monkeypatch.setattr(launch, "WORKER", "stand_in_worker")
    monkeypatch.setattr(queue, "detached", lambda module, log: None)
    return tmp_path / "runs"


def _run(root: Path, folder: str, state: str = "interrupted", **given: object) -> Run:
    path = root / folder
    path.mkdir(parents=True)
    config = RunConfig(Source("digits"), "ce", **{"epochs": 4, "device": "cpu", **given})
    write_json(path / "config.json", config.as_json())
    log = path / "events.jsonl"
    events.append(log, events.event("started", device="cpu", n_train=9))
    for epoch, quality, elapsed in ((1, 0.5, 10.0), (2, 0.25, 20.0)):
        said = {"epoch": epoch, "epochs": 4, "fraction": epoch / 4, "elapsed": elapsed, "seconds": 10.0}
        events.append(log, events.event("epoch", **said, ap_macro=quality, val_loss=1 - quality))
    if state in STATES:
        events.append(log, STATES[state])
    return Run(path)


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    status = main([*words, "--json"])
    out, err = capsys.readouterr()
    assert status == 0, err
    return json.loads(out)


def _said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(list(words)) == status
    out, err = capsys.readouterr()
    assert (out == "") == (status == 2)
    return (err if status else out).strip()


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("state", ["interrupted", *STATES])
def test_status_says_how_far_and_how_good(capsys: pytest.CaptureFixture[str], root: Path, state: str) -> None:
    run = _run(root, "one", state, name="mine")
    entry = _json(capsys, "status", "one")
    assert entry == {
        "name": "mine",
        "folder": "one",
        "state": state,
        "epoch": 2,
        "epochs": 4,
        "best": 0.5,
        "best_epoch": 1,
        "metric": "ap_macro",
        "loss": "ce",
        "data": "digits",
        "tags": [],
        "owner": "",
        "error": "the disk is full" if state == "failed" else None,
        "device": "cpu",
        "fraction": 1.0 if state == "finished" else 0.5,
        "seconds_left": None,
        "path": str(run.path),
    }
    assert f"state: {state}" in _said(capsys, "status", str(run.path))


def test_a_run_at_work_says_what_is_left(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    run = _run(root, "one")
    with lock.hold(run.path):
        events.append(run.path / "events.jsonl", events.event("step", epoch=3, fraction=0.6, elapsed=24.0))
        entry = _json(capsys, "status", "one")
        assert (entry["state"], entry["epoch"]) == ("running", 2)
        assert entry["seconds_left"] == pytest.approx(16.0)
        assert "is running already" in _said(capsys, "resume", "one", status=2)
        assert "is running: stop it first" in _said(capsys, "delete", "one", status=2)
        assert "after its current step" in _said(capsys, "stop", "one")
    assert (run.path / "stop").exists()


def test_runs_lists_the_newest_first_and_passes_over_the_rest(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    _run(root, "older", "stopped")
    newer = _run(root, "newer", "finished", name="n")
    write_meta(newer.path, tags=["asl"])
    (root / "photos").mkdir()
    rows = _json(capsys, "runs")
    assert isinstance(rows, list)
    assert [(row["folder"], row["state"], row["tags"]) for row in rows] == [
        ("newer", "finished", ["asl"]),
        ("older", "stopped", []),
    ]
    assert "newer" in _said(capsys, "runs")


def test_resuming_a_finished_run_says_so(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    run = _run(root, "one", "finished")
    before = {file.name: file.read_bytes() for file in run.path.iterdir()}
    assert "nothing to resume" in _said(capsys, "resume", "one")
    assert _json(capsys, "resume", "one", "--detach")["state"] == "finished"
    assert {file.name: file.read_bytes() for file in run.path.iterdir()} == before


def test_a_stopped_run_goes_on_in_the_foreground_to_its_end(
    capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path
) -> None:
    from lt_core.training import train

    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 24), ("val", 8), ("test", 8)):
        arrays[f"{part}_images"] = rng.integers(0, 255, (count, 16, 16), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(count)[:, None] % 2
    np.savez(tmp_path / "two.npz", **arrays)
    config = RunConfig(
        Source(str(tmp_path / "two.npz")), "ce", epochs=2, batch_size=8, device="cpu", layout="contiguous"
    )
    run = Run(root / "one")
    for entry in train(config, run.path, should_stop=lambda: len(run.history()) == 1):
        assert entry["event"] != "failed"
    assert (run.state, run.progress().epoch) == ("stopped", 1)
    run.request_stop()
    entry = _json(capsys, "resume", "one")
    assert (entry["state"], entry["epoch"], entry["epochs"]) == ("finished", 2, 2)
    assert run.history()["epoch"].tolist() == [1, 2]
    assert "nothing to resume" in _said(capsys, "resume", "one")


def test_stop_where_there_is_nothing_to_stop_is_a_sentence(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    for state in ("interrupted", *STATES):
        run = _run(root, state, state)
        assert _said(capsys, "stop", state) == f"{state} is {state}: there is nothing to stop"
        assert not (run.path / "stop").exists(), "or the next start would end at once"


def test_resume_detached_then_stop_and_wait(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    run = _run(root, "one", "stopped")
    run.request_stop()  # left behind from the last time
    assert _json(capsys, "resume", "one", "--detach")["state"] == "running"
    _until(lambda: len(run.events()) == 5)
    assert "running already" in _said(capsys, "resume", "one", "--detach", status=2)
    assert _json(capsys, "stop", "one", "--wait")["state"] == "stopped"
    assert not (run.path / "stop").exists(), "what was asked is done"


def test_a_queued_run_is_listed_and_cancelled(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    for name in ("one", "two"):
        queue.enqueue(RunConfig(Source("digits"), "ce", device="cpu"), root / name)
    assert [row["folder"] for row in _json(capsys, "queue")] == ["one", "two"]
    assert _json(capsys, "status", "one")["state"] == "queued"
    assert _json(capsys, "stop", "one")["state"] == "stopped"
    assert [row["folder"] for row in _json(capsys, "queue")] == ["two"]


def test_a_clone_is_queued_with_its_parent_and_what_was_changed(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    run = _run(root, "one", "finished", name="first", learning_rate=0.01)
    entry = _json(capsys, "clone", "one", "--seed", "3", "--loss", "asl", "--set", "gamma_neg=2", "--name", "again")
    made = Run(Path(str(entry["path"])))
    assert made.config == RunConfig(
        Source("digits"), "asl", {"gamma_neg": 2.0}, epochs=4, device="cpu", learning_rate=0.01, seed=3, name="again"
    )
    assert (made.state, made.meta.parent) == ("queued", "one")
    assert "--seed 9" in _said(capsys, "clone", "one", "--seed", "9", "--print")
    assert "run.epochs" in _said(capsys, "clone", "one", "--epochs", "0", status=2)
    assert len(list(root.glob("*/config.json"))) == 2
    assert run.state == "finished"


def test_names_tags_notes_trash_and_zip(capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path) -> None:
    run = _run(root, "one", "finished")
    assert _said(capsys, "rename", "one", "my run") == "one is called my run"
    assert _json(capsys, "tag", "my run", "a", "b")["tags"] == ["a", "b"]
    assert _json(capsys, "tag", "one", "--remove", "a")["tags"] == ["b"]
    _said(capsys, "note", "one", "what I saw")
    assert run.meta.note == "what I saw"
    assert _json(capsys, "export-run", "one", "--out", str(tmp_path / "one.zip"))["saved"] == str(tmp_path / "one.zip")
    assert "there already" in _said(capsys, "export-run", "one", "--out", str(tmp_path / "one.zip"), status=2)
    assert "undelete one" in _said(capsys, "delete", "one")
    assert "no run in one" in _said(capsys, "status", "one", status=2)
    assert _json(capsys, "import-run", str(tmp_path / "one.zip"))["folder"] == "one"
    assert _json(capsys, "undelete", "one")["folder"] == "one-1"
    assert _json(capsys, "status", "one-1")["name"] == "my run"
    assert "not a zip" in _said(capsys, "import-run", str(root / "one" / "config.json"), status=2)
    assert Run(root / "one").meta.owner == getpass.getuser()  # who took it in


def test_a_run_deleted_anywhere_comes_back_by_what_delete_said_or_by_its_folder(
    capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = _run(root, "one", "finished"), _run(tmp_path / "own", "one", "stopped")
    monkeypatch.chdir(tmp_path)
    said = _json(capsys, "delete", "own/one")["deleted"]
    assert not there.path.exists()
    assert _json(capsys, "undelete", str(said))["path"] == str(there.path)
    _said(capsys, "delete", str(there.path))
    assert _json(capsys, "undelete", "own/one")["path"] == str(there.path)
    monkeypatch.chdir(tmp_path / "own")
    _said(capsys, "delete", "one")  # a name means the folder here before this machine's
    assert here.path.exists()
    assert _json(capsys, "undelete", "one")["path"] == str(there.path)
    _said(capsys, "delete", "one")
    assert _json(capsys, "empty-trash", "--folder", str(tmp_path / "own")) == {"removed": 0, "kept": 1}
    assert _json(capsys, "empty-trash", "--folder", ".", "--days", "0") == {"removed": 1, "kept": 0}
    assert "run in the trash 'one'" in _said(capsys, "undelete", "one", status=2)
    assert "--days" in _said(capsys, "empty-trash", "--days", "-1", status=2)
