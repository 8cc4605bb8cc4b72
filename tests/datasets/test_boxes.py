"""Boxes as masks: at the image's own size, all readers together, what is no box left out and counted."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lt_core.datasets.boxes import Boxes
from lt_core.datasets.images import ArrayImages
from lt_core.problems import Invalid


def images(n: int, height: int = 12, width: int = 20) -> ArrayImages:
    return ArrayImages(np.zeros((n, height, width), np.uint8))


def boxes(rows: list[tuple[int, int, float, float, float, float]], store: ArrayImages, **more: object) -> Boxes:
    made, _ = cleaned(rows, store, **more)
    return made


def cleaned(rows: list[tuple[int, int, float, float, float, float]], store: ArrayImages, **more: object) -> tuple:
    table = np.array(rows, np.float64).reshape(-1, 6)
    return Boxes.clean(table[:, 0].astype(np.intp), table[:, 1].astype(np.intp), table[:, 2:], store, **more)  # type: ignore[arg-type]


def by_pixel_centres(box: NDArray[np.float64], shape: tuple[int, int], scale: tuple[float, float]) -> NDArray[np.bool_]:
    """A pixel belongs to a box that holds its centre: an independent definition, exact for boxes of whole pixels."""
    x, y, w, h = box
    columns, rows = np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5
    across = (columns >= x * scale[0]) & (columns < (x + w) * scale[0])
    down = (rows >= y * scale[1]) & (rows < (y + h) * scale[1])
    return down[:, None] & across[None, :]


def test_a_mask_is_the_pixels_whose_centre_is_in_the_box() -> None:
    rng = np.random.default_rng(0)
    store = images(1)
    for _ in range(200):
        x, y = rng.uniform(0, 15), rng.uniform(0, 8)
        box = (x, y, rng.uniform(1.1, 20 - x), rng.uniform(1.1, 12 - y))
        mask = boxes([(0, 0, *box)], store).read(0, 0)
        np.testing.assert_array_equal(mask, by_pixel_centres(np.array(box), (12, 20), (1, 1)))


def test_a_frame_is_scaled_to_the_native_size() -> None:
    store = images(1, 12, 20)
    mask = boxes([(0, 0, 256, 512, 512, 256)], store, frame=(1024.0, 1024.0)).read(0, 0)
    assert mask is not None
    assert mask.shape == (12, 20)
    np.testing.assert_array_equal(np.argwhere(mask).min(axis=0), [6, 5])
    np.testing.assert_array_equal(np.argwhere(mask).max(axis=0), [8, 14])
    assert mask.mean() == pytest.approx(0.25 * 0.5)


def test_each_image_may_have_its_own_frame() -> None:
    frames = np.array([[40, 24], [np.nan, np.nan]])
    made = boxes([(0, 0, 0, 0, 20, 12), (1, 0, 0, 0, 10, 6)], images(2), frame=frames)
    np.testing.assert_array_equal(made.read(0, 0), made.read(1, 0))


def test_boxes_of_several_readers_are_united() -> None:
    rows = [(0, 1, 0, 0, 4, 4), (0, 1, 10, 5, 4, 4), (0, 0, 3, 3, 2, 2), (1, 1, 0, 0, 1, 1)]
    made = boxes(rows, images(3), reader=np.array(["R1", "R2", "R1", "R1"]))
    united = made.read(0, 1)
    assert united is not None
    assert united.sum() == 32
    assert made.of(0).tolist() == [0, 1, 2]
    assert made.read(1, 0) is None
    assert made.read(2, 1) is None
    assert made.reader is not None
    assert made.reader[made.of(0, 1)].tolist() == ["R1", "R2"]


def test_what_is_no_box_is_dropped_and_what_reaches_out_is_cut() -> None:
    rows = [
        (0, 0, -5, 2, 10, 3),  # reaches out on the left
        (0, 1, 90, 90, 20, 20),  # and on the right
        (0, 2, 10, 10, 0, 5),  # no width
        (0, 2, 10, 10, 5, -2),
        (0, 2, np.nan, 10, 5, 5),
        (0, 2, 200, 10, 5, 5),  # outside
        (0, 3, 0, 0, 100, 100),  # exactly the frame
    ]
    made, changes = cleaned(rows, images(1, 100, 100), frame=(100.0, 100.0))
    assert len(made) == 3
    assert {(change.kind, change.count) for change in changes} == {("dropped", 3), ("dropped", 1), ("repaired", 2)}
    np.testing.assert_array_equal(made.xywh, [[0, 2, 5, 3], [90, 90, 10, 10], [0, 0, 100, 100]])
    full = made.read(0, 3)
    assert full is not None
    assert full.all()


def test_a_thin_box_keeps_a_pixel() -> None:
    for x in (0.0, 0.4, 19.4, 19.99):
        mask = boxes([(0, 0, x, 11.9, 0.01, 0.05)], images(1)).read(0, 0)
        assert mask is not None
        assert mask.sum() == 1


def test_a_box_beyond_an_image_smaller_than_said_stays_in_it() -> None:
    mask = boxes([(0, 0, 10, 10, 50, 50)], images(1)).read(0, 0)
    assert mask is not None
    assert mask.shape == (12, 20)
    assert mask.sum() == 2 * 10


def test_boxes_that_do_not_fit_together_are_refused() -> None:
    good = np.array([[0.0, 0, 1, 1]])
    zero = np.zeros(1, np.intp)
    with pytest.raises(Invalid, match="belong to one of the 1 images"):
        Boxes(zero + 1, zero, good, images(1))
    with pytest.raises(Invalid, match="sizes above 0"):
        Boxes(zero, zero, good * 0, images(1))
    with pytest.raises(Invalid, match="as many classes"):
        Boxes(zero, np.zeros(2, np.intp), good, images(1))
    assert repr(Boxes(zero, zero, good, images(1))) == "Boxes(1 on 1 images)"
