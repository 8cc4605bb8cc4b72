"""The same table in every kind of file gives the same cells, on the quick and on the careful path."""

from __future__ import annotations

import bz2
import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lt_core.datasets import LabeledImages, Source, load
from lt_core.datasets.tables.coded import Coded, are_distinct, names_of
from lt_core.datasets.tables.delimited import parse
from lt_core.datasets.tables.peek import peek
from lt_core.datasets.tables.text import read_table
from lt_core.problems import Problem, Unknown

FRAME = pd.DataFrame({
    "image": ["ä.png", "b.png", "c.png", "d.png"], "age": ["40", "", "7", "60"], "Mass": ["1", "0", "", "1"],
    "Edema": ["0", "1", "1", "0"],
})  # fmt: skip


def typed() -> pd.DataFrame:
    return pd.DataFrame({
        "image": FRAME["image"], "age": [40, None, 7, 60], "Mass": [1, 0, None, 1], "Edema": [False, True, True, False],
    })  # fmt: skip


def _records() -> list[dict[str, object]]:
    return [{"image": i, "age": a, "Mass": m, "Edema": e} for i, a, m, e in zip(
        FRAME["image"], [40, None, 7, 60], [1, 0, None, 1], [False, True, True, False], strict=True)]  # fmt: skip


def _lines(path: Path) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in _records()), encoding="utf-8")


