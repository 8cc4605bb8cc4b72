"""Runs from the queue are dealt over the GPUs of a machine, each kept to its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lt_core.training import Run, RunConfig
from lt_core.training.folder import lock, process
from lt_core.training.workers import dispatcher, gpus, launch
from lt_core.training.workers.queue import enqueue, slots

Make = Callable[..., RunConfig]


@pytest.mark.parametrize(
    ("listed", "names"), [("0,1", ("0", "1")), ("GPU-7a, 3", ("GPU-7a", "3")), ("", ()), ("-1", ())]
)
def test_the_environment_says_which_gpus_there_are(
    listed: str, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(gpus.VISIBLE, listed)
    monkeypatch.delenv("LONGTAIL_LAB_SLOTS", raising=False)
    assert gpus.visible() == names
    assert slots()["cuda"] == max(1, len(names))


def test_the_gpus_with_the_fewest_runs_are_given() -> None:
    assert gpus.chosen("abc", {"a": 1, "c": 2}, 1) == ("b",)
    assert gpus.chosen("abc", {"a": 1, "c": 2}, 2) == ("a", "b")
    assert gpus.chosen("abc", {}, 5) == ("a", "b", "c")
    assert gpus.counted(["0,1", "1", ""]) == Counter({"1": 2, "0": 1})


def test_the_queue_deals_runs_over_gpus_and_a_run_takes_as_many_as_its_devices(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers are made out, for there is no GPU here: each is this very process, which is alive."""
    monkeypatch.setenv(gpus.VISIBLE, "0,1,2,3")
    monkeypatch.delenv("LONGTAIL_LAB_SLOTS", raising=False)
    monkeypatch.setattr("lt_core.training.workers.queue.ensure_dispatcher", lambda folder: False)
    given: dict[str, str] = {}

    def started(folder: Path, *, gpus: tuple[str, ...] = ()) -> Run:
        given[folder.name] = ",".join(gpus)
        process.record(folder / lock.RECORD, gpus=",".join(gpus))
        (folder / launch.QUEUED).unlink()
        (folder / lock.NAME).touch()
        (folder / "events.jsonl").write_text(json.dumps({"event": "started", "time": 0.0}) + "\n")
        return Run(folder)

    monkeypatch.setattr(dispatcher, "start_worker_in", started)
    on_gpu = replace(config(), device="cuda")
    for name, devices in (("a", 1), ("b", 2), ("c", 2), ("d", 1)):
        enqueue(replace(on_gpu, devices=devices), tmp_path / name)
    dispatcher.start_due(tmp_path)
    assert given == {"a": "0", "b": "1,2"}, "c wants two, one is free, and d does not overtake it"
    dispatcher.start_due(tmp_path)
    assert "c" not in given
    process.close(tmp_path / "b" / lock.RECORD)
    dispatcher.start_due(tmp_path)
    assert given["c"] == "1,2"
    assert given["d"] == "3"


def test_a_worker_sees_its_gpus_only_and_its_record_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gpus.VISIBLE, "0,1,2,3")
    code = "import os, json, sys; print(json.dumps(dict(os.environ)))"
    (tmp_path / "said.py").write_text(code)
    monkeypatch.setattr(launch, "ROOT", tmp_path)
    worker: Any = launch.detached(["said"], tmp_path / "log", gpus.environment(["2"]))
    worker.wait(60)
    seen = json.loads((tmp_path / "log").read_text())
    assert seen[gpus.VISIBLE] == "2"
    monkeypatch.setenv(gpus.GIVEN, seen[gpus.GIVEN])
    process.record(tmp_path / "worker.json")
    assert (process.recorded(tmp_path / "worker.json") or {})["gpus"] == "2"
