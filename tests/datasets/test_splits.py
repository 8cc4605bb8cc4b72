"""Parts: no patient on two sides, rare classes everywhere if they can be, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lt_core.datasets import PARTS, LabeledImages, NoImages, Source, assign_parts
from lt_core.problems import Invalid, Problem


def dataset(
    labels: np.ndarray, groups: Sequence[str] | None = None, split: Sequence[str] | None = None
) -> LabeledImages:
    return LabeledImages(
        key="t", title="t", class_names=tuple(f"c{k}" for k in range(labels.shape[1])),
        matrix=labels.astype(np.float32), images=NoImages(len(labels)), kind="multi", source=Source("t"),
        groups=None if groups is None else np.array(groups), split=None if split is None else np.array(split),
    )  # fmt: skip


def long_tailed(n: int, classes: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.random((n, classes)) < 0.5 ** np.arange(1, classes + 1)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 300),
    classes=st.integers(1, 6),
    seed=st.integers(0, 1000),
    n_groups=st.one_of(st.none(), st.integers(1, 80)),
)
def test_laws(n: int, classes: int, seed: int, n_groups: int | None) -> None:
    labels = long_tailed(n, classes, seed)
    groups = None if n_groups is None else [f"p{k}" for k in np.random.default_rng(seed).integers(0, n_groups, n)]
    data = assign_parts(dataset(labels, groups), seed=seed)
    assert data.split is not None
    assert set(data.split.tolist()) <= set(PARTS)
    assert (data.split == "train").any()
    if groups is not None:
        for group in set(groups):
            assert len({part for part, g in zip(data.split.tolist(), groups, strict=True) if g == group}) == 1
    again = assign_parts(dataset(labels, groups), seed=seed)
    assert again.split is not None
    assert (again.split == data.split).all()
    # Units that hold each class: with three or more of its own bucket, no part is left without the rarest class.
    counts = labels.sum(axis=0)
    rarest = int(np.lexsort((np.arange(classes), counts))[0])
    units = np.arange(n) if groups is None else np.array(groups)
    if len(set(units[labels[:, rarest]].tolist())) >= 3:
        assert {part for part in PARTS if labels[data.split == part, rarest].any()} == set(PARTS)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 40])
def test_a_part_that_gets_nothing_is_said(n: int, grouped: bool) -> None:
    labels = np.tile(np.eye(2), (n, 1))[:n]
    groups = [f"p{k // 2}" for k in range(2 * n)] if grouped else None
    data = assign_parts(dataset(np.repeat(labels, 2, axis=0) if grouped else labels, groups))
    assert data.split is not None
    said = [warning for warning in data.warnings if warning.startswith("nothing is left for the")]
    lacking = set(PARTS) - set(data.split.tolist())
    assert len(said) == bool(lacking)
    for warning in said:
        what = "patients or lesions" if grouped else "images"
        assert {part for part in PARTS if f"the {part}" in warning} == lacking
        assert f"({what} to divide: {n})" in warning
        assert "a column 'split'" in warning


def test_a_part_that_was_not_asked_for_is_not_missed() -> None:
    data = assign_parts(dataset(long_tailed(40, 2, 0)), fractions=(0.5, 0.0, 0.5))
    assert not [warning for warning in data.warnings if "nothing is left" in warning]


def test_the_fractions_are_met() -> None:
    data = assign_parts(dataset(long_tailed(5000, 8, 0)), fractions=(0.6, 0.15, 0.25))
    shares = [len(data.rows(part)) / 5000 for part in PARTS]
    np.testing.assert_allclose(shares, (0.6, 0.15, 0.25), atol=0.002)
    for c in range(5):
        per_part = [data.labels[data.rows(part), c].mean() for part in PARTS]
        np.testing.assert_allclose(per_part, data.labels[:, c].mean(), rtol=0.25)


def test_another_seed_is_another_split() -> None:
    labels = long_tailed(200, 3, 0)
    one, other = assign_parts(dataset(labels), seed=0), assign_parts(dataset(labels), seed=1)
    assert one.split is not None
    assert other.split is not None
    assert (one.split != other.split).any()


def test_no_val_part_without_a_share_for_it() -> None:
    data = assign_parts(dataset(long_tailed(50, 2, 0)), fractions=(0.8, 0.0, 0.2))
    assert data.split is not None
    assert set(data.split.tolist()) == {"train", "test"}


def test_three_units_of_a_rare_class_reach_all_parts() -> None:
    labels = np.zeros((300, 3))
    labels[:, 0] = 1
    labels[[7, 50, 90], 1] = 1
    labels[100:140, 2] = 1
    data = assign_parts(dataset(labels))
    assert [int(data.labels[data.rows(part), 1].sum()) for part in PARTS] == [1, 1, 1]
    assert data.warnings == ()


def test_few_units_go_to_train_then_test() -> None:
    one, two = (assign_parts(dataset(np.ones((n, 1)))).split for n in (1, 2))
    assert one is not None
    assert two is not None
    assert one.tolist() == ["train"]
    assert sorted(two.tolist()) == ["test", "train"]


def test_parts_of_the_source_are_kept_and_val_is_carved_from_train() -> None:
    split = ["train"] * 80 + ["test"] * 20
    groups = [f"p{k // 4}" for k in range(100)]
    data = assign_parts(dataset(long_tailed(100, 3, 0), groups, split))
    assert data.split is not None
    assert (data.split[80:] == "test").all()
    assert set(data.split[:80].tolist()) == {"train", "val"}
    assert 4 <= (data.split[:80] == "val").sum() <= 20
    assert {groups[k] for k in data.rows("val")}.isdisjoint(groups[k] for k in data.rows("train"))
    assert any("no val part in the source: taken from its train part" in warning for warning in data.warnings)
    complete = dataset(long_tailed(90, 3, 0), None, ["train"] * 30 + ["val"] * 30 + ["test"] * 30)
    assert complete.split is not None
    kept = assign_parts(complete, seed=5).split
    assert kept is not None
    assert (kept == complete.split).all()


def test_a_missing_class_and_a_patient_on_both_sides_are_told() -> None:
    labels = np.array([[1, 0], [1, 0], [0, 1], [1, 0]])
    data = assign_parts(dataset(labels, ["a", "b", "a", "c"], ["train", "val", "test", "test"]))
    assert "no positive in the train part: c1" in data.warnings
    assert any(warning.startswith("1 patient or lesion is in more than one part (a)") for warning in data.warnings)


def test_rows_of_no_part_stay_out() -> None:
    data = assign_parts(dataset(np.ones((4, 1)), None, ["train", "", "val", "test"]))
    assert data.split is not None
    assert data.split.tolist() == ["train", "", "val", "test"]


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(Invalid, match="must be three shares"):
        assign_parts(dataset(np.ones((4, 1))), fractions=(0.5, 0.1, 0.1))
    with pytest.raises(Problem, match="has the parts test but no train part"):
        assign_parts(dataset(np.ones((2, 1)), None, ["test", "test"]))
