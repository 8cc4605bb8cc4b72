"""Every setting of a run does what it says, seen from its events and its weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lt_core.datasets import Source
from lt_core.problems import Problem
from lt_core.training import Run, RunConfig, train
from lt_core.training.job import Job, prepare
from lt_core.training.scoring import check_divergence
from lt_core.training.session import Session
from lt_core.training.steps import _in_pieces, learn, out_of_memory
from tests.training.conftest import write_corners

Make = Callable[..., RunConfig]
NO_BATCH_NORM = "test_convnext"


def _losses(run: Run) -> list[float]:
    return run.history()["train_loss"].tolist()


@pytest.mark.parametrize("loss", ["asl", "db", "two_way"])
@pytest.mark.parametrize("pieces", [2, 3])
def test_a_batch_in_pieces_gives_the_gradient_of_the_whole(
    config: Make, tmp_path: Path, loss: str, pieces: int
) -> None:
    path = write_corners(tmp_path / "large.npz", size=32)
    job = prepare(config(data=Source(str(path)), loss=loss, model=NO_BATCH_NORM))
    job.model.double().train()
    rows = np.arange(14)
    (images,) = job.batches("train", [rows])
    images, targets = images.double(), job.targets(job.train, rows)
    whole = job.criterion(job.model(images), targets)
    expected = torch.autograd.grad(whole, list(job.model.parameters()))
    _, value = _in_pieces(job, images, len(images), lambda logits: job.criterion(logits, targets), (1, 0), pieces)
    assert value.item() == pytest.approx(whole.item(), rel=1e-6)
    for parameter, gradient in zip(job.model.parameters(), expected, strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-5, atol=1e-7)


def test_pieces_move_the_running_statistics_once(config: Make) -> None:
    def counted(pieces: int) -> int:
        job = prepare(config())
        job.model.train()
        rows = np.arange(16)
        (images,) = job.batches("train", [rows])
        learn(job, images, rows, 1, 0, pieces)
        return int(job.model.state_dict()[_norm(job)])

    assert counted(1) == 1
    assert counted(4) == 4  # each piece once, none twice


def _norm(job: Job) -> str:
    return next(name for name in job.model.state_dict() if name.endswith("num_batches_tracked"))


def test_out_of_memory_halves_the_batch_and_the_run_goes_on(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the allocator's words, in training and in validation; batch norm forgets the try that failed."""
    forward = torch.nn.Module.__call__

    def small(self: torch.nn.Module, *given: object, **named: object) -> object:
        answer = forward(self, *given, **named)  # batch norms have moved by now
        if type(self).__name__ == "ResNet" and len(given[0]) > (8 if self.training else 4):
            torch.empty(2**60, dtype=torch.uint8)  # more than any machine has: this system's own words
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(torch.nn.Module, "__call__", small)
        told = list(train(config(), tmp_path / "small"))
    notes = [entry["text"] for entry in told if entry["event"] == "note"]
    assert len(notes) == 1
    assert "in 2 pieces" in notes[0]
    list(train(config(accumulate=2), tmp_path / "asked"))
    small_run, asked = Run(tmp_path / "small"), Run(tmp_path / "asked")
    assert _losses(small_run) == _losses(asked)
    kept, wanted = (load_file(run.path / "last.safetensors") for run in (small_run, asked))
    assert all(torch.equal(kept[name], wanted[name]) for name in wanted)
    assert np.allclose(small_run.predictions("test").logits, asked.predictions("test").logits, atol=1e-5)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied (8x2 and 3x4)"), False),
        (OSError("can't allocate memory"), False),
    ],
)
def test_each_allocator_is_understood(error: Exception, told: bool) -> None:
    assert out_of_memory(error) is told


