"""ARFF files that are broken or hostile: one sentence each."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import pytest

from lt_core.datasets import Source, load
from lt_core.datasets.arff import opening
from lt_core.problems import Problem

HEAD = "@relation 'toy: -C 2'\n@attribute A {0,1}\n@attribute B {0,1}\n@attribute x numeric\n@data\n"


def refused(source: Source | Path, message: str) -> None:
    with pytest.raises(Problem, match=message) as caught:
        load(source)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "toy.arff is empty"),
        ("% only a comment\n", "toy.arff is empty"),
        ("image,Mass\na.png,1\n", "is not an ARFF file: line 1 is 'image,Mass'"),
        ("@relation x\n@attribute A {0,1}\n", "ends before its @data line"),
        ("@relation x\n@data\n1\n", "has no @attribute line"),
        (HEAD, "has a header but no rows"),
        (HEAD + "1,0,3\n1,0", "line 7 of toy.arff has 2 values for 3 attributes.*cut short"),
        (HEAD + "1,0,3,4\n", "line 6 of toy.arff has 4 values for 3 attributes"),
        (HEAD + "1,2,3\n", "says '2' for the label 'B', where one of 0, 1 was expected"),
        (HEAD + "{0 1, 3 4}\n", "names the attribute 3, but there are 3 from 0 on"),
        (HEAD + "{0 1, 0 1}\n", "gives the attribute 0 twice"),
        (HEAD + "{0 1, 2\n", "has no closing brace"),
        (HEAD + "{0 1, x}\n", "is not a sparse row"),
        (HEAD.replace("-C 2", "-C 9") + "1,0,3\n", "said to have 9 labels but has 3 attributes"),
        (HEAD.replace("-C 2", "-C 3").replace("x numeric", "x {a,b,c}") + "1,0,a\n", "is no label of yes and no"),
        (HEAD.replace("x numeric", "x relational") + "1,0,3\n", "relational attribute 'x'"),
        (HEAD.replace("x numeric", "x complex") + "1,0,3\n", "has the type 'complex'"),
        (HEAD.replace("{0,1}\n@attribute x", "{0,1\n@attribute x") + "1,0,3\n", "have no closing brace"),
        (HEAD.replace("-C 2", "-C -1") + "1,0,3\n", "says '3' for the label 'x'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "toy.arff").write_text(text, encoding="utf-8")
    refused(tmp_path / "toy.arff", message)


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ('<!DOCTYPE labels [<!ENTITY x SYSTEM "file:///etc/passwd">]><labels><label name="&x;"/></labels>', "DOCTYPE"),
        ("<labels><label name='A'>", "not well-formed XML"),
        ("<labels></labels>", "lists no labels"),
        ("<labels><label name='C'/></labels>", "unknown attribute of toy.xml 'C'"),
    ],
)
def test_lists_of_labels_that_are_none(tmp_path: Path, xml: str, message: str) -> None:
    (tmp_path / "toy.arff").write_text(HEAD.replace(": -C 2", "") + "1,0,3\n", encoding="utf-8")
    (tmp_path / "toy.xml").write_text(xml, encoding="utf-8")
    refused(tmp_path / "toy.arff", message)
    for encoding in ("utf-16", "utf-16-le"):  # the check must not be blind in another encoding
        (tmp_path / "toy.xml").write_text(xml, encoding=encoding)
        with pytest.raises(Problem):
            load(tmp_path / "toy.arff")


def test_a_list_of_labels_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/secret.xml").write_text("<labels><label name='A'/></labels>", encoding="utf-8")
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "toy.arff").write_text(HEAD.replace(": -C 2", "") + "1,0,3\n", encoding="utf-8")
    (folder / "toy.xml").symlink_to(tmp_path / "elsewhere/secret.xml")
    refused(folder / "toy.arff", "does not say which of its 3 attributes are labels")


def test_damaged_packing_and_binaries(tmp_path: Path) -> None:
    whole = (HEAD + "1,0,3\n" * 5000).encode()
    (tmp_path / "a.arff.gz").write_bytes(gzip.compress(whole)[:-20])
    refused(tmp_path / "a.arff.gz", "a.arff.gz cannot be unpacked or read .*damaged or cut short")
    (tmp_path / "b.arff.bz2").write_bytes(bz2.compress(whole)[:-20])
    refused(tmp_path / "b.arff.bz2", "b.arff.bz2 cannot be unpacked or read")
    (tmp_path / "c.arff.zip").write_bytes(b"PK\x03\x04 nothing")
    refused(tmp_path / "c.arff.zip", "c.arff.zip cannot be unpacked or read")
    (tmp_path / "d.arff").write_bytes(b"\x89PNG\0\0\0")
    refused(tmp_path / "d.arff", "d.arff is not an ARFF")
    (tmp_path / "e.arff").write_bytes(b"\xff\xfea")
    refused(tmp_path / "e.arff", "begins like UTF-16 text but is not")


def test_a_file_that_grows_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_BYTES", 1 << 16)
    (tmp_path / "a.arff.gz").write_bytes(gzip.compress((HEAD + "1,0,3\n" * 20_000).encode()))
    refused(tmp_path / "a.arff.gz", "larger than .* when unpacked")
    monkeypatch.setattr(opening, "MAX_LINE", 1 << 10)
    (tmp_path / "b.arff").write_text(HEAD + "1,0," + "9" * 5000, encoding="utf-8")
    refused(tmp_path / "b.arff", "has a line of more than")


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "toy.arff"
    path.write_text(HEAD + "1,0,3\n", encoding="utf-8")
    refused(Source(str(path), images="."), "leave --images out")
    refused(Source(str(path), options={"parts": "split-number"}), "has no -split-number")
    refused(Source(str(path), options={"size": 3}), "unknown option of arff 'size'")
    (tmp_path / "two").mkdir()
    refused(Source(str(tmp_path / "two"), reader="arff"), "exactly a training and a test ARFF file")
