"""What if: another imbalance ratio, fewer classes, several classes as one. Label sets in, label sets out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.notes import counted, some
from lt_core.problems import Invalid, Unknown
from lt_core.stats.groups import Grouping
from lt_core.stats.label_sets import LabelSets, distinct
from lt_core.stats.label_stats import LabelStats, stats_of_sets
from lt_core.stats.measures import measures

_ROUNDS = 200
"""Corrections of the keep rates; they settle after a few dozen."""


@dataclass(frozen=True, eq=False)
class WhatIf:
    """A data set's labels after a change: its label sets, its class names, and what was done and reached, in words.

    Unknown cells are not part of it: what is counted is known positives.
    """

    sets: LabelSets
    class_names: tuple[str, ...]
    said: str

    def stats(self, *, scheme: str | Grouping = "relative", n_inputs: int | None = None) -> LabelStats:
        """Return the label statistics after the change; groups follow the new counts."""
        return stats_of_sets(self.sets, self.class_names, scheme=scheme, n_inputs=n_inputs)


def with_imbalance_ratio(sets: LabelSets, class_names: Sequence[str], ratio: float, *, seed: int = 0) -> WhatIf:
    """Return the set with images left out until the class counts fall off exponentially with imbalance ``ratio``.

    The class of rank r of R aims at min(n_r, A ratio^(-(r - 1) / (R - 1))), with A as large as images allow; classes
    without positives stay so. An image is kept at the highest rate any of its classes asks for, and the rates are
    lowered until no class can come closer to its aim without another falling below its own: where frequent and rare
    classes share images the ratio asked for may be out of reach, and ``said`` gives the one reached. Images without a
    label are all kept. ``seed`` decides fractions of an image. Raises ``Invalid`` for a ratio below 1.
    """
    if not ratio >= 1:
        raise Invalid(f"an imbalance ratio is at least 1, got {ratio:g}")
    names = tuple(class_names)
    counts = sets.positives()
    present = np.flatnonzero(counts)
    if len(present) < 2:
        return WhatIf(sets, names, "fewer than two classes have positives: there is no ratio to set")
    aims = exponential_profile(counts, ratio)
    rates = _keep_rates(sets, aims)
    kept = sets.with_counts(rounded(sets.n * rates, seed))
    after = kept.positives()
    left = after[after > 0]
    reached = float(left.max() / left.min())
    off = [names[c] for c in present if after[c] > 1.05 * aims[c] + 1]
    why = f"; {some(off)} stay above their aim, for they share images with rarer classes" if off else ""
    images, before = int(kept.n.sum()), int(sets.n.sum())
    said = f"asked for an imbalance ratio of {ratio:,.4g}, reached {reached:,.4g}"
    return WhatIf(kept, names, f"{said} with {images:,} of {before:,} images{why}")


def exponential_profile(positives: NDArray[np.integer], ratio: float) -> NDArray[np.float64]:
    """Return the aim of each class, (C,): at most its count, 0 where that is 0, first over last rank ``ratio``."""
    present = np.flatnonzero(positives)
    order = present[np.argsort(-positives[present], kind="stable")]
    top = min(float(positives[order[0]]), float(positives[order[-1]]) * ratio)
    steps = np.arange(len(order)) / max(len(order) - 1, 1)
    aims = np.zeros(len(positives))
    aims[order] = np.minimum(positives[order], np.maximum(top * ratio**-steps, 1.0))
    return aims


def _keep_rates(sets: LabelSets, aims: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each label set's images to keep, (S,), in [0, 1]: the highest rate among its classes."""
    counts = sets.positives().astype(np.float64)
    rates = np.divide(aims, counts, out=np.zeros_like(aims), where=counts > 0)
    labelled = sets.sizes > 0
    starts = sets.indptr[:-1][labelled]
    of_set = np.ones(len(sets))
    for _ in range(_ROUNDS):
        of_set[labelled] = np.maximum.reduceat(rates[sets.classes], starts)
        have = np.bincount(sets.classes, weights=(of_set * sets.n)[sets.owner], minlength=sets.n_classes)
        factor = np.divide(aims, have, out=np.ones_like(aims), where=have > 0)
        new = np.minimum(rates * factor, 1.0)
        if np.allclose(new, rates, rtol=1e-6, atol=0):
            break
        rates = new
    return of_set


