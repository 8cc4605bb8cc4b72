"""Decoded once: the same bytes as decoding, never stale, never half written, never in anybody's way."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lt_core.datasets import ArrayImages, FileImages, LabeledImages, Source, to_uint8_batch
from lt_core.datasets.images import ImageStore, Pixels
from lt_core.problems import Problem
from lt_core.training.pixels.cache import DecodingStopped, cached_pixels, decode_once
from lt_core.training.pixels.rows import mapped

COUNT = 24


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each row was decoded from its file."""
    seen: Counter[int] = Counter()
    plain = FileImages.read

    def counted(self: FileImages, index: int) -> Pixels:
        seen[index] += 1
        return plain(self, index)

    monkeypatch.setattr(FileImages, "read", counted)
    return seen


def write(folder: Path, *, count: int = COUNT, rgb: tuple[int, ...] = (), edge: int = 10) -> FileImages:
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    names = [f"{k}.png" for k in range(count)]
    for k, name in enumerate(names):
        shape = (edge, edge + 2, 3) if k in rgb else (edge, edge + 2)
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / name)
    return FileImages(folder, names)


def set_of(images: ImageStore) -> LabeledImages:
    n = len(images)
    ids = np.array([f"id{k}" for k in range(n)])
    return LabeledImages("t", "The set", ("a",), np.ones((n, 1), np.float32), images, "multi", Source("t"), ids=ids)


def folders(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "cache" / "pixels").iterdir())


ROWS = np.array([5, 0, 7, 7, 23, 11, 2, 9])


@pytest.mark.parametrize("size", [None, 6])
@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("rgb", [(), (0,), (7, 20), (23,), tuple(range(COUNT))])
def test_the_bytes_are_those_of_decoding(
    tmp_path: Path, size: int | None, channels: int | None, rgb: tuple[int, ...]
) -> None:
    data = set_of(write(tmp_path / "images", rgb=rgb))
    for rows in (ROWS, np.array([3, 4]), np.arange(COUNT)):
        expected = to_uint8_batch(data.images, rows, size=size, channels=channels)
        for _ in range(2):  # made, and found
            pixels = cached_pixels(data, rows, size=size, channels=channels)
            assert pixels.shape == expected.shape
            assert pixels.nbytes == expected.nbytes
            assert mapped(pixels.base)
            np.testing.assert_array_equal(pixels, expected)
            np.testing.assert_array_equal(pixels.gather(np.array([1, 0, 1])), expected[[1, 0, 1]])


def test_every_image_is_decoded_once_whatever_rows_come_later(tmp_path: Path, reads: Counter[int]) -> None:
    data = set_of(write(tmp_path / "images"))
    cached_pixels(data, ROWS, size=6)
    assert reads == dict.fromkeys(range(COUNT), 1)
    other = set_of(write(tmp_path / "images2", count=2))
    cached_pixels(data, np.arange(3), size=6)
    cached_pixels(data, np.arange(COUNT), size=6)
    assert reads == dict.fromkeys(range(COUNT), 1)
    cached_pixels(other, np.arange(2), size=6)
    assert reads[0] == 2


def test_few_rows_of_a_large_set_are_decoded_alone(tmp_path: Path, reads: Counter[int]) -> None:
    data = set_of(write(tmp_path / "images"))
    cached_pixels(data, np.array([9, 3]))
    assert reads == {3: 1, 9: 1}


@pytest.mark.parametrize("change", ["content", "time", "size asked for", "channels"])
def test_what_changed_is_decoded_again(tmp_path: Path, home: Path, change: str) -> None:
    images = write(tmp_path / "images")
    before = np.asarray(cached_pixels(set_of(images), ROWS, size=6))
    file = tmp_path / "images" / "0.png"
    if change == "content":
        Image.fromarray(np.full((10, 12), 77, np.uint8)).save(file)
    if change == "time":
        state = file.stat()
        Image.fromarray(np.full((10, 12), 77, np.uint8)).save(file)
        file.write_bytes(file.read_bytes().ljust(state.st_size, b"\0"))  # the same size, as some editors leave it
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    size, channels = (7 if change == "size asked for" else 6), (3 if change == "channels" else None)
    after = np.asarray(cached_pixels(set_of(images), ROWS, size=size, channels=channels))
    np.testing.assert_array_equal(after, to_uint8_batch(images, ROWS, size=size, channels=channels))
    assert after.tobytes() != before.tobytes()
    assert len(folders(home)) == 2


@pytest.mark.parametrize("rows", [ROWS, np.arange(4, 12)])
def test_one_array_is_neither_copied_nor_written(home: Path, rows: NDArray[np.intp]) -> None:
    array = np.random.default_rng(0).integers(0, 256, (COUNT, 10, 10), dtype=np.uint8)
    pixels = cached_pixels(set_of(ArrayImages(array)), rows)
    assert np.shares_memory(pixels.base, array)
    np.testing.assert_array_equal(pixels, array[rows][..., None])
    for size, channels in ((10, None), (5, None), (None, 3), (5, 3)):
        other = cached_pixels(set_of(ArrayImages(array)), rows, size=size, channels=channels)
        np.testing.assert_array_equal(other, to_uint8_batch(ArrayImages(array), rows, size=size, channels=channels))
    assert not home.exists()


