"""Trials in processes of their own give what they give in one, also when a process is killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from lt_core.datasets import Source
from lt_core.problems import Problem
from lt_core.sweeps import Axis, InProcess, Processes, Sweep, SweepPlan, carry_out, open_sweep
from lt_core.sweeps.watching import Watch
from lt_core.training import Run, RunConfig
from tests.sweeps.fake_training import FAKE
from tests.training.conftest import write_corners

SCRIPT = """
import os, signal, sys
from pathlib import Path
from lt_core.sweeps import Trainer, worker
from tests.sweeps.fake_training import begin, go_on

def dies(config, folder, *, should_stop):
    for entry in begin(config, folder, should_stop=should_stop):
        yield entry
        if folder.name.startswith("0001") and entry["event"] == "epoch" and entry["epoch"] == 3:
            os.kill(os.getpid(), signal.SIGKILL)

sys.exit(worker.main(Path(sys.argv[1]), 1, int(sys.argv[2]), trainer=Trainer(dies, go_on)))
"""


def fake_command(task: Path, threads: int) -> list[str]:
    return [sys.executable, "-c", SCRIPT, str(task), str(os.getpid())]


def same(a: Sweep, b: Sweep) -> None:
    tables = [s.table().drop(columns="seconds").sort_values("key", ignore_index=True) for s in (a, b)]
    pd.testing.assert_frame_equal(*tables)


def test_a_killed_worker_is_begun_again_and_goes_on(search: Callable[..., SweepPlan], tmp_path: Path) -> None:
    plan = search(trials=3)
    here, there = open_sweep(plan, tmp_path / "here"), open_sweep(plan, tmp_path / "there")
    list(carry_out(here, InProcess(FAKE)))
    events = list(carry_out(there, Processes(2, fake_command)))
    assert events[-1]["event"] == "sweep_finished"
    same(here, there)
    killed = next(run for run in there.runs() if run.path.name.startswith("0001"))
    kinds = [entry["event"] for entry in killed.events()]
    assert kinds == ["started", "epoch", "epoch", "epoch", "resumed", "epoch", "finished"]


def test_a_worker_that_cannot_begin_says_why(search: Callable[..., SweepPlan], tmp_path: Path) -> None:
    entry = search(trials=1).as_json()
    entry["base"]["data"]["name"] = "nowhere"
    sweep = open_sweep(SweepPlan.from_json(entry), tmp_path / "s")
    with pytest.raises(Problem, match="no data set is called 'nowhere'"):
        list(carry_out(sweep, Processes(2, fake_command)))


def test_real_training_is_the_same_in_this_process_and_in_another(tmp_path: Path) -> None:
    data = Source(str(write_corners(tmp_path / "corners.npz")))
    base = RunConfig(data, "asl", epochs=2, batch_size=16, device="cpu")
    plan = SweepPlan(base, (Axis("loss.gamma_neg", values=(1.0,)),))
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    here, there = open_sweep(plan, tmp_path / "here"), open_sweep(plan, tmp_path / "there")
    try:
        list(carry_out(here))
    finally:
        torch.set_num_threads(threads)
    list(carry_out(there, Processes(2)))
    assert here.state == there.state == "finished"
    same(here, there)
    for mine, other in zip(here.runs(), there.runs(), strict=True):
        assert (mine.predictions("test").logits == other.predictions("test").logits).all()


def test_every_epoch_is_told_once_and_a_file_that_has_not_grown_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    plain = Run.events
    monkeypatch.setattr(Run, "events", lambda run: (read.append(run.path), plain(run))[1])
    file, watch = tmp_path / "events.jsonl", Watch({"one": tmp_path})

    def told() -> list[int]:
        return [entry["epoch"] for _, entry in watch.news(["one"])]

    assert told() == []
    lines = ('{"event": "epoch", "epoch": 1}\n{"event": "epo', '\n{"event": "epoch", "epoch": 2}\n')  # a line is torn
    for epoch, line in enumerate(lines, 1):
        with file.open("a") as events:
            events.write(line)
        before = len(read)
        assert told() == [epoch]
        assert (told(), told()) == ([], [])
        assert len(read) == before + 1
