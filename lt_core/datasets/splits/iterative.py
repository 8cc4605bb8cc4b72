"""Iterative stratification of multi-label data, over units that are never divided.

Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011: the class with the fewest
units left is dealt out first, each unit to the part that still wants most of that class, ties to the part that wants
most images. With pairs of classes as further columns it is the second-order form of Szymanski and Kajdanowicz, "A
network perspective on stratification of multi-label data", LIDTA 2017. Three things differ. A unit is a patient, which
brings several images and several positives of a class, so what is wanted is counted in images and the largest units of
a class go first. Units that bring exactly the same are interchangeable: of m equal ones, floor(m share) go to each part
at once, and only the rest is dealt out one by one. Parts that have none of a class come first when units run short.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.splits.units import Units

Parts = NDArray[np.intp]

_BLOCK = 512
_NONE_LEFT = np.iinfo(np.int64).max


def deal(units: Units, shares: NDArray[np.float64], order: list[int], rng: np.random.Generator) -> Parts:
    """Return the part of each unit, (U,) in 0 .. K-1.

    ``shares`` (K,) sum to 1. ``order`` lists the parts with a share above 0 (the others get nothing): where a class
    has fewer units than there are parts, the first of these are served.
    """
    part = _in_bulk(units, shares, order, rng)
    table = _Table(units, shares, order, part)
    for todo, column in _rarest_first(units, part, rng):
        table.deal(todo, column)
        part[todo] = table.part_of(todo)
    rest = rng.permutation(np.flatnonzero(part < 0))
    for size in np.unique(units.sizes[rest])[::-1].tolist():
        alike = rest[units.sizes[rest] == size]
        quota = table.take_alike(len(alike), size)
        part[alike[: quota.sum()]] = np.repeat(np.arange(len(shares)), quota)
        one_by_one = alike[quota.sum() :]
        table.deal(one_by_one, None)
        part[one_by_one] = table.part_of(one_by_one)
    return part


def _in_bulk(units: Units, shares: NDArray[np.float64], order: list[int], rng: np.random.Generator) -> Parts:
    """Deal equal units in proportion, where there are enough to give one to each part; -1 for those left over."""
    part = np.full(len(units), -1, np.intp)
    shuffled = rng.permutation(len(units))
    marks = _fingerprints(units)[shuffled]
    by_mark = np.argsort(marks, kind="stable")
    starts = np.flatnonzero(np.r_[True, marks[by_mark][1:] != marks[by_mark][:-1]]) if len(units) else np.zeros(0, int)
    lengths = np.diff(np.r_[starts, len(units)])
    # floor of the exact product: 0.7 * 10 must be 7 whatever its last bit says
    quota = np.floor(lengths[:, None] * shares + 1e-9).astype(np.intp)
    empty = units.indptr[:-1] == units.indptr[1:]  # kept for the end, when they even out the number of images
    quota[(quota[:, order] == 0).any(axis=1) | empty[shuffled[by_mark[starts]]]] = 0
    ends = np.cumsum(quota, axis=1)
    place = np.arange(len(units)) - np.repeat(starts, lengths)
    bucket = np.repeat(np.arange(len(starts)), lengths)
    number = (place[:, None] >= ends[bucket]).sum(axis=1)
    part[shuffled[by_mark]] = np.where(number < len(shares), number, -1)
    return part


def _fingerprints(units: Units) -> NDArray[np.uint64]:
    """Return (U,) numbers that are equal for units of one size with the same counts, and else different.

    A sum of random 64-bit weights: that two others collide has a chance of about U^2 / 2^65, and would only make the
    two count as equal.
    """
    random = np.random.default_rng(0)
    weight = random.integers(0, 2**64, units.n_columns + 1, np.uint64)
    terms = np.r_[weight[units.columns] * units.counts.astype(np.uint64), np.zeros(1, np.uint64)]
    totals = np.add.reduceat(terms, units.indptr[:-1]) if len(units) else np.zeros(0, np.uint64)
    totals[units.indptr[:-1] == units.indptr[1:]] = 0  # reduceat gives an empty slice the next term
    mark: NDArray[np.uint64] = totals + weight[-1] * units.sizes.astype(np.uint64)
    return mark


def _rarest_first(units: Units, part: Parts, rng: np.random.Generator) -> Iterator[tuple[NDArray[np.intp], int]]:
    """Yield the units left of the column with the fewest, the largest first, and the column, until none is left.

    The caller writes their parts into ``part`` before it asks for the next.
    """
    owner = units.unit_of_entry()
    open_entry = np.flatnonzero(part[owner] < 0)
    open_entry = open_entry[np.argsort(units.columns[open_entry], kind="stable")]
    left = np.bincount(units.columns[open_entry], minlength=units.n_columns)
    ends = np.cumsum(left)
    starts = ends - left
    fewest = _Fewest(left)
    while (column := fewest.column()) is not None:
        entries = open_entry[starts[column] : ends[column]]
        entries = rng.permutation(entries[part[owner[entries]] < 0])
        entries = entries[np.argsort(-units.counts[entries], kind="stable")]
        todo = owner[entries]
        yield todo, column
        touched, gone = np.unique(_columns_of(units, todo), return_counts=True)
        fewest.take(touched, gone)


class _Fewest:
    """Numbers of units left, (n_columns,), and the column with the fewest above 0.

    In blocks, each with its least number: of the many columns that pairs of classes make, few change at a time.
    """

    def __init__(self, left: NDArray[np.int64]) -> None:
        n_blocks = max(1, -(-len(left) // _BLOCK))
        self._left = np.full(n_blocks * _BLOCK, _NONE_LEFT)
        self._left[: len(left)] = np.where(left > 0, left, _NONE_LEFT)
        self._blocks = self._left.reshape(n_blocks, _BLOCK)
        self._least = self._blocks.min(axis=1)

    def column(self) -> int | None:
        """Return the first column with the fewest, or None where nothing is left."""
        block = int(self._least.argmin())
        if self._least[block] == _NONE_LEFT:
            return None
        return block * _BLOCK + int(self._blocks[block].argmin())

    def take(self, columns: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Count ``columns``, ascending and each named once, down by ``counts``."""
        now = self._left[columns] - counts
        self._left[columns] = np.where(now > 0, now, _NONE_LEFT)
        blocks = columns // _BLOCK
        blocks = blocks[np.diff(blocks, prepend=-1) > 0]
        self._least[blocks] = self._blocks[blocks].min(axis=1)