def test_mean_and_deviation_are_exact(tmp_path: Path) -> None:
    images = write(tmp_path / "images", rgb=(3, 7))
    for data in (set_of(images), set_of(ArrayImages(to_uint8_batch(images, range(COUNT))))):
        pixels = cached_pixels(data, ROWS)
        plain = np.asarray(pixels).astype(np.float64) / 255
        mean, deviation = pixels.moments()
        np.testing.assert_allclose(mean, plain.mean(axis=(0, 1, 2)), rtol=1e-12)
        np.testing.assert_allclose(deviation, plain.std(axis=(0, 1, 2)), rtol=1e-10)


def spoil(folder: Path, *numbers: int) -> None:
    for k in numbers:
        (folder / f"{k}.png").write_bytes(b"no image")


def test_all_unreadable_images_are_told_at_once_the_first_five_by_name(tmp_path: Path) -> None:
    data = set_of(write(tmp_path / "images"))
    spoil(tmp_path / "images", 2, 5, 7, 9, 11, 0)
    with pytest.raises(Problem, match=r"The set: 6 of 24 images cannot be read: id0, id2, id5, id7, id9 and 1 more "):
        cached_pixels(data, np.arange(COUNT))
    with pytest.raises(Problem, match=r"image id5 cannot be read .5.png is not"):
        cached_pixels(data, np.array([5, 4]))
    with pytest.raises(Problem, match="image id5 cannot be read"):
        decode_once(data, np.array([5]), on_bad="leave-out")


def test_unreadable_images_that_nobody_asked_for_are_in_nobodys_way(tmp_path: Path) -> None:
    data = set_of(write(tmp_path / "images"))
    spoil(tmp_path / "images", 1, 22)
    np.testing.assert_array_equal(cached_pixels(data, ROWS), to_uint8_batch(data.images, ROWS))


def test_left_out_are_exactly_the_unreadable_and_the_others_are_whole(tmp_path: Path) -> None:
    data = set_of(write(tmp_path / "images", rgb=(9,)))
    spoil(tmp_path / "images", 0, 7)
    for _ in range(2):
        done = decode_once(data, ROWS, size=6, on_bad="leave-out")
        assert done.rows.tolist() == [5, 23, 11, 2, 9]
        assert sorted(done.left_out) == [0, 7]
        assert "0.png is not" in done.left_out[0]
        np.testing.assert_array_equal(done.pixels, to_uint8_batch(data.images, done.rows, size=6))


def test_an_image_that_was_unreadable_for_a_moment_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = set_of(write(tmp_path / "images"))
    plain = FileImages.read

    def failing(self: FileImages, index: int) -> Pixels:
        if index == 7:
            raise Problem("the server is away")
        return plain(self, index)

    with monkeypatch.context() as patched:
        patched.setattr(FileImages, "read", failing)
        with pytest.raises(Problem, match="the server is away"):
            cached_pixels(data, ROWS)
    np.testing.assert_array_equal(cached_pixels(data, ROWS), to_uint8_batch(data.images, ROWS))


def test_images_of_different_sizes_are_refused_unless_those_asked_for_agree(tmp_path: Path) -> None:
    images = write(tmp_path / "images")
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "images" / "8.png")
    with pytest.raises(Problem, match=r"differ in size .10 x 12 and 4 x 4 pixels.*choose one image size"):
        cached_pixels(set_of(images), np.arange(COUNT))
    np.testing.assert_array_equal(cached_pixels(set_of(images), ROWS), to_uint8_batch(images, ROWS))


@pytest.mark.parametrize(
    ("given", "said"),
    [({"rows": []}, "no images to read"), ({"channels": 2}, "channels must be"), ({"size": 0}, "size must be")],
)
def test_what_decoding_refuses_is_refused(tmp_path: Path, given: dict[str, object], said: str) -> None:
    with pytest.raises(Problem, match=said):
        cached_pixels(set_of(write(tmp_path / "images")), **{"rows": ROWS, **given})


def test_progress_counts_every_image_and_a_stop_leaves_nothing(tmp_path: Path, home: Path) -> None:
    data, seen = set_of(write(tmp_path / "images")), []

    with pytest.raises(DecodingStopped):
        cached_pixels(data, ROWS, progress=lambda *at: seen.append(at), should_stop=lambda: len(seen) == 5)
    assert folders(home) == []
    cached_pixels(data, ROWS, progress=lambda *at: seen.append(at))
    assert seen[5:] == [(k + 1, COUNT) for k in range(COUNT)]
