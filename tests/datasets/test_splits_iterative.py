"""Iterative stratification: shares kept, patients whole, rare classes everywhere, and near the best there is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lt_core.datasets import PARTS, LabeledImages, NoImages, Source, assign_parts
from lt_core.datasets.sparse import SparseLabels
from lt_core.datasets.splits import METHODS, folds
from lt_core.datasets.splits.units import units_of
from lt_core.problems import Invalid, Unknown

SHARES = np.array([0.7, 0.1, 0.2])
STRATIFIED = ["iterative", "second-order"]


def dataset(
    labels: np.ndarray | SparseLabels, groups: Sequence[str] | None = None, split: Sequence[str] | None = None
) -> LabeledImages:
    matrix = labels if isinstance(labels, SparseLabels) else labels.astype(np.float32)
    return LabeledImages(
        key="t", title="t", class_names=tuple(f"c{k}" for k in range(labels.shape[1])), matrix=matrix,
        images=NoImages(len(labels)), kind="multi", source=Source("t"),
        groups=None if groups is None else np.array(groups), split=None if split is None else np.array(split),
    )  # fmt: skip


def long_tailed(n: int, classes: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((n, classes)) < 0.5 ** np.arange(1, classes + 1)


def counts_of(data: LabeledImages) -> np.ndarray:
    assert data.split is not None
    return np.stack([(data.labels[data.split == part] == 1).sum(axis=0) for part in PARTS])


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 120),
    classes=st.integers(1, 6),
    seed=st.integers(0, 1000),
    n_groups=st.one_of(st.none(), st.integers(1, 60)),
    method=st.sampled_from(METHODS),
)
def test_no_patient_is_divided_and_a_seed_is_a_split(
    n: int, classes: int, seed: int, n_groups: int | None, method: str
) -> None:
    labels = long_tailed(n, classes, seed)
    groups = None if n_groups is None else [f"p{k}" for k in np.random.default_rng(seed).integers(0, n_groups, n)]
    one, again = (assign_parts(dataset(labels, groups), seed=seed, method=method) for _ in range(2))
    assert one.split is not None
    assert again.split is not None
    assert set(one.split.tolist()) <= set(PARTS)
    assert (one.split == again.split).all()
    if groups is not None:
        assert len(set(zip(groups, one.split.tolist(), strict=True))) == len(set(groups))


@pytest.mark.parametrize("method", STRATIFIED)
@pytest.mark.parametrize("seed", range(5))
def test_every_share_is_within_one_image_of_its_target(method: str, seed: int) -> None:
    labels = long_tailed(3000, 8, seed)
    data = assign_parts(dataset(labels), seed=seed, method=method)
    assert np.abs(counts_of(data) - np.outer(SHARES, labels.sum(axis=0))).max() <= 1
    sizes = np.array([len(data.rows(part)) for part in PARTS])
    assert np.abs(sizes - 3000 * SHARES).max() <= 2


@pytest.mark.parametrize("method", STRATIFIED)
def test_patients_of_many_images_keep_the_shares_of_images(method: str) -> None:
    """Patients bring 1 to 40 images and differ in what they show: shares of patients would be far off."""
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(400), np.minimum(rng.zipf(1.7, 400), 40))
    sick = rng.random((400, 5)) < [0.5, 0.2, 0.1, 0.05, 0.03]
    labels = sick[owner] & (rng.random((len(owner), 5)) < 0.7)
    for seed in range(3):
        data = assign_parts(dataset(labels, [f"p{k}" for k in owner]), seed=seed, method=method)
        assert np.abs(counts_of(data) - np.outer(SHARES, labels.sum(axis=0))).max() <= 1.5


def covered(labels: np.ndarray, part: np.ndarray, k: int) -> bool:
    return all(labels[part == p].any(axis=0)[labels.sum(axis=0) >= k].all() for p in range(k))


@settings(max_examples=60, deadline=None)
@given(n=st.integers(3, 7), classes=st.integers(1, 5), seed=st.integers(0, 10_000), method=st.sampled_from(STRATIFIED))
def test_every_class_is_everywhere_whenever_that_can_be(n: int, classes: int, seed: int, method: str) -> None:
    """All 3^n ways are tried: if any has every class of three or more images in all parts, so has ours."""
    labels = np.random.default_rng(seed).random((n, classes)) < 0.6
    split = assign_parts(dataset(labels), seed=seed, method=method).split
    assert split is not None
    mine = np.array([PARTS.index(part) for part in split.tolist()])
    if not covered(labels, mine, 3):
        assert not any(covered(labels, np.array(way), 3) for way in itertools.product(range(3), repeat=n))


@pytest.mark.parametrize("method", STRATIFIED)
def test_rare_classes_that_always_come_together_reach_every_part(method: str) -> None:
    """Each of 30 classes has three images, one of each third of 60, shared with others: so there is a way, and few."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        labels = np.zeros((300, 30), bool)
        for third in range(3):
            labels[20 * third + rng.integers(20, size=30), np.arange(30)] = True
        assert (counts_of(assign_parts(dataset(labels), seed=seed, method=method)) == 1).all()


def test_nearly_the_best_of_all_ways() -> None:
    """For 9 images into halves, against the least possible sum of squared shares off target, over all 2^9 ways."""
    fractions = (0.5, 0.0, 0.5)
    found, best, anyhow = [], [], []
    for seed in range(30):
        labels = np.random.default_rng(seed).random((9, 3)) < 0.5
        table = np.c_[labels, np.ones(9)]  # the number of images counts as one more class
        ways = np.array(list(itertools.product((0, 1), repeat=9)))
        off = (((ways @ table) / np.maximum(table.sum(axis=0), 1) - 0.5 * (table.sum(axis=0) > 0)) ** 2).sum(axis=1)
        split = assign_parts(dataset(labels), seed=seed, fractions=fractions, method="iterative").split
        assert split is not None
        mine = int("".join("1" if part == "test" else "0" for part in split.tolist()), 2)
        found.append(off[mine])
        best.append(off.min())
        anyhow.append(off.mean())
    assert np.mean(found) - np.mean(best) < 0.05 * (np.mean(anyhow) - np.mean(best))
    assert np.mean(np.isclose(found, best)) >= 0.5


