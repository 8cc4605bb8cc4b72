"""Tables cut by part, and labels with tables that are joined to them, are one set; what is unclear is asked about."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, load_images
from lt_core.datasets.readers.folder import SeveralFiles
from lt_core.datasets.readers.zipped import label_files
from lt_core.datasets.tables.part_files import part_of_name, parts_by_name
from lt_core.problems import Problem

TRAIN = pd.DataFrame({"file": ["a.png", "b.png", "c.png"], "label": ["cat", "dog", "dog"], "age": [3, 4, 5]})
TEST = pd.DataFrame({"label": ["cow", "cat"], "age": [1, 2], "file": ["d.png", "e.png"]})
FILES = {"train": TRAIN, "test": TEST}


def tables(folder: Path, frames: dict[str, pd.DataFrame], pattern: str = "{}.csv") -> Path:
    folder.mkdir(exist_ok=True)
    for part, frame in frames.items():
        frame.to_csv(folder / pattern.format(part), index=False)
    return folder


def said(data: LabeledImages) -> list[tuple[object, ...]]:
    assert data.ids is not None
    assert data.split is not None
    classes = [data.class_names[k] for k in data.labels.argmax(axis=1)]
    return sorted(zip(data.ids.tolist(), data.split.tolist(), classes, strict=True))


WANTED = sorted((row.file, part, row.label) for part, frame in FILES.items() for row in frame.itertuples())


@pytest.mark.parametrize(
    ("name", "part", "rest"),
    [
        ("train.csv", "train", ""),
        ("labels_train.csv.gz", "train", "labels"),
        ("testLabels.csv", "test", "labels"),
        ("my-valid-set.csv", "val", "my set"),
        ("train_test.csv", "", ""),
        ("labels.csv", "", "labels"),
        ("trained.csv", "", "trained"),
    ],
)
def test_the_part_is_a_word_of_the_name(name: str, part: str, rest: str) -> None:
    assert part_of_name(name) == (part, rest)


@pytest.mark.parametrize("pattern", ["{}.csv", "{}_labels.csv", "set-{}.csv"])
def test_two_tables_of_a_folder_are_one_set(tmp_path: Path, pattern: str) -> None:
    folder = tables(tmp_path / "pets", FILES, pattern)
    data = load_images(folder)
    assert said(data) == WANTED
    assert (data.title, data.key) == ("pets", "pets")
    assert data.metadata is not None
    assert sorted(data.metadata["age"]) == [1, 2, 3, 4, 5]
    assert data.reading is not None
    for text in (data.reading.reason, data.about):
        assert all(f"{pattern.format(part)} is {part}" in text for part in FILES)
    assert said(load_images(data.source)) == WANTED
    as_multi = load_images(Source(data.source.name, reader="table", options={"kind": "multi"}))
    assert as_multi.kind == "multi"


def test_images_lie_beside_in_a_folder_a_part(tmp_path: Path) -> None:
    folder = tables(tmp_path / "pets", FILES)
    for part, frame in FILES.items():
        (folder / part).mkdir()
        for k, name in enumerate(frame["file"]):
            Image.fromarray(np.full((4, 5), 40 * k + len(part), np.uint8)).save(folder / part / name)
    data = load_images(folder)
    assert isinstance(data.images, FileImages)
    assert not data.images.missing()
    assert data.ids is not None
    assert data.images.read(data.ids.tolist().index("e.png")).max() == 44


def test_a_column_of_parts_goes_before_the_names(tmp_path: Path) -> None:
    frames = {part: frame.assign(split=["val", *[part] * (len(frame) - 1)]) for part, frame in FILES.items()}
    data = load_images(tables(tmp_path / "x", frames))
    assert data.split is not None
    assert sorted(data.split) == ["test", "train", "train", "val", "val"]


def test_in_a_folder_below_and_in_a_zip(tmp_path: Path) -> None:
    tables(tmp_path / "outer", {})
    tables(tmp_path / "outer/labels", FILES)
    assert said(load_images(tmp_path / "outer")) == WANTED
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for part in FILES:
            archive.write(tmp_path / f"outer/labels/{part}.csv", f"labels/{part}.csv")
    assert said(load_images(tmp_path / "x.zip")) == WANTED
    assert label_files(tmp_path / "x.zip") == {}


@pytest.mark.parametrize("unclear", ["columns", "third", "twice", "no train", "names", "images"])
def test_what_is_unclear_is_asked(tmp_path: Path, unclear: str) -> None:
    frames, pattern = dict(FILES), "{}.csv"
    if unclear == "columns":
        frames["test"] = TEST.drop(columns="age")
    elif unclear == "third":
        frames["more"] = TEST
    elif unclear == "twice":
        frames |= {"val": TEST, "valid": TEST}
    elif unclear == "no train":
        frames = {"val": TRAIN, "test": TEST}
    elif unclear == "images":
        frames["test"] = TEST.assign(file=["a.png", "e.png"])
    folder = tables(tmp_path / "x", frames, pattern)
    if unclear == "names":
        (folder / "test.csv").rename(folder / "other_test.csv")
    with pytest.raises(SeveralFiles) as caught:
        load_images(folder)
    assert len(caught.value.files) == len(frames)


def test_a_folder_asked_for_as_a_table_needs_such_tables(tmp_path: Path) -> None:
    folder = tables(tmp_path / "x", {"labels": TRAIN})
    with pytest.raises(Problem, match="no tables of the same columns called train"):
        load_images(Source(str(folder), reader="table"))


def test_one_table_alone_is_no_set_of_parts(tmp_path: Path) -> None:
    folder = tables(tmp_path / "x", {"train": TRAIN})
    assert parts_by_name([folder / "train.csv"]) == {}
    assert load_images(folder).split is None


OBSERVED = (
    "Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,Lung Lesion,Lung Opacity,"
    "No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices"
)


@pytest.mark.parametrize(("pattern", "in_path"), [("{}.csv", True), ("{}.csv", False), ("chexpert_{}.csv", False)])
def test_chexpert_by_path_or_else_by_file(tmp_path: Path, pattern: str, in_path: bool) -> None:
    for k, part in enumerate(("train", "valid")):
        above = f"CheXpert-v1.0-small/{part}/" if in_path else ""
        text = f"Path,Sex,Age,{OBSERVED}\n{above}patient0000{k}/study1/view1_frontal.jpg,F,68" + ",0" * 14 + "\n"
        (tmp_path / pattern.format(part)).write_text(text)
    data = load_images(tmp_path)
    assert data.split is not None
    assert data.split.tolist() == ["train", "val"]


def test_the_four_tables_of_mimic_are_one_set(tmp_path: Path) -> None:
    rows = "10,50,1.0" + "," * 13 + "\n11,52,,1.0" + "," * 12 + "\n"
    for labeller in ("chexpert", "negbio"):
        (tmp_path / f"mimic-cxr-2.0.0-{labeller}.csv").write_text(f"subject_id,study_id,{OBSERVED}\n{rows}")
    (tmp_path / "mimic-cxr-2.0.0-metadata.csv").write_text(
        "dicom_id,subject_id,study_id,ViewPosition,Rows\nd1,10,50,PA,3056\nd3,11,52,,3056\n"
    )
    (tmp_path / "mimic-cxr-2.0.0-split.csv").write_text(
        "dicom_id,study_id,subject_id,split\nd3,52,11,test\nd1,50,10,train\n"
    )
    data = load_images(tmp_path)
    assert data.ids is not None
    assert data.split is not None
    assert dict(zip(data.ids.tolist(), data.split.tolist(), strict=True)) == {"d1": "train", "d3": "test"}
    assert any("chexpert.csv; those of mimic-cxr-2.0.0-negbio.csv" in warning for warning in data.warnings)
    other = load_images(tmp_path / "mimic-cxr-2.0.0-negbio.csv")
    assert not any("negbio" in warning for warning in other.warnings)
