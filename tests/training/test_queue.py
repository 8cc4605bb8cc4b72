"""Runs wait for their turn: a limit per device, an order without a clock, and no single process to depend on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lt_core.datasets import Source
from lt_core.problems import Invalid, Problem
from lt_core.training import Run, RunConfig, loop
from lt_core.training.folder import lock
from lt_core.training.folder.manage import delete
from lt_core.training.workers import dispatcher, launch, queue

Make = Callable[..., RunConfig]
ROOT = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).parent / "stand_ins"
PATIENCE = 300.0
"""Seconds after which a test gives up: a busy machine takes minutes to start a few processes."""
DISPATCHER = """
import sys
from pathlib import Path
from lt_core.training.workers import dispatcher, launch
launch.WORKER = "stand_in_worker"
sys.exit(dispatcher.main(Path(sys.argv[1])))
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The dispatchers that would have been started; workers are stand-ins."""
    started: list[list[str]] = []
    monkeypatch.setattr(queue, "detached", lambda module, log: started.append(list(module)))
    monkeypatch.setattr(launch, "WORKER", "stand_in_worker")
    monkeypatch.setenv("PYTHONPATH", str(STAND_INS))
    return started


@pytest.fixture
def root(tmp_path: Path, asked: list[list[str]]) -> Iterator[Path]:
    folder = tmp_path / "runs"
    yield folder
    for path in folder.glob("*/config.json"):
        (path.parent / "stop").touch()
    _until(lambda: not dispatcher.busy(folder))


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def _add(root: Path, name: str, **given: object) -> Run:
    device = str(given.pop("device", "cpu"))
    return queue.enqueue(RunConfig(Source("digits"), "ce", name=name, device=device), root / name, **given)


def _names(entries: list[queue.Waiting]) -> list[str]:
    return [entry.run.path.name for entry in entries]


def test_order_is_that_of_asking_then_priority_and_not_of_the_clock(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at, name in zip((5e9, 1e9, 3e9), "cab", strict=True):
        monkeypatch.setattr(time, "time", lambda at=at: at)
        run = _add(root, name)
        os.utime(run.path / "queued.json", (at, at))
    _add(root, "urgent", priority=5)
    assert _names(queue.positions(root)) == ["urgent", "c", "a", "b"]
    assert [entry.place for entry in queue.positions(root)] == [1, 2, 3, 4]
    assert {Run(root / name).state for name in ("a", "b", "c", "urgent")} == {"queued"}


def test_a_run_that_waits_is_not_trained_over(root: Path, config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that waits already, nor one queued there while the data of the other were prepared."""
    early, late = _add(root, "early"), root / "late"
    prepare = loop.prepare

    def slowly(*given: object, **more: object) -> object:
        _add(root, "late")
        return prepare(*given, **more)

    with pytest.raises(Problem, match="early already holds a run"):
        next(loop.train(config(), early.path))
    monkeypatch.setattr(loop, "prepare", slowly)
    with pytest.raises(Problem, match="late already holds a run"):
        next(loop.train(config(), late))
    assert _names(queue.positions(root)) == ["early", "late"]
    assert {run.config.loss for run in (early, Run(late))} == {"ce"}, "not the bce of the other"


def test_a_number_is_never_given_twice(root: Path) -> None:
    first = _add(root, "first")
    number = queue.positions(root)[0].number
    delete(first)
    assert queue.positions(root) == []
    _add(root, "second")
    assert queue.positions(root)[0].number > number
    (root / queue.NUMBERS).unlink()
    _add(root, "third")
    assert _names(queue.positions(root)) == ["second", "third"]


def test_each_device_has_its_own_limit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(queue.SLOTS, "cpu=2")
    for name in ("one", "two", "three"):
        _add(root, name)
    _add(root, "other", device="cuda")
    assert [entry.place for entry in queue.positions(root)] == [1, 2, 3, 1]
    assert [run.path.name for run in dispatcher.start_due(root)] == ["one", "two", "other"]
    assert dispatcher.start_due(root) == []
    assert Run(root / "one").state == "running"
    assert Run(root / "three").state == "queued"
    assert dispatcher.busy(root) == {"cpu": 2, "cuda": 1}
    Run(root / "one").request_stop()
    _until(lambda: Run(root / "one").state == "stopped")
    _until(lambda: dispatcher.busy(root)["cpu"] == 1)
    assert [run.path.name for run in dispatcher.start_due(root)] == ["three"]


