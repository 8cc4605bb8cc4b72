"""A sweep in a process of its own: what its folder says of it, where its runs are, and how it is deleted and undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lt_core.cli import main
from lt_core.datasets import Source
from lt_core.problems import Problem
from lt_core.sweeps import ComparePlan, Sweep, launch, open_sweep
from lt_core.sweeps.board import board, machine_of, note_node, running_trials
from lt_core.sweeps.launch import LOG, as_command, condition, error_of, process_of, start_sweep
from lt_core.sweeps.manage import delete_sweep
from lt_core.training import RunConfig
from lt_core.training.folder import events, lock, manage, process
from lt_core.training.folder.meta import write_meta
from lt_core.training.folder.store import QUEUED, write_json

DEAD = {"pid": 1, "began": "never", "boot": "another"}


@pytest.fixture
def sweep(comparison: ComparePlan, tmp_path: Path) -> Sweep:
    return open_sweep(comparison, tmp_path / "one")


def test_a_sweep_says_how_it_is_doing(sweep: Sweep) -> None:
    assert condition(sweep) == "stopped"
    process.record(sweep.path / lock.RECORD)  # this process: alive
    assert condition(sweep) == "starting"
    descriptor = lock.take(sweep.path / lock.NAME, "taken")
    assert condition(sweep) == "running"
    assert process_of(sweep) is not None
    lock.release(sweep.path / lock.NAME, descriptor)
    (sweep.path / LOG).write_text("18 runs\nstopped: 3 of 18 runs (3 finished); the same command continues it\n")
    assert condition(sweep) == "stopped"
    write_json(sweep.path / lock.RECORD, DEAD)
    (sweep.path / LOG).write_text("18 runs\n")
    assert condition(sweep) == "interrupted"
    assert process_of(sweep) is None
    (sweep.path / LOG).write_text("18 runs\nerror: no data set is called 'nowhere'\n")
    assert condition(sweep) == "failed"
    assert error_of(sweep) == "no data set is called 'nowhere'"


def test_a_finished_one_is_finished_whatever_its_log_says(
    comparison: ComparePlan, done: Callable[..., tuple[Sweep, object]]
) -> None:
    sweep, _ = done(comparison)
    (sweep.path / LOG).write_text("error: the table cannot be written\n")
    assert condition(sweep) == "finished"


def test_what_is_started_is_the_command(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    class Worker:
        pid = DEAD["pid"]

    def note(module: list[str], log: Path) -> Worker:
        asked.append(list(module))
        return Worker()

    monkeypatch.setattr(launch, "detached", note)
    (sweep.path / LOG).write_text("error: of before\n")
    start_sweep(sweep, workers=2, retry_failed=True)
    assert asked == [["lt_core", "sweep", str(sweep.path), "--workers", "2", "--retry-failed"]]
    assert error_of(sweep) == ""
    assert as_command("my plan.json", workers=2) == "python -m lt_core sweep 'my plan.json' --workers 2"
    process.record(sweep.path / lock.RECORD)
    with pytest.raises(Problem, match="going on already"):
        start_sweep(sweep)


def test_the_words_are_those_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = launch.command(tmp_path / "none.json", workers=3, executor="ray")
    assert words[0] == "lt_core"
    assert main(words[1:]) == 2
    assert capsys.readouterr().err.startswith("error: no plan is called")


def test_a_deleted_sweep_comes_back_whole(
    comparison: ComparePlan,
    done: Callable[..., tuple[Sweep, object]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sweep, _ = done(comparison)
    before = sweep.done()
    process.record(sweep.path / lock.RECORD)
    with pytest.raises(Problem, match="stop it first"):
        delete_sweep(sweep)
    (sweep.path / lock.RECORD).unlink()
    name = delete_sweep(sweep)
    assert not sweep.path.exists()
    assert [entry.name for entry in manage.trash(tmp_path)] == [name]
    assert manage.undo_delete(name, tmp_path).path == sweep.path
    assert sweep.done() == before
    assert main(["delete", str(sweep.path), "--json"]) == 0
    deleted = json.loads(capsys.readouterr().out)["deleted"]
    assert not sweep.path.exists()
    assert main(["undelete", deleted, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sweep"] == str(sweep.path)
    assert sweep.done() == before


def test_a_plan_that_cannot_be_read_can_be_deleted(sweep: Sweep, tmp_path: Path) -> None:
    (sweep.path / "plan.json").write_text("{nope")
    assert [entry.called for entry in manage.trash(tmp_path)] == []
    delete_sweep(sweep)
    assert [entry.called for entry in manage.trash(tmp_path)] == ["one"]


def _run(folder: Path, name: str, *said: events.Event) -> Path:
    path = folder / name
    path.mkdir(parents=True)
    write_json(path / "config.json", RunConfig(Source("digits"), "ce", epochs=5, name=f"run {name}").as_json())
    for entry in said:
        events.append(path / "events.jsonl", entry)
    return path


def test_the_board_has_what_waits_and_what_runs_and_nothing_else(sweep: Sweep, tmp_path: Path) -> None:
    began = events.event("started", device="cuda", n_train=9)
    going = _run(tmp_path, "going", began, events.event("epoch", epoch=1, epochs=5))
    process.record(going / lock.RECORD)
    write_meta(going, owner="ada")
    _run(tmp_path, "over", began, events.event("finished", epoch=5, reported_epoch=5))
    write_json(_run(tmp_path, "waits") / QUEUED, {"device": "cpu", "number": 1, "priority": 0})
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "plan.json").write_text("{nope")
    write_meta(sweep.path, owner="bob")
    trial = _run(sweep.path / "trials", "00-bce-s0", began)
    process.record(trial / lock.RECORD)
    descriptor = lock.take(sweep.path / lock.NAME, "taken")
    try:
        table = board(tmp_path).set_index("what")
        now = running_trials(sweep)
    finally:
        lock.release(sweep.path / lock.NAME, descriptor)
    assert table["state"].to_dict() == {
        "run going": "running", "run 00-bce-s0": "running", "run waits": "queued",
        f"{sweep.plan.total - 1} more runs": "queued",
    }  # fmt: skip
    assert table.loc["run going", ["device", "owner", "epoch", "epochs"]].tolist() == ["cuda", "ada", 1, 5]
    assert table.loc["run going", "since"] == began["time"]
    assert table.loc["run waits", ["device", "place"]].tolist() == ["cpu", 1]
    assert table.loc["run 00-bce-s0", ["part_of", "owner"]].tolist() == ["one", "bob"]
    assert [row["key"] for row in now] == ["00-bce-s0"]


def test_of_a_run_on_another_node_the_node_is_said(tmp_path: Path) -> None:
    path = _run(tmp_path, "far")
    assert machine_of(path) == "this machine"
    write_json(path / lock.RECORD, DEAD)
    assert machine_of(path) == "another machine"
    note_node(path)
    assert machine_of(path) == json.loads((path / "node.json").read_text())["node"]
    process.record(path / lock.RECORD)
    assert machine_of(path) == "this machine"
