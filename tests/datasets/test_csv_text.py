"""No table written for people holds a formula, and ours read back as they were."""

from __future__ import annotations

import ast
import io
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lt_core.datasets import Source, load_images
from lt_core.datasets.csv_text import as_csv, as_written, is_ours, neutral
from lt_core.stats.split_files import split_to_file

ROOT = Path(__file__).resolve().parents[2]
SIGNS = "=+-@\t\r"


def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe_and_numbers_do_not() -> None:
    table = pd.DataFrame({"=name": [f"{sign}cmd|' /C calc'!A0" for sign in SIGNS], "n": [-1, 2, -3, 4, 5, 6]})
    table["share"] = -0.5
    table["text"] = pd.Categorical(["-12", "+3.5e-2", "-1+1", "plain", "a=b", "@"])
    back = pd.read_csv(io.StringIO(as_csv(table)), dtype=str, keep_default_na=False)
    assert list(back.columns) == ["'=name", "n", "share", "text"]
    assert len(back) == len(table)
    assert all(cell.startswith("'") for cell in back["'=name"])
    assert back["n"].tolist() == ["-1", "2", "-3", "4", "5", "6"]
    assert set(back["share"]) == {"-0.5"}
    assert back["text"].tolist() == ["-12", "+3.5e-2", "'-1+1", "plain", "a=b", "'@"]


def test_what_is_written_is_undone_exactly() -> None:
    words = ["".join(letters) for n in range(5) for letters in itertools.product("'=-1", repeat=n)]
    written = [neutral(word) for word in words]
    assert [as_written(word) for word in written] == words
    assert not any(word[:1] in SIGNS and not word[1:].isdigit() for word in written if word)
    assert len(set(written)) == len(words)


def test_a_carriage_return_within_a_cell_begins_no_row() -> None:
    table = pd.DataFrame({"class": ["a\r=1+1", "b\n=2", 'c"'], "n": [1, 2, 3]})
    back = pd.read_csv(io.StringIO(as_csv(table), newline=""))
    assert back.to_dict("list") == table.to_dict("list")


def test_missing_cells_are_said_as_asked() -> None:
    table = pd.DataFrame({"class": ["a", None], "f1": [0.5, np.nan]})
    assert as_csv(table, undefined="not defined") == "class,f1\na,0.5\nnot defined,not defined\n"
    assert as_csv(table) == "class,f1\na,0.5\n,\n"


def test_a_split_with_formulas_reads_back_as_it_was(tmp_path: Path) -> None:
    names = ["=1+1.png", "'=x.png", "-2.png", "''@y.png", "plain.png", "+z.png"]
    frame = pd.DataFrame({"image": names, "patient": ["@a", "b", "-1", "'c", "=d", "e"]})
    frame["=cmd()"] = [1, 0, 1, 0, 1, 0]
    frame["'Mass"] = [0, 1, 1, 0, 0, 1]
    frame.to_csv(tmp_path / "labels.csv", index=False)
    source = Source(str(tmp_path / "labels.csv"))
    split_to_file(source, tmp_path / "split.csv", fractions=(0.5, 0.25, 0.25))
    written = pd.read_csv(tmp_path / "split.csv", dtype=str)
    cells = [*written.columns, *written.to_numpy().ravel()]
    assert not [cell for cell in cells if cell[0] in SIGNS and cell != "-1"]
    before, after = load_images(source), load_images(Source(str(tmp_path / "split.csv")))
    assert after.class_names == before.class_names == ("=cmd()", "'Mass")
    assert after.ids is not None
    assert after.ids.tolist() == names
    assert after.groups is not None
    assert after.groups.tolist() == frame["patient"].tolist()
    np.testing.assert_array_equal(after.labels, before.labels)
    assert after.reading is not None
    (change,) = [change for change in after.reading.changes if "apostrophe" in change.what]
    assert change.count == 5 + 2 + 1  # image names, patients (-1 is a number), one class


def test_another_table_keeps_its_apostrophes(tmp_path: Path) -> None:
    pd.DataFrame({"file": ["'=a.png", "b.png"], "Mass": [0, 1]}).to_csv(tmp_path / "labels.csv", index=False)
    data = load_images(Source(str(tmp_path / "labels.csv")))
    assert data.ids is not None
    assert data.ids.tolist() == ["'=a.png", "b.png"]


@pytest.mark.parametrize(
    ("columns", "ours"),
    [
        (["image", "split", "Mass"], True),
        (["image", "patient", "fold", "Mass"], True),
        (["image name", "split", "image"], True),
        (["image", "Mass", "split"], False),
        (["image", "patient", "Mass"], False),
        (["id", "split", "Mass"], False),
        ([], False),
    ],
)
def test_a_split_is_known_by_its_columns(columns: list[str], ours: bool) -> None:
    assert is_ours(columns) is ours


FILES = [file for folder in ("lt_core", "pages") for file in sorted((ROOT / folder).rglob("*.py"))]


def test_no_other_module_writes_csv() -> None:
    """A writer that goes around ``csv_text`` would let formulas through."""
    around = []
    for file in FILES:
        if file.name == "csv_text.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            csv_writer = name == "writer" and isinstance(node, ast.Attribute) and ast.unparse(node) == "csv.writer"
            if csv_writer or name in ("to_csv", "write_csv", "DictWriter", "savetxt"):
                around.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert not around
