"""Exports: what is written answers as the run does, is described well enough to be used alone, or is not kept."""

from __future__ import annotations

import json
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from lt_core.problems import Problem, Unknown
from lt_core.training import Run, RunConfig, train
from lt_core.training.exchange import export as module
from lt_core.training.exchange.export import ATOL, export


@pytest.fixture
def run(config: Callable[..., RunConfig], tmp_path: Path) -> Run:
    """A run of one epoch."""
    list(train(config(epochs=1, name="corners"), tmp_path / "run"))
    return Run(tmp_path / "run")


def images(run: Run, n: int = 5) -> torch.Tensor:
    """Normalised images as the run sees them; other ones than the export is checked on."""
    height, width, channels = run.dataset_card["shape"]
    return torch.from_numpy(np.random.default_rng(1).normal(size=(n, channels, height, width)).astype(np.float32))


def logits(model: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return model(batch).numpy()


def run_readme(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Run the code in the README, which may import timm, torch and safetensors but nothing of ours."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", text, flags=re.S) if "timm" in block]
    assert "lt_core" not in text
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    exec(code, names)
    return names


@pytest.mark.parametrize("head", ["linear", "cosine"])
def test_readme_loads_the_model_with_plain_timm(
    head: str, config: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(train(config(epochs=1, head=head), tmp_path / "run"))
    run = Run(tmp_path / "run")
    done = export(run, tmp_path / "out", ["safetensors"])
    assert done.files == ("README.md", "config.json", "model.safetensors")
    model = run_readme(tmp_path / "out", monkeypatch)["model"]
    np.testing.assert_allclose(logits(model, images(run)), logits(run.load_model(), images(run)), atol=1e-6)


def test_readme_of_a_transformer_names_its_image_size(
    config: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(train(config(epochs=1, model="vit_tiny_patch16_224", image_size=32), tmp_path / "run"))
    run = Run(tmp_path / "run")
    export(run, tmp_path / "out", ["safetensors"])
    model = run_readme(tmp_path / "out", monkeypatch)["model"]
    np.testing.assert_allclose(logits(model, images(run)), logits(run.load_model(), images(run)), atol=1e-5)


def test_programs_answer_as_the_run_for_any_batch_size(run: Run, tmp_path: Path) -> None:
    done = export(run, tmp_path / "out", ["torchscript", "pt2"])
    assert set(done.largest_difference) == {"torchscript", "pt2"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        programs = [
            torch.jit.load(tmp_path / "out" / "model.torchscript.pt"),
            torch.export.load(tmp_path / "out" / "model.pt2").module(),
        ]
        for program in programs:
            for n in (1, 4):
                expected = logits(run.load_model(), images(run, n))
                np.testing.assert_allclose(logits(program, images(run, n)), expected, atol=ATOL)


def test_card_holds_what_it_takes_to_use_the_model(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "out.zip", ["safetensors"])
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert sorted(archive.namelist()) == ["out/README.md", "out/config.json", "out/model.safetensors"]
        card = json.loads(archive.read("out/config.json"))
        text = archive.read("out/README.md").decode()
    data = run.dataset_card
    assert (card["class_names"], card["mean"], card["std"]) == (data["class_names"], data["mean"], data["std"])
    assert card["input"] == {"height": 16, "width": 16, "channels": 1}
    assert card["timm"] == {"num_classes": 3, "in_chans": 1, "output_stride": 8}
    assert (card["model"], card["link"], card["reported_epoch"]) == ("test_resnet", "sigmoid", 1)
    assert "choose a threshold for each class" in text
    assert all(f"{k}. {name} (" in text for k, name in enumerate(data["class_names"], start=1))
    assert str(data["mean"]) in text


def test_onnx_is_a_sentence_where_its_packages_are_not(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    done = export(run, tmp_path / "out", ["safetensors", "onnx"])
    assert done.notes == ("ONNX needs onnx and onnxscript, not installed here: pip install onnx onnxscript",)
    assert "model.onnx" not in done.files
    with pytest.raises(Problem, match="nothing could be exported from corners: ONNX needs"):
        export(run, tmp_path / "other", ["onnx"])
    assert not (tmp_path / "other").exists()


def test_what_answers_otherwise_is_not_kept(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(model, _card, _images, file: Path):
        file.write_bytes(b"x")
        return lambda batch: model(batch) + 1e-3

    def broken(_model, _card, _images, file: Path):
        file.write_bytes(b"x")
        raise RuntimeError("no such\noperator")

    monkeypatch.setitem(module._WRITERS, "torchscript", shifted)
    monkeypatch.setitem(module._WRITERS, "pt2", broken)
    done = export(run, tmp_path / "out", ["safetensors", "torchscript", "pt2"])
    assert done.files == ("README.md", "config.json", "model.safetensors")
    assert "its logits differ by 0.001, more than 0.0001: it was not kept" in done.notes[0]
    assert done.notes[1] == "pt2 could not be made (RuntimeError: no such operator)"


def test_nothing_is_overwritten_and_unknown_kinds_are_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    (tmp_path / "full.zip").touch()
    for name in ("full", "full.zip"):
        with pytest.raises(Problem, match="is there already"):
            export(run, tmp_path / name)
    with pytest.raises(Unknown, match="unknown kind of export 'onx': did you mean 'onnx'"):
        export(run, tmp_path / "out", ["onx"])
    assert not list(tmp_path.glob(".export-*"))
