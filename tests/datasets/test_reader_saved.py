"""A set that is saved and loaded is the same set."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lt_core.datasets import ArrayImages, FileImages, LabeledImages, NoImages, Source, load, load_images, phantom
from lt_core.datasets.boxes import Boxes
from lt_core.datasets.phantom.store import make
from lt_core.datasets.reading import Change, Column, Reading
from lt_core.datasets.saving import save
from lt_core.datasets.sparse import SparseLabels
from lt_core.problems import Problem

FIELDS = ("key", "title", "class_names", "kind", "synthetic", "n_inputs")
ARRAYS = ("ids", "split", "groups", "uncertain")


def table(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def pictures(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for k, name in enumerate(names):
        pixels = np.random.default_rng(k).integers(0, 256, (5, 6, 3) if k % 2 else (4, 7), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)


def assert_same(a: LabeledImages, b: LabeledImages) -> None:
    """Everything a set says, but for where it was loaded from and how it was recognised."""
    for field in FIELDS:
        assert getattr(a, field) == getattr(b, field), field
    for field in ARRAYS:
        one, other = getattr(a, field), getattr(b, field)
        assert (one is None) == (other is None), field
        if one is not None:
            np.testing.assert_array_equal(one, other, err_msg=field)
            assert one.dtype.kind == other.dtype.kind
    assert type(a.matrix) is type(b.matrix)
    if isinstance(a.matrix, SparseLabels) and isinstance(b.matrix, SparseLabels):
        np.testing.assert_array_equal(a.matrix.indptr, b.matrix.indptr)
        np.testing.assert_array_equal(a.matrix.indices, b.matrix.indices)
        assert (a.matrix.unknown is None) == (b.matrix.unknown is None)
    np.testing.assert_array_equal(a.labels, b.labels)
    assert a.labels.dtype == b.labels.dtype
    assert (a.metadata is None) == (b.metadata is None)
    if a.metadata is not None and b.metadata is not None:
        pd.testing.assert_frame_equal(a.metadata.reset_index(drop=True), b.metadata)
    assert b.about.startswith(a.about.split("; read as")[0])
    assert set(a.warnings) <= set(b.warnings)
    if a.reading is not None and b.reading is not None:
        assert replace(a.reading, reason="") == replace(b.reading, reason="")
    assert_same_images(a, b)


def assert_same_images(a: LabeledImages, b: LabeledImages) -> None:
    assert isinstance(a.images, NoImages) == isinstance(b.images, NoImages)
    if isinstance(a.images, NoImages):
        return
    assert list(a.images.missing()) == list(b.images.missing())
    gone = set(a.images.missing())
    for row in range(len(a)):
        if row not in gone:
            np.testing.assert_array_equal(a.images.read(row), b.images.read(row))
        for k in range(a.n_classes) if a.masks is not None and row not in gone else ():
            one, other = a.masks.read(row, k), b.masks.read(row, k)
            assert (one is None) == (other is None)
            if one is not None:
                np.testing.assert_array_equal(one, other)


def saved(data: LabeledImages, folder: Path, **how: Any) -> LabeledImages:
    again = load(save(data, folder, **how))
    assert isinstance(again, LabeledImages)
    return again


def a_set(class_names: tuple[str, ...], matrix: Any, **more: Any) -> LabeledImages:
    n = len(matrix)
    return LabeledImages("x", "X", class_names, matrix, NoImages(n), "multi", Source("/nowhere"), **more)


def samples(folder: Path) -> dict[str, Source]:
    """One small file of several formats."""
    pictures(folder / "images", "a.png", "b.png", "c.png")
    rows = "a.png,p1,1,,train\nb.png,p1,-1,1,test\nc.png,p2,0,1,train\ngone.png,p3,1,0,val\n"
    np.savez(folder / "x.npz", train_images=np.arange(80, dtype=np.uint8).reshape(4, 4, 5), train_labels=[0, 1, 1, 2])
    head = "@relation 'toy: -C 2'\n@attribute A {0,1}\n@attribute B {0,1}\n@attribute x numeric\n@data\n"
    csv = table(folder, "image,patient,Mass,Edema,split\n" + rows)
    with zipfile.ZipFile(folder / "set.zip", "w") as archive:
        archive.write(csv, "labels.csv")
        for name in ("a.png", "b.png", "c.png"):
            archive.write(folder / "images" / name, f"pictures/{name}")
    return {
        "table": Source(str(csv)),
        "names": Source(str(table(folder, "image,dx,age\na.png,mel,4\nb.png,nv,5\nc.png,,6\n", "names.csv"))),
        "npz": Source(str(folder / "x.npz")),
        "arff": Source(str(table(folder, head + "1,0,2\n?,1,3\n", "toy.arff"))),
        "zip": Source(str(folder / "set.zip")),
        "phantom": Source("chest-phantom", options={"train_images": 500}),
    }


@pytest.mark.parametrize("name", ["table", "names", "npz", "arff", "zip", "phantom"])
@pytest.mark.parametrize("with_images", [False, True])
def test_what_a_reader_gave_comes_back(
    tmp_path: Path, name: str, with_images: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A phantom of 20 images in place of 2,500: what is saved of an image does not depend on how many there are.
    monkeypatch.setattr(phantom, "cached", lambda seed, _, size: make(seed, {"train": 12, "val": 8}, size))
    (tmp_path / "in").mkdir()
    data = load_images(samples(tmp_path / "in")[name])
    again = saved(data, tmp_path / "out", with_images=with_images)
    assert_same(data, again)
    assert again.source.reader == "saved"
    assert_same(data, saved(again, tmp_path / "once more", with_images=with_images))
    assert_same(data, load_images(again.source))


def test_images_inside_need_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    data = load_images(samples(tmp_path / "in")["table"])
    before = [data.images.read(k) for k in range(3)]
    save(data, tmp_path / "out", with_images=True)
    (tmp_path / "in").rename(tmp_path / "gone")
    again = load_images(tmp_path / "out")
    for k in range(3):
        np.testing.assert_array_equal(again.images.read(k), before[k])
    with pytest.raises(Problem, match="image 4 has no bytes"):
        again.images.read(3)


def test_a_folder_that_went_is_a_warning_and_can_be_given_anew(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    data = load_images(samples(tmp_path / "in")["table"])
    out = save(data, tmp_path / "out")
    assert isinstance(load_images(out).images, FileImages)
    (tmp_path / "in").rename(tmp_path / "moved")
    without = load_images(out)
    assert isinstance(without.images, NoImages)
    assert any("is not there any more" in warning for warning in without.warnings)
    given_anew = load_images(Source(str(out), images=str(tmp_path / "moved/images")))
    np.testing.assert_array_equal(given_anew.images.read(0), np.asarray(Image.open(tmp_path / "moved/images/a.png")))


def test_a_set_moved_with_its_images_finds_them(tmp_path: Path) -> None:
    (tmp_path / "all/in").mkdir(parents=True)
    data = load_images(samples(tmp_path / "all/in")["table"])
    save(data, tmp_path / "all/out")
    (tmp_path / "all").rename(tmp_path / "elsewhere")
    again = load_images(tmp_path / "elsewhere/out")
    assert isinstance(again.images, FileImages)
    assert again.images.root == tmp_path / "elsewhere/in/images"


ODD = ("a,b", 'say "x"', "<b>bold</b>", "Pneumothorax 🫁", "a", "A", " a", "a (2)", "label:a")
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(
        NAMES | st.sampled_from(ODD), min_size=1, max_size=6, unique=True,
    ),
    n=st.integers(1, 9),
    seed=st.integers(0, 2**31),
)  # fmt: skip
def test_any_names_and_labels_come_back(tmp_path: Path, names: list[str], n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.choice(np.array([0, 1, np.nan], np.float32), (n, len(names)))
    ids = np.array([f"{names[k % len(names)]}/{k}" for k in range(n)], np.str_)
    data = a_set(tuple(names), matrix, ids=ids, groups=ids[::-1], uncertain=np.isnan(matrix) & (rng.random() < 0.5))
    assert_same(data, saved(data, tmp_path / "out"))


def test_metadata_of_any_type_comes_back(tmp_path: Path) -> None:
    metadata = pd.DataFrame(
        {
            "age": [4.5, np.nan, 7.0],
            "count": [1, 2, 3],
            "view": pd.Categorical(["AP", "PA", "AP"]),
            "when": pd.to_datetime(["2020-01-01", None, "2021-05-05"]),
            "flag": [True, False, True],
            "site": ["<i>a</i>", "b,c", ""],
        }
    )
    data = a_set(("A",), np.array([[1], [0], [np.nan]], np.float32), metadata=metadata)
    assert_same(data, saved(data, tmp_path / "out"))


@pytest.mark.parametrize("unknown", [None, np.array([False, True, False])])
def test_very_many_classes_stay_sparse(tmp_path: Path, unknown: Any) -> None:
    names = tuple(f"c{k}" for k in range(3000))
    sparse = SparseLabels.of(np.array([0, 0, 2]), np.array([5, 2999, 0]), (3, 3000), unknown)
    data = a_set(names, sparse)
    again = saved(data, tmp_path / "out")
    assert_same(data, again)
    assert len(pq.read_schema(next((tmp_path / "out").glob("*.parquet"))).names) <= 2
    dense = np.zeros((3, 3000), np.float32)
    dense[1, 7], dense[2, 9] = 1, np.nan
    assert_same(a_set(names, dense), saved(a_set(names, dense), tmp_path / "dense"))


@pytest.mark.parametrize("frame", [None, (8.0, 6.0), np.array([[8.0, 6.0], [np.nan, np.nan], [4.0, 4.0]])])
def test_boxes_come_back(tmp_path: Path, frame: Any) -> None:
    images = ArrayImages(np.zeros((3, 6, 8), np.uint8))
    xywh = np.array([[0, 0, 2, 2], [1.5, 1, 3, 2], [4, 3, 2, 1.0]])
    readers = np.array(["R1", "R2", "R1"])
    boxes = Boxes(np.array([2, 0, 0]), np.array([0, 1, 1]), xywh, images, frame, readers)
    data = replace(a_set(("A", "B"), np.array([[0, 1], [0, 0], [1, 0]], np.float32)), images=images, masks=boxes)
    again = saved(data, tmp_path / "out")
    assert_same(data, again)
    assert isinstance(again.masks, Boxes)
    for row in range(3):
        mine, other = boxes.of(row), again.masks.of(row)
        np.testing.assert_array_equal(boxes.xywh[mine], again.masks.xywh[other])
        assert boxes.reader is not None
        assert again.masks.reader is not None
        assert boxes.reader[mine].tolist() == again.masks.reader[other].tolist()


def test_what_was_read_is_kept(tmp_path: Path) -> None:
    reading = Reading("nih", "by its columns", (Column("a", "label", "why"),), (Change("dropped", 3, "rows", ("x",)),),
                      (("kind", "auto"),))  # fmt: skip
    data = a_set(("A",), np.array([[1]], np.float32), reading=reading, warnings=("careful",), n_inputs=4)
    assert_same(data, saved(data, tmp_path / "out"))


def test_the_parquet_file_is_plain_for_others(tmp_path: Path) -> None:
    data = a_set(("Mass", "Edema"), np.array([[1, np.nan], [0, 1]], np.float32), split=np.array(["train", "test"]))
    out = save(data, tmp_path / "out")
    files = sorted(path.name for path in out.iterdir())
    assert len(files) == 2
    assert files[1] == "manifest.json"
    frame = pd.read_parquet(out / files[0])
    assert frame["label:Mass"].tolist() == [1, 0]
    assert frame["label:Edema"].isna().tolist() == [True, False]
    assert frame["part"].tolist() == ["train", "test"]
    for path in (out, out / files[0], out / "manifest.json"):
        assert_same(data, load_images(path))


def test_a_saved_set_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    one, two = (a_set(("A",), np.array([[k]], np.float32)) for k in (0, 1))
    out = save(one, tmp_path / "out")
    assert_same(two, saved(two, out))
    assert len(list(out.iterdir())) == 2
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(Problem, match=r"holds something else than a saved set \(thesis\.txt\)"):
        save(one, other)
    (other / "manifest.json").write_text(json.dumps({"format": "webapp"}), encoding="utf-8")
    with pytest.raises(Problem, match="holds something else"):
        save(one, other)
    with pytest.raises(Problem, match="is a file"):
        save(one, other / "thesis.txt")
    assert (other / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_a_full_disk_leaves_the_set_saved_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = a_set(("A",), np.array([[1]], np.float32))
    out = save(data, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(Problem, match="the disk is full: make room"):
        save(a_set(("B",), np.array([[0]], np.float32)), out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