def test_second_order_keeps_the_shares_of_pairs_better() -> None:
    rng = np.random.default_rng(1)
    labels = rng.random((4000, 12)) < np.geomspace(0.4, 0.02, 12)
    pairs = np.stack([labels[:, a] & labels[:, b] for a, b in itertools.combinations(range(12), 2)], axis=1)
    pairs = pairs[:, pairs.sum(axis=0) >= 3]

    def off(method: str) -> float:
        errors = []
        for seed in range(3):
            split = assign_parts(dataset(labels), seed=seed, method=method).split
            assert split is not None
            shares = np.stack([pairs[split == part].sum(axis=0) for part in PARTS]) / pairs.sum(axis=0)
            errors.append(np.abs(shares - SHARES[:, None]).mean())
        return float(np.mean(errors))

    assert off("second-order") < 0.6 * off("iterative") < 0.6 * off("random")


def test_sparse_labels_are_divided_as_dense_ones() -> None:
    labels = long_tailed(500, 6, 0)
    rows, classes = np.nonzero(labels)
    thin = dataset(SparseLabels.of(rows, classes, labels.shape))
    for method in METHODS:
        one, other = assign_parts(dataset(labels), method=method), assign_parts(thin, method=method)
        assert one.split is not None
        assert other.split is not None
        assert (one.split == other.split).all()
        assert one.warnings == other.warnings


def test_unknown_labels_are_no_positives() -> None:
    labels = long_tailed(400, 3, 0).astype(np.float32)
    holes = labels.copy()
    holes[np.random.default_rng(0).random(labels.shape) < 0.3] = np.nan
    one = assign_parts(dataset(holes), method="iterative").split
    other = assign_parts(dataset(np.nan_to_num(holes)), method="iterative").split
    assert one is not None
    assert other is not None
    assert (one == other).all()


def test_rows_of_no_known_patient_are_units_of_their_own() -> None:
    data = dataset(np.ones((6, 1)), ["a", "", "b", "", "a", ""])
    units = units_of(data, np.arange(6))
    assert len(units) == 5
    assert sorted(units.sizes.tolist()) == [1, 1, 1, 1, 2]
    assert units.of_row[0] == units.of_row[4]


def test_units_count_what_a_loop_counts() -> None:
    rng = np.random.default_rng(0)
    labels, groups = rng.random((60, 4)) < 0.4, [f"p{k}" for k in rng.integers(0, 15, 60)]
    units = units_of(dataset(labels, groups), np.arange(60), pairs=1)
    names = list(dict.fromkeys(groups))
    both = [(a, b) for a, b in itertools.combinations(range(4), 2) if (labels[:, a] & labels[:, b]).any()]
    for u, name in enumerate(names):
        mine = labels[[g == name for g in groups]]
        counted = [*mine.sum(axis=0), *((mine[:, a] & mine[:, b]).sum() for a, b in both)]
        held = dict(zip(*(v[units.indptr[u] : units.indptr[u + 1]].tolist() for v in (units.columns, units.counts)),
                        strict=True))  # fmt: skip
        assert [held.get(c, 0) for c in range(units.n_columns)] == counted
        assert units.sizes[u] == len(mine)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", [2, 5, 10])
def test_folds_are_equal_and_whole(method: str, k: int) -> None:
    labels = long_tailed(1000, 5, 0)
    groups = [f"p{j // 2}" for j in range(1000)]
    fold = folds(dataset(labels, groups), k, seed=1, method=method)
    assert sorted(set(fold.tolist())) == list(range(k))
    assert (fold[::2] == fold[1::2]).all()
    if method in STRATIFIED:
        per_fold = np.stack([labels[fold == f].sum(axis=0) for f in range(k)])
        assert np.abs(per_fold - labels.sum(axis=0) / k).max() <= 1.5
        assert np.abs(np.bincount(fold) - 1000 / k).max() <= 2


def test_folds_that_cannot_be() -> None:
    data = dataset(np.ones((4, 1)), ["a", "a", "b", "b"])
    with pytest.raises(Invalid, match=r"k must be in \[2, 2\], the number of patients or lesions of t, got 3"):
        folds(data, 3)
    with pytest.raises(Invalid, match="got 1"):
        folds(data, 1)
    with pytest.raises(Unknown, match="did you mean 'iterative'"):
        folds(data, 2, method="iterativ")


def test_nothing_to_divide() -> None:
    for method in METHODS:
        assert len(assign_parts(dataset(np.zeros((0, 2))), method=method)) == 0
        lone = assign_parts(dataset(np.zeros((5, 0))), method=method)
        assert lone.split is not None
        assert "train" in lone.split.tolist()


def test_the_nih_table_with_its_patients(nih: LabeledImages) -> None:
    """14 findings, 30,805 patients: every share to the rounding of one image, where the rarest has 227."""
    data = assign_parts(nih, method="iterative")
    assert data.groups is not None
    assert data.split is not None
    assert len(set(zip(data.groups.tolist(), data.split.tolist(), strict=True))) == 30805
    target = np.outer(SHARES, data.positives())
    assert np.abs(counts_of(data) - target).max() <= 1
