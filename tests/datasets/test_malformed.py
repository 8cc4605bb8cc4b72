"""Bad and hostile input: one clear sentence each, and nothing outside the data set is read or written."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import LabeledImages, Source, archive, load
from lt_core.datasets.tables import text
from lt_core.home import cache_dir
from lt_core.problems import Problem, Unknown


def refused(source: Source | str | Path, message: str) -> None:
    with pytest.raises(Problem, match=message) as caught:
        load(source)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert len(sentence) < 600


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


class Evil:
    """Would run a command if it were unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("/tmp/unpickled-by-longtail-lab",)


def test_npz_that_is_none(tmp_path: Path) -> None:
    refused(written(tmp_path / "a.npz", b"hello, this is text"), "a.npz is not a .npz file, or is damaged")
    refused(written(tmp_path / "b.npz", b""), "b.npz is not a .npz file")
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as file:
        file.writestr("train_images.npy", b"not an array")
    refused(tmp_path / "c.npz", "train_images in c.npz is not a NumPy array")


def test_npz_with_pickles_is_not_opened(tmp_path: Path) -> None:
    refused(written(tmp_path / "raw.npz", pickle.dumps(Evil())), "raw.npz is not a .npz file")
    np.savez(tmp_path / "o.npz", train_images=np.zeros((1, 2, 2), np.uint8), train_labels=np.array([Evil()], object))
    refused(tmp_path / "o.npz", "train_labels in o.npz is a pickle, which can run code")
    assert not Path("/tmp/unpickled-by-longtail-lab").exists()


def test_npz_cut_short_or_changed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez_compressed(
        tmp_path / "x.npz", train_images=rng.integers(0, 255, (50, 9, 9), dtype=np.uint8), train_labels=np.zeros(50)
    )
    whole = (tmp_path / "x.npz").read_bytes()
    refused(written(tmp_path / "cut.npz", whole[:-200]), "cut.npz is not a .npz file, or is damaged or cut short")
    middle = bytearray(whole)
    middle[1500:1600] = bytes(100)
    refused(written(tmp_path / "changed.npz", bytes(middle)), "changed.npz")


def test_npz_that_lies_about_its_size(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2**40, 10, 10)})
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        file.writestr("train_images.npy", header.getvalue())
    refused(tmp_path / "x.npz", "train_images in x.npz is not as large as it says")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x.csv is empty"),
        (b"\n\n  \n", "x.csv is empty"),
        (b"image,Mass,Edema\n", "x.csv has a header but no rows"),
        (
            b"image,age,sex\na.png,40,0\nb.png,50,1\n",
            "no column is recognised as labels; its columns are 'image', 'age', 'sex'",
        ),
        (b"image,Mass,Edema\na.png,1,0\n" * 60 + b"b.png,0,1,1,1,1\n", "not a well-formed table: .*line 121"),
        (b"image,labels\na.png,\nb.png,\n", "no label is known in any row: 'labels' has only empty cells"),
        (
            b"image,Mass,Edema,age\na.png,,-1,3\nb.png,,,4\n",
            "no label is known in any row: 'Mass', 'Edema' have only empty cells or -1",
        ),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "x.csv is not a text table but a binary file"),
        (b"\xff\xfea", "begins like UTF-16"),
        (b'image,dx\n"a.png,nv\nb.png,mel\n', "x.csv"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "x.csv is a web page"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, content: bytes, message: str) -> None:
    refused(written(tmp_path / "x.csv", content), message)


def test_compressed_tables_that_are_damaged(tmp_path: Path) -> None:
    whole = gzip.compress(b"image,Mass\n" + os.urandom(2000).hex().encode())
    refused(written(tmp_path / "x.csv.gz", whole[:900]), "x.csv.gz cannot be unpacked .*: it is damaged or cut short")
    refused(written(tmp_path / "y.csv.bz2", b"BZh9" + b"x" * 50), "y.csv.bz2 cannot be unpacked")
    refused(written(tmp_path / "z.csv.zip", b"PK\x03\x04 nothing"), "z.csv.zip")


def test_a_table_that_grows_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MAX_BYTES", 1 << 20)
    refused(
        written(tmp_path / "x.csv.gz", gzip.compress(b"image,Mass\n" + b"a,1\n" * 400_000)),
        "larger than .* when unpacked",
    )


