"""RSNA challenges: several rows a patient or image become one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lt_core.datasets import LabeledImages, Source, load
from lt_core.datasets.boxes import Boxes
from lt_core.problems import Problem

LABELS = "patientId,x,y,width,height,Target"
ROWS = ("p1,,,,,0", "p2,512.0,0.0,256.0,512.0,1", "p2,0.0,512.0,256.0,256.0,1", "p3,,,,,0")
CLASSES = "patientId,class"
INFO = ("p1,No Lung Opacity / Not Normal", "p2,Lung Opacity", "p2,Lung Opacity", "p3,Normal")


def table(folder: Path, header: str, *rows: str, name: str = "stage_2_train_labels.csv", end: str = "\n") -> Path:
    path = folder / name
    path.write_bytes(b"\xef\xbb\xbf" + (end.join([header, *rows]) + end).encode())
    return path


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_several_rows_a_patient_are_one_image(tmp_path: Path, end: str) -> None:
    data = loaded(table(tmp_path, LABELS, *ROWS, end=end))
    assert (data.class_names, data.labels.tolist()) == (("Lung Opacity",), [[0], [1], [0]])
    assert data.ids is not None
    assert data.groups is not None
    assert data.ids.tolist() == data.groups.tolist() == ["p1", "p2", "p3"]
    assert isinstance(data.masks, Boxes)
    assert len(data.masks) == 2
    assert data.reading is not None
    assert [change.count for change in data.reading.changes] == [1]


def test_boxes_are_in_the_frame_of_the_challenge(tmp_path: Path) -> None:
    (tmp_path / "stage_2_train_images").mkdir()
    for name in ("p1", "p2", "p3"):
        Image.new("L", (64, 64)).save(tmp_path / "stage_2_train_images" / f"{name}.png")
    data = loaded(table(tmp_path, LABELS, *ROWS))
    assert data.masks is not None
    expected = np.zeros((64, 64), np.bool_)
    expected[0:32, 32:48] = expected[32:48, 0:16] = True
    np.testing.assert_array_equal(data.masks.read(1, 0), expected)
    assert data.masks.read(0, 0) is None


def test_detailed_classes_beside_and_alone(tmp_path: Path) -> None:
    path = table(tmp_path, LABELS, *ROWS)
    info = table(tmp_path, CLASSES, *INFO, name="stage_2_detailed_class_info.csv")
    targets = loaded(path)
    assert targets.metadata is not None
    assert targets.metadata["class"].tolist() == [INFO[k].split(",")[1] for k in (0, 1, 3)]
    classes = loaded(info)
    assert classes.kind == "single"
    assert classes.class_names == ("Lung Opacity", "No Lung Opacity / Not Normal", "Normal")
    assert classes.labels.argmax(axis=1).tolist() == [1, 0, 2]
    assert isinstance(classes.masks, Boxes)
    assert classes.masks.class_index.tolist() == [0, 0]
    assert classes.masks.row.tolist() == [1, 1]


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"column 'Target' of stage_2_train_labels.csv holds '2' in row 2"):
        load(table(tmp_path, LABELS, "p1,,,,,0", "p2,1,1,2,2,2"))
    with pytest.raises(Problem, match=r"column 'class' of info.csv holds 'Odd' in row 2"):
        load(table(tmp_path, CLASSES, "p1,Normal", "p2,Odd", name="info.csv"))
    data = loaded(table(tmp_path, LABELS, "p1,1,1,0,2,1", "p2,1,1,,2,1", "p3,-1,1,5,2,1", "p3,,,,,0", "p4,,,,,"))
    assert data.labels[:3].tolist() == [[1], [1], [1]]
    assert np.isnan(data.labels[3]).all()
    assert any("2 boxes lack a number" in warning for warning in data.warnings)
    assert data.reading is not None
    assert any("both 0 and 1" in change.what and change.count == 1 for change in data.reading.changes)


SUBTYPES = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any")


def test_hemorrhage_in_long_format_is_that_of_a_pivot(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    wide = pd.DataFrame(rng.integers(0, 2, (40, 5)), columns=SUBTYPES[:5], index=[f"ID_{k:09x}" for k in range(40)])
    wide["any"] = wide.max(axis=1)
    rows = [f"{image}_{kind},{value}" for image, line in wide.iterrows() for kind, value in line.items()]
    path = table(tmp_path, "ID,Label", *rng.permutation(rows), name="stage_2_train.csv")
    data = loaded(path)
    assert data.class_names == SUBTYPES
    assert data.ids is not None
    np.testing.assert_array_equal(data.labels, wide.loc[data.ids.tolist()].to_numpy(np.float32))
    assert any("'any' is 1 where any of the subtypes is" in warning for warning in data.warnings)
    assert data.reading is not None
    assert not data.reading.changes
    out = loaded(Source(str(path), options={"any": "out"}))
    assert out.class_names == SUBTYPES[:5]
    np.testing.assert_array_equal(out.labels, data.labels[:, :5])


def test_hemorrhage_rows_that_are_missing_repeated_or_differ(tmp_path: Path) -> None:
    rows = [f"ID_a_{kind},0" for kind in SUBTYPES] + [f"ID_b_{kind},1" for kind in SUBTYPES[1:]]
    path = table(tmp_path, "ID,Label", *rows, "ID_a_any,1", "ID_b_any,1", name="stage_2_train.csv")
    data = loaded(path)
    np.testing.assert_array_equal(data.labels, np.array([[0] * 5 + [np.nan], [np.nan] + [1] * 5], np.float32))
    assert data.reading is not None
    assert sorted((change.kind, change.count) for change in data.reading.changes) == [
        ("merged", 2), ("unknown", 1), ("unknown", 1),
    ]  # fmt: skip


def test_an_any_that_is_no_union_and_a_name_without_a_subtype(tmp_path: Path) -> None:
    rows = [f"ID_a_{kind},{int(kind == 'any')}" for kind in SUBTYPES]
    data = loaded(table(tmp_path, "ID,Label", *rows, name="stage_2_train.csv"))
    assert data.reading is not None
    assert [change.count for change in data.reading.changes] == [1]
    assert "not the union" in data.reading.changes[0].what
    rows = [f"ID_{k}_any,0" for k in range(200)]
    with pytest.raises(Problem, match=r"column 'ID' of stage_2_train.csv holds 'ID_9_other' in row 201"):
        load(table(tmp_path, "ID,Label", *rows, "ID_9_other,0", name="stage_2_train.csv"))
    with pytest.raises(Problem, match=r"column 'Label' of stage_2_train.csv holds '0.5' in row 2"):
        load(table(tmp_path, "ID,Label", "ID_1_any,0", "ID_2_any,0.5", name="stage_2_train.csv"))
