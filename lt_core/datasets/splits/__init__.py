"""Train, validation and test parts, and folds: seeded, grouped by patient, with the classes' shares kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import PARTS, LabeledImages
from lt_core.datasets.notes import some
from lt_core.datasets.splits.iterative import deal
from lt_core.datasets.splits.leaks import in_several_parts, leak_sentence
from lt_core.datasets.splits.rarest_first import deal_at_random, deal_rarest_first
from lt_core.datasets.splits.refine import even_out, spread
from lt_core.datasets.splits.units import positives_of, units_of
from lt_core.problems import Invalid, Problem, Unknown

Method = Literal["iterative", "second-order", "rarest-first", "random"]
METHODS: tuple[Method, ...] = get_args(Method)
METHOD_LABELS: dict[Method, str] = {
    "iterative": "iterative: every class keeps its share in every part",
    "second-order": "second-order: every pair of classes too",
    "rarest-first": "rarest first: only the rarest class of each patient is looked at",
    "random": "random: patients are drawn whatever they show",
}
DEFAULT_METHOD: Method = "iterative"
FRACTIONS = (0.7, 0.1, 0.2)

_FIRST_SERVED = (0, 2, 1)
"""Where too few units are left for all parts: train, then test, then val."""


def assign_parts(
    dataset: LabeledImages,
    *,
    seed: int = 0,
    fractions: tuple[float, float, float] = FRACTIONS,
    method: str = DEFAULT_METHOD,
) -> LabeledImages:
    """Return the same set with every row in train, val or test, in ``fractions`` (train, val, test).

    A unit is a patient (or lesion) where ``groups`` are known, else a row; a unit is never divided. Parts that the
    source has are kept; a val or test part that it lacks is carved from its train part, in the same proportion.
    ``iterative`` deals the units out so that each class has its share of images in each part, ``second-order`` so that
    each pair of classes has, too, if as many images have both as there are parts (see ``iterative.deal``); both then
    move single units until the shares of the classes are even.
    ``rarest-first`` looks at the rarest class of a unit only, ``random`` at nothing. The first three give every class
    to every part if it has enough units and a way is found.
    ``warnings`` gains the classes that a part lacks and the units that the source has in several parts.
    Raises ``Invalid`` for fractions that do not sum to 1, ``Unknown`` for another method and ``Problem`` for a source
    that has parts but no train.
    """
    shares = _shares(fractions)
    if dataset.split is None:
        everything = np.arange(len(dataset))
        split = np.array(PARTS)[_part_of_rows(dataset, everything, shares, method, seed)]
        return _with_warnings(dataset.with_split(split), _without_rows(dataset, split, everything, shares))
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
    split[rows] = np.array(PARTS)[_part_of_rows(dataset, rows, kept / kept.sum(), method, seed)]
    notes += _without_rows(dataset, split, rows, kept)
    notes.append(f"no {' and no '.join(lacking)} part in the source: taken from its train part (seed {seed})")
    return _with_warnings(dataset.with_split(split), notes)


def _shares(fractions: tuple[float, ...]) -> NDArray[np.float64]:
    shares = np.asarray(fractions, dtype=np.float64)
    if shares.shape != (3,) or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-9 or shares[0] == 0:
        raise Invalid(f"fractions must be three shares (train > 0, val, test) that sum to 1, got {fractions}")
    return shares


def _leaks(dataset: LabeledImages) -> list[str]:
    if dataset.groups is None or dataset.split is None:
        return []
    across = in_several_parts(dataset.groups, dataset.split)
    return [leak_sentence(across)] if len(across) else []


def _without_rows(
    dataset: LabeledImages, split: NDArray[np.str_], rows: NDArray[np.intp], shares: NDArray[np.float64]
) -> list[str]:
    """Say which parts get nothing of ``rows`` though they were given a share, and how to mend that."""
    wanting = [part for k, part in enumerate(PARTS) if shares[k] > 0 and not (split == part).any()]
    if not wanting:
        return []
    n = len(rows) if dataset.groups is None else len(np.unique(dataset.groups[rows]))
    what = "images" if dataset.groups is None else "patients or lesions"
    return [f"nothing is left for the {' and the '.join(wanting)} part ({what} to divide: {n:,}): give it a larger "
            "share, say the parts in a column 'split', or load more images"]  # fmt: skip


def folds(dataset: LabeledImages, k: int, *, seed: int = 0, method: str = "iterative") -> NDArray[np.intp]:
    """Return the fold of every row, (N,) in 0 .. k-1, for cross-validation over the whole set; no patient is divided.

    Parts that the source has are not looked at. Raises ``Invalid`` where k is below 2 or above the number of units.
    """
    n_units = len(dataset) if dataset.groups is None else len(units_of(dataset, np.arange(len(dataset))))
    if not 2 <= k <= n_units:
        what = "images" if dataset.groups is None else "patients or lesions"
        raise Invalid(f"k must be in [2, {n_units}], the number of {what} of {dataset.title}, got {k}")
    return _part_of_rows(dataset, np.arange(len(dataset)), np.full(k, 1 / k), method, seed)


def _part_of_rows(
    dataset: LabeledImages, rows: NDArray[np.intp], shares: NDArray[np.float64], method: str, seed: int
) -> NDArray[np.intp]:
    """Return the part number of each of ``rows``."""
    if method not in METHODS:
        raise Unknown.of("way of splitting", method, list(METHODS))
    rng = np.random.default_rng(seed)
    first = _FIRST_SERVED if len(shares) == len(PARTS) else range(len(shares))
    order = [part for part in first if shares[part] > 0]
    if method == "rarest-first":
        groups = None if dataset.groups is None else dataset.groups[rows]
        return deal_rarest_first(positives_of(dataset, rows), groups, shares, order, rng)
    units = units_of(dataset, rows)
    if method == "random":
        return deal_at_random(len(units), shares, rng)[units.of_row]
    columns = units_of(dataset, rows, pairs=len(order)) if method == "second-order" else units
    part = spread(units, deal(columns, shares, order, rng), order, rng)
    return even_out(units, part, shares, rng)[units.of_row]


def _with_warnings(dataset: LabeledImages, notes: list[str]) -> LabeledImages:
    """Add to the warnings of the set the given ones and the classes that have no positive in a part."""
    assert dataset.split is not None
    found = list(notes)
    known = dataset.positives() > 0
    for part in PARTS:
        rows = np.flatnonzero(dataset.split == part)
        if len(rows):
            lacks = known & (dataset.positives(rows) == 0)
            if lacks.any():
                found.append(
                    f"no positive in the {part} part: {some([dataset.class_names[c] for c in np.flatnonzero(lacks)])}"
                )
    return replace(dataset, warnings=tuple(dict.fromkeys((*dataset.warnings, *found))))