def without_classes(sets: LabelSets, class_names: Sequence[str], dropped: Sequence[str]) -> WhatIf:
    """Return the set without some classes; images that had only these stay, with no label."""
    names = tuple(class_names)
    gone = {_place(names, name) for name in dropped}
    if len(gone) == len(names):
        raise Invalid("every class would be dropped: keep at least one")
    kept = [c for c in range(len(names)) if c not in gone]
    place = np.full(len(names), -1, np.int64)
    place[kept] = np.arange(len(kept))
    after = relabelled(sets, place, len(kept))
    bare = int(after.n[after.sizes == 0].sum() - sets.n[sets.sizes == 0].sum())
    said = f"{counted(len(gone), 'classes dropped')}; {counted(bare, 'images')} had only these and kept no label"
    return WhatIf(after, tuple(names[c] for c in kept), said)


def merged_classes(sets: LabelSets, class_names: Sequence[str], merged: Sequence[str], name: str) -> WhatIf:
    """Return the set with ``merged`` classes as one called ``name``: an image has it if it has any of them."""
    names = tuple(class_names)
    together = sorted({_place(names, one) for one in merged})
    if len(together) < 2:
        raise Invalid("two or more classes are needed to merge")
    rest = [c for c in range(len(names)) if c not in together]
    new = [names[c] for c in rest]
    if name in new:
        raise Invalid(f"there is another class called {name!r}: give the merged one its own name")
    at = sum(c < together[0] for c in rest)
    new.insert(at, name)
    place = np.zeros(len(names), np.int64)
    place[rest] = [k + (k >= at) for k in range(len(rest))]
    place[together] = at
    after = relabelled(sets, place, len(new))
    counts = sets.positives()
    n = int(after.positives()[at])
    said = (
        f"{len(together)} classes with {int(counts[together].sum()):,} positives became one with {counted(n, 'images')}"
    )
    return WhatIf(after, tuple(new), said)


def relabelled(sets: LabelSets, place: NDArray[np.integer], n_classes: int) -> LabelSets:
    """Return the sets with class c called ``place[c]``, or gone where that is -1; equal ones become one."""
    owner, classes = sets.owner, np.asarray(place)[sets.classes]
    kept = classes >= 0
    cells = np.unique(owner[kept].astype(np.int64) * max(n_classes, 1) + classes[kept])
    sizes = np.bincount(cells // max(n_classes, 1), minlength=len(sets))
    indptr = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return distinct(indptr, (cells % max(n_classes, 1)).astype(np.int32), n_classes, sets.n)


def rounded(expected: NDArray[np.floating], seed: int) -> NDArray[np.int64]:
    """Return whole numbers whose mean is ``expected``: a fraction is one more image, with that chance."""
    drawn = np.random.default_rng(seed).random(len(expected))
    near = np.rint(expected)
    exact = np.abs(expected - near) < 1e-9
    return np.where(exact, near, np.floor(expected + drawn)).astype(np.int64)


def before_after(before: LabelStats, after: LabelStats) -> pd.DataFrame:
    """Return one row a measure: ``key, measure, before, after, was, now``; NaN where not known or not defined.

    ``was`` and ``now`` are the two values as a reader wants them.
    """
    pairs = zip(measures(before), measures(after), strict=True)
    rows = [(a.key, a.name, _number(a.value), _number(b.value), a.shown(), b.shown()) for a, b in pairs]
    return pd.DataFrame(rows, columns=["key", "measure", "before", "after", "was", "now"])


def _number(value: float | int | None) -> float:
    return float("nan") if value is None else float(value)


def _place(names: tuple[str, ...], name: str) -> int:
    if name not in names:
        raise Unknown.of("class", name, list(names))
    return names.index(name)
