"""CXR-LT: keys of MIMIC-CXR beside many columns of 0 and 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lt_core.datasets import LabeledImages, Source, load
from lt_core.problems import Problem

FINDINGS = (
    "Adenopathy", "Atelectasis", "Calcification of the Aorta", "Cardiomegaly", "Consolidation", "Edema", "Emphysema",
    "Fibrosis", "Hernia", "Mass", "Nodule", "Normal", "Pneumonia", "Support Devices", "Tortuous Aorta",
)  # fmt: skip


def table(
    folder: Path, rows: list[str], header: str = "dicom_id,subject_id,study_id,ViewPosition,fpath", end: str = "\n"
) -> Path:
    path = folder / "train_labeled.csv"
    path.write_bytes((end.join([header + "," + ",".join(FINDINGS), *rows]) + end).encode("utf-8-sig"))
    return path


def bits(*present: str) -> str:
    return ",".join("1" if name in present else "0" for name in FINDINGS)


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_findings_patients_and_views(tmp_path: Path, end: str) -> None:
    rows = [f"a,10,50,PA,files/a.jpg,{bits('Hernia', 'Edema')}", f"b,10,51,AP,files/b.jpg,{bits('Normal')}"]
    data = loaded(table(tmp_path, rows, end=end))
    assert data.class_names == tuple(name for name in FINDINGS if name != "Normal")
    assert set(np.array(data.class_names)[data.labels[0] == 1]) == {"Hernia", "Edema"}
    assert (data.labels[1] == 0).all()
    assert data.groups is not None
    assert data.groups.tolist() == ["10", "10"]
    assert data.metadata is not None
    assert data.metadata["view"].tolist() == ["PA", "AP"]
    assert data.reading is not None
    assert data.reading.named("image") == ("dicom_id",)
    assert "15 columns are 0 and 1" in data.reading.reason


def test_a_split_column_is_used(tmp_path: Path) -> None:
    rows = [f"a,10,50,train,{bits('Mass')}", f"b,11,51,validate,{bits('Edema')}", f"c,12,52,test,{bits()}"]
    data = loaded(table(tmp_path, rows, "dicom_id,subject_id,study_id,split"))
    assert data.split is not None
    assert data.split.tolist() == ["train", "val", "test"]


def test_the_earlier_tables_on_nih_images(tmp_path: Path) -> None:
    path = tmp_path / "nih-cxr-lt.csv"
    path.write_text("id," + ",".join(FINDINGS) + ",subj_id\n00000001_000.png," + bits("Mass") + ",1\n")
    data = loaded(path)
    assert data.n_classes == 14
    assert data.groups is not None
    assert data.groups.tolist() == ["1"]


def test_uncertain_labels_follow_the_policy(tmp_path: Path) -> None:
    rows = [f"a,10,50,PA,a.jpg,{bits('Mass').replace('1', '-1')}", f"b,10,50,PA,b.jpg,{bits('Mass')}"]
    path = table(tmp_path, rows)
    plain, ones = loaded(path), loaded(Source(str(path), options={"uncertain": "one"}))
    assert plain.positives().sum() == 1
    assert ones.positives().sum() == 2
    assert plain.uncertain is not None
    assert plain.uncertain.sum() == 1


def test_repeated_rows_are_one_image(tmp_path: Path) -> None:
    data = loaded(table(tmp_path, [f"a,10,50,PA,a.jpg,{bits('Mass')}", f"a,10,50,PA,a.jpg,{bits('Edema')}"]))
    assert (len(data), data.labels.sum()) == (1, 2)


def test_a_late_value_is_named(tmp_path: Path) -> None:
    rows = [f"a{k},10,50,PA,a{k}.jpg,{bits('Mass')}" for k in range(150)]
    rows.append(f"z,10,50,PA,z.jpg,{bits('Mass').replace('0', '3', 1)}")
    path = table(tmp_path, rows)
    with pytest.raises(Problem, match=r"column 'Adenopathy' of train_labeled.csv holds '3' in row 151"):
        load(path)
