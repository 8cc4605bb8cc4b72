"""What can go wrong around a run, for real: killed processes, a full disk. Nothing finished is ever lost."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lt_core.evaluation import Predictions
from lt_core.problems import Problem
from lt_core.training import Run, RunConfig, steps, train
from lt_core.training.folder import checkpoint, events
from lt_core.training.folder.tensorboard import Board
from lt_core.training.job import Job
from lt_core.training.loop import resume
from lt_core.training.predicting import predictions_of
from lt_core.training.reproduce import as_command
from lt_core.training.session import Session
from lt_core.training.workers.launch import start_worker, start_worker_in

Make = Callable[..., RunConfig]
PATIENCE = 180.0
ROOM = 2_000_000
"""Bytes a file may have where the disk is made out to be full: less than a checkpoint of the smallest network."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def _until(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def _same(one: Run, two: Run) -> None:
    assert one.history()["train_loss"].tolist() == pytest.approx(two.history()["train_loss"].tolist(), abs=1e-6)
    for part in ("val", "test"):
        assert np.allclose(one.predictions(part).logits, two.predictions(part).logits, atol=1e-6, rtol=0)


def test_a_worker_killed_after_its_app_ends_as_if_nothing_had_been(config: Make, tmp_path: Path) -> None:
    """The app that started it dies too: nothing but the folder is left, and a new process takes it up."""
    settings = config(epochs=12)
    whole = start_worker(settings, tmp_path / "whole")  # a worker, too: sums depend on how many threads make them
    folder = tmp_path / "killed"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(settings.as_json()))
    starter = (
        "import sys, time; from pathlib import Path; from lt_core.training.workers.launch import start_worker_in; "
    )
    starter += "start_worker_in(Path(sys.argv[1])); print('on', flush=True); time.sleep(600)"
    command = [sys.executable, "-c", starter, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as app:
        assert app.stdout is not None
        assert app.stdout.readline().strip() == b"on"
        app.kill()
    run = Run(folder)
    _until(lambda: len(run.history()) >= 2, "two epochs after the app was killed")
    os.kill(json.loads((folder / "worker.json").read_text())["pid"], signal.SIGKILL)
    _until(lambda: run.state == "interrupted", "the kill to be seen")
    before = len(run.history())
    assert before < settings.epochs, "it was over before it could be killed: more epochs"
    start_worker_in(folder)
    _until(lambda: run.state not in ("queued", "running"), "the end")
    assert run.state == "finished", (folder / "worker.log").read_text()
    _until(lambda: whole.state not in ("queued", "running"), "the run that nobody killed")
    _same(run, whole)


FULL = """
import json, resource, signal, sys
from pathlib import Path
from lt_core.training import RunConfig, train
from lt_core.training.loop import resume
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit is an error, as on a full disk
folder, again = Path(sys.argv[1]), sys.argv[2] == "again"
config = RunConfig.from_json(json.loads(Path(sys.argv[3]).read_text()))
for entry in resume(folder) if again else train(config, folder):
    if entry["event"] == "epoch" and entry["epoch"] == 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
print(json.dumps(entry))
"""


def test_a_full_disk_ends_a_run_in_a_sentence_and_loses_no_epoch(config: Make, tmp_path: Path) -> None:
    settings = config(epochs=4)
    list(train(settings, tmp_path / "whole"))
    (tmp_path / "config.json").write_text(json.dumps(settings.as_json()))
    command = [sys.executable, "-c", FULL, str(tmp_path / "run"), "new", str(tmp_path / "config.json"), str(ROOM)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    last = json.loads(said.stdout.splitlines()[-1])
    assert last["event"] == "failed"
    assert "make room on the disk and resume the run" in last["error"]
    run = Run(tmp_path / "run")
    assert run.state == "failed"
    assert 2 <= len(run.history()) < settings.epochs  # a checkpoint is not written after every epoch of a moment
    assert not [path.name for path in run.path.iterdir() if path.name.startswith(".")]  # no half-written file is left
    list(resume(run.path))
    assert run.state == "finished"
    _same(run, Run(tmp_path / "whole"))


@contextmanager
def _no_room() -> Iterator[None]:
    """Let no file grow beyond 64 bytes: an error, as on a full disk (Python ignores the signal of it)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("of", "name"), [(Predictions, "save"), (events, "append"), (Board, "tell")])
def test_no_room_for_any_file_of_a_run_is_a_sentence_and_the_run_goes_on(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: object, name: str
) -> None:
    settings = config(epochs=3, tensorboard=True)
    list(train(settings, tmp_path / "whole"))
    run = Run(tmp_path / "run")
    list(train(settings, run.path, should_stop=lambda: len(run.history()) == 1))  # the run has predictions already
    kept = {file.name: file.read_bytes() for file in run.path.glob("predictions-*.npz")}
    assert len(kept) == 2
    write = getattr(of, name)

    def full(*given: Any) -> None:
        entry = given[1] if isinstance(given[1], dict) else {"epoch": 3, "event": "epoch"}
        with _no_room() if entry["event"] == "epoch" and entry["epoch"] == 3 else nullcontext():
            write(*given)

    with monkeypatch.context() as patched:
        patched.setattr(of, name, full)
        last = list(resume(run.path))[-1]
    assert (last["event"], run.state) == ("failed", "failed")
    assert str(run.path) in last["error"]
    assert "file too large" in last["error"]
    assert re.search("make room (on the disk )?and resume the run", last["error"])
    assert {file.name: file.read_bytes() for file in run.path.glob("predictions-*.npz")} == kept
    assert not [path.name for path in run.path.iterdir() if path.name.startswith(".")]
    list(resume(run.path))
    assert run.state == "finished"
    _same(run, Run(tmp_path / "whole"))


def test_what_has_a_name_is_on_the_disk_before_what_rests_on_it(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut there is what was flushed: the checkpoint must not name weights or epochs that are not."""
    folder = tmp_path / "run"
    flush, move, flushed, order = os.fsync, os.replace, set[tuple[int, int, int]](), list[str]()

    def state(entry: os.stat_result) -> tuple[int, int, int]:
        return entry.st_ino, entry.st_size, entry.st_mtime_ns

    def noted_flush(descriptor: int) -> None:
        flush(descriptor)
        flushed.add(state(os.fstat(descriptor)))
        order.append("folder" if os.path.samestat(os.fstat(descriptor), folder.stat()) else "file")

    def noted_move(source: Path, target: Path) -> None:
        if Path(target).parent == folder and Path(target).name != "worker.json":
            assert state(source.stat()) in flushed, f"{target} got its name before it was flushed"
            order.append("named")
        if Path(target).name == "checkpoint.safetensors":
            rests_on = [folder / name for name in ("events.jsonl", "best.safetensors", "last.safetensors")]
            assert all(state(file.stat()) in flushed for file in rests_on if file.exists())
            order.append("checkpoint")
        move(source, target)

    monkeypatch.setattr(os, "fsync", noted_flush)
    monkeypatch.setattr(os, "replace", noted_move)
    monkeypatch.setattr(Session, "checkpoint_due", lambda self: self.at.step % 2 == 0)
    list(train(config(epochs=2), folder))
    assert order.count("checkpoint") > 2
    assert sum(what == "named" for what in order) >= order.count("checkpoint") + 7  # config, last twice, ...
    names = [place for place, what in enumerate(order) if what == "named"]
    assert all("folder" in order[place : place + 3] for place in names)  # the name itself, before anything else
    assert state((folder / "events.jsonl").stat()) in flushed, "how it ended"


def test_weights_that_are_not_finite_replace_no_checkpoint(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, counted, update = config(epochs=2), [0], steps._update
    list(train(settings, tmp_path / "whole"))

    def spoilt(job: Job) -> None:
        counted[0] += 1
        if counted[0] == 4:  # a loss that is finite, with a gradient that is not
            next(weight for weight in job.model.parameters() if weight.grad is not None).grad.fill_(np.inf)
        update(job)

    with monkeypatch.context() as patched:
        patched.setattr(steps, "_update", spoilt)
        patched.setattr(Session, "checkpoint_due", lambda self: self.at.step == 3)
        stop = lambda: counted[0] == 4  # noqa: E731 - as the page does
        last = list(train(settings, tmp_path / "run", should_stop=stop))[-1]
    assert last["event"] == "failed"
    assert "is not finite after step 4 of the run: training diverged; lower the learning rate" in last["error"]
    told = list(resume(tmp_path / "run"))
    assert told[0]["step"] == 3
    _same(Run(tmp_path / "run"), Run(tmp_path / "whole"))


def test_the_limit_is_below_a_checkpoint(config: Make, tmp_path: Path) -> None:
    """Or the test of the full disk would show nothing."""
    list(train(config(epochs=1), tmp_path / "run"))
    assert (tmp_path / "run" / "checkpoint.safetensors").stat().st_size > ROOM
    assert (tmp_path / "run" / "best.safetensors").stat().st_size < ROOM
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] in (resource.RLIM_INFINITY, -1)


def test_a_clock_that_jumps_changes_neither_the_run_nor_what_is_said_of_it(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(epochs=3)
    list(train(settings, tmp_path / "steady"))
    now, jumps = time.time, iter([0.0, *[86400.0 * k for k in (1, -400, 7, -3) * 200]])
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))
    for _ in train(settings, tmp_path / "jumping"):
        left = Run(tmp_path / "jumping").progress().seconds_left
        assert left is None or 0 <= left < 600
        assert Run(tmp_path / "jumping").state in ("running", "finished")
    monkeypatch.undo()
    run = Run(tmp_path / "jumping")
    assert run.state == "finished"
    assert (run.history()["seconds"] < 600).all()
    _same(run, Run(tmp_path / "steady"))


def test_a_file_of_images_spoilt_in_the_middle_is_named_before_training(tmp_path: Path) -> None:
    from PIL import Image

    from lt_core.datasets import Source

    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    lines = ["image,a,b"]
    for k in range(40):
        Image.fromarray(rng.integers(0, 255, (16, 16), dtype=np.uint8)).save(tmp_path / "images" / f"x{k:02}.png")
        lines.append(f"x{k:02}.png,{k % 2},{(k // 2) % 2}")
    spoilt = tmp_path / "images" / "x17.png"
    spoilt.write_bytes(spoilt.read_bytes()[:60])
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    config = RunConfig(Source(str(tmp_path / "labels.csv"), images=str(tmp_path / "images")), "bce", device="cpu")
    with pytest.raises(
        Problem, match=r"x17\.png.*mend or remove it, or leave it out \(--bad-images leave-out\)"
    ) as caught:
        list(train(config, tmp_path / "run"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()

    without = replace(config, bad_images="leave-out", epochs=2)
    assert "--bad-images leave-out" in as_command(without)
    told = list(train(without, tmp_path / "run", should_stop=lambda: (tmp_path / "run" / checkpoint.NAME).exists()))
    card = Run(tmp_path / "run").dataset_card
    (part,) = card["left_out"]
    assert list(card["left_out"][part]) == ["x17.png"]
    assert (
        f"left out, as they cannot be read: 1 of {card['parts'][part] + 1} {part} images (x17.png)" in told[0]["note"]
    )
    assert sum(card["parts"].values()) == 39
    truth = np.array([[k % 2, (k // 2) % 2] for k in range(40)])
    seen = {name: predictions_of(Run(tmp_path / "run"), name) for name in ("train", "val", "test")}
    names = sorted(name for found in seen.values() for name in found.ids)
    assert names == [f"x{k:02}.png" for k in range(40) if k != 17]
    assert all((found.targets == truth[found.rows]).all() for found in seen.values())
    assert card["positives_per_class"] == seen["train"].targets.sum(axis=0).tolist()
    assert [entry["event"] for entry in resume(tmp_path / "run")][-1] == "finished"