def test_names_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="did you mean 'chest-phantom'"):
        load("chest-fantom")
    refused(str(tmp_path / "none.csv"), "no built-in data set and no file or folder is called")
    refused("", "no built-in data set")
    refused("a\0b", "no built-in data set")
    refused(written(tmp_path / "x.docx", b"?"), "x.docx is not in a format that is known here")
    refused(Source(str(tmp_path / "x.docx"), reader="tabel"), "unknown reader 'tabel': did you mean 'table'")


def test_a_table_that_points_outside_is_refused_by_name(tmp_path: Path) -> None:
    Image.new("L", (3, 3)).save(tmp_path / "secret.png")
    folder = tmp_path / "in"
    folder.mkdir()
    Image.new("L", (3, 3)).save(folder / "a.png")
    for name in ("../secret.png", str(tmp_path / "secret.png")):
        path = written(tmp_path / "t.csv", f"image,Mass,Edema\na.png,1,0\n{name},0,1\n".encode())
        refused(
            Source(str(path), images=str(folder)),
            "row 2 of t.csv: image '.*secret.png' points outside the image folder 'in'",
        )


def test_images_asked_for_that_cannot_be(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", b"image,Mass,Edema\na.png,1,0\nb.png,0,1\n")
    refused(Source(str(path), images=str(tmp_path / "none")), "no such image folder")
    other = written(tmp_path / "u.csv", b"Mass,Edema\n1,0\n0,1\n")
    refused(Source(str(other), images=str(tmp_path)), "u.csv has no column that names images")


@pytest.mark.parametrize("name", ["../evil.csv", "/tmp/evil.csv", "a/../../evil.csv", "C:/evil.csv", "..\\evil.csv"])
def test_a_zip_that_writes_outside(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("t.csv", "image,Mass\na,1\n")
        file.writestr(zipfile.ZipInfo(name), "image,Mass\na,1\n")
    before = set(tmp_path.rglob("*"))
    refused(path, "x.zip wants to write outside its folder")
    assert set(tmp_path.rglob("*")) == before
    assert not list((cache_dir()).rglob("evil.csv"))


def test_a_zip_with_a_link(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("t.csv", "image,Mass\na,1\n")
        file.writestr(link, "/etc/passwd")
    refused(tmp_path / "x.zip", r"x.zip holds a link \('a.png'\)")


def test_a_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("t.csv", "image,Mass\na,1\n")
        file.writestr("a.png", bytes(4 << 20))
    monkeypatch.setattr(archive, "RATIO_FROM", 1 << 20)
    refused(tmp_path / "x.zip", "grows to .* times its size")
    monkeypatch.setattr(archive, "MAX_BYTES", 1 << 20)
    refused(tmp_path / "x.zip", "GiB when unpacked, more than")
    monkeypatch.setattr(archive, "MAX_FILES", 1)
    refused(tmp_path / "x.zip", "holds 2 files, more than 1")


def test_a_zip_that_lies_about_sizes(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("t.csv", "image,Mass\na,1\n")
        file.writestr("a.png", b"x" * 5000)
    raw = path.read_bytes().replace((5000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    refused(written(tmp_path / "y.zip", raw), "y.zip")
    refused(written(tmp_path / "z.zip", b"no zip at all"), "z.zip is not a zip file, or is damaged")
    assert not list(cache_dir().glob("zips/unpacking-*")), "nothing half unpacked is left behind"


def test_statistics_go_on_without_images(tmp_path: Path) -> None:
    data = load(written(tmp_path / "t.csv", b"image,Mass,Edema\na.png,1,0\nb.png,0,1\n"))
    assert isinstance(data, LabeledImages)
    assert any("labels only" in warning for warning in data.warnings)
    with pytest.raises(Problem, match="labels only, no images"):
        data.images.read(0)


def test_markup_and_formulas_stay_text(tmp_path: Path) -> None:
    data = load(written(tmp_path / "t.csv", b"image,labels\na,<script>x</script>|=1+1\nb,=1+1\nc,<script>x</script>\n"))
    assert isinstance(data, LabeledImages)
    assert data.class_names == ("<script>x</script>", "=1+1")
