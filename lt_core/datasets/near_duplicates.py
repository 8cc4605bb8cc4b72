"""Images that look alike: perceptual hashes, pairs of hashes that differ in few bits, and groups of such pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from lt_core.datasets.decode import to_grey
from lt_core.datasets.images import ImageStore, Pixels
from lt_core.datasets.thumbnails import thumbnail
from lt_core.problems import Invalid, Problem

BITS = 64
DISTANCE = 4
"""Bits of 64 in which two images may differ and still count as near-duplicates."""
LEAST = 0.98
"""Least correlation of two near-duplicates as small pictures.

Of altered copies of 207 chest films (JPEG quality 70, half size, 15 % brighter, 20 % more contrast, noise of 5 grey
levels) 99 % were within ``DISTANCE`` bits, and all of those of 52 films that were compared were above it. Of 1,999,000
pairs of different drawn chests 1,871 were within that distance (of 192,510 pairs of real films 1); of the first 600 of
them none was above it, the most alike reached 0.963. A copy cropped by 2 % is often below, and missed.
"""
MAX_COMPARED = 200_000
"""Pairs of hashes that are compared as pictures; more of them are said, not computed."""
SIDE = 176
_EDGE = 32
_COSINES = 2 * np.cos(np.pi / _EDGE * np.arange(8)[:, None] * (np.arange(_EDGE) + 0.5))
Progress = Callable[[int, int], object]
"""Called with how many of how many are done; what it raises stops the work."""


def perceptual_hash(pixels: Pixels) -> int:
    """Return the 64-bit hash of an image: which of its 8 x 8 lowest frequencies are above their median (pHash).

    The frequencies are those of the cosine transform (DCT-II) of the image at 32 x 32 pixels, row by row, the first
    in the highest bit (Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010). Scaling,
    light compression and a constant change of brightness leave nearly all bits; rotation and mirroring do not.
    """
    small = Image.fromarray(to_grey(pixels)).resize((_EDGE, _EDGE), Image.Resampling.LANCZOS)
    low = _COSINES @ np.asarray(small, np.float64) @ _COSINES.T
    return int(np.packbits((low > np.median(low)).ravel()).view(">u8")[0])


def hashes(
    images: ImageStore, rows: Sequence[int] | NDArray[np.integer], progress: Progress | None = None
) -> NDArray[np.uint64]:
    """Return the perceptual hash of every row's thumbnail, (n,) uint64.

    It is 0, which means none, for an image that cannot be read or is all of one grey: such images all look alike.
    """
    found = np.zeros(len(rows), np.uint64)
    for k, row in enumerate(rows):
        try:
            small = thumbnail(images, int(row), SIDE)
        except Problem:
            small = np.zeros((1, 1), np.uint8)
        if np.ptp(small):
            found[k] = perceptual_hash(small)
        if progress is not None:
            progress(k + 1, len(rows))
    return found


def near_pairs(
    values: NDArray[np.uint64], distance: int = DISTANCE, limit: int = 1_000_000
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs (m, 2) of positions, i < j, that differ in at most ``distance`` bits, and in how many (m,).

    A value of 0 is no hash and in no pair. Every other pair is found, without comparing all: 64 bits are cut into
    ``distance + 2`` blocks, and hashes at most ``distance`` bits apart agree in at least two of them (pigeonhole).
    Raises ``Problem`` for more than ``limit`` pairs and ``Invalid`` for a distance not in [0, 16].
    """
    if not 0 <= distance <= 16:
        raise Invalid(f"the distance of near-duplicates must be in [0, 16], got {distance}")
    positions = np.flatnonzero(values)
    unique, inverse = np.unique(np.asarray(values, np.uint64)[positions], return_inverse=True)
    between = _unique_pairs(unique, distance)
    members = np.split(positions[np.argsort(inverse, kind="stable")], np.cumsum(np.bincount(inverse))[:-1])
    sizes = np.bincount(inverse, minlength=len(unique)) if len(unique) else np.zeros(0, np.int64)
    total = int((sizes * (sizes - 1) // 2).sum() + (sizes[between[:, 0]] * sizes[between[:, 1]]).sum())
    if total > limit:
        raise Problem(f"{total:,} pairs of images look alike, more than {limit:,}: ask for a smaller distance")
    found = [np.array(list(combinations(members[u], 2)), np.int64).reshape(-1, 2) for u in np.flatnonzero(sizes > 1)]
    found += [np.stack(np.meshgrid(members[a], members[b]), -1).reshape(-1, 2) for a, b in between]
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *found])
    pairs = np.sort(pairs, axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    apart = np.bitwise_count(np.asarray(values, np.uint64)[pairs[:, 0]] ^ np.asarray(values, np.uint64)[pairs[:, 1]])
    return pairs, apart.astype(np.int64)


def clusters(n: int, pairs: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the groups of at least two of ``n`` images that pairs tie together, largest first, then by first image.

    A group is a connected component: its ends may differ in more bits than one pair may.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(pairs):
        return []
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, component = connected_components(graph, directed=False)
    touched = np.unique(pairs)
    order = touched[np.argsort(component[touched], kind="stable")]
    groups = np.split(order, np.flatnonzero(np.diff(component[order])) + 1)
    return sorted((np.sort(group).astype(np.int64) for group in groups), key=lambda group: (-len(group), int(group[0])))


def likeness(images: ImageStore, first: int, second: int) -> float:
    """Return Pearson's correlation of two images as 64 x 64 grey thumbnails, in [-1, 1]; 0 where one is constant.

    Raises ``Problem`` if one cannot be read.
    """
    small = [to_grey(thumbnail(images, int(row), SIDE)) for row in (first, second)]
    one, other = (
        np.asarray(Image.fromarray(pixels).resize((64, 64), Image.Resampling.BOX), np.float64) for pixels in small
    )
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / size) if size else 0.0


def near_duplicates(
    images: ImageStore,
    rows: Sequence[int] | NDArray[np.integer],
    *,
    distance: int = DISTANCE,
    least: float = LEAST,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Return the pairs of ``rows`` that look alike: columns first, second (rows), bits (0 to 64), likeness (-1 to 1).

    The hashes propose pairs, at most ``distance`` bits apart; kept are those with a likeness of at least ``least``,
    because images of one kind, such as chest films, have like hashes without being like. Most alike first.
    """
    return confirmed(images, rows, hashes(images, rows, progress), distance=distance, least=least)


def confirmed(
    images: ImageStore,
    rows: Sequence[int] | NDArray[np.integer],
    values: NDArray[np.uint64],
    *,
    distance: int = DISTANCE,
    least: float = LEAST,
) -> pd.DataFrame:
    """Return what ``near_duplicates`` does, given the hashes ``values`` (n,) of the rows."""
    pairs, bits = near_pairs(values, distance, limit=MAX_COMPARED)
    where = np.asarray(rows)[pairs].reshape(-1, 2)
    alike = [likeness(images, int(a), int(b)) for a, b in where]
    found = pd.DataFrame({"first": where[:, 0], "second": where[:, 1], "bits": bits, "likeness": alike})
    kept = found[found["likeness"] >= least]
    return kept.sort_values(["likeness", "bits"], ascending=[False, True], kind="stable").reset_index(drop=True)


def _unique_pairs(unique: NDArray[np.uint64], distance: int) -> NDArray[np.int64]:
    """Pairs of different hashes at most ``distance`` bits apart, as positions in ``unique``."""
    if distance == 0 or len(unique) < 2:
        return np.zeros((0, 2), np.int64)
    edges = np.linspace(0, BITS, distance + 3).astype(int)
    masks = [sum(1 << bit for bit in range(low, high)) for low, high in pairwise(edges.tolist())]
    found = [_pairs_of_block(unique, np.uint64(one | other), distance) for one, other in combinations(masks, 2)]
    codes = np.unique(np.concatenate(found))
    return np.stack([codes // len(unique), codes % len(unique)], axis=1)


def _pairs_of_block(unique: NDArray[np.uint64], mask: np.uint64, distance: int) -> NDArray[np.int64]:
    """Pairs (as i n + j, i < j) equal under ``mask`` and near: sorted by that, neighbours, then two apart ..."""
    key = unique & mask
    order = np.argsort(key, kind="stable")
    key, value = key[order], unique[order]
    found = [np.zeros(0, np.int64)]
    left = np.arange(len(key))
    step = 1
    while len(left := left[left + step < len(key)]):
        left = left[key[left] == key[left + step]]
        near = left[np.bitwise_count(value[left] ^ value[left + step]) <= distance]
        a, b = order[near], order[near + step]
        found.append(np.minimum(a, b) * len(unique) + np.maximum(a, b))
        step += 1
    return np.concatenate(found)
