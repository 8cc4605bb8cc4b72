"""Maps of a run: the input is training's own, and whatever had to be done to an image is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lt_core.datasets import assign_parts, load
from lt_core.evaluation import Predictions
from lt_core.explain import explain_run, explain_to_file, grad_cam
from lt_core.explain.of_run import fitted
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.training import Run
from lt_core.training.parts import normalised


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def test_the_map_is_of_the_very_input_that_training_makes(run: Run) -> None:
    image = pixels(32, 32)
    found = explain_run(run, image, 1)
    batch = normalised(torch.from_numpy(image[None, ..., None]), run.dataset_card)
    assert torch.equal(batch[0, 0], (torch.from_numpy(image).float() / 255 - 0.4) / 0.25)
    expected = grad_cam(run.load_model(), batch, 1)
    np.testing.assert_array_equal(found.cam.heatmap, expected.heatmap)
    with torch.no_grad():
        np.testing.assert_allclose(found.probabilities, run.load_model()(batch)[0].softmax(0).numpy(), rtol=1e-5)
    assert found.notes == ((found.cam.note,) if found.cam.note else ())
    np.testing.assert_array_equal(found.shown[..., 0], image)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((32, 32), []),
        ((32, 32, 1), []),
        ((64, 64), ["64 x 64 pixels and was brought to the 32 x 32"]),
        ((20, 50), ["50 x 20 pixels", "proportions were not kept"]),
        ((32, 32, 3), ["turned to grey"]),
        ((300, 400, 3), ["400 x 300", "proportions", "turned to grey"]),
    ],
)
def test_an_image_of_any_size_is_fitted_and_what_was_done_is_said(shape: tuple[int, ...], words: list[str]) -> None:
    image, notes = fitted(pixels(*shape), [32, 32, 1])
    assert image.shape == (32, 32, 1)
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))


def test_a_grey_image_is_fed_to_a_colour_network_in_three_equal_channels() -> None:
    image, notes = fitted(pixels(16, 16), [16, 16, 3])
    assert image.shape == (16, 16, 3)
    assert (image[..., 0] == image[..., 2]).all()
    assert notes == []


def test_a_file_is_written_and_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    entry = explain_to_file(run, 4, "class 1", path)
    seen = run.predictions("test")
    assert entry["row"] == seen.rows[4]
    assert entry["id"] == (str(seen.ids[4]) if load(run.config.data).ids is not None else None)
    assert entry["truth"] == int(seen.targets[4, 1])
    assert 0 <= entry["probability"] <= 1
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry
    with Image.open(path) as sheet:
        assert sheet.format == "PNG"


def test_the_whole_set_and_the_training_part_can_be_explained(run: Run, tmp_path: Path) -> None:
    assert explain_to_file(run, 0, "class 0", tmp_path / "a.png", part=None)["row"] == 0
    entry = explain_to_file(run, 19, "class 0", tmp_path / "b.png", part="train")
    assert entry["row"] == assign_parts(load(run.config.data), seed=3).rows("train")[19]


def test_mistakes_are_sentences(run: Run, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"index must be in \[0, 11\] for the test part, got 12"):
        explain_to_file(run, 12, "class 1", tmp_path / "x.png")
    with pytest.raises(Unknown, match="did you mean 'class 1'"):
        explain_to_file(run, 0, "klass 1", tmp_path / "x.png")
    with pytest.raises(Unknown, match="no part 'holdout'"):
        explain_to_file(run, 0, "class 1", tmp_path / "x.png", part="holdout")


def test_a_set_that_has_changed_since_is_refused(run: Run, tmp_path: Path) -> None:
    seen = run.predictions("test")
    other = tmp_path / "run"
    other.mkdir()
    for name in ("config.json", "dataset.json", "best.safetensors"):
        (other / name).write_bytes((run.path / name).read_bytes())
    ids = np.array([f"was {name}" for name in seen.ids])
    Predictions(seen.class_names, seen.logits, seen.targets, seen.rows, ids, "single", "test").save(
        other / "predictions-test.npz"
    )
    with pytest.raises(Problem, match="holds other images than when run was trained"):
        explain_to_file(Run(other), 0, "class 1", tmp_path / "x.png")


def test_probabilities_are_those_of_the_scaled_logits_that_results_show(run: Run, tmp_path: Path) -> None:
    """LDAM trains softmax(s * logits): so must a map's probabilities be read."""
    from shutil import copytree

    from lt_core.training.folder.store import write_json

    path = tmp_path / "scaled"
    copytree(run.path, path)
    write_json(path / "dataset.json", run.dataset_card | {"logit_scale": 30.0})
    found = explain_run(Run(path), pixels(32, 32), 1)
    z = 30.0 * found.cam.logits.astype(np.float64)
    np.testing.assert_allclose(found.probabilities, np.exp(z) / np.exp(z).sum(), rtol=1e-12)
    assert not np.allclose(found.probabilities, explain_run(run, pixels(32, 32), 1).probabilities)
