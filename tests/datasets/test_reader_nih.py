"""NIH ChestX-ray14: the table of findings, its boxes and official parts, and the published facts."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, load
from lt_core.datasets.boxes import Boxes
from lt_core.problems import Problem, Unknown

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)
BOXES = "Image Index,Finding Label,Bbox [x,y,w,h],,,"


def row(name: str, findings: str, patient: str = "1", age: str = "058Y") -> str:
    return f"{name},{findings},0,{patient},{age},M,PA,2682,2749,0.143,0.143,"


def table(folder: Path, *rows: str, name: str = "Data_Entry_2017.csv", start: bytes = b"", end: str = "\n") -> Path:
    path = folder / name
    path.write_bytes(start + (end.join([HEADER, *rows]) + end).encode())
    return path


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


def changes(data: LabeledImages) -> dict[str, int]:
    assert data.reading is not None
    return {change.what: change.count for change in data.reading.changes}


@pytest.mark.parametrize(("start", "end"), [(b"", "\n"), (b"\xef\xbb\xbf", "\r\n")])
def test_findings_patients_and_persons(tmp_path: Path, start: bytes, end: str) -> None:
    rows = [
        row("1_0.png", "Mass|Edema", "1", "058Y"),
        row("1_1.png", "No Finding", "1", "013M"),
        row("2_0.png", "Hernia", "2", "61"),
    ]
    data = loaded(table(tmp_path, *rows, start=start, end=end))
    assert data.class_names == (
        "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia",
        "Infiltration", "Mass", "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax",
    )  # fmt: skip
    present = [{data.class_names[c] for c in np.flatnonzero(line == 1)} for line in data.labels]
    assert present == [{"Mass", "Edema"}, set(), {"Hernia"}]
    assert not np.isnan(data.labels).any()
    assert (data.kind, data.split) == ("multi", None)
    assert data.groups is not None
    assert data.groups.tolist() == ["1", "1", "2"]
    assert data.metadata is not None
    assert data.metadata["age"].tolist() == pytest.approx([58, 13 / 12, 61])
    assert data.metadata["view"].tolist() == ["PA"] * 3
    assert data.reading is not None
    assert data.reading.named("image") == ("Image Index",)
    assert data.reading.named("patient") == ("Patient ID",)
    assert {"OriginalImage[Width", "Height]"} <= set(data.reading.named("unused"))
    assert data.reading.reason == "the header has Image Index and Finding Labels"


def test_an_empty_cell_is_unknown_and_spelling_is_mended(tmp_path: Path) -> None:
    rows = [
        row("a.png", ""),
        row("b.png", "Infiltrate|Pleural Thickening"),
        row("c.png", "No finding|Mass"),
        row("d.png", " Mass "),
    ]
    data = loaded(table(tmp_path, *rows))
    assert np.isnan(data.labels[0]).all()
    assert set(np.array(data.class_names)[data.labels[1] == 1]) == {"Infiltration", "Pleural_Thickening"}
    assert set(np.array(data.class_names)[data.labels[2] == 1]) == {"Mass"}
    told = changes(data)
    assert [told[what] for what in told if "spell" in what] == [1]
    assert [told[what] for what in told if "No Finding beside" in what] == [1]
    assert any(warning.startswith("1 row has nothing in 'Finding Labels'") for warning in data.warnings)


def test_a_word_that_is_no_finding_is_named(tmp_path: Path) -> None:
    data = loaded(table(tmp_path, row("a.png", "Mass"), row("b.png", "Mass|Fracture")))
    assert data.class_names[14:] == ("Fracture",)
    assert any("column 'Finding Labels' of Data_Entry_2017.csv holds 'Fracture' in row 2" in w for w in data.warnings)


def test_repeated_rows_are_one_image(tmp_path: Path) -> None:
    data = loaded(
        table(tmp_path, row("a.png", "Mass"), row("b.png", "Edema"), row("a.png", "Hernia"), row("b.png", "Edema"))
    )
    assert data.ids is not None
    assert data.ids.tolist() == ["a.png", "b.png"]
    assert set(np.array(data.class_names)[data.labels[0] == 1]) == {"Mass", "Hernia"}
    told = changes(data)
    assert sorted(told.values()) == [1, 2], "two rows merged, one image with different findings"


def test_an_image_without_a_name_and_an_impossible_age(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"row 2 of Data_Entry_2017.csv names no image: fill in 'Image Index'"):
        load(table(tmp_path, row("a.png", "Mass"), row("", "Mass")))
    data = loaded(
        table(tmp_path, row("a.png", "Mass", age="411Y"), row("b.png", "Mass", age="x"), row("c.png", "Mass", age=""))
    )
    assert data.metadata is not None
    assert data.metadata["age"].isna().all()
    assert any("2 ages are no age" in warning for warning in data.warnings)


def test_official_parts(tmp_path: Path) -> None:
    path = table(tmp_path, *(row(f"{k}.png", "Mass", str(k)) for k in range(5)))
    (tmp_path / "test_list.txt").write_text("3.png\r\n1.png\r\n")
    alone = loaded(path)
    assert alone.split is None
    assert any("without train_val_list.txt" in warning for warning in alone.warnings)
    (tmp_path / "train_val_list.txt").write_text("0.png\n2.png\nelsewhere.png\n")
    data = loaded(path)
    assert data.split is not None
    assert data.split.tolist() == ["train", "test", "train", "test", ""]
    assert any("1 image is in neither official list" in warning for warning in data.warnings)


def test_boxes_beside_the_table(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.new("L", (64, 32)).save(tmp_path / "images" / "a.png")
    Image.new("L", (64, 32)).save(tmp_path / "images" / "b.png")
    boxes = ["a.png,Mass,512,0,512,1024", "a.png,Infiltrate,0,0,256,256", "z.png,Mass,1,1,2,2", "b.png,Mass,1,1,-2,2"]
    (tmp_path / "BBox_List_2017.csv").write_text("\n".join([BOXES, *boxes]) + "\n")
    data = loaded(table(tmp_path, row("a.png", "Mass|Infiltration"), row("b.png", "Mass")))
    assert isinstance(data.masks, Boxes)
    right = data.masks.read(0, data.class_index("Mass"))
    assert right is not None
    np.testing.assert_array_equal(right, np.tile(np.arange(64) >= 32, (32, 1)))
    corner = data.masks.read(0, data.class_index("Infiltration"))
    assert corner is not None
    assert (corner.sum(), corner[:8, :16].all()) == (8 * 16, True)
    assert data.masks.read(1, data.class_index("Mass")) is None
    told = changes(data)
    assert sorted(told.values()) == [1, 1], "one on another image, one without a size"


def test_classes_asked_for_keep_their_boxes(tmp_path: Path) -> None:
    (tmp_path / "BBox_List_2017.csv").write_text(BOXES + "\na.png,Mass,1,1,2,2\na.png,Edema,1,1,2,2\n")
    path = table(tmp_path, row("a.png", "Mass|Edema"))
    data = loaded(Source(str(path), labels=("mass", "Hernia")))
    assert data.class_names == ("Mass", "Hernia")
    assert data.labels.tolist() == [[1, 0]]
    assert isinstance(data.masks, Boxes)
    assert data.masks.class_index.tolist() == [0]
    with pytest.raises(Unknown, match="did you mean 'Mass'"):
        load(Source(str(path), labels=("Mas",)))
    with pytest.raises(Unknown, match="unknown option of nih 'uncertain'"):
        load(Source(str(path), options={"uncertain": "one"}))


def test_a_list_of_boxes_counts_images(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    lines = ["00000002_000.png,Mass,1,2,3,4", "00000002_000.png,Mass,9,9,3,4", "00000002_001.png,Infiltrate,1,2,3,4"]
    path.write_text("\n".join([BOXES, *lines]) + "\n")
    data = loaded(path)
    assert data.class_names == ("Infiltration", "Mass")
    np.testing.assert_array_equal(data.labels, np.array([[np.nan, 1], [1, np.nan]], np.float32))
    assert data.groups is not None
    assert data.groups.tolist() == ["2", "2"]
    assert any("2 labels are unknown" in warning for warning in data.warnings)
    path.write_text(f"{BOXES}\n00000002_000.png,Mass,1,two,3,4\n")
    with pytest.raises(Problem, match=r"column 'y' of boxes.csv holds 'two' in row 1"):
        load(path)


def test_a_folder_with_one_table_and_its_boxes_is_a_set(tmp_path: Path) -> None:
    table(tmp_path, row("a.png", "Mass"))
    (tmp_path / "BBox_List_2017.csv").write_text(BOXES + "\na.png,Mass,1,1,2,2\n")
    data = loaded(tmp_path)
    assert data.source.reader == "nih"
    assert isinstance(data.masks, Boxes)
    again = loaded(Source.from_json(data.source.as_json()))
    np.testing.assert_array_equal(again.labels, data.labels)
    table(tmp_path, row("a.png", "Mass"), name="sample_labels.csv")
    with pytest.raises(Problem, match="files with labels"):
        load(tmp_path)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "BBox_List_2017.csv").write_text(BOXES + "\na.png,Mass,1,1,2,2\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "BBox_List_2017.csv").symlink_to(tmp_path / "elsewhere" / "BBox_List_2017.csv")
    assert loaded(table(tmp_path / "in", row("a.png", "Mass"))).masks is None


def test_the_published_table(shared: Path, nih: LabeledImages) -> None:
    path, data = shared / "data/nih/Data_Entry_2017_v2020.csv.gz", nih
    raw = pd.read_csv(path, usecols=[0, 1, 3])
    dummies = raw["Finding Labels"].str.get_dummies("|").drop(columns="No Finding")
    assert list(data.class_names) == list(dummies.columns)
    np.testing.assert_array_equal(data.labels, dummies.to_numpy(np.float32))
    counts = dict(zip(data.class_names, data.positives().tolist(), strict=True))
    assert (len(data), len(set(data.groups.tolist()))) == (112_120, 30_805)  # type: ignore[union-attr]
    assert (counts["Infiltration"], counts["Effusion"], counts["Pneumonia"], counts["Hernia"]) == (
        19_894,
        13_317,
        1_431,
        227,
    )
    per_image = data.labels.sum(axis=1)
    assert int((per_image == 0).sum()) == 60_361
    assert int((per_image >= 2).sum()) == 20_796
    assert per_image.mean() == pytest.approx(0.7240, abs=5e-5)
    assert max(counts.values()) / min(counts.values()) == pytest.approx(87.64, abs=0.005)
    pairs = {frozenset((a, b)): int((data.labels[:, i] * data.labels[:, j]).sum())
             for (i, a), (j, b) in combinations(enumerate(data.class_names), 2)}  # fmt: skip
    assert pairs[frozenset(("Effusion", "Infiltration"))] == 4_000
    assert pairs[frozenset(("Edema", "Hernia"))] == 3
    assert isinstance(data.masks, Boxes)
    assert len(data.masks) == 984
    assert (data.labels[data.masks.row, data.masks.class_index] == 1).all(), "what is boxed is a finding of the image"


def test_the_published_boxes(shared: Path) -> None:
    data = loaded(shared / "data/nih/BBox_List_2017.csv.gz")
    assert (len(data), data.n_classes, len(data.masks)) == (880, 8, 984)  # type: ignore[arg-type]
    assert "Infiltration" in data.class_names
    assert set(np.unique(data.labels[~np.isnan(data.labels)])) == {1}
    by_finding = pd.read_csv(shared / "data/nih/BBox_List_2017.csv.gz", usecols=[0, 1]).drop_duplicates()
    expected = by_finding["Finding Label"].replace("Infiltrate", "Infiltration").value_counts().sort_index()
    assert data.positives().tolist() == expected.tolist()


def test_the_published_starter_sets(shared: Path) -> None:
    data = loaded(shared / "data/nih/nih_starter_Data_Entry.csv")
    assert isinstance(data.images, FileImages)
    assert not list(data.images.missing())
    assert isinstance(data.masks, Boxes)
    assert len(data.masks) == 12
    row = int(data.masks.row[0])
    mask = data.masks.read(row, int(data.masks.class_index[0]))
    assert mask is not None
    assert mask.shape == data.images.read(row).shape[:2] == (224, 224)
    x, y, w, h = data.masks.xywh[0] * 224 / 1024
    assert mask.sum() == pytest.approx(w * h, rel=0.1)
    assert np.argwhere(mask).mean(axis=0) == pytest.approx([y + h / 2, x + w / 2], abs=1)
    assert len(loaded(shared / "data/nih/nih_starter_bbox.csv")) == 12


def test_another_published_table(shared: Path) -> None:
    data = loaded(shared / "data/nih/sample_labels.csv")
    counts = dict(zip(data.class_names, data.positives().tolist(), strict=True))
    assert (len(data), counts["Infiltration"], counts["Hernia"]) == (5_600, 966, 13)
    assert data.metadata is not None
    assert data.metadata["age"].between(0, 100).sum() == 5_599, "one age is 411 years"
