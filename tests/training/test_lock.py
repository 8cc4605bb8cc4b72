"""One process works on a run: told by the system, freed by its death, whatever the clock says."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lt_core.problems import Problem
from lt_core.training import Run, RunConfig
from lt_core.training.folder import lock, process
from lt_core.training.folder.events import append, event
from lt_core.training.folder.store import write_json

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import os, sys, time
from pathlib import Path
from lt_core.training.folder import lock
with lock.hold(Path(sys.argv[1])):
    child = os.fork()
    if child:
        print(child, flush=True)
    time.sleep(300)
"""


@pytest.fixture
def run(config: Callable[..., RunConfig], tmp_path: Path) -> Run:
    (tmp_path / "runs" / "one").mkdir(parents=True)
    write_json(tmp_path / "runs" / "one" / "config.json", config().as_json())
    return Run(tmp_path / "runs" / "one")


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_second_process_is_told_who_is_there_and_kill_9_frees_the_run(run: Run) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder, holder.stdout:
        grandchild = int(holder.stdout.readline())
        try:
            assert lock.held(run.path / lock.NAME) is True
            assert lock.worker_of(run.path) == holder.pid
            assert run.state == "running"
            with pytest.raises(Problem, match=f"is being worked on by process {holder.pid}"), lock.hold(run.path):
                pass
            append(run.path / "events.jsonl", event("started", device="cpu", n_train=1))
            holder.kill()
            holder.wait()
            assert process.began(grandchild) is not None, "what the worker forked lives on, and must not keep the lock"
            assert run.state == "interrupted"
            with lock.hold(run.path):
                assert lock.worker_of(run.path) == os.getpid()
        finally:
            os.kill(grandchild, signal.SIGKILL)


def test_a_plain_flock_of_any_program_counts(run: Run) -> None:
    fcntl = pytest.importorskip("fcntl")
    with (run.path / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert run.state == "running"
        with pytest.raises(Problem, match="another process"), lock.hold(run.path):
            pass
    assert run.state == "interrupted"
    with lock.hold(run.path), (run.path / "lock").open("a") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_same_thread_may_hold_it_again_and_another_may_not(run: Run) -> None:
    refused: list[str] = []

    def claim() -> None:
        try:
            with lock.hold(run.path):
                pass
        except Problem as problem:
            refused.append(str(problem))

    with lock.hold(run.path):
        with lock.hold(run.path):
            pass
        assert lock.held(run.path / lock.NAME), "the inner block does not give it back"
        thread = threading.Thread(target=claim)
        thread.start()
        thread.join()
    assert f"process {os.getpid()}" in refused[0]
    claim()
    assert len(refused) == 1


def test_who_looks_disturbs_nobody(run: Run) -> None:
    fcntl = pytest.importorskip("fcntl")
    with lock.hold(run.path):
        pass
    with (run.path / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # as another one who looks at the same moment
        assert lock.held(run.path / lock.NAME) is False
        assert run.state == "interrupted"
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            lock.held(run.path / lock.NAME)

    watchers = [threading.Thread(target=look) for _ in range(3)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(20):
            with lock.hold(run.path):
                pass
    finally:
        ended.set()
        for watcher in watchers:
            watcher.join()


def test_who_only_holds_a_run_still_never_seems_to_work_on_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen before and after everything that taking and giving back ask of the system, with a new file and an old."""
    pytest.importorskip("fcntl")
    seen: list[tuple[bool, str]] = []
    looking = [False]

    def watched(module: object, name: str) -> None:
        asked = getattr(module, name)

        def look() -> None:
            if not looking[0]:
                looking[0] = True
                seen.append((lock.at_work(run.path), run.state))
                looking[0] = False

        def call(*given: Any, **named: Any) -> Any:
            look()
            try:
                return asked(*given, **named)
            finally:
                look()

        monkeypatch.setattr(module, name, call)

    for name in ("open", "write", "ftruncate", "close", "replace"):
        watched(os, name)
    watched(lock.fcntl, "flock")
    for _ in range(2):
        with lock.hold(run.path, working=False):
            pass
    assert len(seen) > 20
    assert {at_work for at_work, _ in seen} == {False}
    assert {state for _, state in seen} <= {"interrupted", "queued"}
    assert sorted(file.name for file in run.path.iterdir()) == ["config.json", "lock"]
    with lock.hold(run.path):
        assert lock.worker_of(run.path) == os.getpid()


def test_a_full_disk_takes_no_lock_away(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    descriptor = lock.take(run.path / lock.NAME, "taken")
    assert lock.held(run.path / lock.NAME)
    with pytest.raises(Problem, match="taken"):
        lock.take(run.path / lock.NAME, "taken", patience=0.0)
    lock.release(run.path / lock.NAME, descriptor)
    assert not lock.held(run.path / lock.NAME)


@pytest.mark.parametrize("now", [0.0, 4e9])
def test_no_clock_is_asked_what_state_a_run_is_in(run: Run, monkeypatch: pytest.MonkeyPatch, now: float) -> None:
    monkeypatch.setattr(time, "time", lambda: now)
    assert run.state == "interrupted"
    write_json(run.path / "queued.json", {"device": "cpu", "number": 1, "priority": 0})
    assert run.state == "queued"
    with lock.hold(run.path):
        append(run.path / "events.jsonl", event("started", device="cpu", n_train=1))
        for file in run.path.iterdir():
            os.utime(file, (1e9, 1e9))
        assert run.state == "running"
    assert run.state == "interrupted"


def test_a_run_that_goes_on_is_running_before_it_says_so_and_over_once_it_has(run: Run) -> None:
    log = run.path / "events.jsonl"
    append(log, event("stopped", epoch=1, reported_epoch=1))
    assert run.state == "stopped"
    with lock.hold(run.path):
        assert run.state == "running"
        append(log, event("resumed", epoch=2, step=0, device="cpu"))
        assert run.state == "running"
        append(log, event("finished", epoch=2, reported_epoch=2))
        assert run.state == "finished", "what is said is done, though its process has not ended yet"
    assert run.state == "finished"


@pytest.mark.parametrize("changed", [{"began": "1"}, {"boot": "another"}, {"ended": True}, {"pid": "many"}])
def test_a_number_used_again_after_a_restart_or_after_the_end_is_not_the_run(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    path = tmp_path / lock.RECORD
    process.record(path)
    assert process.alive(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    assert not process.alive(path)


def test_where_there_are_no_locks_the_record_of_the_process_decides(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "fcntl", None)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        process.record(run.path / lock.RECORD, other.pid)
        assert run.state == "running"
        with pytest.raises(Problem, match=f"process {other.pid}"), lock.hold(run.path):
            pass
        other.kill()
        other.wait()
    assert run.state == "interrupted"
    with lock.hold(run.path):
        assert run.state == "running"
    assert run.state == "interrupted", "this process is there still, but works on it no more"