def test_a_run_started_at_once_takes_a_slot_too(root: Path) -> None:
    launch.start_worker(RunConfig(Source("digits"), "ce", device="cpu"), root / "now")
    _add(root, "later")
    assert dispatcher.start_due(root) == []


def test_a_cancelled_run_is_stopped_never_begins_and_can_be_queued_again(root: Path) -> None:
    run = _add(root, "some")
    assert queue.cancel(run)
    assert run.state == "stopped"
    assert not queue.cancel(Run(root))
    assert dispatcher.start_due(root) == []
    queue.enqueue_again(run)
    assert run.state == "queued"
    with pytest.raises(Problem, match="is queued"):
        queue.enqueue_again(run)
    assert [started.path for started in dispatcher.start_due(root)] == [run.path]
    assert not queue.cancel(run), "it has begun: it is stopped, not cancelled"


def test_who_works_on_a_run_takes_it_out_of_the_queue(root: Path) -> None:
    run = _add(root, "one")
    with lock.hold(run.path, working=False):
        assert _names(queue.waiting(root)) == ["one"]
        assert run.state == "queued"
    with lock.hold(run.path):
        assert run.state == "running"
        assert queue.waiting(root) == []
    assert (queue.waiting(root), run.state) == ([], "interrupted")


def test_a_crash_touches_no_other_run(root: Path) -> None:
    crash, damaged, quick = _add(root, "crash"), _add(root, "damaged"), _add(root, "quick")
    (damaged.path / "config.json").write_text('{"data": {}, "lr": 1}')

    def started() -> bool:
        dispatcher.start_due(root)
        return not queue.waiting(root)

    _until(started)
    _until(lambda: quick.state == "finished")
    assert crash.state == "interrupted"
    assert damaged.state == "failed"
    assert damaged.error is not None
    assert "lr" in damaged.error


def test_one_worker_a_run(root: Path) -> None:
    run = _add(root, "one")
    dispatcher.start_due(root)
    with pytest.raises(Problem, match=r"is being worked on by process \d+"):
        launch.start_worker_in(run.path)
    _until(lambda: len(run.events()) == 1)
    with pytest.raises(Problem, match=r"is being worked on by"), lock.hold(run.path):
        pass


def test_a_dispatcher_is_asked_for_where_somebody_waits_and_none_is_there(root: Path, asked: list[list[str]]) -> None:
    assert queue.positions(root) == []
    assert asked == []
    _add(root, "one")
    assert asked == [["lt_core.training.workers.dispatcher", str(root)]]
    descriptor = lock.take(root / queue.DISPATCHER, "taken")
    queue.positions(root)
    assert len(asked) == 1, "there is one"
    assert dispatcher.main(root) == 0, "a second one leaves at once"
    assert Run(root / "one").state == "queued"
    lock.release(root / queue.DISPATCHER, descriptor)
    queue.positions(root)
    assert len(asked) == 2


def test_a_killed_dispatcher_is_replaced_and_its_runs_live_on(root: Path) -> None:
    def dispatch() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", DISPATCHER, str(root)], cwd=ROOT, env=path)

    path = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{STAND_INS}"}
    first, second = _add(root, "first"), _add(root, "quick")
    with dispatch() as killed:
        try:
            _until(lambda: first.state == "running")
        finally:
            killed.kill()  # also where it failed: nobody waits for a dispatcher that has no reason to end
    assert first.state == "running"
    assert second.state == "queued"
    with dispatch() as again:
        first.request_stop()
        try:
            assert again.wait(PATIENCE) == 0, "it ends when nothing waits or runs"
        finally:
            again.kill()
    assert first.state == "stopped"
    assert second.state == "finished"


@pytest.mark.parametrize("text", ["cpu", "cpu=0", "cpu=-1", "tpu=1", "cpu=1;cuda=1", "cpu=one"])
def test_limits_that_mean_nothing_are_refused(monkeypatch: pytest.MonkeyPatch, root: Path, text: str) -> None:
    monkeypatch.setenv(queue.SLOTS, text)
    with pytest.raises(Invalid, match=queue.SLOTS):
        _add(root, "one")
    assert not root.exists()


@pytest.mark.parametrize("start", [queue.enqueue, launch.start_worker])
def test_paths_in_a_config_hold_wherever_the_worker_is(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Run]
) -> None:
    (tmp_path / "set.csv").write_text("image,a\n")
    monkeypatch.chdir(tmp_path)
    run = start(RunConfig(Source("set.csv"), "bce", device="cpu"), Path("runs") / "here")
    assert json.loads((run.path / "config.json").read_text())["data"]["name"] == str(tmp_path / "set.csv")
    assert run.path == root / "here"
