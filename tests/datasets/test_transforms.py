"""Images as one array: native size, channels, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import ArrayImages, FileImages, NoImages, to_uint8_batch
from lt_core.problems import Invalid, Problem

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (5, 6, 7), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)


def files(tmp_path: Path, *arrays: np.ndarray) -> FileImages:
    for k, array in enumerate(arrays):
        Image.fromarray(array).save(tmp_path / f"{k}.png")
    return FileImages(tmp_path, tuple(f"{k}.png" for k in range(len(arrays))))


def test_native_pixels_in_the_order_of_the_rows(tmp_path: Path) -> None:
    rows = [3, 0, 3]
    np.testing.assert_array_equal(to_uint8_batch(ArrayImages(GREY), rows), GREY[rows][..., None])
    np.testing.assert_array_equal(to_uint8_batch(ArrayImages(COLOUR), rows), COLOUR[rows])
    np.testing.assert_array_equal(to_uint8_batch(files(tmp_path, *COLOUR), rows), COLOUR[rows])
    np.testing.assert_array_equal(to_uint8_batch(files(tmp_path, *GREY), np.array(rows)), GREY[rows][..., None])


def test_channels() -> None:
    three = to_uint8_batch(ArrayImages(GREY), range(5), channels=3)
    np.testing.assert_array_equal(three, np.repeat(GREY[..., None], 3, axis=3))
    one = to_uint8_batch(ArrayImages(COLOUR), range(5), channels=1)
    luma = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert one.shape == (5, 6, 7, 1)
    assert np.abs(one[..., 0] - luma).max() <= 1
    with pytest.raises(Invalid, match="channels must be 1 or 3, got 2"):
        to_uint8_batch(ArrayImages(GREY), [0], channels=2)


def test_grey_followed_by_colour_is_colour(tmp_path: Path) -> None:
    mixed = files(tmp_path, GREY[0], COLOUR[1], GREY[2])
    batch = to_uint8_batch(mixed, [0, 1, 2])
    np.testing.assert_array_equal(batch[1], COLOUR[1])
    np.testing.assert_array_equal(batch[[0, 2]], np.repeat(GREY[[0, 2], ..., None], 3, axis=3))


def test_sizes(tmp_path: Path) -> None:
    different = files(tmp_path, GREY[0], GREY[1][:4], np.full((20, 20), 9, np.uint8))
    with pytest.raises(
        Problem, match=r"differ in size \(6 x 7 and 4 x 7 pixels, for instance\): choose one image size"
    ):
        to_uint8_batch(different, [0, 1])
    batch = to_uint8_batch(different, [0, 1, 2], size=8)
    assert batch.shape == (3, 8, 8, 1)
    assert (batch[2] == 9).all(), "resizing keeps a constant image constant"
    assert to_uint8_batch(different, [2], size=(3, 5)).shape == (1, 3, 5, 1)
    with pytest.raises(Invalid, match="image size must be at least 1"):
        to_uint8_batch(different, [0], size=0)


def test_nothing_to_read() -> None:
    with pytest.raises(Problem, match="there are no images to read"):
        to_uint8_batch(ArrayImages(GREY), [])
    with pytest.raises(Problem, match="labels only"):
        to_uint8_batch(NoImages(3), [0])
