"""What is mended after the deal: parts that lack a class although there are enough units, and uneven shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.splits.units import Units

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Parts = NDArray[np.intp]

_STEPS_A_GAP = 400
"""Moves tried for each part that lacks a class; a gap that is left is named in the warnings."""
_REST = 3
"""Fewest moves before a unit is moved again, so that the search does not go back and forth."""
_GAPS_LOOKED_AT = 8
_UNITS_LOOKED_AT = 64
"""Gaps, and units for each, among which the next move is chosen."""
_CANDIDATES = 50_000
"""Units looked at for each move that evens out shares; of more, a random choice of so many."""
_MOVES = 400
"""Largest number of moves that even out shares."""
_TRIED = 24
"""Moves tried, the best first, before it ends: one that would empty a part of a class is not made."""
_LEAST = 1e-15
"""A smaller gain is rounding."""


def spread(units: Units, part: Parts, order: list[int], rng: np.random.Generator) -> Parts:
    """Return the parts (U,) with, where a way is found, every class in every part of ``order``.

    A class with fewer units than there are parts is left alone. Whether a way exists is a hard problem (colouring the
    units so that every class shows all colours), so this is a tabu search with a bound, as for colouring graphs
    (Hertz and de Werra, Computing 1987): the move to a part that lacks a class which leaves the fewest gaps is made,
    even if there are more than before, and the unit then rests a while. The state with the fewest gaps is returned.
    """
    cover = _Cover(units, part, order)
    best, fewest = part, cover.n_gaps
    for step in range(_STEPS_A_GAP * cover.n_gaps):
        if not cover.n_gaps:
            break
        cover.close(step, rng)
        if cover.n_gaps < fewest:
            best, fewest = cover.part.copy(), cover.n_gaps
    return best


class _Cover:
    """How many units of each class each part has, and which of these cells are empty although they need not be."""

    def __init__(self, units: Units, part: Parts, order: list[int]) -> None:
        self.part = part.copy()
        self._units, self._order = units, order
        owner = units.unit_of_entry()
        self._have = np.zeros((max(order) + 1, units.n_columns), np.int64)
        np.add.at(self._have, (part[owner], units.columns), 1)
        self._bound = units.carriers() >= len(order)
        by_column = np.argsort(units.columns, kind="stable")
        self._owner = owner[by_column]
        self._ends = np.cumsum(units.carriers())
        empty = np.argwhere((self._have[order] == 0) & self._bound)
        self._gaps = {(order[k], c) for k, c in empty.tolist()}
        self._rests_until = np.zeros(len(units), np.int64)

    @property
    def n_gaps(self) -> int:
        return len(self._gaps)

    def close(self, step: int, rng: np.random.Generator) -> None:
        """Make the move into a gap that leaves the fewest: of a few gaps, and of a few units for each."""
        moves: list[tuple[int, int, int]] = []
        gaps = sorted(self._gaps)
        for k in rng.permutation(len(gaps))[:_GAPS_LOOKED_AT].tolist():
            to, column = gaps[k]
            start = self._ends[column - 1] if column else 0
            carriers = rng.permutation(self._owner[start : self._ends[column]])[:_UNITS_LOOKED_AT]
            moves += [(self._gaps_after(u, to), u, to) for u in carriers.tolist() if self._rests_until[u] <= step]
        if not moves:
            return
        fewest = min(left for left, _, _ in moves)
        best = [(u, to) for left, u, to in moves if left == fewest]
        unit, to = best[int(rng.integers(len(best)))]
        self._rests_until[unit] = step + _REST + int(rng.integers(_REST)) + len(gaps)
        self._move(unit, to)

    def _columns(self, unit: int) -> NDArray[np.int64]:
        mine = self._units.columns[self._units.indptr[unit] : self._units.indptr[unit + 1]]
        return mine[self._bound[mine]]

    def _gaps_after(self, unit: int, to: int) -> int:
        """Return how many more gaps there are once ``unit`` is in ``to``."""
        mine, here = self._columns(unit), self.part[unit]
        return int((self._have[here, mine] == 1).sum()) - int((self._have[to, mine] == 0).sum())

    def _move(self, unit: int, to: int) -> None:
        mine, here = self._columns(unit), int(self.part[unit])
        self._have[here, mine] -= 1
        self._have[to, mine] += 1
        self.part[unit] = to
        self._gaps |= {(here, c) for c in mine.tolist() if not self._have[here, c]}
        self._gaps -= {(to, c) for c in mine.tolist()}


def even_out(units: Units, part: Parts, shares: NDArray[np.float64], rng: np.random.Generator) -> Parts:
    """Return the parts (U,) after moves of single units that bring the shares of the classes nearer to ``shares``.

    Each move is the one, among the units looked at, that lowers most the sum over parts and classes of
    (share of the class's images in the part - its target)^2, the share of all images counting as one more class. No
    move empties a part of a class. It ends where no move helps, or after a fixed number of moves.
    """
    level = _Level(units, part, shares, rng)
    for _ in range(_MOVES):
        if not level.step():
            break
    return level.part


class _Level:
    """How far the share of each class, and of all images, is from its target in each part.

    Moving a unit with counts x from part p to q changes the sum of squares of d / n by
    sum_c (2 x_c (d_qc - d_pc) + 2 x_c^2) / n_c^2. ``_pull`` (K, units looked at) holds sum_c 2 x_c d_kc / n_c^2; a move
    changes it for the units that share a class with the one moved, and, by the number of images, for all of them.
    """

    def __init__(self, units: Units, part: Parts, shares: NDArray[np.float64], rng: np.random.Generator) -> None:
        self.part = part.copy()
        chosen = np.arange(len(units))
        if len(units) > _CANDIDATES:
            chosen = np.sort(rng.choice(len(units), _CANDIDATES, replace=False))
        counts, membership = _matrix(units), _one_hot(part, len(shares))
        given, totals = (membership @ counts).toarray(), np.asarray(counts.sum(axis=0), np.float64)
        self._have = (membership @ (counts > 0).astype(np.int64)).toarray()
        self._weight = 2 / np.maximum(totals, 1) ** 2
        self._chosen, self._counts = chosen, counts[chosen]
        self._by_class = self._counts.tocsc()
        pull = self._counts @ ((given - shares[:, None] * totals) * self._weight).T
        self._pull = np.ascontiguousarray(pull.T)
        self._sizes = units.sizes[chosen].astype(np.float64)
        images = units.sizes.astype(np.float64)
        self._size_weight = 2 / max(float(images.sum()), 1.0) ** 2
        self._off = np.bincount(part, images, len(shares)) - shares * images.sum()
        self._square = (self._counts * self._counts) @ self._weight + self._sizes**2 * self._size_weight
        self._closed = np.where(shares > 0, 0.0, np.inf)[:, None]

    def step(self) -> bool:
        """Make the best move; return whether there was one among the few best."""
        n = len(self._chosen)
        every, mine = np.arange(n), self.part[self._chosen]
        pull = self._pull + (self._off * self._size_weight)[:, None] * self._sizes
        gain = pull[mine, every] - self._square - pull - self._closed
        gain[mine, every] = 0.0
        for _ in range(_TRIED if n else 0):
            q, row = divmod(int(gain.argmax()), n)
            if gain[q, row] <= _LEAST:
                return False
            if self._move(row, int(mine[row]), q):
                return True
            gain[q, row] = 0.0
        return False

    def _move(self, row: int, p: int, q: int) -> bool:
        entries = slice(self._counts.indptr[row], self._counts.indptr[row + 1])
        columns, counts = self._counts.indices[entries], self._counts.data[entries]
        if (self._have[p, columns] == 1).any():
            return False
        for column, count in zip(columns.tolist(), counts.tolist(), strict=True):
            those = slice(self._by_class.indptr[column], self._by_class.indptr[column + 1])
            shift = self._by_class.data[those] * (count * self._weight[column])
            rows = self._by_class.indices[those]
            self._pull[p, rows] -= shift
            self._pull[q, rows] += shift
        self._have[p, columns] -= 1
        self._have[q, columns] += 1
        self._off[p] -= self._sizes[row]
        self._off[q] += self._sizes[row]
        self.part[self._chosen[row]] = q
        return True


def _matrix(units: Units) -> csr_array:
    """Return the counts of the units, (U, n_columns)."""
    from scipy.sparse import csr_array

    return csr_array((units.counts.astype(np.float64), units.columns, units.indptr), (len(units), units.n_columns))


def _one_hot(part: Parts, n_parts: int) -> csr_array:
    from scipy.sparse import csr_array

    n = len(part)
    return csr_array((np.ones(n, np.int64), (part, np.arange(n))), shape=(n_parts, n))
