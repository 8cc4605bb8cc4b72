"""Tables of labels: which column is what, what the cells mean, where the images are."""

from __future__ import annotations

import bz2
import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, load
from lt_core.problems import Problem, Unknown


def table(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def picture(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 5), value, np.uint8)).save(path)


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


def test_zero_one_columns_are_classes_and_metadata_is_not(tmp_path: Path) -> None:
    data = loaded(
        table(tmp_path, "image,Age,Sex,Follow-up #,Mass,Nodule\na.png,40,0,0,1,0\nb.png,50,1,1,1,1\nc.png,9,1,0,,0\n")
    )
    assert data.class_names == ("Mass", "Nodule")
    np.testing.assert_array_equal(data.labels, np.array([[1, 0], [1, 1], [np.nan, 0]], np.float32))
    assert data.kind == "multi"
    assert data.ids is not None
    assert data.ids.tolist() == ["a.png", "b.png", "c.png"]


def test_delimited_column_and_no_finding_is_absence(tmp_path: Path) -> None:
    data = loaded(table(tmp_path, "image,Finding Labels\na,Mass|Edema\nb,No Finding\nc,\nd, edema | Mass|\ne,Edema\n"))
    assert data.class_names == ("Edema", "Mass")
    expected = [[1, 1], [0, 0], [np.nan] * 2, [1, 1], [1, 0]]
    np.testing.assert_array_equal(data.labels, np.array(expected, np.float32))
    assert "separated by '|'" in data.about


@pytest.mark.parametrize("sign", ["|", ";", ","])
def test_each_separator_is_recognised(tmp_path: Path, sign: str) -> None:
    data = loaded(table(tmp_path, f'image,labels\na,"x{sign}y"\nb,x\nc,"y{sign}z"\nd,y\n'))
    assert data.class_names == ("x", "y", "z")


def test_a_comma_inside_names_is_no_separator(tmp_path: Path) -> None:
    data = loaded(
        table(tmp_path, 'image,dx\na,"melanoma, invasive"\nb,naevus\nc,"melanoma, invasive"\nd,"keratosis, actinic"\n')
    )
    assert data.class_names == ("keratosis, actinic", "melanoma, invasive", "naevus")
    assert data.kind == "single"


def test_one_label_each_is_single_label_unless_one_says_no_finding(tmp_path: Path) -> None:
    rows = "image,dx\na,nv\nb,mel\nc,nv\n"
    assert loaded(table(tmp_path, rows)).kind == "single"
    assert loaded(table(tmp_path, rows + "d,No finding\n")).kind == "multi"
    unknown = loaded(table(tmp_path, rows + "d,\n"))
    assert unknown.kind == "multi"
    assert any("1 row has no label" in warning for warning in unknown.warnings)


def test_one_hot_rows_beside_no_finding_are_multi_label(tmp_path: Path) -> None:
    assert loaded(table(tmp_path, "image,MEL,NV,No Finding\na,1,0,0\nb,0,1,0\n")).kind == "multi"


def test_one_hot_rows_are_single_label(tmp_path: Path) -> None:
    assert loaded(table(tmp_path, "image,MEL,NV\na,1.0,0.0\nb,0.0,1.0\nc,0.0,1.0\n")).kind == "single"


def test_numbers_as_classes_are_in_order_of_value(tmp_path: Path) -> None:
    rows = "".join(f"i{k}.png,{k % 12}\n" for k in range(60))
    assert loaded(table(tmp_path, "image,label\n" + rows)).class_names == tuple(map(str, range(12)))


def test_uncertain_is_unknown_and_counted(tmp_path: Path) -> None:
    data = loaded(table(tmp_path, "Path,No Finding,Edema,Pneumonia\na.jpg,,-1.0,1.0\nb.jpg,1.0,0.0,\nc.jpg,,1.0,-1\n"))
    assert data.class_names == ("Edema", "Pneumonia")
    np.testing.assert_array_equal(np.isnan(data.labels), [[True, False], [False, True], [False, True]])
    assert any(warning.startswith("2 labels are -1") for warning in data.warnings)


def test_labels_may_be_said(tmp_path: Path) -> None:
    path = table(tmp_path, "image,a,b,note\nx.png,1,0,red\ny.png,0,1,blue\nz.png,0,0,red\n")
    assert loaded(Source(str(path), labels=("b",))).class_names == ("b",)
    assert loaded(Source(str(path), labels=("note",))).class_names == ("blue", "red")
    assert loaded(Source(str(path), labels=("A", "b"))).class_names == ("a", "b")
    with pytest.raises(Unknown, match=r"unknown column of table.csv 'nota': did you mean 'note'\?"):
        load(Source(str(path), labels=("nota",)))
    with pytest.raises(Problem, match=r"column 'note' of table.csv holds 'red' in row 1"):
        load(Source(str(path), labels=("a", "note")))


def test_unclear_labels_are_asked_about(tmp_path: Path) -> None:
    text = "image,diagnosis,scarred,treated\na,flu,1,0\nb,cold,0,0\nc,flu,1,1\n"
    with pytest.raises(Problem, match=r"may be in 'diagnosis' or in 'scarred', 'treated'.*--labels"):
        load(table(tmp_path, text))


