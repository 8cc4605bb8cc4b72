"""The loop: same in, same out; it learns; it selects on validation; whatever goes wrong is one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from lt_core.datasets import Source
from lt_core.evaluation import per_class
from lt_core.problems import Problem, Unknown
from lt_core.training import Run, RunConfig, train
from lt_core.training.job import prepare
from lt_core.training.parts import normalised
from tests.training.conftest import COUNTS, write_corners

Make = Callable[..., RunConfig]
CLOCKS = ("time", "seconds", "elapsed", "images_per_second", "memory")


def _told(config: RunConfig, folder: Path) -> list[dict[str, object]]:
    said = [entry for entry in train(config, folder) if entry["event"] != "step"]
    return [{key: value for key, value in entry.items() if key not in CLOCKS} for entry in said]


def test_same_config_and_seed_give_the_same_run(config: Make, tmp_path: Path) -> None:
    settings = config(sampler="class-aware")
    assert _told(settings, tmp_path / "a") == _told(settings, tmp_path / "b")
    one, two = (Run(tmp_path / name).predictions("test").logits for name in "ab")
    assert np.array_equal(one, two)
    other = _told(config(sampler="class-aware", seed=1), tmp_path / "c")
    assert other[1]["train_loss"] != _told(settings, tmp_path / "d")[1]["train_loss"]


def test_the_callers_random_numbers_are_left_alone(config: Make, tmp_path: Path) -> None:
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002 - the legacy generator is what must not be touched
    undisturbed = torch.rand(3), np.random.rand(3)  # noqa: NPY002
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    for _ in train(config(epochs=1), tmp_path / "run"):
        pass
    assert torch.equal(torch.rand(3), undisturbed[0])
    assert np.array_equal(np.random.rand(3), undisturbed[1])  # noqa: NPY002


@pytest.mark.parametrize("single", [False, True])
def test_learns_the_corners(config: Make, tmp_path: Path, single: bool) -> None:
    path = write_corners(tmp_path / "toy.npz", single=single)
    settings = config(data=Source(str(path)), loss="ce" if single else "bce", epochs=6, learning_rate=0.01)
    *_, last = train(settings, tmp_path / "run")
    assert last["event"] == "finished"
    table = per_class(Run(tmp_path / "run").predictions("test"))
    chance = table["n_positive"] / COUNTS["test"]
    assert table["ap"].mean() > chance.mean() + 0.3


def test_folder_holds_what_the_run_said(config: Make, tmp_path: Path) -> None:
    settings = config(epochs=3, loss="asl", loss_values={"gamma_neg": 2.0})
    *_, last = train(settings, tmp_path / "run")
    run = Run(tmp_path / "run")
    assert run.config == settings
    assert run.state == "finished"
    history = run.history()
    best = history["ap_macro"].to_numpy()
    assert last["reported_epoch"] == run.reported_epoch == int(best.argmax()) + 1  # ties: the earlier
    assert history["epoch"].tolist() == [1, 2, 3]
    card = run.dataset_card
    assert card["parts"] == COUNTS
    assert card["n_train"] == COUNTS["train"]
    assert card["shape"] == [16, 16, 1]
    with np.load(settings.data.name) as file:
        assert card["positives_per_class"] == file["train_labels"].sum(0).tolist()
        assert card["mean"] == pytest.approx([file["train_images"].mean() / 255], abs=1e-9)
        assert card["std"] == pytest.approx([file["train_images"].std() / 255], abs=1e-9)
    for file in ("config.json", "dataset.json"):
        json.loads((run.path / file).read_text(), parse_constant=lambda word: pytest.fail(word))
    for line in (run.path / "events.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda word: pytest.fail(word))


def test_predictions_are_a_forward_pass_of_the_saved_weights(config: Make, tmp_path: Path) -> None:
    settings = config(epochs=3)
    list(train(settings, tmp_path / "run"))
    run = Run(tmp_path / "run")
    saved = run.predictions("test")
    with np.load(settings.data.name) as file:
        pixels, labels = file["test_images"], file["test_labels"]
    with torch.inference_mode():
        fresh = run.load_model()(normalised(torch.from_numpy(pixels[..., None]), run.dataset_card))
    assert saved.logits == pytest.approx(fresh.numpy(), abs=1e-5)
    assert np.array_equal(saved.targets, labels)
    assert np.array_equal(saved.rows, COUNTS["train"] + COUNTS["val"] + np.arange(COUNTS["test"]))


@pytest.mark.parametrize(("select", "epoch"), [("best", 2), ("last", 4)])
def test_reported_weights_are_those_of_the_selected_epoch(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, select: str, epoch: int
) -> None:
    from lt_core.training import loop, session

    quality = iter([0.2, 0.5, 0.5, 0.1])  # a tie goes to the earlier epoch
    seen: list[np.ndarray] = []
    scores, predict = loop.scores_of, session.predict

    def watched(job, part: str, *pieces: int):
        answer = predict(job, part, *pieces)
        if part == "val":
            seen.append(answer[0].logits)
        return answer

    def rated(*given):
        found, classes = scores(*given)
        return found | {"ap_macro": next(quality)}, classes

    monkeypatch.setattr(session, "predict", watched)
    monkeypatch.setattr(loop, "scores_of", rated)
    *_, last = train(config(epochs=4, select=select), tmp_path / "run")
    assert last["reported_epoch"] == epoch
    assert np.array_equal(seen[-1], seen[epoch - 1])
    assert not np.array_equal(seen[1], seen[3])
    assert np.array_equal(Run(tmp_path / "run").predictions("val").logits, seen[epoch - 1])


def test_test_part_is_read_once_and_last(config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lt_core.training import session

    read: list[str] = []
    predict = session.predict
    monkeypatch.setattr(
        session, "predict", lambda job, part, *pieces: (read.append(part), predict(job, part, *pieces))[1]
    )
    list(train(config(), tmp_path / "run"))
    assert read == ["val", "val", "val", "test"]


def test_stop_keeps_the_epochs_done(config: Make, tmp_path: Path) -> None:
    seen: list[str] = []
    for entry in train(config(epochs=50), tmp_path / "run", should_stop=lambda: seen.count("epoch") >= 2):
        seen.append(entry["event"])  # noqa: PERF401 - the run looks at the list while it grows
    run = Run(tmp_path / "run")
    assert run.state == "stopped"
    assert len(run.history()) == 2
    assert run.reported_epoch in (1, 2)
    assert len(run.predictions("test")) == COUNTS["test"]
    run.load_model()


def test_stop_before_the_first_epoch_ends_keeps_weights_but_reports_nothing(config: Make, tmp_path: Path) -> None:
    *_, last = train(config(), tmp_path / "run", should_stop=lambda: True)
    assert (last["event"], last["reported_epoch"]) == ("stopped", None)
    Run(tmp_path / "run").load_model()
    with pytest.raises(Problem, match="no predictions"):
        Run(tmp_path / "run").predictions("test")


def test_divergence_is_a_failure_with_its_cause(config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lt_core.losses.bound import Criterion

    forward = Criterion.forward

    def spoilt(self: Criterion, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        value = forward(self, logits, targets)
        return value * float("nan") if self.bound.epoch == 1 and torch.is_grad_enabled() else value

    monkeypatch.setattr(Criterion, "forward", spoilt)
    *_, last = train(config(), tmp_path / "run")
    assert last["event"] == "failed"
    assert "the loss became nan in epoch 2, step 1" in str(last["error"])
    assert "lower the learning rate" in str(last["error"])
    run = Run(tmp_path / "run")
    assert run.state == "failed"
    assert run.error == last["error"]
    run.load_model()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"loss": "bcee"}, "bcee.*did you mean 'bce'"),
        ({"loss": "asl", "loss_values": {"gamma_neg": 99.0}}, "asl.gamma_neg must be in"),
        ({"loss": "asl", "loss_values": {"gama": 1.0}}, "gama"),
        ({"model": "resnet81"}, "unknown backbone 'resnet81'"),
        ({"model": "densenet121"}, "densenet121 cannot take images of 16 x 16"),
        ({"loss": "ce"}, "ce is for one class an image"),
        ({"data": Source("nih")}, "no images"),
        ({"data": Source("nowhere.npz")}, "nowhere"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    config: Make, tmp_path: Path, given: dict[str, object], words: str
) -> None:
    with pytest.raises(Problem, match=words) as caught:
        list(train(config(**given), tmp_path / "run"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_folder_with_a_run_is_not_written_over(config: Make, tmp_path: Path) -> None:
    list(train(config(epochs=1), tmp_path / "run"))
    with pytest.raises(Problem, match="already holds a run"):
        list(train(config(epochs=1), tmp_path / "run"))


def test_unknown_part_of_a_run_names_those_there_are(config: Make, tmp_path: Path) -> None:
    list(train(config(epochs=1), tmp_path / "run"))
    with pytest.raises(Problem, match="test, val"):
        Run(tmp_path / "run").predictions("train")


def test_missing_images_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    rows = "".join(f"x{i}.png,{i % 2},{(i + 1) % 2}\n" for i in range(30))
    (tmp_path / "labels.csv").write_text("image,a,b\n" + rows)
    source = Source(str(tmp_path / "labels.csv"), images=str(tmp_path / "images"))
    with pytest.raises(Problem, match=r"missing|images|not"):
        prepare(RunConfig(source, "bce", device="cpu"))


def test_unknown_is_a_problem() -> None:
    assert issubclass(Unknown, Problem)
