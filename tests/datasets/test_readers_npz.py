"""MedMNIST-layout .npz files: parts, kinds, names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lt_core.datasets import LabeledImages, Source, load, to_uint8_batch
from lt_core.problems import Problem


def npz(path: Path, **arrays: Any) -> Path:
    np.savez_compressed(path, **{name: np.asarray(value) for name, value in arrays.items()})
    return path


def images(n: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, *(shape or (6, 5))), dtype=np.uint8)


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


def test_class_numbers_are_single_label_with_c_from_all_parts(tmp_path: Path) -> None:
    train, test = images(4), images(3)
    path = npz(tmp_path / "x.npz", train_images=train, train_labels=[[0], [1], [1], [0]], test_images=test,
               test_labels=[[3], [0], [2]])  # fmt: skip
    data = loaded(path)
    assert (data.kind, data.class_names) == ("single", ("class 0", "class 1", "class 2", "class 3"))
    assert data.labels.argmax(axis=1).tolist() == [0, 1, 1, 0, 3, 0, 2]
    assert data.labels.sum(axis=1).tolist() == [1] * 7
    assert data.rows("test").tolist() == [4, 5, 6]
    np.testing.assert_array_equal(data.images.read(5), test[1])
    assert any("no positive" in w for w in data.warnings) is False


def test_flat_class_numbers_and_a_channel_axis_of_one(tmp_path: Path) -> None:
    data = loaded(npz(tmp_path / "x.npz", train_images=images(3, 6, 5, 1), train_labels=[2, 0, 1]))
    assert data.n_classes == 3
    assert data.images.read(0).shape == (6, 5)


def test_multi_hot_is_multi_label_and_one_hot_single(tmp_path: Path) -> None:
    multi = loaded(npz(tmp_path / "m.npz", train_images=images(3, 6, 5, 3), train_labels=[[1, 1], [0, 0], [0, 1]]))
    assert (multi.kind, multi.labels.tolist()) == ("multi", [[1, 1], [0, 0], [0, 1]])
    one = loaded(npz(tmp_path / "o.npz", train_images=images(3), train_labels=np.eye(3, dtype=bool)))
    assert one.kind == "single"


def test_names_from_the_user_or_the_file_name(tmp_path: Path) -> None:
    path = npz(tmp_path / "pneumoniamnist_64.npz", train_images=images(3), train_labels=[[0], [1], [0]])
    assert loaded(path).class_names == ("normal", "pneumonia")
    assert loaded(Source(str(path), labels=("a", "b"))).class_names == ("a", "b")
    with pytest.raises(Problem, match="has 2 classes, but --labels gives 1"):
        load(Source(str(path), labels=("a",)))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": [1]}, "not in the MedMNIST layout: it has a, expected"),
        ({"train_images": images(2)}, "expected train_images, train_labels"),
        ({"train_images": images(2), "train_labels": [[0]]}, "2 train_images but 1 train_labels"),
        ({"train_images": images(2), "train_labels": [[0], [0.5]]}, "must be class numbers from 0 up"),
        ({"train_images": images(2), "train_labels": [[0], [-1]]}, "must be class numbers from 0 up"),
        ({"train_images": images(2), "train_labels": [["a"], ["b"]]}, "must be numbers of shape"),
        ({"train_images": images(2), "train_labels": [[0, 2], [0, 1]]}, "must hold 0 and 1, got 2"),
        ({"train_images": images(2) / 255, "train_labels": [[0], [1]]}, "must be uint8"),
        ({"train_images": images(2, 4, 4, 4), "train_labels": [[0], [1]]}, "must be uint8 of shape"),
        ({"train_images": images(0), "train_labels": np.zeros((0, 1))}, "has no images"),
        (
            {"train_images": images(1), "train_labels": [[0]], "val_images": images(1)},
            "only one of val_images and val_labels",
        ),
        (
            {"train_images": images(1), "train_labels": [[0]], "val_images": images(1), "val_labels": [[0, 1]]},
            "different numbers of label columns",
        ),
        (
            {"train_images": images(1), "train_labels": [[0]], "val_images": images(1, 3, 3), "val_labels": [[0]]},
            "images of different shapes",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(Problem, match=message):
        load(npz(tmp_path / "x.npz", **arrays))


def test_options_of_other_sources_are_refused(tmp_path: Path) -> None:
    path = npz(tmp_path / "x.npz", train_images=images(2), train_labels=[0, 1])
    with pytest.raises(Problem, match="leave --images out"):
        load(Source(str(path), images="."))
    with pytest.raises(Problem, match="unknown option of medmnist 'size'"):
        load(Source(str(path), options={"size": 3}))


def test_ham10000(shared: Path) -> None:
    data = loaded(shared / "data/ham10000/ham10000_7496_28.npz")
    assert [len(data.rows(part)) for part in ("train", "val", "test")] == [5387, 597, 1512]
    assert data.kind == "single"
    learning = data.labels[data.split != "test"].sum(axis=0)
    assert learning.tolist() == [183, 264, 583, 60, 491, 4323, 80]
    assert to_uint8_batch(data.images, [0, 7495]).shape == (2, 28, 28, 3)


def test_nih_starter(shared: Path) -> None:
    data = loaded(shared / "data/nih/nih_starter_64.npz")
    assert [len(data.rows(part)) for part in ("train", "val", "test")] == [434, 62, 125]
    assert data.kind == "multi"
    hernia = [int(data.labels[data.rows(part), 3].sum()) for part in ("train", "val", "test")]
    assert hernia == [18, 0, 2]
