"""MIMIC-CXR: labels of studies, joined with the tables of images and parts beside them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, NoImages, Source, load
from lt_core.problems import Problem

OBSERVATIONS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Fracture", "Lung Lesion",
    "Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia", "Pneumothorax", "Support Devices",
)  # fmt: skip
METADATA = "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,StudyDate\n"


def labels(
    folder: Path, rows: list[tuple[int, int, dict[str, str]]], name: str = "mimic-cxr-2.0.0-chexpert.csv"
) -> Path:
    path = folder / name
    lines = [f"{subject},{study}," + ",".join(said.get(o, "") for o in OBSERVATIONS) for subject, study, said in rows]
    text = "subject_id,study_id," + ",".join(OBSERVATIONS) + "\r\n" + "\r\n".join(lines) + "\r\n"
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


STUDIES: list[tuple[int, int, dict[str, str]]] = [
    (10, 50, {"Edema": "1.0", "Pneumonia": "-1.0"}),
    (10, 51, {"No Finding": "1.0"}),
    (11, 52, {"Edema": "0.0", "Support Devices": "1.0"}),
]


@pytest.mark.parametrize("name", ["mimic-cxr-2.0.0-chexpert.csv", "mimic-cxr-2.0.0-negbio.csv.gz"])
def test_alone_rows_are_studies(tmp_path: Path, name: str) -> None:
    data = loaded(labels(tmp_path, STUDIES, name))
    assert data.ids is not None
    assert data.ids.tolist() == ["50", "51", "52"]
    assert data.class_names == tuple(o for o in OBSERVATIONS if o != "No Finding")
    assert isinstance(data.images, NoImages)
    assert any("rows are studies, not images" in warning for warning in data.warnings)
    assert data.groups is not None
    assert data.groups.tolist() == ["10", "10", "11"]
    assert data.uncertain is not None
    assert data.uncertain.sum() == 1
    ones = loaded(Source(str(tmp_path / name), options={"uncertain": "one", "blank": "zero"}))
    assert ones.positives().sum() == 3
    assert not np.isnan(ones.labels).any()
    with pytest.raises(Problem, match="lists studies, not images"):
        load(Source(str(tmp_path / name), images=str(tmp_path)))


def beside(folder: Path) -> None:
    rows = (
        "d1,10,50,CHEST,PA,3056,2544,21800506\nd2,10,50,CHEST,LATERAL,3056,2544,21800506\nd3,11,52,CHEST,,3056,2544,\n"
    )
    (folder / "mimic-cxr-2.0.0-metadata.csv").write_text(METADATA + rows + "d4,12,99,CHEST,AP,1,1,2180\n")
    (folder / "mimic-cxr-2.0.0-split.csv").write_text(
        "dicom_id,study_id,subject_id,split\nd3,52,11,test\nd1,50,10,train\nd2,50,10,validate\n"
    )


def test_with_metadata_and_split_rows_are_images(tmp_path: Path) -> None:
    path = labels(tmp_path, STUDIES)
    beside(tmp_path)
    data = loaded(path)
    assert data.ids is not None
    assert data.split is not None
    assert data.groups is not None
    assert data.metadata is not None
    assert data.ids.tolist() == ["d1", "d2", "d3", "d4"]
    assert data.split.tolist() == ["train", "val", "test", ""]
    assert data.groups.tolist() == ["10", "10", "11", "12"]
    assert data.metadata["view"].fillna("none").tolist() == ["PA", "LATERAL", "none", "AP"]
    assert data.metadata["study"].tolist() == ["50", "50", "52", "99"]
    edema = data.labels[:, data.class_index("Edema")]
    np.testing.assert_array_equal(edema, np.array([1, 1, 0, np.nan], np.float32))
    assert np.isnan(data.labels[3]).all()
    for what in (
        "1 image belongs to a study without labels",
        "1 study with labels has no image",
        "1 image is not in",
    ):
        assert any(warning.startswith(what) for warning in data.warnings), what


def test_the_join_is_that_of_pandas(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    studies = [(int(s) // 3, int(s), {o: str(rng.choice(["1.0", "0.0", "-1.0", ""])) for o in OBSERVATIONS})
               for s in rng.permutation(60)[:50]]  # fmt: skip
    path = labels(tmp_path, studies)
    images = pd.DataFrame({"dicom_id": [f"d{k}" for k in range(90)], "study_id": rng.integers(0, 60, 90)})
    images["subject_id"] = images["study_id"] // 3
    images["split"] = rng.choice(["train", "validate", "test"], 90)
    images.to_csv(tmp_path / "mimic-cxr-2.1.0-split.csv", index=False)
    data = loaded(path)
    joined = images.merge(pd.read_csv(path), on="study_id", how="left").set_index("dicom_id").loc[list(data.ids)]  # type: ignore[arg-type]
    raw = joined[list(data.class_names)].to_numpy(np.float32)
    np.testing.assert_array_equal(data.labels, np.where(raw == -1, np.nan, raw))
    np.testing.assert_array_equal(data.uncertain, raw == -1)
    assert data.split is not None
    assert data.split.tolist() == joined["split"].replace("validate", "val").tolist()


def test_images_by_their_name_in_the_folders_of_patients(tmp_path: Path) -> None:
    path = labels(tmp_path, STUDIES)
    beside(tmp_path)
    folder = tmp_path / "files" / "p10" / "p10" / "s50"
    folder.mkdir(parents=True)
    for name, value in (("d1", 1), ("d2", 2), ("d3", 3)):
        Image.new("L", (3, 3), value).save(folder / f"{name}.png")
    data = loaded(path)
    assert isinstance(data.images, FileImages)
    assert data.images.read(1)[0, 0] == 2
    assert list(data.images.missing()) == [3]


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    path = labels(tmp_path, [(1, 2, {"Edema": "yes"})])
    with pytest.raises(Problem, match=r"column 'Edema' of mimic-cxr-2.0.0-chexpert.csv holds 'yes' in row 1"):
        load(path)
    path = labels(tmp_path, STUDIES)
    beside(tmp_path)
    (tmp_path / "mimic-cxr-2.0.0-split.csv").write_text("dicom_id,study_id,subject_id,split\nd3,52,11,fold7\n")
    with pytest.raises(Problem, match=r"column 'split' of mimic-cxr-2.0.0-split.csv holds 'fold7' in row 1"):
        load(path)


def test_a_study_that_is_listed_twice_is_one(tmp_path: Path) -> None:
    data = loaded(labels(tmp_path, [*STUDIES, (10, 50, {"Fracture": "1.0"})]))
    assert len(data) == 3
    assert set(np.array(data.class_names)[data.labels[0] == 1]) == {"Edema", "Fracture"}
    assert data.reading is not None
    assert [change.count for change in data.reading.changes if change.kind == "merged"] == [1]


def test_a_table_of_images_needs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "merged.csv"
    path.write_text("dicom_id,subject_id,study_id," + ",".join(OBSERVATIONS) + "\nd1,1,2,1,-1" + ",0" * 12 + "\n")
    data = loaded(path)
    assert data.source.reader is None or data.source.reader == "mimic"
    assert data.ids is not None
    assert data.ids.tolist() == ["d1"]
    assert data.labels[0, 0] == 1