WRITERS: dict[str, Callable[[Path], object]] = {
    "t.csv": lambda path: FRAME.to_csv(path, index=False),
    "t.tsv": lambda path: FRAME.to_csv(path, index=False, sep="\t"),
    "t.txt": lambda path: FRAME.to_csv(path, index=False, sep="\t"),
    "semicolon.csv": lambda path: FRAME.to_csv(path, index=False, sep=";"),
    "crlf.csv": lambda path: FRAME.to_csv(path, index=False, lineterminator="\r\n"),
    "cr.csv": lambda path: FRAME.to_csv(path, index=False, lineterminator="\r"),
    "latin.csv": lambda path: FRAME.to_csv(path, index=False, encoding="latin-1"),
    "bom.csv": lambda path: FRAME.to_csv(path, index=False, encoding="utf-8-sig"),
    "wide.csv": lambda path: FRAME.to_csv(path, index=False, encoding="utf-16"),
    "wide-le.csv": lambda path: FRAME.to_csv(path, index=False, encoding="utf-16-le"),
    "wide-be.csv": lambda path: FRAME.to_csv(path, index=False, encoding="utf-16-be"),
    "quoted.csv": lambda path: FRAME.to_csv(path, index=False, quoting=1),
    "t.parquet": lambda path: typed().to_parquet(path, index=False),
    "t.jsonl": _lines,
    "t.ndjson": _lines,
    "t.json": lambda path: path.write_text(json.dumps(_records()), encoding="utf-8"),
    "columns.json": lambda path: path.write_text(typed().to_json(), encoding="utf-8"),
    "lists.json": lambda path: path.write_text(
        json.dumps({name: [record[name] for record in _records()] for name in FRAME}), encoding="utf-8"
    ),
    "t.xlsx": lambda path: typed().to_excel(path, index=False),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_says_the_same(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    data = load(path)
    assert isinstance(data, LabeledImages)
    assert data.class_names == ("Mass", "Edema")
    np.testing.assert_array_equal(data.labels, np.array([[1, 0], [0, 1], [np.nan, 1], [1, 0]], np.float32))
    assert data.ids is not None
    assert data.ids.tolist() == FRAME["image"].tolist()
    assert data.metadata is not None
    np.testing.assert_array_equal(data.metadata["age"], [40, np.nan, 7, 60])
    glimpse = peek(path)
    assert glimpse is not None
    assert glimpse.columns == tuple(FRAME.columns)
    assert len(glimpse.rows) == 4


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.jsonl", "t.json", "t.tsv"])
@pytest.mark.parametrize("kind", ["gz", "bz2", "zip"])
def test_every_kind_may_be_compressed(tmp_path: Path, name: str, kind: str) -> None:
    WRITERS[name](tmp_path / name)
    raw = (tmp_path / name).read_bytes()
    path = tmp_path / f"{name}.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, raw)
    else:
        path.write_bytes(gzip.compress(raw) if kind == "gz" else bz2.compress(raw))
    assert read_table(path).frame["image"].tolist() == FRAME["image"].tolist()


def test_lists_in_files_that_have_lists(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"image": "a", "labels": ["x", "y, z"]}, {"image": "b", "labels": []}, {"image": "c", "labels": None},
        {"image": "d", "labels": ["x"]},
    ]  # fmt: skip
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pd.DataFrame(rows).to_parquet(tmp_path / "t.parquet")
    pd.DataFrame([row for row in rows if row["labels"]]).to_parquet(tmp_path / "full.parquet")
    for name in ("t.jsonl", "t.parquet"):
        data = load(tmp_path / name)
        assert isinstance(data, LabeledImages)
        assert data.class_names == ("x", "y, z")
        np.testing.assert_array_equal(data.labels, np.array([[1, 1], [0, 0], [np.nan] * 2, [1, 0]], np.float32))
    full = load(tmp_path / "full.parquet")
    assert isinstance(full, LabeledImages)
    np.testing.assert_array_equal(full.labels, [[1, 1], [1, 0]])


def test_a_workbook_with_several_sheets_asks_which(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path) as book:
        typed().to_excel(book, sheet_name="labels", index=False)
        pd.DataFrame({"x": ["what", "why"]}).to_excel(book, sheet_name="notes", index=False)
        pd.DataFrame().to_excel(book, sheet_name="empty", index=False)
    with pytest.raises(
        Problem, match=r"several sheets with data \('labels', 'notes'\): say which with the option sheet"
    ):
        load(path)
    data = load(Source(str(path), options={"sheet": "labels"}))
    assert isinstance(data, LabeledImages)
    assert data.class_names == ("Mass", "Edema")
    assert load(data.source).class_names == data.class_names
    with pytest.raises(Unknown, match=r"unknown sheet of t.xlsx 'label': did you mean 'labels'"):
        load(Source(str(path), options={"sheet": "label"}))


def _random(rng: np.random.Generator, rows: int) -> str:
    words = ["0", "1", "", " 1", "-1", "é|b", "x", "NA", "nan", "None", "a b", "1.50", "'"]
    lines = [",".join(rng.choice(words, 5).tolist()) for _ in range(rows)]
    return "\n".join(["image, a ,b,b,", *lines]) + "\n"


@pytest.mark.parametrize("seed", range(8))
def test_the_quick_path_reads_what_the_careful_path_reads(seed: int) -> None:
    rng = np.random.default_rng(seed)
    raw = _random(rng, 500).encode()
    if seed % 2:
        raw = raw.replace(b"\n", b"\r\n")
    if seed % 3 == 0:
        raw = raw.replace(b"x,", b"x\n\n", 1) if seed else raw
    quick, notes, changes = parse(raw, "t.csv")
    careful, notes_2, changes_2 = parse(raw, "t.csv", careful=True)
    assert quick.to_numpy(dtype=object).tolist() == careful.to_numpy(dtype=object).tolist()
    assert (list(quick.columns), notes) == (list(careful.columns), notes_2)
    assert changes == changes_2


def test_coded_columns_are_their_stripped_cells() -> None:
    rng = np.random.default_rng(1)
    for words in (
        ["0", "1", ""],
        ["0", "1"],
        ["a", " a", "b ", ""],
        [f"w{k}" for k in range(1000)],
        ["é", "0"],
        [" ", "1"],
    ):
        cells = pd.Series(rng.choice(words, 5000).tolist(), dtype=str)
        coded = Coded.of(cells)
        assert [coded.words[code] for code in coded.codes] == cells.str.strip().tolist()
        assert len(set(coded.words)) == len(coded.words)
        assert coded.counts.sum() == 5000
        assert names_of(cells).tolist() == cells.str.strip().tolist()
    assert are_distinct(pd.Series(["a", "b", "c"], dtype=str))
    assert are_distinct(pd.Series(["c", "a", "b"], dtype=str))
    assert not are_distinct(pd.Series(["c", "a", " c"], dtype=str))


def test_short_and_blank_rows_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("image,x,y\na,1,0\nb,1\n,,\n  , ,\nc,0,1\n")
    table = read_table(path)
    assert table.frame.to_numpy(dtype=object).tolist() == [["a", "1", "0"], ["b", "1", ""], ["c", "0", "1"]]
    assert {change.what.split(":")[0]: change.count for change in table.changes} == {
        "rows have fewer cells than the header": 1, "rows are blank": 2,
    }  # fmt: skip
