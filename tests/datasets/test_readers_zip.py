"""A zip or folder of one table and its images, by path and as an upload."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, load, readers, store_upload, upload
from lt_core.datasets.readers.folder import SeveralFiles, labels_in
from lt_core.datasets.readers.table import TableReader
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


def test_the_question_which_file_carries_its_answers(tmp_path: Path) -> None:
    path = zipped(tmp_path / "data.zip", {"set/other.csv": TABLE.replace("Mass", "Nodule")})
    with pytest.raises(SeveralFiles) as caught:
        load(path)
    assert caught.value.files == ("set/labels.csv", "set/other.csv")
    assert [loaded(source).class_names[0] for source in caught.value.sources] == ["Mass", "Nodule"]
    again = loaded(loaded(caught.value.sources[1]).source)
    assert again.class_names == ("Nodule", "Edema")
    for wanted in ("../other.csv", "set/none.csv", "set/img/a.png", str(tmp_path / "data.zip"), ""):
        with pytest.raises(Problem, match=r"has no file of labels"):
            load(Source(str(path), options={"file": wanted}))
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text(TABLE)
    with pytest.raises(SeveralFiles) as caught:
        load(folder)
    assert [source.name for source in caught.value.sources] == [str(folder / "a.csv"), str(folder / "b.csv")]
    assert len(loaded(caught.value.sources[0])) == 3


def test_a_table_with_its_companion_is_one_set(tmp_path: Path) -> None:
    truth = "image,MEL,NV,BCC,DF\na,1.0,0.0,0.0,0.0\nb,0.0,1.0,0.0,0.0\n"
    path = zipped(tmp_path / "isic.zip", {"set/labels.csv": truth, "set/Metadata.csv": "image,lesion_id\na,L1\nb,L1\n"})
    data = loaded(path)
    assert data.groups is not None
    assert data.groups.tolist() == ["L1", "L1"]


def test_two_files_that_name_each_other_are_one_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Both(TableReader):
        key, priority = "both", 30

        def companions(self, path: Path) -> tuple[Path, ...]:
            return tuple(path.parent / name for name in ("train.csv", "valid.csv") if name != path.name)

    monkeypatch.setattr(readers, "all_readers", lambda: (Both(),))
    for name in ("train.csv", "valid.csv"):
        (tmp_path / name).write_text(TABLE)
    assert [file.name for file in labels_in(tmp_path).files] == ["train.csv"]


def test_a_zip_of_class_folders_or_of_voc_is_read_as_that(tmp_path: Path) -> None:
    path = tmp_path / "classes.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("set/train/sick/a.png", "set/train/well/b.png", "set/test/sick/c.png"):
            archive.writestr(name, png(3))
    data = loaded(path)
    assert (data.class_names, data.kind) == (("sick", "well"), "single")
    assert data.split is not None
    assert data.split.tolist() == ["train", "train", "test"]
    assert data.source.name == str(path)
    np.testing.assert_array_equal(loaded(data.source).labels, data.labels)


def test_an_archive_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip").read_bytes()
    path = tmp_path / "outer.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("deep/inner.zip", inner)
    with pytest.raises(Problem, match=r"holds no table of labels but another archive, inner.zip: unpack that"):
        load(path)
    with pytest.raises(Problem, match=r"has no file of labels"):
        load(Source(str(path), options={"file": "deep/inner.zip"}))
    assert len(loaded(zipped(tmp_path / "both.zip", {"set/inner.zip": inner}))) == 3


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tgz", "x.tar.xz", "x.7z", "x.rar", "X.TAR.BZ2"])
def test_other_archives_are_refused_with_the_way_on(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"whatever")
    with pytest.raises(Problem, match=r"is a \S+ archive: unpack it and give the folder, or make a .zip of it"):
        load(tmp_path / name)


def test_an_archive_beside_a_table_is_no_second_set(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(TABLE)
    (tmp_path / "images.tar.gz").write_bytes(b"x")
    zipped(tmp_path / "images.zip")
    assert len(loaded(tmp_path)) == 3


def test_a_password_is_told(tmp_path: Path) -> None:
    raw = bytearray(zipped(tmp_path / "x.zip").read_bytes())
    at = 0
    while (at := raw.find(b"PK\x01\x02", at)) >= 0:  # the flag of every entry in the directory
        raw[at + 8] |= 1
        at += 4
    (tmp_path / "locked.zip").write_bytes(raw)
    with pytest.raises(Problem, match=r"locked.zip is protected by a password"):
        load(tmp_path / "locked.zip")


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_devices_in_a_zip_become_plain_files_or_are_refused(tmp_path: Path, kind: int) -> None:
    odd = zipfile.ZipInfo("set/device.png")
    odd.external_attr = (kind | 0o666) << 16
    path = zipped(tmp_path / "x.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(odd, png(0))
    with pytest.raises(Problem, match=r"holds something that is no plain file \('set/device.png'\)"):
        load(path)


def test_one_name_twice_is_refused_not_overwritten(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("set/labels.csv", TABLE.replace("1", "0"))
    with pytest.raises(Problem, match=r"cannot be unpacked at 'set/labels.csv'"):
        load(path)


def test_an_upload_that_is_too_large_is_refused_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MAX_BYTES", 10)
    with pytest.raises(Problem, match=r"big.csv is larger than"):
        store_upload("big.csv", io.BytesIO(b"x" * 11))
    assert not list((cache_dir() / "uploads").glob("receiving-*"))
