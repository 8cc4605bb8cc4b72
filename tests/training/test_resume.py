"""A run that was interrupted, wherever it was, and resumed is the run that was never interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from lt_core.problems import Problem
from lt_core.training import Run, RunConfig, train
from lt_core.training.folder import checkpoint
from lt_core.training.folder.resume import resumes_at
from lt_core.training.loop import resume
from lt_core.training.session import Session

Make = Callable[..., RunConfig]
CLOCKS = ("time", "seconds", "elapsed", "images_per_second", "memory")

WAYS = {
    "adamw": {},
    "sgd": {"optimizer": "sgd", "learning_rate": 0.05, "schedule": "step", "clip_norm": 1.0},
    "ema and a random loss": {"loss": "droploss", "loss_values": {"expected": False}, "ema": 0.9},
    "a loss with a memory": {"loss": "equalization_v2", "sampler": "repeat-factor"},
    "drw": {"loss": "ldam_multilabel", "stages": "drw", "head": "cosine", "deferred_from": 0.5},
    "crt": {"stages": "crt", "deferred_from": 0.5, "sampler": "square-root"},
    "in pieces": {"accumulate": 2},
    "all that draws, and early stopping": {
        "mixup": 0.4,
        "augment": "radiograph",
        "ema": 0.5,
        "metric": "ap_tail",
        "patience": 2,
        "sampler": "class-aware",
    },
}


class Killed(BaseException):
    """As sudden as a signal: nothing of ours catches it."""


def _epochs(run: Run) -> list[dict[str, object]]:
    kept: dict[int, dict[str, object]] = {}
    for entry in run.events():
        if entry["event"] == "epoch":
            kept[entry["epoch"]] = {key: value for key, value in entry.items() if key not in CLOCKS}
    return [kept[epoch] for epoch in sorted(kept)]


def _kill_after(monkeypatch: pytest.MonkeyPatch, steps: int, *, saved_every: int = 10**9) -> None:
    """Let a run die right after so many steps; checkpoints within an epoch every ``saved_every`` steps."""
    counted = [0]
    stepped = Session.stepped

    def watched(self: Session) -> None:
        stepped(self)
        counted[0] += 1
        if counted[0] == steps:
            raise Killed

    monkeypatch.setattr(Session, "stepped", watched)
    monkeypatch.setattr(Session, "checkpoint_due", lambda self: self.at.step % saved_every == 0)


@pytest.mark.parametrize(("way", "steps"), [*((way, 15) for way in WAYS), ("adamw", 2), ("adamw", 8), ("crt", 12)])
def test_killed_and_resumed_equals_never_interrupted(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, steps: int
) -> None:
    settings = config(epochs=4, **WAYS[way])
    list(train(settings, tmp_path / "whole"))
    whole = Run(tmp_path / "whole")
    with monkeypatch.context() as patched:
        _kill_after(patched, steps, saved_every=3)
        with pytest.raises(Killed):
            list(train(settings, tmp_path / "killed"))
    run = Run(tmp_path / "killed")
    assert run.state == "interrupted"
    told = list(resume(run.path))
    assert told[-1]["event"] == "finished"
    assert _epochs(run) == _epochs(whole)
    assert run.reported_epoch == whole.reported_epoch
    for part in ("val", "test"):
        assert np.array_equal(run.predictions(part).logits, whole.predictions(part).logits)


def test_a_stop_within_an_epoch_goes_on_from_the_very_step(config: Make, tmp_path: Path) -> None:
    settings = config(epochs=3)
    list(train(settings, tmp_path / "whole"))
    asked = [0]

    def stop() -> bool:  # asked before each step and after each epoch
        asked[0] += 1
        return asked[0] > 10

    list(train(settings, tmp_path / "stopped", should_stop=stop))
    run = Run(tmp_path / "stopped")
    assert run.state == "stopped"
    assert resumes_at(run) == "from its last checkpoint, in epoch 2"
    again = next(entry for entry in list(resume(run.path)) if entry["event"] == "resumed")
    assert (again["epoch"], again["step"]) == (2, 3)
    assert _epochs(run) == _epochs(Run(tmp_path / "whole"))
    assert run.state == "finished"


def test_resuming_a_finished_run_does_nothing(config: Make, tmp_path: Path) -> None:
    list(train(config(), tmp_path / "run"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.name != "lock"}
    assert list(resume(tmp_path / "run")) == []
    assert {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir() if p.name != "lock"} == before


def test_killed_between_the_checkpoint_and_the_event_loses_no_epoch(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lt_core.training.folder import events

    append = events.append

    def dying(path: Path, entry: dict[str, object]) -> None:
        if entry["event"] == "epoch" and entry["epoch"] == 2:
            raise Killed
        append(path, entry)

    with monkeypatch.context() as patched:
        patched.setattr(events, "append", dying)
        with pytest.raises(Killed):
            list(train(config(epochs=3), tmp_path / "run"))
    list(resume(tmp_path / "run"))
    assert [entry["epoch"] for entry in _epochs(Run(tmp_path / "run"))] == [1, 2, 3]


def test_changed_data_are_refused(config: Make, tmp_path: Path) -> None:
    from tests.training.conftest import write_corners

    settings = config(epochs=3)
    list(train(settings, tmp_path / "run", should_stop=lambda: (tmp_path / "run" / "checkpoint.safetensors").exists()))
    write_corners(Path(settings.data.name), seed=1)
    with pytest.raises(Problem, match="the data set has changed since it began"):
        list(resume(tmp_path / "run"))


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = checkpoint.Position(epoch=3, step=2, total=7, losses=(1.5, 4))
    checkpoint.save(tmp_path, {"model.w": torch.ones(3)}, at)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save_file", full)
        with pytest.raises(Problem, match=r"(?i)no space left on device.*make room"):
            checkpoint.save(tmp_path, {"model.w": torch.zeros(3)}, checkpoint.Position(epoch=4))
    tensors, found = checkpoint.load(tmp_path)
    assert torch.equal(tensors["model.w"], torch.ones(3))
    assert found == at
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.NAME]


@pytest.mark.parametrize("spoil", [b"", b"garbage", None])
def test_a_spoilt_checkpoint_is_one_sentence(config: Make, tmp_path: Path, spoil: bytes | None) -> None:
    list(train(config(epochs=2), tmp_path / "run", should_stop=lambda: (tmp_path / "run" / checkpoint.NAME).exists()))
    path = tmp_path / "run" / checkpoint.NAME
    path.write_bytes(path.read_bytes()[:-100] if spoil is None else spoil)
    with pytest.raises(Problem, match="not a checkpoint that can be read") as caught:
        list(resume(tmp_path / "run"))
    assert "\n" not in str(caught.value)