def _columns_of(units: Units, chosen: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return the columns of the entries of some units, one after the other."""
    lengths = units.indptr[chosen + 1] - units.indptr[chosen]
    offset = np.repeat(units.indptr[chosen] - (np.cumsum(lengths) - lengths), lengths)
    return units.columns[offset + np.arange(int(lengths.sum()))]


class _Table:
    """What each part still wants: images, and positives of every column. Lists, because single cells are read."""

    def __init__(self, units: Units, shares: NDArray[np.float64], order: list[int], part: Parts) -> None:
        self._order = order
        owner = units.unit_of_entry()
        totals = units.totals()
        self._wish, self._have, self._rows = [], [], []
        for k, share in enumerate(shares.tolist()):
            mine = part[owner] == k
            dealt = np.bincount(units.columns[mine], units.counts[mine], units.n_columns)
            self._wish.append((share * totals - dealt).tolist())
            self._have.append(np.bincount(units.columns[mine], minlength=units.n_columns).tolist())
            self._rows.append(share * float(units.sizes.sum()) - float(units.sizes[part == k].sum()))
        self._sizes: list[int] = units.sizes.tolist()
        self._indptr: list[int] = units.indptr.tolist()
        self._columns: list[int] = units.columns.tolist()
        self._counts: list[int] = units.counts.tolist()
        self._part: list[int] = part.tolist()

    def part_of(self, chosen: NDArray[np.intp]) -> Parts:
        """Return the parts of some units."""
        return np.array([self._part[u] for u in chosen.tolist()], np.intp)

    def take_alike(self, n: int, size: int) -> NDArray[np.intp]:
        """Return how many of ``n`` units of ``size`` images without positives each part gets at once, (K,)."""
        wanted = np.maximum(self._rows, 0.0)
        quota = np.floor(n * wanted / max(float(wanted.sum()), 1.0) * (1 - 1e-9)).astype(np.intp)
        self._rows = [w - q * size for w, q in zip(self._rows, quota.tolist(), strict=True)]
        return quota

    def deal(self, todo: NDArray[np.intp], column: int | None) -> None:
        """Give each unit of ``todo`` to a part, by what is wanted of ``column``, or of images for None."""
        rows, wish, have = self._rows, self._wish, self._have
        lacking = [] if column is None else [k for k in self._order if not have[k][column]]
        for n_before, u in enumerate(todo.tolist()):
            if lacking and len(todo) - n_before <= len(lacking):
                best = lacking[0]
            elif column is None:
                best = max(self._order, key=rows.__getitem__)
            else:
                best = self._order[0]
                for k in self._order[1:]:  # a loop, as a key function takes most of the time of a large set
                    more = wish[k][column] - wish[best][column]
                    if more > 0 or (more == 0 and rows[k] > rows[best]):
                        best = k
            self._part[u] = best
            rows[best] -= self._sizes[u]
            mine, here = wish[best], have[best]
            for j in range(self._indptr[u], self._indptr[u + 1]):
                mine[self._columns[j]] -= self._counts[j]
                here[self._columns[j]] += 1
            if best in lacking:
                lacking.remove(best)
