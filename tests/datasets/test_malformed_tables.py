"""Tables that are broken or hostile: one sentence each, nothing executed, nothing read outside."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from lt_core.datasets import LabeledImages, Source, load
from lt_core.datasets.tables import excel, parquet, text
from lt_core.problems import Problem

ROWS = pd.DataFrame({"image": ["a.png", "b.png"], "Mass": [1, 0], "Edema": [0, 1]})


def refused(path: Path | Source, message: str) -> None:
    with pytest.raises(Problem, match=message) as caught:
        load(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 600


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_parquet_that_is_none_or_cut_short(tmp_path: Path) -> None:
    ROWS.to_parquet(tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    for name, content in (
        ("cut", whole[:-40]),
        ("text", b"hello"),
        ("head", whole[:8]),
        ("mid", whole[:4] + whole[60:]),
    ):
        refused(written(tmp_path / f"{name}.parquet", content), f"{name}.parquet is not a Parquet file, or is damaged")
    refused(written(tmp_path / "none.parquet", b""), "none.parquet is empty")


def test_parquet_too_large_when_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pd.DataFrame({"image": [str(k) for k in range(9999)], "x": 1}).to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr(parquet, "MAX_CELL_BYTES", 1000)
    refused(tmp_path / "t.parquet", "larger than .* when unpacked")


def test_workbooks_that_are_none(tmp_path: Path) -> None:
    ROWS.to_excel(tmp_path / "t.xlsx", index=False)
    whole = (tmp_path / "t.xlsx").read_bytes()
    for name, content in (("cut", whole[:-300]), ("text", b"hello"), ("zip", _zip("a.txt", b"x"))):
        refused(written(tmp_path / f"{name}.xlsx", content), f"{name}.xlsx is not an Excel workbook")
    pd.DataFrame().to_excel(tmp_path / "none.xlsx")
    refused(tmp_path / "none.xlsx", "none.xlsx has no sheet with a header and rows")
    with pytest.raises(Problem, match=r"larger than .* when unpacked"):
        excel.frame_of_sheet(whole, "t.xlsx", limit=100)


def _zip(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(("content", "message"), [
    ('{"image": "a", "x": 1}\n{"image": "b", "x"', "t.jsonl is not well-formed JSON: line 2"),
    ('{"image": "a", "x": 1}\n[1, 2]\n', "line 2 of t.jsonl is no JSON object"),
    ("hello\nworld\n", "t.jsonl is not well-formed JSON: line 1"),
    ("[1, 2, 3]", "t.jsonl is JSON but no table"),
    ("[" * 100_000, "t.jsonl is not JSON that can be read here"),
    ("[]", "t.jsonl is JSON but no table"),
])  # fmt: skip
def test_json_that_is_no_table(tmp_path: Path, content: str, message: str) -> None:
    refused(written(tmp_path / "t.jsonl", content.encode()), message)


def test_text_that_is_binary_or_ragged(tmp_path: Path) -> None:
    refused(
        written(tmp_path / "a.csv", b"image,x,y\na,1,0\nb,\0\x01,1\n"), "a.csv is not a text table .*NUL byte in line 3"
    )
    refused(written(tmp_path / "b.csv", b"image,x,y\n" + b"a,1,0\n" * 200 + b"b,1,0,1,1\n"), "line 202")
    refused(written(tmp_path / "c.csv", "image,x\na,1\n".encode("utf-16")[:-1]), "begins like UTF-16")
    refused(
        written(tmp_path / "d.csv.gz", gzip.compress(b"image,x,y\n" + bytes(range(256)) * 99)[:200]), "damaged or cut"
    )


def test_tables_that_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MAX_BYTES", 1 << 16)
    many = b"image,x\n" + b"a,1\n" * 100_000
    refused(written(tmp_path / "t.csv.gz", gzip.compress(many)), "larger than .* when unpacked")
    refused(written(tmp_path / "t.csv.zip", _zip("t.csv", many)), "larger than .* when unpacked")
    refused(written(tmp_path / "t.csv", many), "larger than .* when unpacked")


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.jsonl", "t.xlsx"])
@pytest.mark.parametrize("bad", ["../secret.png", "absolute", "in/../../secret.png", "C:/secret.png", "..\\secret.png"])
def test_names_that_lead_out_of_the_folder(tmp_path: Path, name: str, bad: str) -> None:
    Image.new("L", (3, 3)).save(tmp_path / "secret.png")
    folder = tmp_path / "in"
    folder.mkdir()
    Image.new("L", (3, 3)).save(folder / "a.png")
    bad = str(tmp_path / "secret.png") if bad == "absolute" else bad
    frame = ROWS.assign(image=["a.png", bad])
    path = folder / name
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".parquet":
            frame.to_parquet(path)
        case ".jsonl":
            path.write_text("\n".join(map(json.dumps, frame.to_dict("records"))))
        case ".xlsx":
            frame.to_excel(path, index=False)
    refused(Source(str(path), images=str(folder)), f"row 2 of {name}: image .* points outside the image folder 'in'")


def test_a_link_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    Image.new("L", (3, 3)).save(tmp_path / "secret.png")
    folder = tmp_path / "in"
    folder.mkdir()
    Image.new("L", (3, 3)).save(folder / "a.png")
    (folder / "b.png").symlink_to(tmp_path / "secret.png")
    ROWS.to_csv(folder / "t.csv", index=False)
    data = load(folder / "t.csv")
    assert isinstance(data, LabeledImages)
    assert any("is a link out of the folder" in warning for warning in data.warnings)
    with pytest.raises(Problem, match="link to a file outside the folder"):
        data.images.read(1)


def test_formulas_and_markup_are_only_text(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (("image", "label"), ("a", '=HYPERLINK("http://x", "y")'), ("b", "<b>x</b>"), ("c", "@SUM(1)")):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    data = load(tmp_path / "t.xlsx")
    assert isinstance(data, LabeledImages)
    assert data.class_names == ("<b>x</b>", "@SUM(1)"), "a formula whose value was not saved is an empty cell"
    path = written(tmp_path / "t.csv", b'image,label\na,"=HYPERLINK(""http://x"")"\nb,<img src=x onerror=y>\nc,+1\n')
    text_cells = load(path)
    assert isinstance(text_cells, LabeledImages)
    assert set(text_cells.class_names) == {'=HYPERLINK("http://x")', "<img src=x onerror=y>", "+1"}