def test_no_memory_for_two_images_is_a_failure_with_a_way_on(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(job: Job, *_: object) -> None:
        raise torch.OutOfMemoryError("made up")

    from lt_core.training import steps

    monkeypatch.setattr(steps, "_once", never)
    *_, last = train(config(), tmp_path / "run")
    assert last["event"] == "failed"
    assert "even with 2 images at a time: choose a smaller backbone" in last["error"]


def test_early_stopping_finishes_and_says_so(config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lt_core.training import loop

    scores = loop.scores_of
    quality = iter([0.2, 0.6, 0.5, 0.6, 0.9])

    def rated(*given):
        found, classes = scores(*given)
        return found | {"ap_tail": next(quality)}, classes

    monkeypatch.setattr(loop, "scores_of", rated)
    *_, last = train(config(epochs=9, metric="ap_tail", patience=2), tmp_path / "run")
    assert (last["event"], last["epoch"], last["early"], last["reported_epoch"]) == ("finished", 4, True, 2)


def test_selection_by_validation_loss_takes_the_lowest(config: Make, tmp_path: Path) -> None:
    *_, last = train(config(epochs=4, metric="val_loss", learning_rate=0.05), tmp_path / "run")
    losses = Run(tmp_path / "run").history()["val_loss"].to_numpy()
    assert last["reported_epoch"] == int(losses.argmin()) + 1


def test_crt_trains_a_new_classifier_on_a_backbone_that_stays(config: Make, tmp_path: Path) -> None:
    settings = config(epochs=3, stages="crt", deferred_from=0.67)
    told = train(settings, tmp_path / "run")
    weights = [load_file(tmp_path / "run" / "last.safetensors") for entry in told if entry["event"] == "epoch"]
    before, after = weights[1], weights[2]
    head = {name for name in before if name.startswith(("fc", "head", "classifier"))}
    assert head
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name]) == (name not in head), name


def test_what_is_reported_was_trained_by_the_last_stage(config: Make, tmp_path: Path) -> None:
    *_, last = train(config(epochs=4, stages="crt", deferred_from=0.6), tmp_path / "run")
    run = Run(tmp_path / "run")
    history = run.history()
    late = history[history["epoch"] > 2]
    assert history["ap_macro"].max() > late["ap_macro"].max(), "only then does the test show anything"
    assert last["reported_epoch"] == late.loc[late["ap_macro"].idxmax(), "epoch"] == run.best().epoch


def test_frozen_backbone_learns_nothing_but_its_head(config: Make, tmp_path: Path) -> None:
    list(train(config(epochs=1, freeze="backbone"), tmp_path / "run"))
    job = prepare(config(freeze="backbone"))
    start, end = job.model.state_dict(), load_file(tmp_path / "run" / "last.safetensors")
    changed = {name for name in start if not torch.equal(start[name], end[name])}
    assert changed
    assert all(name.startswith(("fc", "head", "classifier")) for name in changed)


def test_the_average_of_the_weights_is_what_is_kept_and_evaluated(config: Make, tmp_path: Path) -> None:
    list(train(config(epochs=1, ema=0.99), tmp_path / "averaged"))
    list(train(config(epochs=1), tmp_path / "plain"))
    one, two = (load_file(tmp_path / name / "last.safetensors") for name in ("averaged", "plain"))
    assert _losses(Run(tmp_path / "averaged")) == _losses(Run(tmp_path / "plain"))  # training itself is the same
    names = [name for name, _ in prepare(config()).model.named_parameters()]
    assert not any(torch.equal(one[name], two[name]) for name in names)


@pytest.mark.parametrize(
    "given",
    [
        {"mixup": 0.4},
        {"label_smoothing": 0.1},
        {"augment": "radiograph"},
        {"clip_norm": 0.05},
        {"optimizer": "sgd"},
        {"schedule": "constant"},
        {"head": "cosine"},
        {"sampler": "square-root"},
        {"stages": "drs", "deferred_from": 0.5},
        {"channels": "3"},
    ],
    ids=lambda given: "-".join(given),
)
def test_a_setting_changes_the_run_and_the_same_again_does_not(
    config: Make, tmp_path: Path, given: dict[str, object]
) -> None:
    for name, settings in (("plain", config()), ("one", config(**given)), ("two", config(**given))):
        list(train(settings, tmp_path / name))
    plain, one, two = (Run(tmp_path / name) for name in ("plain", "one", "two"))
    assert _losses(one) == _losses(two)
    assert not np.array_equal(one.predictions("test").logits, plain.predictions("test").logits)


