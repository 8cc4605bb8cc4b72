"""Train, validation and test parts: seeded, grouped by patient, with rare classes in every part where possible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import PARTS, LabeledImages
from lt_core.datasets.notes import some
from lt_core.problems import Invalid, Problem

_FIRST_SERVED = (0, 2, 1)
"""Where too few units are left for all parts: train, then test, then val."""


def assign_parts(
    dataset: LabeledImages, *, seed: int = 0, fractions: tuple[float, float, float] = (0.7, 0.1, 0.2)
) -> LabeledImages:
    """Return the same set with every row in train, val or test, in ``fractions`` (train, val, test) of the units.

    A unit is a patient (or lesion) where ``groups`` are known, else a row; a unit is never divided. Parts that the
    source has are kept; a val or test part that it lacks is carved from its train part, in the same proportion.
    Each unit is put in the bucket of the rarest class it shows, and each bucket is shuffled with ``seed`` and dealt
    out in proportion, the rarest first, at least one unit to every part while there are enough.
    ``warnings`` gains the classes that a part lacks and the units that the source has in several parts.
    Raises ``Invalid`` for fractions that do not sum to 1 and ``Problem`` for a source that has parts but no train.
    """
    shares = np.asarray(fractions, dtype=np.float64)
    if shares.shape != (3,) or (shares < 0).any() or abs(shares.sum() - 1) > 1e-9 or shares[0] == 0:
        raise Invalid(f"fractions must be three shares (train > 0, val, test) that sum to 1, got {fractions}")
    rng = np.random.default_rng(seed)
    if dataset.split is None:
        everything = np.arange(len(dataset))
        split = np.array(PARTS)[_deal(dataset, everything, shares, rng)]
        return _with_warnings(dataset.with_split(split), [])
    have = set(dataset.split.tolist())
    if "train" not in have:
        raise Problem(f"{dataset.title} has the parts {', '.join(sorted(have))} but no train part to learn from")
    notes = _leaks(dataset)
    lacking = [part for k, part in enumerate(PARTS) if part not in have and shares[k] > 0]
    if not lacking:
        return _with_warnings(dataset, notes)
    kept = np.array(
        [share if part == "train" or part in lacking else 0.0 for part, share in zip(PARTS, shares, strict=True)]
    )
    rows = dataset.rows("train")
    split = dataset.split.astype("U5")
    split[rows] = np.array(PARTS)[_deal(dataset, rows, kept / kept.sum(), rng)]
    notes.append(f"no {' and no '.join(lacking)} part in the source: taken from its train part (seed {seed})")
    return _with_warnings(dataset.with_split(split), notes)


def _deal(
    dataset: LabeledImages, rows: NDArray[np.intp], shares: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return the part number of each of ``rows``."""
    if dataset.groups is None:
        unit_of_row, n_units = np.arange(len(rows)), len(rows)
    else:
        names, unit_of_row = np.unique(dataset.groups[rows], return_inverse=True)
        n_units = len(names)
    buckets = _buckets(dataset.labels[rows] == 1, unit_of_row, n_units)
    part_of_unit = np.zeros(n_units, np.intp)
    owed = np.zeros(3)
    for bucket in range(int(buckets.max(initial=-1)) + 1):
        units = np.flatnonzero(buckets == bucket)
        quota = _quota(len(units), shares, owed)
        owed += len(units) * shares - quota
        part_of_unit[rng.permutation(units)] = np.repeat(np.arange(3), quota)
    return part_of_unit[unit_of_row]


def _buckets(present: NDArray[np.bool_], unit_of_row: NDArray[np.intp], n_units: int) -> NDArray[np.intp]:
    """Return for each unit the rank, from the rarest, of the rarest class it shows; C for a unit that shows none."""
    counts = present.sum(axis=0)
    n_classes = present.shape[1]
    rank_of_class = np.empty(n_classes, np.intp)
    rank_of_class[np.lexsort((np.arange(n_classes), counts))] = np.arange(n_classes)
    row, column = np.nonzero(present)
    ranks = np.full(n_units, n_classes, np.intp)
    np.minimum.at(ranks, unit_of_row[row], rank_of_class[column])
    return ranks


def _quota(n: int, shares: NDArray[np.float64], owed: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return how many of ``n`` units go to each part: one each while they last, the rest by share and past rounding."""
    quota = np.zeros(3, np.intp)
    wanted_by = [part for part in _FIRST_SERVED if shares[part] > 0]
    quota[wanted_by[:n]] = 1
    rest = n - int(quota.sum())
    if not rest:
        return quota
    wish = np.where(shares > 0, np.maximum(n * shares + owed - quota, 0), 0)
    exact = rest * (wish / wish.sum() if wish.sum() > 0 else shares)
    quota += exact.astype(np.intp)
    left = n - int(quota.sum())
    quota[np.argsort(-(exact % 1), kind="stable")[:left]] += 1
    return quota


def _leaks(dataset: LabeledImages) -> list[str]:
    if dataset.groups is None or dataset.split is None:
        return []
    pairs = np.unique(np.stack([dataset.groups.astype(np.str_), dataset.split.astype(np.str_)]), axis=1)
    names, n_parts = np.unique(pairs[0], return_counts=True)
    across = names[n_parts > 1]
    if not len(across):
        return []
    return [f"{len(across):,} patients or lesions are in more than one part ({some(across.tolist())}): "
            "results on the test part will look better than they are"]  # fmt: skip


def _with_warnings(dataset: LabeledImages, notes: list[str]) -> LabeledImages:
    """Add to the warnings of the set the given ones and the classes that have no positive in a part."""
    assert dataset.split is not None
    found = list(notes)
    known = (dataset.labels == 1).any(axis=0)
    for part in PARTS:
        rows = dataset.split == part
        if rows.any():
            lacks = known & ~(dataset.labels[rows] == 1).any(axis=0)
            if lacks.any():
                found.append(
                    f"no positive in the {part} part: {some([dataset.class_names[c] for c in np.flatnonzero(lacks)])}"
                )
    return replace(dataset, warnings=tuple(dict.fromkeys((*dataset.warnings, *found))))
