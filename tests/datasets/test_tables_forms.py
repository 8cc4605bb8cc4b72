"""How labels may be written in a table: every form gives the same set as one column a class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lt_core.datasets import LabeledImages, Source, load
from lt_core.datasets.sparse import SparseLabels
from lt_core.datasets.tables import label_matrix
from lt_core.datasets.tables.lists import is_list, items_of
from lt_core.problems import Invalid, Problem, Unknown

CLASSES = ("Edema", "Mass", "Nodule")
SETS = (("Mass", "Edema"), ("Nodule",), ("Edema",), ("Mass", "Nodule", "Edema"), ("Mass",), ("Edema", "Nodule"))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def loaded(path: Path, labels: tuple[str, ...] = (), **options: Any) -> LabeledImages:
    data = load(Source(str(path), labels=labels, options=options))
    assert isinstance(data, LabeledImages)
    return data


def changes(data: LabeledImages) -> dict[str, int]:
    assert data.reading is not None
    return {f"{change.kind}: {change.what}": change.count for change in data.reading.changes}


def expected() -> np.ndarray:
    return np.array([[name in row for name in CLASSES] for row in SETS], np.float32)


def rows(cell: Any) -> str:
    return "image,labels\n" + "".join(f'i{k}.png,"{cell(row)}"\n' for k, row in enumerate(SETS))


@pytest.mark.parametrize("cell", [
    "|".join, ";".join, ",".join, "\n".join, " | ".join, str, lambda row: str(list(row)), lambda row: str(set(row)),
    lambda row: "[" + ", ".join(f'""{name}""' for name in row) + "]",
    lambda row: "[" + ", ".join(row) + "]",
    lambda row: "[" + " ".join(f"'{name}'" for name in row) + "]",
])  # fmt: skip
def test_one_column_of_names_however_it_is_written(tmp_path: Path, cell: Any) -> None:
    data = loaded(written(tmp_path / "t.csv", rows(cell)))
    assert data.class_names == CLASSES
    np.testing.assert_array_equal(data.labels, expected())


def test_a_separator_may_be_said(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", rows("/".join))
    np.testing.assert_array_equal(loaded(path, separator="/").labels, expected())
    assert "Mass/Edema" in loaded(path, separator="none").class_names
    with pytest.raises(Invalid, match="separator must be one of"):
        loaded(path, separator="&")


@pytest.mark.parametrize(("cell", "items"), [
    ("[]", []), ("['a']", ["a"]), ("['a', 'b, c']", ["a", "b, c"]), ('["it\'s"]', ["it's"]),
    ("['it\\'s' 'b']", ["it's", "b"]),
    ("[1 2 3]", ["1", "2", "3"]), ("[1, 2]", ["1", "2"]), ("[pleural effusion, mass]", ["pleural effusion", "mass"]),
    ("('a',)", ["a"]), ("{'a'}", ["a"]), ("[__import__('os').system('x')]", ["__import__('os').system('x')"]),
])  # fmt: skip
def test_lists_written_as_text_are_read_and_never_evaluated(cell: str, items: list[str]) -> None:
    assert is_list(cell)
    assert items_of(cell) == items


def test_an_empty_list_is_known_to_have_no_label_and_an_empty_cell_is_not(tmp_path: Path) -> None:
    data = loaded(written(tmp_path / "t.csv", "image,labels\na,\"['x', 'y']\"\nb,[]\nc,\nd,['x']\ne,['y']\n"))
    np.testing.assert_array_equal(data.labels, np.array([[1, 1], [0, 0], [np.nan] * 2, [1, 0], [0, 1]], np.float32))


def test_one_row_a_label_counts_images(tmp_path: Path) -> None:
    text = "image,age,label\n" + "".join(f"i{k}.png,{40 + k},{name}\n" for k, row in enumerate(SETS) for name in row)
    data = loaded(written(tmp_path / "t.csv", text.replace("i1.png", "i1.png", 1)))
    assert (len(data), data.class_names) == (len(SETS), CLASSES)
    np.testing.assert_array_equal(data.labels, expected())
    assert data.ids is not None
    assert data.ids.tolist() == [f"i{k}.png" for k in range(len(SETS))]
    assert data.metadata is not None
    assert data.metadata["age"].tolist() == [40.0 + k for k in range(len(SETS))]
    n_rows = sum(map(len, SETS))
    assert changes(data) == {
        "merged: rows are about an image that has a row already: an image has the labels of all its rows": n_rows
        - len(SETS)
    }
    assert len(loaded(tmp_path / "t.csv", form="one column")) == n_rows


def test_one_row_a_label_with_rows_that_say_otherwise(tmp_path: Path) -> None:
    text = "image,Patient ID,label\na,1,x\nb,2,y\na,3,y\nc,4,\nc,4,z\nd,5,\nd,6,\n"
    data = loaded(written(tmp_path / "t.csv", text), form="long")
    assert data.ids is not None
    assert data.ids.tolist() == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(data.labels, np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [np.nan] * 3], np.float32))
    assert data.groups is not None
    assert data.groups.tolist() == ["1", "2", "4", "5"]
    assert changes(data)["merged: images have rows with different 'Patient ID': the first row counts"] == 2


def test_one_row_a_label_needs_the_image(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="needs the column that names the image"):
        loaded(written(tmp_path / "t.csv", "x,label\n1,a\n2,b\n"), form="long")


@pytest.mark.parametrize(("no", "yes"), [
    ("0", "1"), ("0.0", "1.0"), ("False", "TRUE"), ("no", "Yes"), ("n", "y"), ("negative", "positive"),
    ("absent", "present"),
])  # fmt: skip
def test_words_of_one_column_a_class(tmp_path: Path, no: str, yes: str) -> None:
    lines = [",".join([f"i{k}", *(yes if name in row else no for name in CLASSES)]) for k, row in enumerate(SETS)]
    data = loaded(
        written(tmp_path / "t.csv", "\n".join(["image," + ",".join(CLASSES), *lines, f"last,{yes},,?"]) + "\n")
    )
    np.testing.assert_array_equal(data.labels, np.vstack([expected(), [[1, np.nan, np.nan]]]).astype(np.float32))


def test_words_of_two_languages_are_no_labels(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no column is recognised as labels"):
        loaded(written(tmp_path / "t.csv", "image,a,b\n1,yes,0\n2,0,no\n3,1,yes\n"))


@pytest.mark.parametrize(("uncertain", "blank"), [("unknown", "unknown"), ("one", "zero"), ("zero", "unknown")])
def test_uncertain_and_blank_cells_are_what_is_asked_for_and_counted_apart(
    tmp_path: Path, uncertain: str, blank: str
) -> None:
    path = written(tmp_path / "t.csv", "image,a,b\n1,1,-1\n2,,0\n3,-1.0,\n4,0,1\n5,,1\n")
    data = loaded(path, uncertain=uncertain, blank=blank)
    u = {"unknown": np.nan, "one": 1, "zero": 0}[uncertain]
    e = {"unknown": np.nan, "zero": 0}[blank]
    np.testing.assert_array_equal(data.labels, np.array([[1, u], [e, 0], [u, e], [0, 1], [e, 1]], np.float32))
    assert data.uncertain is not None
    np.testing.assert_array_equal(np.argwhere(data.uncertain), [[0, 1], [2, 0]])
    assert sorted(changes(data).values()) == [2, 3]


def test_spellings_that_differ_by_case_or_blanks_are_one_class(tmp_path: Path) -> None:
    text = "image,label\na,mass\nb,Mass \nc,Mass\nd,MASS\ne,Pleural  effusion\nf,pleural effusion\ng,pleural effusion\n"
    data = loaded(written(tmp_path / "t.csv", text))
    assert data.class_names == ("Mass", "pleural effusion")
    assert data.positives().tolist() == [4, 3]
    (count,) = [n for what, n in changes(data).items() if what.startswith("merged")]
    assert count == 3
    single = written(tmp_path / "s.csv", "image,label\n" + "".join(f"{k},{'aA'[k % 2]}\n" for k in range(8)))
    assert loaded(single).class_names == ("A", "a"), "single letters are kept apart"


def test_rows_written_twice_are_dropped_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "image,x,y\na,1,0\nb,0,1\na,1,0\na,1,0\n,1,1\n,1,1\n")
    data = loaded(path)
    assert len(data) == 4, "rows that name no image may be about different ones"
    assert changes(data) == {
        "dropped: rows repeat an earlier row word for word": 2,
        "unknown: rows name no image: kept, without an image": 2,
    }


def test_rows_that_differ_may_be_merged(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "image,x,y,z\na,1,0,\nb,0,1,-1\na,0,1,\nb,0,0,1\n")
    assert len(loaded(path)) == 4
    data = loaded(path, duplicates="merge")
    np.testing.assert_array_equal(data.labels, np.array([[1, 1, np.nan], [0, 1, 1]], np.float32))
    assert data.uncertain is not None
    np.testing.assert_array_equal(np.argwhere(data.uncertain), [[1, 2]])


def test_ages_and_words_describe_the_images(tmp_path: Path) -> None:
    text = "image,Patient Age,Sex,View Position,Patient Name,note,x,y\n" + "".join(
        f"{k},{age},{'MF'[k % 2]},PA,Jane Roe {k},free text {k},{k % 2},{k % 3 % 2}\n"
        for k, age in enumerate(["060Y", "45", "006M", "414Y", "", "012D", "old"])
    )
    data = loaded(written(tmp_path / "t.csv", text))
    assert data.metadata is not None
    assert list(data.metadata.columns) == ["age", "sex", "view"]
    np.testing.assert_allclose(data.metadata["age"], [60, 45, 0.5, np.nan, np.nan, 12 / 365.25, np.nan])
    assert isinstance(data.metadata["sex"].dtype, pd.CategoricalDtype)
    assert data.metadata["sex"].tolist() == list("MFMFMFM")
    assert changes(data) == {"unknown: cells of 'Patient Age' are no age in years": 2}
    assert data.reading is not None
    assert data.reading.named("image") == ("image",)
    assert data.reading.named("label") == ("x", "y")
    assert data.reading.named("unused") == ("Patient Name", "note")


def test_a_column_that_is_asked_for_and_not_there(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", rows("|".join))
    for option in ("image", "patient", "split"):
        with pytest.raises(Unknown, match=r"unknown column of t.csv 'imag'"):
            loaded(path, **{option: "imag"})


@pytest.mark.parametrize("form", ["delimited", "list", "long"])
def test_many_classes_are_sparse_and_equal_the_dense_matrix(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    sets = [sorted({f"c{k:02d}" for k in rng.integers(0, 40, rng.integers(0, 5))}) for _ in range(200)]
    if form == "long":
        text = "image,label\n" + "".join(f"i{k},{name}\n" for k, row in enumerate(sets) for name in row or [""])
    else:
        cells = ["|".join(row) if form == "delimited" else str(row) if row else "" for row in sets]
        text = "image,label\n" + "".join(f'i{k},"{cell}"\n' for k, cell in enumerate(cells))
    path = written(tmp_path / "t.csv", text)
    dense = loaded(path)
    assert isinstance(dense.matrix, np.ndarray)
    monkeypatch.setattr(label_matrix, "SPARSE_CELLS", 100)
    many = loaded(path)
    assert isinstance(many.matrix, SparseLabels)
    np.testing.assert_array_equal(many.labels, dense.labels)
    obvious = np.array([[name in row if row else np.nan for name in dense.class_names] for row in sets], np.float32)
    np.testing.assert_array_equal(dense.labels, obvious)
    assert many.kind == dense.kind
    with pytest.raises(Problem, match="cannot be read with one class an image"):
        loaded(path, kind="single")
