"""Methods in real runs: they are no worse than labels alone, see what they should, and resume exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lt_core.datasets import Source, assign_parts, load_images
from lt_core.evaluation import report
from lt_core.problems import Problem
from lt_core.training import Run, RunConfig, train
from lt_core.training.folder.progress import epochs_of
from lt_core.training.job import prepare
from lt_core.training.loop import resume
from lt_core.training.methods.unlabelled import drawn_rows, unlabelled_part
from lt_core.training.reproduce import as_command
from lt_core.training.session import Session
from tests.training.conftest import write_corners

Make = Callable[..., RunConfig]
EPOCHS = 8


class Killed(BaseException):
    """As sudden as a signal: nothing of ours catches it."""


def _changed(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Change the training labels of a file of corners and return what they were."""
    arrays = dict(np.load(path))
    before = arrays["train_labels"].astype(np.float32)
    arrays["train_labels"] = change(before.copy())
    np.savez(path, **arrays)
    return before


@pytest.fixture
def partly(tmp_path: Path) -> Make:
    """Return a maker of configs on corners of which 70 % of the training images have no label."""
    path = write_corners(tmp_path / "partly.npz")

    def without(labels: np.ndarray) -> np.ndarray:
        labels[np.random.default_rng(1).permutation(len(labels))[: round(0.7 * len(labels))]] = np.nan
        return labels

    np.save(tmp_path / "true.npy", _changed(path, without))

    def make(**given: Any) -> RunConfig:
        start = {"data": Source(str(path)), "loss": "bce", "epochs": EPOCHS, "batch_size": 8, "device": "cpu"}
        return RunConfig(**{**start, "select": "last", **given})

    return make


def _trained(config: RunConfig, folder: Path) -> Run:
    last = list(train(config, folder))[-1]
    assert last["event"] == "finished", last
    return Run(folder)


def _ap(run: Run) -> float:
    return float(report(run.predictions("test")).as_json()["macro"]["ap"])


def test_methods_reach_at_least_what_labels_alone_do(partly: Make, tmp_path: Path) -> None:
    alone = _trained(partly(), tmp_path / "alone")
    for method in ("cap", "percent_match", "csc"):
        run = _trained(partly(method=method), tmp_path / method)
        assert _ap(run) >= _ap(alone) - 1e-9, method
    sure = [np.abs(Run(tmp_path / name).predictions("test").logits).mean() for name in ("csc", "alone")]
    assert sure[0] < sure[1]
    labels = load_file(tmp_path / "cap" / "checkpoint.safetensors")["method.labels"].numpy()
    true = np.load(tmp_path / "true.npy")[np.isnan(_labels(partly()))[:, 0]]
    assert labels.shape == true.shape == (67, 3)
    known = _labels(partly())
    share = np.nanmean(known, axis=0)
    assert (labels == 1).sum(axis=0).tolist() == np.floor(share * 67).astype(int).tolist()
    assert (labels == true)[labels >= 0].mean() > 0.8


def _labels(config: RunConfig) -> np.ndarray:
    data = load_images(config.data)
    return data.labels[data.rows("train")]


WAYS: dict[str, dict[str, Any]] = {
    "cap": {"method": "cap", "method_values": {"begin_at": 0.25}, "ema": 0.9, "augment": "radiograph"},
    "percent_match": {"method": "percent_match", "accumulate": 2, "augment": "radiograph"},
}


def _killed(config: RunConfig, folder: Path, monkeypatch: pytest.MonkeyPatch, steps: int) -> Run:
    """Return a run that died after so many steps, with a checkpoint every three."""
    counted, stepped = [0], Session.stepped

    def watched(self: Session) -> None:
        stepped(self)
        counted[0] += 1
        if counted[0] == steps:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Session, "stepped", watched)
        patched.setattr(Session, "checkpoint_due", lambda self: self.at.step % 3 == 0)
        with pytest.raises(Killed):
            list(train(config, folder))
    return Run(folder)


def _same(one: Run, other: Run) -> None:
    told = [{e["epoch"]: (e["train_loss"], e["val_loss"]) for e in epochs_of(run.events())} for run in (one, other)]
    assert told[0] == told[1]
    assert np.array_equal(one.predictions("test").logits, other.predictions("test").logits)


