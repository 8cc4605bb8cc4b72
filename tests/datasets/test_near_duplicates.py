"""Near-duplicates: the hash of the literature, every near pair and no other, groups, and copies that are found."""

from __future__ import annotations

import io
from pathlib import Path

import imagehash
import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from lt_core.datasets import ArrayImages, FileImages
from lt_core.datasets.near_duplicates import (
    clusters,
    confirmed,
    hashes,
    likeness,
    near_duplicates,
    near_pairs,
    perceptual_hash,
)
from lt_core.datasets.phantom.store import make
from lt_core.problems import Invalid, Problem

BITS = st.integers(min_value=0, max_value=2**64 - 1)


def textures(n: int, seed: int = 0, edge: int = 96) -> np.ndarray:
    """Smooth random pictures, no two alike."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (n, 7, 7), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(s).resize((edge, edge), Image.Resampling.BICUBIC)) for s in small])


def obvious(values: np.ndarray, distance: int) -> list[tuple[int, int, int]]:
    """Every pair by comparing all."""
    found = []
    for i in range(len(values)):
        for j in range(i + 1, len(values)):
            apart = (int(values[i]) ^ int(values[j])).bit_count()
            if apart <= distance and values[i] and values[j]:
                found.append((i, j, apart))
    return found


def test_the_hash_is_that_of_imagehash() -> None:
    for picture in textures(30):
        assert perceptual_hash(picture) == int(str(imagehash.phash(Image.fromarray(picture))), 16)
    colour = np.stack([textures(1)[0], textures(1, 1)[0], textures(1, 2)[0]], axis=2)
    assert perceptual_hash(colour) == int(str(imagehash.phash(Image.fromarray(colour))), 16)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(BITS, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.lists(st.integers(0, 63), max_size=8)), max_size=12),
    st.integers(0, 8),
)
def test_every_near_pair_and_no_other(start: list[int], flips: list[tuple[int, list[int]]], distance: int) -> None:
    values = list(start)
    for k, bits in flips:
        if k < len(start):
            changed = start[k]
            for bit in bits:
                changed ^= 1 << bit
            values.append(changed)
    array = np.array(values, np.uint64)
    pairs, apart = near_pairs(array, distance)
    assert [(i, j, d) for (i, j), d in zip(pairs.tolist(), apart.tolist(), strict=True)] == obvious(array, distance)


def test_many_equal_hashes_and_limits() -> None:
    values = np.full(50, 12345, np.uint64)
    pairs, apart = near_pairs(values)
    assert len(pairs) == 50 * 49 // 2
    assert not apart.any()
    with pytest.raises(Problem, match="1,225 pairs of images look alike, more than 1,000"):
        near_pairs(values, limit=1_000)
    with pytest.raises(Invalid, match="must be in"):
        near_pairs(values, 17)
    for empty in (np.zeros(0, np.uint64), np.zeros(5, np.uint64)):
        assert near_pairs(empty)[0].shape == (0, 2)


@settings(max_examples=50, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 15), st.integers(0, 15)).filter(lambda p: p[0] < p[1]), max_size=20))
def test_groups_are_connected_components(pairs: set[tuple[int, int]]) -> None:
    graph = networkx.Graph(list(pairs))
    found = clusters(16, np.array(sorted(pairs), np.int64).reshape(-1, 2))
    assert {frozenset(group.tolist()) for group in found} == {
        frozenset(c) for c in networkx.connected_components(graph)
    }
    assert [len(group) for group in found] == sorted((len(group) for group in found), reverse=True)


def altered(picture: np.ndarray) -> dict[str, np.ndarray]:
    image = Image.fromarray(picture)
    kept = io.BytesIO()
    image.save(kept, "JPEG", quality=70)
    return {
        "compressed": np.asarray(Image.open(kept)),
        "half": np.asarray(image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)),
        "brighter": np.asarray(ImageEnhance.Brightness(image).enhance(1.1)),
    }


def test_copies_are_found_and_others_are_not(tmp_path: Path) -> None:
    pictures = textures(40)
    names = []
    for k, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{k}.png")
        names.append(f"{k}.png")
    wanted = set()
    for k in (3, 17):
        for what, copy in altered(pictures[k]).items():
            Image.fromarray(copy).save(tmp_path / f"{k}-{what}.png")
            wanted.add((k, len(names)))
            names.append(f"{k}-{what}.png")
    (tmp_path / "broken.png").write_text("no image")
    store = FileImages(tmp_path, [*names, "broken.png", "none.png"])
    seen: list[tuple[int, int]] = []
    found = near_duplicates(store, range(len(store)), progress=lambda done, total: seen.append((done, total)))
    pairs = {(int(a), int(b)) for a, b in zip(found["first"], found["second"], strict=True)}
    assert wanted <= pairs
    assert all({a, b} <= {3, 40, 41, 42} or {a, b} <= {17, 43, 44, 45} for a, b in pairs)
    assert seen[-1] == (len(store), len(store))
    assert sorted(len(group) for group in clusters(len(store), found[["first", "second"]].to_numpy())) == [4, 4]


def test_rows_are_those_of_the_set() -> None:
    pictures = textures(6)
    pictures[5] = pictures[1]
    found = near_duplicates(ArrayImages(pictures), [5, 2, 1])
    assert found[["first", "second", "bits"]].to_numpy().tolist() == [[5, 1, 0]]


def test_blank_images_are_no_duplicates() -> None:
    blank = np.stack([np.full((20, 20), k, np.uint8) for k in (0, 0, 90)])
    assert not hashes(ArrayImages(blank), range(3)).any()
    assert near_duplicates(ArrayImages(blank), range(3)).empty
    assert likeness(ArrayImages(blank), 0, 1) == 0


def test_likeness_is_pearsons_correlation() -> None:
    store = ArrayImages(textures(3, edge=64))
    wanted = np.corrcoef(store.array[0].ravel(), store.array[1].ravel())[0, 1]
    assert likeness(store, 0, 1) == pytest.approx(wanted, abs=1e-12)
    assert likeness(store, 2, 2) == pytest.approx(1)


def test_different_drawn_chests_are_not_near_duplicates() -> None:
    """Their hashes are alike, as chests are; the second look tells them apart."""
    images = ArrayImages(make(0, {"train": 200}, 64).images)
    rows = np.arange(200)
    values = hashes(images, rows)
    assert len(near_pairs(values, 8)[0]) > 0
    assert confirmed(images, rows, values, distance=8).empty


def test_different_real_chests_are_not_near_duplicates(shared: Path) -> None:
    names = sorted(file.name for file in (shared / "data/nih/images_224").glob("*.png"))
    store = FileImages(shared / "data/nih/images_224", names)
    assert near_duplicates(store, range(0, len(store), 3)).empty
