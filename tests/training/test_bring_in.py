"""Weights from elsewhere become a run like any other, or are refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from lt_core.problems import Problem
from lt_core.training import Run, RunConfig, train
from lt_core.training.exchange.bring_in import bring_in
from lt_core.training.exchange.export import export
from lt_core.training.predicting import predictions_of

Make = Callable[..., RunConfig]


def foreign(in_chans: int = 1, n_classes: int = 3) -> torch.nn.Module:
    """A model trained elsewhere, with running statistics of its own."""
    torch.manual_seed(3)
    model = timm.create_model("test_resnet", num_classes=n_classes, in_chans=in_chans)
    with torch.no_grad():
        model.train()(torch.randn(16, in_chans, 16, 16))
    return model.eval()


def arrays(config: RunConfig) -> dict[str, np.ndarray]:
    with np.load(config.data.name) as file:
        return {name: file[name] for name in file.files}


def expected(model: torch.nn.Module, data: dict[str, np.ndarray], part: str, mean: float, std: float) -> np.ndarray:
    """The logits of ``model`` image by image, as timm's own documentation would have it."""
    rows = []
    for image in data[f"{part}_images"]:
        channel = torch.from_numpy((image.astype(np.float64) / 255 - mean) / std).float()
        channels = next(model.parameters()).shape[1]
        with torch.no_grad():
            rows.append(model(channel.expand(1, channels, *channel.shape)).numpy()[0])
    return np.stack(rows)


def test_predictions_are_those_of_the_plain_timm_model(config: Make, tmp_path: Path) -> None:
    model, data = foreign(), arrays(config())
    torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}, "epoch": 9}, tmp_path / "w.pt")
    run = bring_in(tmp_path / "w.pt", config=config(), folder=tmp_path / "run")
    train_images = data["train_images"] / 255
    for part in ("val", "test"):
        found = run.predictions(part)
        wanted = expected(model, data, part, train_images.mean(), train_images.std())
        np.testing.assert_allclose(found.logits, wanted, atol=1e-4)
        np.testing.assert_array_equal(found.targets, data[f"{part}_labels"])


def test_the_run_is_like_any_other(config: Make, tmp_path: Path) -> None:
    torch.save(foreign().state_dict(), tmp_path / "w.pth")
    run = bring_in(tmp_path / "w.pth", config=config(pretrained=True, name="from afar"), folder=tmp_path / "run")
    assert (run.state, run.name, run.progress().fraction, run.error) == ("finished", "from afar", 1.0, None)
    first, last = run.events()
    assert (first["event"], last["event"], last["imported"], last["epoch"]) == ("started", "finished", True, 0)
    assert "weights brought in from w.pth: mean and deviation are the training part's" in first["note"]
    assert "in this order" in first["note"]
    assert {"last.safetensors", "best.safetensors", "config.json", "dataset.json"} <= {
        file.name for file in run.path.iterdir()
    }
    val, again = run.predictions("val"), predictions_of(run, "val")
    np.testing.assert_array_equal(val.logits, again.logits)
    model = run.load_model().state_dict()
    assert all(torch.equal(value, model[name]) for name, value in foreign().state_dict().items())
    assert len(predictions_of(run, "train")) == run.dataset_card["n_train"]
    assert list(train(run.config, tmp_path / "clone"))[-1]["event"] == "finished"


def test_given_mean_and_deviation_are_used(config: Make, tmp_path: Path) -> None:
    model = foreign()
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    path = tmp_path / "w.safetensors"
    run = bring_in(path, config=config(), folder=tmp_path / "run", mean=[0.485], std=[0.229])
    assert "mean and deviation are given" in run.events()[0]["note"]
    wanted = expected(model, arrays(config()), "val", 0.485, 0.229)
    np.testing.assert_allclose(run.predictions("val").logits, wanted, atol=1e-4)
    for mean, std, said in (([0.5], None, "both mean and std"), ([0.5, 0.5], [1.0], "mean must have one number"),
                            ([0.5], [0.0], "std must be above 0")):  # fmt: skip
        with pytest.raises(Problem, match=said):
            bring_in(path, config=config(), folder=tmp_path / "no", mean=mean, std=std)
    assert not (tmp_path / "no").exists()


def test_three_channel_weights_want_three_channels(config: Make, tmp_path: Path) -> None:
    model = foreign(in_chans=3)
    torch.save(model.state_dict(), tmp_path / "w.pt")
    with pytest.raises(Problem, match=r"w.pt wants images of 3 channel\(s\), these have 1: set channels to 3"):
        bring_in(tmp_path / "w.pt", config=config(), folder=tmp_path / "run")
    run = bring_in(tmp_path / "w.pt", config=config(channels="3"), folder=tmp_path / "run")
    images = arrays(config())["train_images"] / 255
    wanted = expected(model, arrays(config()), "val", images.mean(), images.std())
    np.testing.assert_allclose(run.predictions("val").logits, wanted, atol=1e-4)


def test_what_does_not_fit_is_refused_and_nothing_is_written(config: Make, tmp_path: Path) -> None:
    torch.save(foreign(n_classes=5).state_dict(), tmp_path / "five.pt")
    with pytest.raises(Problem, match=r"five.pt answers 5 classes, .* has 3: .*weights=FILE"):
        bring_in(tmp_path / "five.pt", config=config(), folder=tmp_path / "run")
    torch.save(foreign().state_dict(), tmp_path / "w.pt")
    with pytest.raises(Problem, match=r"w.pt does not hold the weights of this ResNet: missing: .* more; not in"):
        bring_in(tmp_path / "w.pt", config=config(model="resnet18"), folder=tmp_path / "run")
    with pytest.raises(Problem, match=r"w.pt has a linear head: set head to that"):
        bring_in(tmp_path / "w.pt", config=config(head="cosine"), folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "events.jsonl").touch()
    with pytest.raises(Problem, match="already holds a run"):
        bring_in(tmp_path / "w.pt", config=config(), folder=tmp_path / "run")


@pytest.mark.parametrize("head", ["linear", "cosine"])
def test_an_export_comes_back_as_the_run_it_was(head: str, config: Make, tmp_path: Path) -> None:
    given = config(epochs=1, head=head)
    list(train(given, tmp_path / "run"))
    run = Run(tmp_path / "run")
    export(run, tmp_path / "out", ["safetensors"])
    back = bring_in(tmp_path / "out", config=given, folder=tmp_path / "back")
    assert "mean and deviation are those of the file" in back.events()[0]["note"]
    for part in ("val", "test"):
        np.testing.assert_allclose(back.predictions(part).logits, run.predictions(part).logits, atol=1e-5)
    card = run.dataset_card
    assert back.dataset_card == card


def test_an_export_of_other_classes_is_refused(config: Make, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    list(train(config(epochs=1), tmp_path / "run"))
    export(Run(tmp_path / "run"), tmp_path / "out", ["safetensors"])
    file = tmp_path / "out" / "model.safetensors"
    card = '{"class_names": ["a", "b", "c"]}'
    save_file(load_file(file), tmp_path / "other.safetensors", metadata={"longtail_lab": card})
    with pytest.raises(Problem, match=r"was trained for other classes \(a, b, c\) than"):
        bring_in(tmp_path / "other.safetensors", config=config(), folder=tmp_path / "no")


def test_nobody_elses_generator_is_moved(config: Make, tmp_path: Path) -> None:
    torch.save(foreign().state_dict(), tmp_path / "w.pt")
    before = torch.get_rng_state()
    bring_in(tmp_path / "w.pt", config=replace(config(), seed=5), folder=tmp_path / "run")
    assert torch.equal(torch.get_rng_state(), before)
