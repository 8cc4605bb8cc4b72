"""MedMNIST-layout .npz files: parts, kinds, names."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lt_core.datasets import LabeledImages, Source, load, to_uint8_batch
from lt_core.datasets.medmnist_names import names_for
from lt_core.datasets.medmnist_sets import SETS, set_named
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


def volumes(n: int, edge: int = 10) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, edge, edge, edge), dtype=np.uint8)


@pytest.mark.parametrize(
    ("how", "flat"), [("middle", lambda v: v[:, v.shape[1] // 2]), ("max", lambda v: v.max(axis=1))]
)
def test_volumes_become_one_slice(tmp_path: Path, how: str, flat: Any) -> None:
    train, test = volumes(5), volumes(2)
    path = npz(tmp_path / "nodulemnist3d_64.npz", train_images=train, train_labels=[[0], [1], [0], [0], [1]],
               test_images=test, test_labels=[[1], [0]])  # fmt: skip
    data = loaded(Source(str(path), options={"slice": how}))
    assert data.class_names == ("benign", "malignant")
    for k, expected in enumerate(np.concatenate([flat(train), flat(test)])):
        np.testing.assert_array_equal(data.images.read(k), expected)
    assert data.reading is not None
    assert [(c.kind, c.count) for c in data.reading.changes] == [("repaired", 7)]
    assert "option slice" in data.about
    again = loaded(Source.from_json(data.source.as_json()))
    np.testing.assert_array_equal(again.images.read(3), data.images.read(3))


def test_large_arrays_come_in_runs_of_rows_and_fortran_order_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lt_core.datasets import npz as reading

    train, val = images(23, 7, 5, 3), images(9, 7, 5, 3)
    path = npz(tmp_path / "x.npz", train_images=train, train_labels=np.arange(23) % 3,
               val_images=np.asfortranarray(val), val_labels=np.arange(9) % 3)  # fmt: skip
    for block in (1, 400, 1 << 24):
        monkeypatch.setattr(reading, "_BLOCK", block)
        data = loaded(path)
        got = np.stack([data.images.read(k) for k in range(32)])
        np.testing.assert_array_equal(got, np.concatenate([train, val]))


def test_a_large_set_is_never_there_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    from lt_core.datasets import npz as reading

    monkeypatch.setattr(reading, "_BLOCK", 1 << 20)
    n = 15_000
    path = tmp_path / "x.npz"
    np.savez_compressed(path, train_images=np.zeros((n, 32, 32), np.uint8), train_labels=np.arange(n) % 5)
    tracemalloc.start()
    data = loaded(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    pixels = n * 32 * 32
    assert len(data) == n
    # Beside the pixels: one block of rows, labels, ids and parts.
    assert peak < 1.7 * pixels


@pytest.mark.parametrize("stem", ["dermamnist", "dermamnist_28", "DermaMNIST_64", "dermamnist_128", "dermamnist_224",
                                  "dermamnist_64 (1)", "dermamnist_224-copy"])  # fmt: skip
def test_every_size_has_the_names_of_its_set(tmp_path: Path, stem: str) -> None:
    data = loaded(npz(tmp_path / f"{stem}.npz", train_images=images(2), train_labels=[[6], [0]]))
    assert data.class_names[5] == "melanocytic nevi"
    assert data.n_classes == 7


def test_chestmnist_has_14_findings_and_several_an_image(tmp_path: Path) -> None:
    labels = np.zeros((4, 14), np.uint8)
    labels[1, [2, 3]] = labels[2, 13] = 1
    data = loaded(npz(tmp_path / "chestmnist_224.npz", train_images=images(4), train_labels=labels))
    assert (data.kind, data.class_names[13]) == ("multi", "hernia")
    assert data.labels.sum(axis=1).tolist() == [0, 2, 1, 0]


@pytest.mark.parametrize("stem", [entry.key for entry in SETS])
def test_every_set_has_names_for_its_task(stem: str) -> None:
    entry, names = set_named(stem), names_for(stem)
    assert len(set(names)) == len(names) >= 2
    if entry.task == "binary-class":
        assert len(names) == 2


def header(shape: str, descr: str = "'|u1'") -> bytes:
    """An array header as it would be written, with any shape."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + (len(text) + 1).to_bytes(2, "little") + text + b"\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header("(1099511627776, 64, 64)"), "is not as large as it says"),
        (header("(" + "9" * 60 + ",)"), "is not as large as it says"),
        (header("(-1, -1, 1)") + b"x", "is not as large as it says"),
        (header("'text'"), "is not a NumPy array"),
        (header("(2,)", "'|O'"), "is a pickle, which can run code"),
        (header("(2,)", "[('a', '|O')]"), "is a pickle, which can run code"),
        (header("(2,)", "'nonsense'"), "is not a NumPy array"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'", "is not a NumPy array"),
        (header("(" + "(" * 5000), "is not a NumPy array"),
        (b"\x93NUMPY\x09\x00", "is not a NumPy array"),
        (b"", "is not a NumPy array"),
    ],
)
def test_headers_that_lie(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images.npy", content)
        archive.writestr("train_labels.npy", header("(0, 1)"))
    with pytest.raises(Problem, match=message) as caught:
        load(path)
    assert len(str(caught.value)) < 300


def test_rgba_and_shallow_stacks_are_not_taken_for_volumes(tmp_path: Path) -> None:
    for shape in ((9, 9, 4), (9, 9, 7), (4, 9, 9)):
        with pytest.raises(Problem, match="must be uint8 of shape"):
            load(npz(tmp_path / "x.npz", train_images=images(2, *shape), train_labels=[[0], [1]]))