def test_the_monitor_tells_the_gradient_of_each_class(config: Make, tmp_path: Path) -> None:
    settings = config(epochs=1, monitor=True, learning_rate=1e-6, reduction="sum")
    told = next(entry for entry in train(settings, tmp_path / "run") if entry["event"] == "epoch")
    job = prepare(settings)  # at this rate the weights stay where they began: the sums can be had in one pass
    job.model.train()
    pull = np.zeros(3)
    for rows in Session(job, tmp_path).batches():
        (images,) = job.batches("train", [rows])
        logits = job.model(images).detach().requires_grad_()
        targets = job.targets(job.train, rows)
        (slope,) = torch.autograd.grad(job.criterion(logits, targets), logits)
        pull += (slope.abs() * targets).sum(0).numpy()
    assert told["gradients"]["pull"] == pytest.approx(pull.tolist(), rel=2e-2)


def test_drw_weights_come_in_with_the_second_stage(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lt_core.losses.bound import Criterion

    seen: list[tuple[int, list[float]]] = []
    given = Criterion.set_class_weights
    monkeypatch.setattr(
        Criterion,
        "set_class_weights",
        lambda self, weights: (seen.append((self.bound.epoch, weights.tolist())), given(self, weights))[1],
    )
    list(train(config(epochs=4, stages="drw", deferred_from=0.5, deferred_beta=0.99), tmp_path / "run"))
    counts = np.array(Run(tmp_path / "run").dataset_card["positives_per_class"])
    expected = (1 - 0.99) / (1 - 0.99**counts)
    assert len(seen) == 1
    assert seen[0][1] == pytest.approx((expected / expected.sum() * 3).tolist())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"loss": "equalization_v2", "mixup": 0.2}, "equalization_v2 remembers"),
        ({"loss": "zlpr", "label_smoothing": 0.1}, "zlpr judges all labels"),
        ({"loss": "two_way", "stages": "drw"}, "cannot be weighted, use stages=one or drs"),
        ({"stages": "crt", "epochs": 1}, "needs at least 2 epochs"),
        ({"precision": "float16"}, "float16 wants a CUDA device"),
        ({"groups": "absolute:1"}, "SCHEME:HEAD:TAIL"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_before_anything_is_read(
    config: Make, tmp_path: Path, given: dict[str, object], words: str
) -> None:
    with pytest.raises(Problem, match=words):
        list(train(config(**given), tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_groups_by_hand_are_those_of_the_run(config: Make, tmp_path: Path) -> None:
    names = prepare(config()).card["class_names"]
    by_hand = dict(zip(names, ("tail", "head", "medium"), strict=True))
    list(train(config(epochs=1, groups=json.dumps(by_hand)), tmp_path / "run"))
    assert Run(tmp_path / "run").dataset_card["groups"] == ["tail", "head", "medium"]


def test_divergence_without_nan_is_told() -> None:
    check_divergence(1, 900.0, 1.0)
    with pytest.raises(Problem, match=r"the mean loss of epoch 3 is 1.1e\+03, that of the first step was 1;"):
        check_divergence(3, 1100.0, 1.0)


def test_cosine_head_is_built_again_from_the_run(config: Make, tmp_path: Path) -> None:
    list(train(config(epochs=1, head="cosine", loss="ldam_multilabel"), tmp_path / "run"))
    logits = Run(tmp_path / "run").predictions("test").logits
    assert np.abs(logits).max() <= 1 + 1e-5  # cosines: the scale is the loss's own
    assert type(Run(tmp_path / "run").load_model().get_classifier()).__name__ == "CosineLinear"