@pytest.mark.parametrize("way", WAYS)
def test_a_run_with_a_method_resumes_exactly(
    partly: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    settings = partly(epochs=3, **WAYS[way])
    whole = _trained(settings, tmp_path / "whole")
    run = _killed(settings, tmp_path / "killed", monkeypatch, 10)
    assert list(resume(run.path))[-1]["event"] == "finished"
    _same(run, whole)


def test_the_unlabelled_part_is_the_rows_that_training_leaves_out(partly: Make) -> None:
    config = partly(method="cap")
    job = prepare(config)
    empty = np.isnan(_labels(config)).all(axis=1)
    assert job.part("unlabelled").rows.tolist() == np.flatnonzero(empty).tolist()
    assert job.train.rows.tolist() == np.flatnonzero(~empty).tolist()
    assert job.card["parts"]["unlabelled"] == 67
    seen = np.concatenate([drawn_rows(job, 16, (3, step)) for step in range(5)])
    assert sorted(set(seen.tolist())) == list(range(67)), "an epoch of 5 steps of 16 sees all 67"
    data = assign_parts(load_images(config.data), seed=0)
    full = replace(data, matrix=np.nan_to_num(data.labels))
    with pytest.raises(Problem, match="no training image without labels"):
        unlabelled_part(full, config, job.train.pixels.shape[1:])


def test_a_method_that_does_not_fit_is_refused_before_anything_is_read(partly: Make) -> None:
    for given, said in (
        ({"method": "capp"}, "no method 'capp'|capp"),
        ({"method": "cap", "method_values": {"weight": 9.0}}, "cap.weight must be in"),
        ({"method": "cap", "loss": "equalization_v2"}, "remembers the labels"),
        ({"method": "rebll"}, "name its folder with teacher"),
        ({"method": "cap", "teacher": "x"}, "cap has no teacher"),
        ({"method_values": {"weight": 1.0}}, "but no method"),
        ({"method": "rebll", "teacher": "x", "mixup": 0.2}, "set mixup=0"),
    ):
        with pytest.raises(Problem, match=said):
            prepare(partly(**given))
    command = as_command(partly(method="cap", method_values={"ratio": 2.0, "form": "code"}))
    assert "--method cap --method-values ratio=2.0 --method-values form=code" in command


def test_new_classes_are_learned_without_forgetting(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_path = write_corners(tmp_path / "old.npz")
    arrays = dict(np.load(old_path))
    np.savez(old_path, **{k: v[:, :2] if k.endswith("labels") else v for k, v in arrays.items()})
    old = _trained(config(data=Source(str(old_path)), epochs=8), tmp_path / "old")
    new_path = write_corners(tmp_path / "new.npz", seed=1)

    def partial(labels: np.ndarray) -> np.ndarray:
        labels[:6, 2] = np.nan
        labels[6:, :2] = np.nan
        return labels

    true = _changed(new_path, partial)
    settings = config(data=Source(str(new_path)), epochs=6, select="last")
    ours = replace(
        settings, method="rebll", teacher=str(old.path), method_values={"sure": 0.7, "distil": 4.0, "decay": 0.5}
    )
    whole, plain = _trained(ours, tmp_path / "whole"), _trained(settings, tmp_path / "plain")
    aps = {
        run.path.name: [row["ap"] for row in report(run.predictions("test")).as_json()["classes"]]
        for run in (whole, plain)
    }
    assert np.mean(aps["whole"][:2]) > np.mean(aps["plain"][:2]) + 0.1
    assert aps["whole"][2] > 0.95
    labels = load_file(whole.path / "checkpoint.safetensors")["method.labels"].numpy()
    filled = labels[:6, 2] >= 0
    assert filled.any()
    assert (labels[:6, 2] == true[:6, 2])[filled].mean() > 0.8
    assert (labels[6:, :2] == -1).all(), "only the memory is relabelled"
    run = _killed(ours, tmp_path / "killed", monkeypatch, 20)
    assert list(resume(run.path))[-1]["event"] == "finished"
    _same(run, whole)
    with pytest.raises(Problem, match="every class"):
        prepare(replace(ours, data=Source(str(old_path))))
    assert torch.is_grad_enabled()
