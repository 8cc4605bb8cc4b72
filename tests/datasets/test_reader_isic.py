"""ISIC ground truth: one-hot columns in any order, metadata beside them, and the tables of 2020 and 2024."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lt_core.datasets import LabeledImages, Source, load
from lt_core.datasets.readers import recognise
from lt_core.problems import Problem

CODES_2018 = ["MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]
CODES_2019 = ["MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK"]


def truth(codes: list[str], classes: list[int]) -> pd.DataFrame:
    """One row an image, one-hot as 1.0 and 0.0, as the challenges write them."""
    frame = pd.DataFrame(np.eye(len(codes))[classes], columns=codes)
    frame.insert(0, "image", [f"ISIC_{k:07d}" for k in range(len(classes))])
    return frame


def loaded(source: Source | Path) -> LabeledImages:
    data = load(source)
    assert isinstance(data, LabeledImages)
    return data


@pytest.mark.parametrize("codes", [CODES_2018, CODES_2019])
def test_one_hot_columns_in_any_order(tmp_path: Path, codes: list[str]) -> None:
    classes = np.random.default_rng(0).integers(0, len(codes), 60).tolist()
    frame = truth(codes, classes)
    shuffled = frame[np.random.default_rng(1).permutation(frame.columns)]
    path = tmp_path / "truth.csv"
    shuffled.to_csv(path, index=False)
    data = loaded(path)
    assert data.reading is not None
    assert (data.reading.reader, data.kind) == ("isic", "single")
    assert set(data.class_names) == set(codes)
    for code in codes:
        assert data.positives()[data.class_index(code)] == classes.count(codes.index(code))
    assert "MEL melanoma" in data.about
    assert data.ids is not None
    assert data.ids.tolist() == frame["image"].tolist()


def test_an_image_that_is_unk_only_is_said(tmp_path: Path) -> None:
    truth(CODES_2019, [0, 1, 8]).to_csv(tmp_path / "ISIC_2019_Test_GroundTruth.csv", index=False)
    data = loaded(tmp_path / "ISIC_2019_Test_GroundTruth.csv")
    assert data.labels[2].tolist() == [0] * 8 + [1]
    assert any(warning.startswith("1 image is UNK") for warning in data.warnings)


def test_metadata_and_lesions_beside_are_joined_by_image(tmp_path: Path) -> None:
    frame = truth(CODES_2019, [0, 1, 2, 3])
    frame.to_csv(tmp_path / "ISIC_2019_Training_GroundTruth.csv", index=False)
    beside = pd.DataFrame({
        "image": frame["image"][[2, 0, 1]], "age_approx": ["55.0", "", "40.0"], "sex": ["female", "male", ""],
        "anatom_site_general": ["head/neck", "", "torso"], "lesion_id": ["L7", "L7", ""]})  # fmt: skip
    beside.to_csv(tmp_path / "ISIC_2019_Training_Metadata.csv", index=False)
    data = loaded(tmp_path)
    assert data.source.name.endswith("GroundTruth.csv")
    assert data.groups is not None
    assert data.groups[0] == data.groups[2] == "L7"
    assert len(set(data.groups.tolist())) == 3
    assert data.metadata is not None
    np.testing.assert_array_equal(data.metadata["age"], [np.nan, 40, 55, np.nan])
    assert data.metadata["sex"].fillna("?").tolist() == ["male", "?", "female", "?"]
    assert data.metadata["site"].fillna("?").tolist() == ["?", "torso", "head/neck", "?"]
    assert data.reading is not None
    assert any(change.count == 1 and "are not in ISIC_2019_Training_Metadata.csv" in change.what
               for change in data.reading.changes)  # fmt: skip


def test_lesion_groupings_of_2018(tmp_path: Path) -> None:
    frame = truth(CODES_2018, [1, 1, 1])
    frame.to_csv(tmp_path / "ISIC2018_Task3_Training_GroundTruth.csv", index=False)
    groups = pd.DataFrame({"image": frame["image"], "lesion_id": ["a", "a", "b"],
                           "diagnosis_confirm_type": ["histopathology", "expert consensus", ""]})  # fmt: skip
    groups.to_csv(tmp_path / "ISIC2018_Task3_Training_LesionGroupings.csv", index=False)
    data = loaded(tmp_path)
    assert data.groups is not None
    assert data.groups.tolist() == ["a", "a", "b"]
    assert data.metadata is not None
    assert data.metadata["confirmed by"].fillna("?").tolist() == ["histopathology", "expert consensus", "?"]


def test_metadata_of_other_images_is_left_alone(tmp_path: Path) -> None:
    truth(CODES_2019, [0, 1]).to_csv(tmp_path / "truth.csv", index=False)
    pd.DataFrame({"image": ["x", "y"], "lesion_id": ["1", "1"]}).to_csv(tmp_path / "other.csv", index=False)
    assert loaded(tmp_path / "truth.csv").groups is None


def test_several_ground_truths_are_asked_about(tmp_path: Path) -> None:
    truth(CODES_2019, [0, 1]).to_csv(tmp_path / "a.csv", index=False)
    truth(CODES_2019, [0, 1]).to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(Problem, match=r"holds 2 files with labels \(a.csv, b.csv\): name the one"):
        load(tmp_path)


def test_rows_with_two_classes_or_an_empty_cell_are_multi_label(tmp_path: Path) -> None:
    frame = truth(CODES_2018, [0, 1, 2]).astype(object)
    frame.loc[0, "NV"] = 1.0
    frame.loc[2, "DF"] = ""
    frame.to_csv(tmp_path / "t.csv", index=False)
    data = loaded(tmp_path / "t.csv")
    assert data.kind == "multi"
    assert np.isnan(data.labels).sum() == 1
    assert any("1 image has not exactly one class" in warning for warning in data.warnings)


def isic_2020() -> pd.DataFrame:
    return pd.DataFrame({
        "image_name": ["ISIC_1", "ISIC_2", "ISIC_3", "ISIC_4"], "patient_id": ["IP_1", "IP_1", "IP_2", ""],
        "sex": ["male", "male", "female", ""], "age_approx": ["45.0", "45.0", "", "60.0"],
        "anatom_site_general_challenge": ["torso", "", "torso", "head/neck"],
        "diagnosis": ["unknown", "nevus", "melanoma", "nevus"],
        "benign_malignant": ["benign", "benign", "malignant", "benign"], "target": [0, 0, 1, 0]})  # fmt: skip


def test_the_target_of_2020_by_default_and_the_diagnosis_by_choice(tmp_path: Path) -> None:
    isic_2020().to_csv(tmp_path / "train.csv", index=False)
    data = loaded(tmp_path / "train.csv")
    assert (data.class_names, data.kind) == (("benign", "malignant"), "single")
    assert data.positives().tolist() == [3, 1]
    assert data.groups is not None
    assert data.groups[0] == data.groups[1]
    assert len(set(data.groups.tolist())) == 3
    for source in (Source(str(tmp_path / "train.csv"), options={"label": "diagnosis"}),
                   Source(str(tmp_path / "train.csv"), labels=("diagnosis",))):  # fmt: skip
        by_name = loaded(source)
        assert by_name.class_names == ("melanoma", "nevus", "unknown")
        assert by_name.positives().tolist() == [1, 2, 1]
        np.testing.assert_array_equal(loaded(by_name.source).labels, by_name.labels)


def test_the_table_of_2024(tmp_path: Path) -> None:
    frame = pd.DataFrame({
        "isic_id": ["ISIC_1", "ISIC_2"], "target": [0, 1], "patient_id": ["IP_1", "IP_2"], "age_approx": ["60.0", "NA"],
        "sex": ["male", "female"], "anatom_site_general": ["lower extremity", "torso"], "tbp_lv_A": ["20.2", "31.7"],
        "iddx_full": ["Benign", "Malignant::Melanoma, in situ"]})  # fmt: skip
    frame.to_csv(tmp_path / "train-metadata.csv", index=False)
    data = loaded(tmp_path / "train-metadata.csv")
    assert data.positives().tolist() == [1, 1]
    assert data.reading is not None
    assert [column.role for column in data.reading.columns if column.name == "tbp_lv_A"] == ["unused"]
    full = loaded(Source(str(tmp_path / "train-metadata.csv"), options={"label": "diagnosis"}))
    assert full.class_names == ("Benign", "Malignant::Melanoma, in situ")


def test_other_tables_are_not_taken(tmp_path: Path) -> None:
    for name, text in {
        "a.csv": "image,MEL,NV,age\na,1,0,3\n",
        "b.csv": "image,MEL,NV,BCC,DF\na,0.3,0.1,0.2,0.4\n",
        "c.csv": "image,target\na,1\nb,0\n",
    }.items():
        (tmp_path / name).write_text(text)
        found = recognise(tmp_path / name)
        assert found is not None
        assert found[0].key != "isic"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,MEL,NV,BCC,DF\na,1.0,0.0,0.0,0.0\nb,yes,0,0,0\n", "in row 2, where a label column has 0, 1"),
        ("image,MEL,NV,BCC,DF\na,1.0,0.0,0.0,0.0\n,0.0,1.0,0.0,0.0\n", "row 2 of t.csv names no image"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(Problem, match=message):
        load(Source(str(tmp_path / "t.csv"), reader="isic"))