def test_names_and_zero_one_columns_that_agree_need_no_question(tmp_path: Path) -> None:
    data = loaded(table(tmp_path, "image,labels,flu,cold\na,flu|cold,1,1\nb,cold,0,1\nc,flu,1,0\n"))
    assert data.class_names == ("flu", "cold")


def test_parts_and_patients(tmp_path: Path) -> None:
    data = loaded(
        table(tmp_path, "image,Patient ID,split,x,y\na,7,Training,1,0\nb,7,valid,1,1\nc,,TEST,0,1\nd,,,0,1\n")
    )
    assert data.split is not None
    assert data.split.tolist() == ["train", "val", "test", ""]
    assert data.groups is not None
    assert data.groups[0] == data.groups[1] == "7"
    assert data.groups[2] != data.groups[3]


def test_columns_may_be_said_and_options_are_checked(tmp_path: Path) -> None:
    path = table(tmp_path, "left,right,who,x,y\na.png,b.png,1,1,0\nc.png,d.png,2,0,1\ne.png,f.png,2,1,1\n")
    asked = loaded(Source(str(path), labels=("x", "y")))
    assert asked.ids is None
    assert any("several columns name image files (left, right)" in warning for warning in asked.warnings)
    said = loaded(Source(str(path), labels=("x", "y"), options={"image": "right", "patient": "who"}))
    assert said.ids is not None
    assert said.ids[0] == "b.png"
    assert said.groups is not None
    with pytest.raises(Unknown, match=r"unknown option of table .imagge.: did you mean .image."):
        load(Source(str(path), labels=("x",), options={"imagge": "left"}))


@pytest.mark.parametrize("kind", ["gz", "bz2", "zip"])
def test_compressed_tables_stay_where_they_are(tmp_path: Path, kind: str) -> None:
    text = b"image,x,y\na.png,1,0\nb.png,0,1\n"
    path = tmp_path / f"t.csv.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("t.csv", text)
    else:
        path.write_bytes(gzip.compress(text) if kind == "gz" else bz2.compress(text))
    picture(tmp_path / "pics" / "a.png")
    data = loaded(path)
    assert len(data) == 2
    assert isinstance(data.images, FileImages), "images are looked for beside the compressed table"


@pytest.mark.parametrize(
    ("encoding", "told"), [("utf-8-sig", False), ("utf-16", False), ("latin-1", True), ("utf-8", False)]
)
def test_encodings(tmp_path: Path, encoding: str, told: bool) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("image,dx\r\na,Läsion\r\nb,naevus\r\nc,Läsion\r\n".encode(encoding))
    data = loaded(path)
    assert data.class_names == ("Läsion", "naevus")
    assert "named by the column 'image'" in data.about
    assert any("Latin-1" in warning for warning in data.warnings) is told


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_separators_of_columns(tmp_path: Path, sign: str) -> None:
    lines = ["image,x,y", "a,1,0", "b,0,1", '"c, or d",1,1']
    text = "\n".join(lines[:3]).replace(",", sign) + f'\n"c, or d"{sign}1{sign}1\n'
    data = loaded(table(tmp_path, text, "t.tsv" if sign == "\t" else "t.csv"))
    assert data.class_names == ("x", "y")
    assert len(data) == 3


def test_broken_header_cells_trailing_commas_and_short_rows(tmp_path: Path) -> None:
    text = "image, Mass ,Nodule,Size[w,h]\na.png,1,0,3,4,,\nb.png,0,1,3,4,,\n\nc.png,1,1\n"
    data = loaded(table(tmp_path, text))
    assert data.class_names == ("Mass", "Nodule")
    assert len(data) == 3


def test_a_column_that_is_there_twice_is_renamed_and_told(tmp_path: Path) -> None:
    data = loaded(table(tmp_path, "image,x,x\na,1,0\nb,0,1\n"))
    assert data.class_names == ("x", "x (2)")
    assert any("two columns are called 'x'" in warning for warning in data.warnings)


def test_duplicated_images_are_told(tmp_path: Path) -> None:
    data = loaded(table(tmp_path, "image,x,y\na.png,1,0\na.png,0,1\nb.png,1,0\n"))
    assert len(data) == 3
    assert any(warning.startswith("1 image has more than one row (a.png)") for warning in data.warnings)


def test_a_class_without_positives_is_a_warning(tmp_path: Path) -> None:
    data = loaded(table(tmp_path, "image,x,y\na.png,1,0\nb.png,1,0\n"))
    assert any("no positive example of y" in warning for warning in data.warnings)


def test_loading_again_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "pics" / "a.png")
    table(tmp_path, "image,x,y\na.png,1,0\nb.png,0,1\n")
    monkeypatch.chdir(tmp_path)
    first = loaded(Source("table.csv"))
    monkeypatch.chdir("/")
    again = loaded(Source.from_json(first.source.as_json()))
    assert again.source == first.source
    np.testing.assert_array_equal(again.labels, first.labels)
    assert list(again.images.missing()) == list(first.images.missing()) == [1]
