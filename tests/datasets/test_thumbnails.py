"""Thumbnails are small, faithful, made once, bounded on disk, and never of a file outside the folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import ArrayImages, FileImages, thumbnails
from lt_core.datasets.files import FolderIndex, Outside
from lt_core.datasets.images import Pixels
from lt_core.datasets.thumbnails import reduced, thumbnail, tidy
from lt_core.home import cache_dir
from lt_core.problems import Invalid, Problem


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(thumbnails, "_MEMORY", thumbnails._Memory())
    monkeypatch.setattr(thumbnails, "_written", 0)


@dataclass
class Counting:
    """A store that counts how often it is asked to decode."""

    inner: FileImages
    decoded: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.inner)

    def read(self, index: int) -> Pixels:
        self.decoded.append(index)
        return self.inner.read(index)

    def path(self, index: int) -> Path | None:
        return self.inner.path(index)

    def missing(self) -> list[int]:
        return list(self.inner.missing())


def folder_of(folder: Path, n: int = 3, edge: int = 300) -> Counting:
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for k in range(n):
        Image.fromarray(rng.integers(0, 256, (edge, edge * 2), dtype=np.uint8)).save(folder / f"{k}.png")
    return Counting(FileImages(folder, [f"{k}.png" for k in range(n)]))


def test_the_longer_side_and_the_shape_are_kept() -> None:
    assert reduced(np.zeros((300, 600), np.uint8), 176).shape == (88, 176)
    assert reduced(np.zeros((600, 300, 3), np.uint8), 100).shape == (100, 50, 3)
    assert reduced(np.zeros((2000, 3), np.uint8), 100).shape == (100, 1)
    small = np.arange(20, dtype=np.uint8).reshape(4, 5)
    np.testing.assert_array_equal(reduced(small, 176), small)


def test_it_averages_what_it_covers() -> None:
    checks = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.abs(reduced(checks, 64).astype(int) - 127).max() <= 2


def test_it_is_made_once_and_the_same_from_memory_and_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = folder_of(tmp_path / "img")
    first = thumbnail(store, 1, 64).copy()
    np.testing.assert_array_equal(thumbnail(store, 1, 64), first)
    monkeypatch.setattr(thumbnails, "_MEMORY", thumbnails._Memory())
    np.testing.assert_array_equal(thumbnail(store, 1, 64), first)
    assert store.decoded == [1]
    thumbnail(store, 1, 32)
    assert store.decoded == [1, 1], "another size is another thumbnail"


def test_a_changed_file_gets_a_new_one(tmp_path: Path) -> None:
    store = folder_of(tmp_path / "img")
    thumbnail(store, 0, 32)
    Image.new("L", (400, 400), 99).save(tmp_path / "img" / "0.png")
    assert (thumbnail(store, 0, 32) == 99).all()


def test_what_was_looked_at_longest_ago_goes_first(tmp_path: Path) -> None:
    store = folder_of(tmp_path / "img", n=4)
    for k in range(4):
        thumbnail(store, k, 64)
    files = sorted((cache_dir() / "thumbnails").rglob("*.png"), key=lambda f: f.stat().st_mtime_ns)
    for age, file in enumerate(files):
        os.utime(file, (1000 + age, 1000 + age))
    sizes = [file.stat().st_size for file in files]
    assert tidy(sum(sizes)) == 0
    assert tidy(sum(sizes[2:])) == 2
    assert [file.exists() for file in files] == [False, False, True, True]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "MAX_MEMORY", 250)
    memory = thumbnails._Memory()
    for k in range(5):
        memory.put(str(k), np.zeros((10, 10), np.uint8))
    assert list(memory.kept) == ["3", "4"]
    assert memory.size == 200


def test_a_cache_that_cannot_be_written_or_is_damaged_is_no_failure(tmp_path: Path) -> None:
    store = folder_of(tmp_path / "img")
    first = thumbnail(store, 0, 64).copy()
    file = next((cache_dir() / "thumbnails").rglob("*.png"))
    file.write_bytes(b"not a png")
    thumbnails._MEMORY.kept.clear()
    np.testing.assert_array_equal(thumbnail(store, 0, 64), first)
    for folder in (cache_dir() / "thumbnails").iterdir():
        for left in folder.iterdir():
            left.unlink()
        folder.rmdir()
    (cache_dir() / "thumbnails").rmdir()
    (cache_dir() / "thumbnails").write_text("in the way")
    assert thumbnail(store, 1, 64).shape == (32, 64)


def test_arrays_need_no_cache() -> None:
    array = np.zeros((2, 300, 300), np.uint8)
    assert thumbnail(ArrayImages(array), 0, 50).shape == (50, 50)
    assert not (cache_dir() / "thumbnails").exists()
    with pytest.raises(Invalid, match="must be at least 1"):
        thumbnail(ArrayImages(array), 0, 0)


def test_a_file_that_became_a_link_out_is_refused_whatever_is_cached(tmp_path: Path) -> None:
    store = folder_of(tmp_path / "img").inner
    thumbnail(store, 0, 64)
    target = tmp_path / "img" / "0.png"
    target.rename(tmp_path / "outside.png")
    target.symlink_to(tmp_path / "outside.png")
    with pytest.raises(Outside, match="is a link to a file outside"):
        thumbnail(store, 0, 64)
    with pytest.raises(Problem, match="is not in the folder"):
        thumbnail(FileImages(tmp_path / "img", ["none.png"]), 0)


def test_opening_decodes_nothing_and_walks_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(50):
        (tmp_path / "img" / str(k % 5)).mkdir(parents=True, exist_ok=True)
        (tmp_path / "img" / str(k % 5) / f"{k}.png").write_bytes(b"not looked at")
    walked = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (walked.append(str(path)), real(path))[1])
    index = FolderIndex.of(tmp_path / "img")
    store = FileImages(index.root, [f"{k}.png" for k in range(50)], index)
    assert not store.missing()
    assert len(walked) == len(set(walked)) == 6
