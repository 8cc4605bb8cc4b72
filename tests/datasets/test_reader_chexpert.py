"""CheXpert: policies for -1 and blank, patients and parts by path, images by path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, load
from lt_core.problems import Invalid, Problem

OBSERVATIONS = (
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation",
    "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
HEADER = "Path,Sex,Age,Frontal/Lateral,AP/PA," + ",".join(OBSERVATIONS)


def row(path: str, said: dict[str, str], person: str = "Female,68,Frontal,AP") -> str:
    return f"{path},{person}," + ",".join(said.get(name, "") for name in OBSERVATIONS)


def where(patient: int, part: str = "train", study: int = 1, view: str = "view1_frontal") -> str:
    return f"CheXpert-v1.0-small/{part}/patient{patient:05d}/study{study}/{view}.jpg"


def table(folder: Path, *rows: str, name: str = "train.csv", start: bytes = b"", end: str = "\n") -> Path:
    path = folder / name
    path.write_bytes(start + (end.join([HEADER, *rows]) + end).encode())
    return path


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


def labels_of(data: LabeledImages, name: str) -> list[float]:
    return data.labels[:, data.class_index(name)].tolist()


ROWS = (
    row(where(1), {"No Finding": "1.0", "Support Devices": "1.0", "Pneumothorax": "0.0"}),
    row(where(2), {"Edema": "-1.0", "Pneumonia": "1.0"}, "Male,87,Lateral,"),
    row(where(2, view="view2_lateral"), {"Edema": "1.0", "Pneumonia": "-1.0", "Fracture": "-1"}, "Male,87,Lateral,"),
)


def test_uncertain_and_blank_are_unknown_and_counted_apart(tmp_path: Path) -> None:
    data = loaded(table(tmp_path, *ROWS))
    assert data.class_names == OBSERVATIONS[1:], "No Finding is no class, Support Devices is"
    np.testing.assert_array_equal(labels_of(data, "Edema"), [np.nan, np.nan, 1])
    np.testing.assert_array_equal(labels_of(data, "Pneumonia"), [np.nan, 1, np.nan])
    np.testing.assert_array_equal(labels_of(data, "Pneumothorax"), [0, np.nan, np.nan])
    np.testing.assert_array_equal(labels_of(data, "Support Devices"), [1, np.nan, np.nan])
    assert data.uncertain is not None
    assert data.uncertain.sum() == 3
    assert data.uncertain[1, data.class_index("Edema")]
    blank = 3 * 13 - 3 - 4
    assert [w for w in data.warnings if w.startswith("3 labels are -1 (uncertain): taken as unknown")]
    assert [w for w in data.warnings if w.startswith(f"{blank} labels are blank (not mentioned): taken as unknown")]
    assert int(np.isnan(data.labels).sum()) == 3 + blank


@pytest.mark.parametrize(("choice", "value"), [("one", 1.0), ("zero", 0.0)])
def test_uncertain_as_ones_and_zeros(tmp_path: Path, choice: str, value: float) -> None:
    path = table(tmp_path, *ROWS)
    data = loaded(Source(str(path), options={"uncertain": choice}))
    assert data.uncertain is not None
    assert (data.labels[data.uncertain] == value).all()
    assert data.uncertain.sum() == 3, "what was uncertain stays marked"
    plain = loaded(path)
    np.testing.assert_array_equal(data.labels[~data.uncertain], plain.labels[~data.uncertain])
    assert data.positives().sum() - plain.positives().sum() == 3 * value


def test_blank_as_negative(tmp_path: Path) -> None:
    path = table(tmp_path, *ROWS)
    every = loaded(Source(str(path), options={"blank": "zero"}))
    assert every.uncertain is not None
    np.testing.assert_array_equal(np.isnan(every.labels), every.uncertain)
    stated = loaded(Source(str(path), options={"blank": "no-finding"}))
    assert not np.isnan(stated.labels[0]).any()
    np.testing.assert_array_equal(stated.labels[1:], loaded(path).labels[1:])
    both = loaded(Source(str(path), options={"uncertain": "zero", "blank": "zero"}))
    assert both.positives().sum() == 3
    assert not np.isnan(both.labels).any()
    assert both.reading is not None
    assert dict(both.reading.options) == {"uncertain": "zero", "blank": "zero"}
    with pytest.raises(Invalid, match="blank must be one of unknown, no-finding, zero, got 'one'"):
        load(Source(str(path), options={"blank": "one"}))


def test_loading_again_keeps_the_policy(tmp_path: Path) -> None:
    first = loaded(Source(str(table(tmp_path, *ROWS)), options={"uncertain": "one"}))
    again = loaded(Source.from_json(first.source.as_json()))
    np.testing.assert_array_equal(again.labels, first.labels)
    assert again.source == first.source


def test_patients_parts_and_persons(tmp_path: Path) -> None:
    data = loaded(
        table(tmp_path, *ROWS, row(where(9, "valid"), {}, "Unknown,0,Frontal,PA"), start=b"\xef\xbb\xbf", end="\r\n")
    )
    assert data.groups is not None
    assert data.groups.tolist() == ["patient00001", "patient00002", "patient00002", "patient00009"]
    assert data.split is not None
    assert data.split.tolist() == ["train", "train", "train", "val"]
    assert data.metadata is not None
    assert data.metadata["age"].tolist() == [68, 87, 87, 0]
    assert data.metadata["projection"].fillna("none").tolist() == ["AP", "none", "none", "PA"]
    assert data.metadata["view"].tolist() == ["Frontal", "Lateral", "Lateral", "Frontal"]


def test_a_value_that_is_none_is_named(tmp_path: Path) -> None:
    path = table(tmp_path, ROWS[0], row(where(3), {"Edema": "2.0"}))
    with pytest.raises(Problem, match=r"column 'Edema' of train.csv holds '2.0' in row 2, where 1, 0, -1"):
        load(path)


def test_repeated_rows_and_trailing_columns(tmp_path: Path) -> None:
    data = loaded(table(tmp_path, ROWS[1] + ",,", row(where(2), {"Edema": "0.0"}) + ",,", ROWS[0] + ",,"))
    assert len(data) == 2
    assert data.labels[0, data.class_index("Edema")] == 0, "what one row knows counts against what the other does not"
    assert data.reading is not None
    assert [change.count for change in data.reading.changes if change.kind == "merged"] == [1]


def picture(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (6, 4), value).save(path)


@pytest.mark.parametrize("inside", [True, False])
def test_images_by_path_from_wherever_the_path_begins(tmp_path: Path, inside: bool) -> None:
    home = tmp_path / "CheXpert-v1.0-small"
    picture(home / "train/patient00001/study1/view1_frontal.png", 10)
    picture(home / "train/patient00002/study1/view2_lateral.png", 20)
    rows = [line.replace(".jpg", ".png") for line in ROWS]
    data = loaded(table(home if inside else tmp_path, *rows))
    assert isinstance(data.images, FileImages)
    assert list(data.images.missing()) == [1], "view1_frontal of another patient is another image"
    assert (data.images.read(0)[0, 0], data.images.read(2)[0, 0]) == (10, 20)
    assert any("1 of 3 images is not in the folder" in warning for warning in data.warnings)
    again = loaded(Source.from_json(data.source.as_json()))
    assert list(again.images.missing()) == [1]


def test_images_in_a_folder_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    picture(tmp_path / "pics/patient00001/study1/view1_frontal.png", 10)
    path = table(tmp_path / "labels", ROWS[0].replace(".jpg", ".png"))
    assert any("labels only" in warning for warning in loaded(path).warnings)
    data = loaded(Source(str(path), images=str(tmp_path / "pics")))
    assert data.images.read(0)[0, 0] == 10


def test_paths_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path, row("../patient00001/study1/view1_frontal.jpg", {"Edema": "1.0"}))
    assert any("labels only" in warning for warning in loaded(path).warnings)
    (tmp_path / "pics").mkdir()
    with pytest.raises(Problem, match="points outside the image folder"):
        load(Source(str(path), images=str(tmp_path / "pics")))


def test_train_and_valid_of_one_folder_together(tmp_path: Path) -> None:
    table(tmp_path, *ROWS)
    table(tmp_path, row(where(64541, "valid"), {"Edema": "1.0"}), name="valid.csv")
    data = loaded(tmp_path)
    assert data.source.reader == "chexpert"
    assert {part: len(data.rows(part)) for part in ("train", "val")} == {"train": 3, "val": 1}
    assert len(loaded(tmp_path / "valid.csv")) == 1
    table(tmp_path, *ROWS, name="copy.csv")
    with pytest.raises(Problem, match="files with labels"):
        load(tmp_path)


def test_labels_of_studies_without_uncertain_ones(tmp_path: Path) -> None:
    path = tmp_path / "groundtruth.csv"
    path.write_text(
        "Study," + ",".join(OBSERVATIONS) + "\nCheXpert-v1.0/test/patient64741/study1,0,1" + ",0" * 12 + "\n"
    )
    data = loaded(path)
    assert (len(data), data.positives().sum()) == (1, 1)
    assert not np.isnan(data.labels).any()
    assert data.split is not None
    assert data.split.tolist() == ["test"]
    assert "1 studies" in data.about
