"""The feed gives the batches an obvious loop gives, in order, whenever its thread runs, and ends when it is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.training.augmenting.apply import Augment
from lt_core.training.feed import Feed
from lt_core.training.parts import normalised
from lt_core.training.pixels.rows import PixelRows

CARD = {1: {"mean": [0.4321], "std": [0.2345]}, 3: {"mean": [0.1, 0.5, 0.7], "std": [0.3, 0.2, 0.123]}}
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "feed"]


def pixels_of(channels: int = 1, count: int = 40) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 10, channels), dtype=np.uint8)


def feed_of(pixels: PixelRows | NDArray[np.uint8], device: str = "cpu", **given: object) -> Feed:
    card = CARD[pixels.shape[3]]
    return Feed(pixels, card["mean"], card["std"], device, **given)  # type: ignore[arg-type]


ORDER = [np.array([3, 1, 39]), np.array([0, 0, 5, 7]), np.array([12]), *(np.array([k, 2 * k]) for k in range(9))]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
@pytest.mark.parametrize("place", ["array", "mapped", "rows"])
def test_batches_are_the_normalised_images_bit_for_bit(
    tmp_path: Path, place: str, layout: str, channels: int, device: str
) -> None:
    pixels = pixels_of(channels)
    given: PixelRows | NDArray[np.uint8] = pixels
    if place == "mapped":
        np.save(tmp_path / "pixels.npy", pixels)
        given = PixelRows(np.load(tmp_path / "pixels.npy", mmap_mode="r"), np.arange(40))
    if place == "rows":
        at = np.random.default_rng(1).permutation(40)
        given = PixelRows(pixels[np.argsort(at)], at)
    feed = feed_of(given, device, layout=layout)
    form = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    for rows, batch in zip(ORDER, feed.batches(ORDER), strict=True):
        expected = normalised(torch.from_numpy(pixels[rows]), CARD[channels])
        assert batch.device.type == device
        assert batch.is_contiguous(memory_format=form)
        if device == "cpu":
            assert torch.equal(batch, expected)
        torch.testing.assert_close(batch.cpu(), expected, atol=1e-6, rtol=0)
        assert torch.equal(batch, feed.batch(rows))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("preset", ["radiograph", "dermoscopy", "fundus"])
def test_a_batch_is_augmented_before_it_is_normalised_by_its_own_seed(preset: str, channels: int, device: str) -> None:
    pixels, augment = pixels_of(channels), Augment(preset)
    feed = feed_of(pixels, device, augment=augment)
    seeds = [7 * k for k in range(len(ORDER))]
    batches = list(feed.batches(ORDER, seeds))
    for rows, seed, batch in zip(ORDER, seeds, batches, strict=True):
        plain = torch.from_numpy(pixels[rows]).permute(0, 3, 1, 2).float() / 255
        changed = augment(plain, torch.Generator().manual_seed(seed))
        card = CARD[channels]
        mean, std = (torch.tensor(card[name]).view(1, -1, 1, 1) for name in ("mean", "std"))
        torch.testing.assert_close(batch.cpu(), (changed - mean) / std, atol=1e-4, rtol=0)
        assert torch.equal(batch, feed.batch(rows, torch.Generator().manual_seed(seed)))
    later = list(feed.batches(ORDER[4:], seeds[4:]))  # as a run that goes on from its fifth step
    assert all(torch.equal(a, b) for a, b in zip(batches[4:], later, strict=True))


def test_without_seeds_nothing_is_augmented() -> None:
    pixels = pixels_of()
    changing, plain = feed_of(pixels, augment=Augment("fundus")), feed_of(pixels)
    assert torch.equal(next(iter(changing.batches(ORDER[:1]))), plain.batch(ORDER[0]))
    assert torch.equal(changing.batch(ORDER[0]), plain.batch(ORDER[0]))


def test_nothing_depends_on_who_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = feed_of(pixels_of(), augment=Augment("radiograph"))
    expected = list(feed.batches(ORDER, range(len(ORDER))))
    plain, pauses = PixelRows.gather, iter([0.02, 0, 0.05, 0, 0, 0, 0.01] * 10)

    def slow(self: PixelRows, rows: NDArray[np.integer]) -> NDArray[np.uint8]:
        time.sleep(next(pauses))
        return plain(self, rows)

    monkeypatch.setattr(PixelRows, "gather", slow)
    found: list[Tensor] = []
    for batch in feed.batches(ORDER, range(len(ORDER))):
        found.append(batch)
        time.sleep(next(pauses))
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


def test_no_more_than_two_batches_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[int] = []
    plain = PixelRows.gather

    def counted(self: PixelRows, rows: NDArray[np.integer]) -> NDArray[np.uint8]:
        fetched.append(len(rows))
        return plain(self, rows)

    monkeypatch.setattr(PixelRows, "gather", counted)
    batches = feed_of(pixels_of()).batches(ORDER)
    for taken in range(1, 5):
        next(batches)
        time.sleep(0.05)
        assert len(fetched) <= taken + 3  # two that wait, one in the hands of the thread
    assert len(fetched) > 4
    batches.close()


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_a_feed_that_is_left_ends_its_thread(taken: int) -> None:
    batches = feed_of(pixels_of()).batches(ORDER * 20)
    for _ in range(taken):
        next(batches)
    batches.close()
    assert next(batches, None) is None


def test_what_goes_wrong_on_the_way_is_raised_where_the_batch_is_asked_for() -> None:
    batches = feed_of(pixels_of()).batches([*ORDER[:2], np.array([4000])])
    assert len([next(batches), next(batches)]) == 2
    with pytest.raises(IndexError, match="4000"):
        next(batches)


def test_an_error_of_whoever_gives_the_rows_is_raised_too() -> None:
    def rows() -> Iterator[NDArray[np.intp]]:
        yield np.array([1])
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(feed_of(pixels_of()).batches(rows()))


def test_batches_and_seeds_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="shorter"):
        list(feed_of(pixels_of()).batches(ORDER, range(3)))


def test_two_feeds_at_once_do_not_meet() -> None:
    pixels = pixels_of(count=40)
    feed = feed_of(pixels)
    there, back = feed.batches(ORDER), feed.batches(ORDER[::-1])
    for k, (first, second) in enumerate(zip(there, back, strict=True)):
        assert torch.equal(first, feed.batch(ORDER[k]))
        assert torch.equal(second, feed.batch(ORDER[-1 - k]))


def test_a_batch_may_be_written_to() -> None:
    pixels = pixels_of()
    pixels.flags.writeable = False
    feed = feed_of(pixels)
    feed.batch(ORDER[0]).zero_()
    assert float(feed.batch(ORDER[0]).abs().sum()) > 0
