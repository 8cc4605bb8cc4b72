"""HAM10000: the metadata as Harvard and Kaggle give it, and the facts it must reproduce."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, load
from lt_core.datasets.readers import recognise
from lt_core.problems import Problem, Unknown

HEADER = "lesion_id,image_id,dx,dx_type,age,sex,localization"
ROWS = (
    "HAM_1,ISIC_1,nv,histo,80.0,male,scalp",
    "HAM_1,ISIC_2,nv,histo,80.0,male,scalp",
    "HAM_2,ISIC_3,mel,follow_up,,unknown,unknown",
    ",ISIC_4,df,consensus,0.0,female,back",
)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def loaded(source: Source | Path) -> LabeledImages:
    data = load(source)
    assert isinstance(data, LabeledImages)
    return data


def test_lesions_are_groups_and_what_is_not_said_is_unknown(tmp_path: Path) -> None:
    data = loaded(written(tmp_path / "HAM10000_metadata.csv", "\n".join((HEADER, *ROWS))))
    assert data.reading is not None
    assert (data.reading.reader, data.kind) == ("ham10000", "single")
    assert data.class_names == ("df", "mel", "nv")
    assert data.labels.tolist() == [[0, 0, 1], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert data.groups is not None
    assert data.groups[0] == data.groups[1]
    assert len(set(data.groups.tolist())) == 3
    assert data.metadata is not None
    np.testing.assert_array_equal(data.metadata["age"], [80, 80, np.nan, 0])
    assert data.metadata["sex"].fillna("?").tolist() == ["male", "male", "?", "female"]
    assert data.metadata["site"].fillna("?").tolist() == ["scalp", "scalp", "?", "back"]
    assert data.reading.named("patient") == ("lesion_id",)
    assert "df dermatofibroma" in data.about
    again = loaded(Source.from_json(data.source.as_json()))
    np.testing.assert_array_equal(again.labels, data.labels)


@pytest.mark.parametrize("name", ["HAM10000_metadata", "HAM10000_metadata.tab", "ham10000_metadata.TAB", "x.csv"])
def test_columns_in_any_order_and_harvards_names(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame([row.split(",") for row in ROWS], columns=HEADER.split(","))
    frame = frame[["dx", "sex", "image_id", "localization", "age", "dx_type", "lesion_id"]]
    path = tmp_path / name
    frame.to_csv(path, index=False, sep="\t" if name.lower().endswith("tab") else ",", quoting=1)
    data = loaded(path)
    assert data.ids is not None
    assert data.ids.tolist() == ["ISIC_1", "ISIC_2", "ISIC_3", "ISIC_4"]
    assert data.positives().tolist() == [1, 1, 2]


def test_images_in_the_two_folders_of_kaggle(tmp_path: Path) -> None:
    for part, names in (("HAM10000_images_part_1", "12"), ("HAM10000_images_part_2", "34")):
        (tmp_path / part).mkdir()
        for name in names:
            Image.new("RGB", (3, 2), (int(name), 0, 0)).save(tmp_path / part / f"ISIC_{name}.png")
    written(tmp_path / "HAM10000_metadata.csv", "\n".join((HEADER, *ROWS)))
    data = loaded(tmp_path)
    assert isinstance(data.images, FileImages)
    assert [int(data.images.read(k)[0, 0, 0]) for k in range(4)] == [1, 2, 3, 4]


def test_another_column_or_some_of_the_diagnoses(tmp_path: Path) -> None:
    path = written(tmp_path / "HAM10000_metadata.csv", "\n".join((HEADER, *ROWS)))
    other = loaded(Source(str(path), labels=("dx_type",)))
    assert other.class_names == loaded(other.source).class_names == ("consensus", "follow_up", "histo")
    some = loaded(Source(str(path), labels=("mel", "NV")))
    assert (some.class_names, some.kind) == (("mel", "nv"), "multi")
    assert some.positives().tolist() == [1, 2]
    with pytest.raises(Unknown, match="unknown class 'mell': did you mean 'mel'"):
        load(Source(str(path), labels=("mell",)))


def test_repeated_rows_become_one_and_an_empty_diagnosis_stays_unknown(tmp_path: Path) -> None:
    rows = (*ROWS, ROWS[0], "HAM_9,ISIC_9,,histo,1,male,scalp")
    data = loaded(written(tmp_path / "HAM10000_metadata.csv", "\n".join((HEADER, *rows))))
    assert (len(data), data.kind) == (5, "multi")
    assert np.isnan(data.labels[4]).all()
    assert data.reading is not None
    assert {(change.kind, change.count) for change in data.reading.changes} >= {("merged", 1), ("unknown", 1)}


def test_a_table_of_pixels_is_refused(tmp_path: Path) -> None:
    header = ",".join([f"pixel{k:04d}" for k in range(2352)] + ["label"])
    path = written(tmp_path / "hmnist_28_28_RGB.csv", f"{header}\n{','.join(['7'] * 2353)}\n")
    found = recognise(path)
    assert found is not None
    assert found[0].key == "ham10000"
    with pytest.raises(Problem, match="holds pixels as a table, without the names of images"):
        load(path)


def test_a_row_without_an_image_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "HAM10000_metadata.csv", "\n".join((HEADER, *ROWS, "HAM_3,,nv,histo,5,male,back")))
    with pytest.raises(Problem, match=r"row 5 of HAM10000_metadata.csv names no image"):
        load(path)


def test_the_metadata_of_kaggle(shared: Path) -> None:
    data = loaded(shared / "data/ham10000/HAM10000_metadata_kaggle.csv")
    assert (len(data), data.kind) == (10_015, "single")
    assert data.groups is not None
    assert len(np.unique(data.groups)) == 7_470
    counts = dict(zip(data.class_names, data.positives().tolist(), strict=True))
    assert (counts["nv"], counts["df"], sum(counts.values())) == (6_705, 115, 10_015)
    assert max(counts.values()) / min(counts.values()) == pytest.approx(58.30, abs=0.005)
    assert data.metadata is not None
    assert int(data.metadata["age"].isna().sum()) == 57


def test_the_table_of_7496(shared: Path) -> None:
    data = loaded(shared / "data/ham10000/ham10000_7496_labels.csv")
    assert [len(data.rows(part)) for part in ("train", "val", "test")] == [5_387, 597, 1_512]
    assert data.split is not None
    learning = data.positives(np.flatnonzero(data.split != "test"))
    assert dict(zip(data.class_names, learning.tolist(), strict=True)) == {
        "akiec": 183, "bcc": 264, "bkl": 583, "df": 60, "mel": 491, "nv": 4_323, "vasc": 80}  # fmt: skip
