"""VinDr-CXR: boxes and labels per reader become labels per image, by one, most or all of its readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lt_core.datasets import LabeledImages, Source, load
from lt_core.datasets.boxes import Boxes
from lt_core.problems import Invalid, Problem

HEADER = "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max"
ROWS = (
    "a,Cardiomegaly,3,R8,10,20,30,40", "a,Cardiomegaly,3,R9,12,20,34,44", "a,Aortic enlargement,0,R8,0,0,5,5",
    "a,Aortic enlargement,0,R8,6,6,9,9", "a,No finding,14,R10,,,,",
    "b,No finding,14,R8,,,,", "b,No finding,14,R9,,,,", "b,No finding,14,R10,,,,",
    "c,Nodule/Mass,8,R1,1,1,3,3", "c,Nodule/Mass,8,R2,1,1,3,3", "c,Nodule/Mass,8,R3,1,1,3,3",
)  # fmt: skip


def table(folder: Path, *rows: str, header: str = HEADER, name: str = "train.csv", end: str = "\n") -> Path:
    path = folder / name
    path.write_bytes(b"\xef\xbb\xbf" + (end.join([header, *rows]) + end).encode())
    return path


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


def with_rule(path: Path, rule: str) -> LabeledImages:
    return loaded(Source(str(path), options={"readers": rule}))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_images_are_counted_not_boxes(tmp_path: Path, end: str) -> None:
    data = loaded(table(tmp_path, *ROWS, end=end))
    assert data.class_names == ("Aortic enlargement", "Cardiomegaly", "Nodule/Mass"), "in the order of class_id"
    assert data.ids is not None
    assert data.ids.tolist() == ["a", "b", "c"]
    assert data.labels.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert isinstance(data.masks, Boxes)
    assert len(data.masks) == 7
    assert data.reading is not None
    assert data.reading.named("reader") == ("rad_id",)
    assert data.reading.named("box") == ("x_min", "y_min", "x_max", "y_max")


def test_how_many_readers_must_agree(tmp_path: Path) -> None:
    path = table(tmp_path, *ROWS)
    majority, every = with_rule(path, "majority"), with_rule(path, "all")
    assert majority.labels.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert every.labels.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert isinstance(every.masks, Boxes)
    assert set(every.masks.row.tolist()) == {2}
    assert any("4 boxes are of findings that too few readers see" in warning for warning in every.warnings)
    with pytest.raises(Invalid, match="readers must be one of any, majority, all"):
        with_rule(path, "two")


def test_the_votes_are_those_of_pandas(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({
        "image_id": [f"i{k}" for k in rng.integers(0, 30, 600)],
        "class_name": rng.choice(["A", "B", "C", "D", "No finding"], 600),
        "rad_id": [f"R{k}" for k in rng.integers(0, 5, 600)],
    }).assign(x_min=1, y_min=1, x_max=9, y_max=9)  # fmt: skip
    path = tmp_path / "annotations_train.csv"
    frame.to_csv(path, index=False)
    readers = frame.groupby("image_id")["rad_id"].nunique()
    votes = frame.pivot_table("rad_id", "image_id", "class_name", aggfunc="nunique", fill_value=0)
    for rule, needed in (("any", readers * 0 + 1), ("majority", readers // 2 + 1), ("all", readers)):
        data = with_rule(path, rule)
        assert data.ids is not None
        expected = votes.ge(needed, axis=0).loc[data.ids.tolist(), list(data.class_names)]
        np.testing.assert_array_equal(data.labels, expected.to_numpy(np.float32))


def test_masks_are_the_union_of_the_readers_in_the_images_own_pixels(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for name in "abc":
        Image.new("L", (60, 50)).save(tmp_path / "train" / f"{name}.png")
    data = loaded(table(tmp_path, *ROWS))
    assert data.masks is not None
    mask = data.masks.read(0, data.class_index("Cardiomegaly"))
    expected = np.zeros((50, 60), np.bool_)
    expected[20:40, 10:30] = expected[20:44, 12:34] = True
    np.testing.assert_array_equal(mask, expected)


def test_boxes_on_smaller_copies_of_the_images(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    Image.new("L", (30, 25)).save(tmp_path / "train" / "a.png")
    path = table(tmp_path, "a,Cardiomegaly,3,R8,10,20,30,40")
    (tmp_path / "train_meta.csv").write_text("image_id,dim0,dim1\na,50,60\n")
    data = loaded(path)
    assert data.masks is not None
    mask = data.masks.read(0, 0)
    expected = np.zeros((25, 30), np.bool_)
    expected[10:20, 5:15] = True
    np.testing.assert_array_equal(mask, expected)
    sized = loaded(
        table(tmp_path, "a,Cardiomegaly,3,R8,10,20,30,40,60,50", header=HEADER + ",width,height", name="t.csv")
    )
    assert sized.masks is not None
    np.testing.assert_array_equal(sized.masks.read(0, 0), expected)


def test_what_is_wrong_is_named_or_counted(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"column 'y_min' of train.csv holds 'two' in row 1"):
        load(table(tmp_path, "a,Cardiomegaly,3,R8,10,two,30,40"))
    with pytest.raises(Problem, match=r"row 1 of train.csv names no finding"):
        load(table(tmp_path, "a,,3,R8,10,2,30,40"))
    with pytest.raises(Problem, match="says No finding in every row"):
        load(table(tmp_path, "a,No finding,14,R8,,,,"))
    data = loaded(
        table(tmp_path, "a,Mass,3,R8,10,2,5,40", "a,No finding,14,R8,,,,", "b,Mass,3,R8,,,,", "b,Mass,3,R8,0,0,4,4")
    )
    assert data.labels.tolist() == [[1], [1]], "a mark without a usable box is still a mark"
    assert any("2 boxes lack a number or have no width" in warning for warning in data.warnings)
    assert data.reading is not None
    assert any("say No finding and mark one" in change.what for change in data.reading.changes)


FINDINGS = "Aortic enlargement,Atelectasis,Calcification,Cardiomegaly,ILD,Pleural effusion,COPD,Pneumonia,No finding"


def test_labels_of_readers(tmp_path: Path) -> None:
    rows = ("a,R1,1,0,0,1,0,0,0,0,0", "a,R2,1,0,0,0,0,0,0,0,0", "a,R3,1,0,0,1,0,0,0,0,0", "b,R1,0,0,0,0,0,0,0,0,1",
            "b,R2,0,,0,0,0,0,0,0,1", "b,R3,0,,1,0,0,0,0,0,0")  # fmt: skip
    path = table(tmp_path, *rows, header="image_id,rad_id," + FINDINGS, name="image_labels_train.csv")
    data = loaded(path)
    assert data.n_classes == 8
    assert data.labels.tolist() == [[1, 0, 0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0, 0]]
    assert with_rule(path, "majority").labels.tolist() == [[1, 0, 0, 1, 0, 0, 0, 0], [0] * 8]
    assert with_rule(path, "all").labels.tolist() == [[1, 0, 0, 0, 0, 0, 0, 0], [0] * 8]
    assert any("2 labels are blank" in warning for warning in data.warnings)


def test_labels_of_a_test_part_with_the_boxes_beside(tmp_path: Path) -> None:
    path = table(tmp_path, "a,1,0,0,1,0,0,0,0,0", "b,0,0,0,0,0,0,0,0,1", header="image_id," + FINDINGS,
                 name="image_labels_test.csv")  # fmt: skip
    boxes = ("b,Cardiomegaly,1,1,2,2", "a,Cardiomegaly,1,1,2,2", "a,Some other,1,1,2,2", "z,Cardiomegaly,1,1,2,2")
    table(tmp_path, *boxes, header="image_id,class_name,x_min,y_min,x_max,y_max", name="annotations_test.csv")
    table(tmp_path, *boxes, header="image_id,class_name,x_min,y_min,x_max,y_max", name="annotations_train.csv")
    data = loaded(path)
    assert isinstance(data.masks, Boxes)
    assert (data.masks.row.tolist(), data.masks.class_index.tolist()) == ([0], [data.class_index("Cardiomegaly")])
    assert data.about.startswith("VinDr-CXR labels of 2 images")
