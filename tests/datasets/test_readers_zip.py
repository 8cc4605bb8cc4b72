"""A zip or folder of one table and its images, by path and as an upload."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, load, store_upload
from lt_core.home import cache_dir
from lt_core.problems import Problem

TABLE = "image,Mass,Edema\na.png,1,0\nb.png,0,1\nc.png,1,1\n"


def png(value: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((4, 4), value, np.uint8)).save(out, "PNG")
    return out.getvalue()


def zipped(path: Path, extra: dict[str, bytes | str] | None = None) -> Path:
    members: dict[str, bytes | str] = {"set/labels.csv": TABLE} | {
        f"set/img/{n}.png": png(k) for k, n in enumerate("abc")
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (members | (extra or {})).items():
            archive.writestr(name, content)
    return path


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


def test_a_zip_is_read_and_can_be_read_again(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "data.zip", {"__MACOSX/set/._labels.csv": b"\0", "set/.hidden.csv": "x", "README.txt": "hello"}
    )
    data = loaded(path)
    assert data.class_names == ("Mass", "Edema")
    assert [int(data.images.read(k)[0, 0]) for k in range(3)] == [0, 1, 2]
    assert data.source.name == str(path)
    again = loaded(Source.from_json(data.source.as_json()))
    np.testing.assert_array_equal(again.labels, data.labels)
    assert isinstance(data.images, FileImages)
    assert data.images.root.is_relative_to(cache_dir())
    assert not list(cache_dir().glob("zips/*/__MACOSX"))


def test_a_folder_inside_the_zip_may_be_said(tmp_path: Path) -> None:
    path = zipped(tmp_path / "two.zip", {f"set/thumbs/{n}.png": png(9) for n in "abc"})
    with pytest.raises(Problem, match=r"in several folders"):
        load(path)
    assert loaded(Source(str(path), images="set/thumbs")).images.read(0)[0, 0] == 9
    for outside in ("../..", str(tmp_path), "set/none"):
        with pytest.raises(Problem, match=r"has no folder"):
            load(Source(str(path), images=outside))


def test_several_tables_or_none_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"holds 2 files with labels \(set/labels.csv, set/other.csv\): name the one"):
        load(zipped(tmp_path / "data.zip", {"set/other.csv": TABLE}))
    empty = tmp_path / "none.zip"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("a.png", png(1))
        archive.writestr("b.png", png(1))
    with pytest.raises(Problem, match=r"none.zip holds no table of labels"):
        load(empty)


def test_a_folder_with_one_table(tmp_path: Path) -> None:
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "a.png").write_bytes(png(7))
    (tmp_path / "img" / "b.png").write_bytes(png(8))
    (tmp_path / "labels.csv").write_text(TABLE)
    data = loaded(tmp_path)
    assert data.source.name == str(tmp_path / "labels.csv")
    assert data.images.read(1)[0, 0] == 8
    (tmp_path / "more.tsv").write_text(TABLE)
    with pytest.raises(Problem, match=r"holds 2 files with labels \(labels.csv, more.tsv\)"):
        load(tmp_path)


def test_an_upload_is_kept_under_its_own_name_only(tmp_path: Path) -> None:
    content = zipped(tmp_path / "data.zip").read_bytes()
    stored = store_upload("..\\..\\evil/../My set.zip", content)
    assert stored.name == "My set.zip"
    assert stored.is_relative_to(cache_dir() / "uploads")
    assert store_upload("My set.zip", io.BytesIO(content)) == stored
    assert len(loaded(stored)) == 3
    assert store_upload("...", b"x").name == "upload"
    with pytest.raises(Problem, match=r"empty.zip is empty"):
        store_upload("empty.zip", b"")
