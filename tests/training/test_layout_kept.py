"""What a probe chose belongs to the run: a probe that answers otherwise later changes nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from lt_core.training import Run, RunConfig, train
from lt_core.training.loop import resume
from lt_core.training.probe import choosing
from lt_core.training.probe.cost_probe import Cost
from lt_core.training.reproduce import as_command, as_computed


def test_a_probe_that_flips_changes_no_run(
    config: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ["contiguous"]
    monkeypatch.delenv(choosing.PROBE, raising=False)

    def probed(*_: object, **given: object) -> Cost:
        layout = answer[0] if given["layout"] == "auto" else given["layout"]
        return Cost(16, 0.1, 160.0, 1, True, {"layout": layout, "compile": False, "precision": "float32"})

    monkeypatch.setattr(choosing, "probe", probed)
    asked = config(layout="auto")
    whole = Run(tmp_path / "whole")
    list(train(asked, whole.path))
    stop: list[bool] = []
    for entry in train(asked, tmp_path / "run", should_stop=partial(any, stop)):
        stop += [entry["event"] == "epoch"]
    answer[0] = "channels_last"
    list(resume(tmp_path / "run"))
    run = Run(tmp_path / "run")
    assert run.state == "finished"
    assert run.dataset_card["chosen"]["layout"] == "contiguous"
    assert (run.predictions("test").logits == whole.predictions("test").logits).all()
    pinned = as_computed(run)
    assert pinned == replace(asked, layout="contiguous")
    assert "--layout contiguous" in as_command(pinned)
    list(train(pinned, tmp_path / "again"))
    assert Run(tmp_path / "again").history()["train_loss"].tolist() == whole.history()["train_loss"].tolist()
    assert (Run(tmp_path / "again").predictions("test").logits == whole.predictions("test").logits).all()
