"""PadChest: lists of findings in a cell, words that are no findings, dates of birth that are not kept."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from lt_core.datasets import LabeledImages, Source, load
from lt_core.problems import Problem

HEADER = (
    ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,ViewPosition_DICOM,Projection,"
    "MethodProjection,Report,MethodLabel,Labels"
)


def table(folder: Path, *labels: str, end: str = "\n", start: str = "utf-8") -> Path:
    path = folder / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
    rows = [f'{k},image{k}.png,0,20140915,s{k},p{k // 2},1930.0,F,POSTEROANTERIOR,PA,Manual,"a, b",Physician,"{cell}"'
            for k, cell in enumerate(labels)]  # fmt: skip
    path.write_bytes((end.join([HEADER, *rows]) + end).encode(start))
    return path


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


def present(data: LabeledImages) -> list[set[str] | None]:
    return [None if np.isnan(line).all() else {data.class_names[c] for c in np.flatnonzero(line == 1)}
            for line in data.labels]  # fmt: skip


@pytest.mark.parametrize(("end", "start"), [("\n", "utf-8"), ("\r\n", "utf-8-sig"), ("\n", "utf-16")])
def test_lists_are_cut_and_tidied(tmp_path: Path, end: str, start: str) -> None:
    cells = (
        "['normal']", "['pleural effusion', 'Cardiomegaly ']", "[' pleural  effusion', nan, '']", "[]", "",
        "['cardiomegaly', 'cardiomegaly']", "['normal', 'scoliosis']", "[pneumonia, 'Pott''s']",
    )  # fmt: skip
    data = loaded(table(tmp_path, *cells[:7], end=end, start=start))
    assert data.class_names == ("cardiomegaly", "pleural effusion", "scoliosis")
    both = {"pleural effusion", "cardiomegaly"}
    assert present(data) == [set(), both, {"pleural effusion"}, None, None, {"cardiomegaly"}, {"scoliosis"}]
    assert data.kind == "multi"
    assert any(warning.startswith("2 rows have an empty list") for warning in data.warnings)
    assert data.reading is not None
    told = {change.what: change.count for change in data.reading.changes}
    assert [n for what, n in told.items() if "tidied" in what] == [3]
    assert [n for what, n in told.items() if "normal beside" in what] == [1]


def test_words_that_are_no_findings(tmp_path: Path) -> None:
    path = table(
        tmp_path, "['unchanged']", "['exclude', 'nodule']", "['Suboptimal study', 'normal']", "['unchanged', 'nodule']"
    )
    data = loaded(path)
    assert data.class_names == ("nodule",)
    assert present(data) == [None, {"nodule"}, set(), {"nodule"}]
    assert any(warning.startswith("4 labels say nothing of what is seen") and "unchanged 2" in warning
               for warning in data.warnings)  # fmt: skip
    assert any(warning.startswith("1 row has no label but such words") for warning in data.warnings)
    kept = loaded(Source(str(path), options={"status": "class"}))
    assert kept.class_names == ("exclude", "nodule", "suboptimal study", "unchanged")
    assert present(kept)[0] == {"unchanged"}


def test_the_matrix_is_that_of_literal_lists(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    names = [f"finding {k}" for k in range(180)]
    lists = [[str(name) for name in rng.choice(names, rng.integers(1, 6), replace=False)] for _ in range(400)]
    data = loaded(table(tmp_path, *map(str, lists)))
    for line, cell in zip(data.labels, map(str, lists), strict=True):
        assert {data.class_names[c] for c in np.flatnonzero(line)} == set(ast.literal_eval(cell))
    assert data.n_classes > 170


def test_patients_and_persons_without_dates(tmp_path: Path) -> None:
    data = loaded(table(tmp_path, "['normal']", "['nodule']", "['nodule']"))
    assert data.groups is not None
    assert data.groups.tolist() == ["p0", "p0", "p1"]
    assert data.metadata is not None
    assert data.metadata["age"].tolist() == [84, 84, 84]
    assert set(data.metadata.columns) == {"age", "sex", "view", "position", "labelled by"}
    assert not (data.metadata.astype(str) == "1930.0").any(axis=None)
    assert data.reading is not None
    assert {"PatientBirth", "StudyDate_DICOM", "Report"} <= set(data.reading.named("unused"))


def test_a_cell_that_is_no_list_is_named(tmp_path: Path) -> None:
    path = table(tmp_path, "['normal']", "pneumonia")
    with pytest.raises(Problem, match=r"column 'Labels' of PADCHEST.* holds 'pneumonia' in row 2, where a list"):
        load(path)


def test_repeated_rows_are_one_image(tmp_path: Path) -> None:
    path = table(tmp_path, "['nodule']", "['mass']")
    path.write_text(path.read_text().replace("image1.png", "image0.png"))
    data = loaded(path)
    assert present(data) == [{"nodule", "mass"}]
