"""DICOM files without a table become a set, and who the patients are stays in the files."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, load_images
from lt_core.datasets.dicom.facts import age_band, years
from lt_core.datasets.dicom.uids import with_instance_uids
from lt_core.datasets.files import FolderIndex
from lt_core.datasets.thumbnails import thumbnail
from lt_core.home import cache_dir
from lt_core.problems import Problem
from tests.datasets.dicom_files import PATIENT, SECRETS, dataset, saved

EIGHT = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5


def several(folder: Path) -> Path:
    """Two patients, three CR and one CT, one file without an image, at several depths and without a suffix."""
    one = {"PatientSex": "F", "PatientAge": "067Y", "StudyDate": "20040119", "InstitutionName": "St Elsewhere"}
    other = {"PatientName": "Bramblewick^Cosmo", "PatientID": "PID-9"}
    saved(folder / "a" / "1.dcm", EIGHT, ViewPosition="PA", **one)
    saved(folder / "a" / "b" / "2.dcm", EIGHT + 1, ViewPosition="AP", NumberOfFrames=None, **one)
    saved(folder / "3.dcm", EIGHT + 2, Modality="CT", **other)
    saved(folder / "IM0004", np.stack([EIGHT] * 3), BurnedInAnnotation="YES", **other)
    report = dataset(EIGHT, Rows=None, Columns=None)
    report.save_as(folder / "report.dcm", enforce_file_format=True)
    (folder / "notes").write_text("no DICOM file")
    return folder


def test_a_folder_at_any_depth(tmp_path: Path) -> None:
    data = load_images(several(tmp_path / "study"))
    assert data.source.reader == "dicom"
    assert data.class_names == ("CR", "CT")
    assert data.ids is not None
    assert sorted(data.ids.tolist()) == ["3.dcm", "IM0004", "a/1.dcm", "a/b/2.dcm"]
    by_name = dict(zip(data.ids.tolist(), data.labels.tolist(), strict=True))
    assert by_name == {"3.dcm": [0, 1], "IM0004": [1, 0], "a/1.dcm": [1, 0], "a/b/2.dcm": [1, 0]}
    assert data.groups is not None
    of = dict(zip(data.ids.tolist(), data.groups.tolist(), strict=True))
    assert of["a/1.dcm"] == of["a/b/2.dcm"] != of["3.dcm"] == of["IM0004"]
    assert data.metadata is not None
    assert list(data.metadata.columns) == ["modality", "body_part", "view", "frames"]
    assert data.reading is not None
    assert [(change.kind, change.count) for change in data.reading.changes] == [("dropped", 1)]
    told = " ".join(data.warnings)
    assert "report.dcm is a DICOM file without an image" in told
    assert "1 file has several frames: the middle one is the image" in told
    assert "burned into its pixels" in told
    again = load_images(data.source)
    assert again.source == data.source
    np.testing.assert_array_equal(again.groups, data.groups)


def test_one_file_alone(tmp_path: Path) -> None:
    saved(tmp_path / "other.dcm", EIGHT)
    data = load_images(saved(tmp_path / "x.dcm", EIGHT))
    assert (len(data), data.class_names) == (1, ("CR",))
    np.testing.assert_array_equal(data.images.read(0), EIGHT)


def test_folders_that_look_like_classes(tmp_path: Path) -> None:
    for k in range(6):
        name = ("healthy", "ill")[k % 2]
        saved(tmp_path / "set" / name / f"{k}.dcm", EIGHT + k, PatientID=f"P{k}")
    auto = load_images(Source(str(tmp_path / "set"), reader="dicom"))
    assert auto.class_names == ("healthy", "ill")
    assert auto.positives().tolist() == [3, 3]
    asked = load_images(Source(str(tmp_path / "set"), reader="dicom", options={"labels_from": "modality"}))
    assert asked.class_names == ("CR",)


def test_folders_of_patients_are_no_classes(tmp_path: Path) -> None:
    for k in range(4):
        saved(tmp_path / "set" / f"p{k // 2}" / f"{k}.dcm", EIGHT, PatientID=f"P{k // 2}")
    data = load_images(Source(str(tmp_path / "set"), reader="dicom"))
    assert data.class_names == ("CR",)


def test_labels_that_no_file_has(tmp_path: Path) -> None:
    saved(tmp_path / "s" / "a.dcm", EIGHT, BodyPartExamined="CHEST")
    saved(tmp_path / "s" / "b.dcm", EIGHT)
    data = load_images(Source(str(tmp_path / "s"), options={"labels_from": "body_part"}))
    assert data.class_names == ("CHEST",)
    assert np.isnan(data.labels[1]).all()
    with pytest.raises(Problem, match="no file says its ViewPosition"):
        load_images(Source(str(tmp_path / "s"), options={"labels_from": "view"}))


def test_sex_and_age_only_where_asked_for(tmp_path: Path) -> None:
    folder = several(tmp_path / "study")
    asked = load_images(Source(str(folder), options={"patient_data": True})).metadata
    assert asked is not None
    assert set(asked["sex"]) == {"F", ""}
    assert set(asked["age"]) == {"60-69", ""}
    assert (years("060Y"), years("018M"), years("x"), age_band(93.0), age_band(None)) == (60, 1.5, None, "90+", "")


def everything(data: LabeledImages) -> bytes:
    """All that is shown or written of a set: the record, the messages, and what the cache holds."""
    shown = [data.ids, data.groups, data.metadata, data.class_names, data.title, data.about, data.warnings, data.key]
    shown += [data.reading and data.reading.as_json(), repr(data), data.source.options]
    files = [file for file in cache_dir().rglob("*") if file.is_file()]
    return pickle.dumps(shown) + b"".join(str(f).encode() + f.read_bytes() for f in files)


@pytest.mark.parametrize("asked", [False, True])
def test_nothing_names_the_patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool) -> None:
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path / "home"))
    folder = several(tmp_path / "study")
    saved(folder / f"{PATIENT['PatientID']}" / "Quillfeather_1.dcm", EIGHT + 9, SeriesDescription="for Quillfeather")
    (folder / "broken.dcm").write_bytes(saved(tmp_path / "whole.dcm", EIGHT).read_bytes()[:420])
    data = load_images(Source(str(folder), options={"patient_data": asked}))
    for row in range(len(data)):
        thumbnail(data.images, row, 4)
    assert list(cache_dir().rglob("*.png")), "thumbnails are on disk"
    written = everything(data)
    for secret in (*SECRETS, "Bramblewick", "Cosmo", "PID-9", "St Elsewhere", "20040119"):
        assert secret.encode() not in written, secret
        assert secret.encode("utf-32-le") not in written, f"{secret} in an array of NumPy"


def test_a_table_names_dicom_files(tmp_path: Path) -> None:
    for k, name in enumerate(("1.2.840.1.dcm", "1.2.840.2", "IM0003", "four.dcm")):
        saved(tmp_path / "img" / name, EIGHT + k)
    rows = "1.2.840.1,1,0\n1.2.840.2,0,1\nIM0003,1,0\nfour.dcm,0,1\n1.2.840.9,0,1\n"
    (tmp_path / "t.csv").write_text("image,Mass,Edema\n" + rows)
    data = load_images(Source(str(tmp_path / "t.csv"), images=str(tmp_path / "img")))
    assert list(data.images.missing()) == [4], "1.2.840 with another ending is another image"
    for k in range(4):
        np.testing.assert_array_equal(data.images.read(k), EIGHT + k)


def test_a_folder_with_a_table_is_read_by_its_table(tmp_path: Path) -> None:
    saved(tmp_path / "s" / "a.dcm", EIGHT)
    saved(tmp_path / "s" / "b.dcm", EIGHT)
    (tmp_path / "s" / "labels.csv").write_text("image,Mass,Edema\na.dcm,1,0\nb.dcm,0,1\n")
    data = load_images(tmp_path / "s")
    assert data.class_names == ("Mass", "Edema")
    np.testing.assert_array_equal(data.images.read(0), EIGHT)


def test_instance_uids_are_found_when_asked_for(tmp_path: Path) -> None:
    for k in range(3):
        saved(tmp_path / f"{k}.dcm", EIGHT + k, SOPInstanceUID=f"1.2.3.{k}")
    saved(tmp_path / "twice.dcm", EIGHT, SOPInstanceUID="1.2.3.2")
    Image.fromarray(EIGHT).save(tmp_path / "x.png")
    index = with_instance_uids(FolderIndex.of(tmp_path))
    images = FileImages(tmp_path, ["1.2.3.0", "1.2.3.1", "1.2.3.2", "x.png"], index)
    assert list(images.missing()) == [2], "two files with one UID are told apart by their paths only"
    np.testing.assert_array_equal(images.read(1), EIGHT + 1)


def test_links_out_are_not_opened(tmp_path: Path) -> None:
    saved(tmp_path / "secret.dcm", EIGHT)
    saved(tmp_path / "in" / "a.dcm", EIGHT)
    (tmp_path / "in" / "out.dcm").symlink_to(tmp_path / "secret.dcm")
    data = load_images(tmp_path / "in")
    assert data.ids is not None
    assert data.ids.tolist() == ["a.dcm"]
    assert "links out of the folder" in " ".join(data.warnings)


def test_the_real_folder(shared: Path) -> None:
    data = load_images(shared / "data/dicom")
    assert len(data) == 11
    assert dict(zip(data.class_names, data.positives().tolist(), strict=True)) == {
        "CR": 3, "CT": 2, "MR": 3, "NM": 1, "US": 2}  # fmt: skip
    assert "rtplan.dcm is a DICOM file without an image (RT Plan)" in " ".join(data.warnings)
    assert data.groups is not None
    assert len(set(data.groups.tolist())) == 7
