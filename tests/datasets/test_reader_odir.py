"""ODIR-5K: a row a patient becomes two eyes of one group; labels of the patient or of the keywords of each eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, load
from lt_core.datasets.fundus.keywords import class_of, cut, is_suspected
from lt_core.problems import Invalid, Problem

HEADER = ["ID", "Patient Age", "Patient Sex", "Left-Fundus", "Right-Fundus", "Left-Diagnostic Keywords",
          "Right-Diagnostic Keywords", "N", "D", "G", "C", "A", "H", "M", "O"]  # fmt: skip
CLASSES = ("Diabetes", "Glaucoma", "Cataract", "AMD", "Hypertension", "Myopia", "Other")
ROWS = [
    [0, 69, "Female", "0_left.jpg", "0_right.jpg", "cataract", "normal fundus", 0, 0, 0, 1, 0, 0, 0, 0],
    [1, 57, "Male", "1_left.jpg", "1_right.jpg", "normal fundus", "normal fundus", 1, 0, 0, 0, 0, 0, 0, 0],
    [2, 42, "Male", "2_left.jpg", "2_right.jpg", "laser spot，moderate non proliferative retinopathy",
     "suspected glaucoma，lens dust", 0, 1, 1, 0, 0, 0, 0, 1],
    [3, None, "Female", "3_left.jpg", "3_right.jpg", "low image quality", "blue spots of doubt",
     0, 0, 0, 0, 0, 0, 0, 1],
]  # fmt: skip


def workbook(path: Path, rows: list[list[object]] = ROWS) -> Path:
    book = openpyxl.Workbook()
    for row in [HEADER, *rows]:
        book.active.append(row)
    book.save(path)
    return path


def loaded(source: Source | Path) -> LabeledImages:
    data = load(source)
    assert isinstance(data, LabeledImages)
    return data


def test_a_patient_is_two_eyes_of_one_group_with_the_patients_labels(tmp_path: Path) -> None:
    data = loaded(workbook(tmp_path / "ODIR-5K_Training_Annotations(Updated)_V2.xlsx"))
    assert data.reading is not None
    assert (data.reading.reader, data.class_names) == ("odir", CLASSES)
    assert data.ids is not None
    assert data.ids.tolist() == [f"{k}_{side}.jpg" for k in range(4) for side in ("left", "right")]
    assert data.groups is not None
    assert data.groups.tolist() == ["0", "0", "1", "1", "2", "2", "3", "3"]
    expected = np.array([row[8:] for row in ROWS], float).repeat(2, axis=0)
    np.testing.assert_array_equal(data.labels, expected)
    assert data.metadata is not None
    assert data.metadata["eye"].tolist() == ["left", "right"] * 4
    np.testing.assert_array_equal(data.metadata["age"], [69, 69, 57, 57, 42, 42, np.nan, np.nan])
    assert any("also said of the other" in warning for warning in data.warnings)
    assert "Normal" not in data.class_names
    again = loaded(Source.from_json(data.source.as_json()))
    np.testing.assert_array_equal(again.labels, data.labels)


def test_the_keywords_of_each_eye(tmp_path: Path) -> None:
    path = workbook(tmp_path / "odir.xlsx")
    data = loaded(Source(str(path), options={"eyes": "keywords"}))
    by_eye = dict(zip(data.ids if data.ids is not None else [], data.labels, strict=True))
    place = {name: k for k, name in enumerate(CLASSES)}

    def has(eye: str) -> set[str]:
        return {name for name in CLASSES if by_eye[eye][place[name]] == 1}

    assert has("0_left.jpg") == {"Cataract"}
    assert has("0_right.jpg") == set(), "the other eye is normal"
    assert has("2_left.jpg") == {"Diabetes", "Other"}
    assert has("2_right.jpg") == {"Glaucoma"}
    assert np.isnan(by_eye["3_left.jpg"]).all(), "the words are about the picture"
    assert np.isnan(by_eye["3_right.jpg"][place["Other"]])
    assert data.uncertain is not None
    assert np.argwhere(data.uncertain).tolist() == [[5, place["Glaucoma"]]]
    assert any("blue spots of doubt" in warning for warning in data.warnings)


def test_kaggles_table_has_a_row_an_eye(tmp_path: Path) -> None:
    frame = pd.DataFrame([[*row, f"../input/{row[3 + side]}", "['N']", "[1, 0]", row[3 + side]]
                          for side in (1, 0) for row in ROWS[:3]],
                         columns=[*HEADER, "filepath", "labels", "target", "filename"])  # fmt: skip
    frame = pd.concat([frame.iloc[:-1], frame.iloc[:1]])  # an eye that is not there, and one twice
    path = tmp_path / "full_df.csv"
    frame.to_csv(path, index=False)
    (tmp_path / "preprocessed_images").mkdir()
    for name in frame["filename"]:
        Image.new("RGB", (2, 2)).save(tmp_path / "preprocessed_images" / str(name))
    data = loaded(path)
    assert data.ids is not None
    assert sorted(data.ids.tolist()) == ["0_left.jpg", "0_right.jpg", "1_left.jpg", "1_right.jpg", "2_right.jpg"]
    assert isinstance(data.images, FileImages)
    assert list(data.images.missing()) == []
    assert data.reading is not None
    assert [(c.kind, c.count) for c in data.reading.changes] == [("merged", 1)]
    by_word = loaded(Source(str(path), options={"eyes": "keywords"}))
    assert by_word.positives().tolist() == [0, 1, 1, 0, 0, 0, 0]


def test_columns_in_any_order_and_some_of_the_classes(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS, columns=HEADER)[list(reversed(HEADER))]
    frame.to_csv(tmp_path / "x.csv", index=False)
    data = loaded(Source(str(tmp_path / "x.csv"), labels=("Cataract", "Glaucoma")))
    assert data.positives().tolist() == [2, 2]


def test_normal_beside_a_finding_and_rows_that_say_nothing_are_counted(tmp_path: Path) -> None:
    rows = [[*ROWS[0][:7], 1, *ROWS[0][8:]], [*ROWS[1][:7], 0, *ROWS[1][8:]]]
    data = loaded(workbook(tmp_path / "x.xlsx", rows))
    assert data.reading is not None
    assert [change.count for change in data.reading.changes] == [1, 1]
    assert data.labels[0].tolist() == [0, 0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("keyword", "letter"),
    [
        ("normal fundus", "N"), ("mild nonproliferative retinopathy", "D"), ("diabetic retinopathy", "D"),
        ("suspected glaucoma", "G"), ("cataract", "C"), ("dry age-related macular degeneration", "A"),
        ("hypertensive retinopathy", "H"), ("pathological myopia", "M"), ("myopic maculopathy", "M"),
        ("macular epiretinal membrane", "O"), ("branch retinal vein occlusion", "O"), ("lens dust", ""),
        ("optic disk photographically invisible", ""), ("gibberish", None),
    ],
)  # fmt: skip
def test_keywords(keyword: str, letter: str | None) -> None:
    assert class_of(keyword) == letter
    assert is_suspected(keyword) == keyword.startswith("suspected")


def test_commas_of_both_widths_separate() -> None:
    assert cut("Laser spot， lens  dust,cataract,") == ("laser spot", "lens dust", "cataract")


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut", b"no zip at all"])
def test_a_damaged_workbook(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.xlsx").write_bytes(content)
    with pytest.raises(Problem, match=r"x\.xlsx"):
        load(Source(str(tmp_path / "x.xlsx"), reader="odir"))


def test_a_workbook_cut_short(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "x.xlsx").read_bytes()
    (tmp_path / "x.xlsx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Problem, match=r"x\.xlsx"):
        load(tmp_path / "x.xlsx")


def test_an_option_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="eyes must be one of patient, keywords"):
        load(Source(str(workbook(tmp_path / "x.xlsx")), options={"eyes": "both"}))
