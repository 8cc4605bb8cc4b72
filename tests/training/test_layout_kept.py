"""What a probe chose belongs to the run: a probe that answers otherwise later changes nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path

import pytest

from lt_core.cli import main
from lt_core.review.closing_sections import _training_command
from lt_core.review.material import Material, about_run
from lt_core.training import Run, RunConfig, train
from lt_core.training.folder import manage
from lt_core.training.loop import resume
from lt_core.training.probe import choosing
from lt_core.training.probe.cost_probe import Cost
from lt_core.training.reproduce import as_command, as_computed


def _every_command_names_it(run: Run, asked: RunConfig) -> None:
    """A clone and a report say the command that the page says; a clone of another size is probed anew."""
    assert manage.clone(run) == replace(asked, layout="contiguous")
    assert manage.clone(run, seed=5, batch_size=asked.batch_size) == replace(asked, layout="contiguous", seed=5)
    assert manage.clone(run, layout="auto").layout == "auto"
    assert manage.clone(run, layout="channels_last").layout == "channels_last"
    for change in ({"batch_size": 8}, {"model": "test_convnext"}, {"image_size": 32}):
        assert manage.clone(run, **change) == replace(asked, **change)
    said = StringIO()
    with redirect_stdout(said):
        assert main(["clone", str(run.path), "--print"]) == 0
    assert said.getvalue().strip() == as_command(as_computed(run))
    assert _training_command(Material(models={}, about={"it": about_run(run)}), "it") == as_command(as_computed(run))


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
    _every_command_names_it(run, asked)
    list(train(pinned, tmp_path / "again"))
    assert Run(tmp_path / "again").history()["train_loss"].tolist() == whole.history()["train_loss"].tolist()
    assert (Run(tmp_path / "again").predictions("test").logits == whole.predictions("test").logits).all()
