"""Resampling schemes against their definitions image by image."""

from __future__ import annotations

import numpy as np
import pytest

from lt_core.problems import Invalid, Unknown
from lt_core.stats import label_stats
from lt_core.stats.imbalance import irlbl, mean_ir
from lt_core.stats.label_sets import LabelSets, count
from lt_core.stats.resampling import (
    SCHEMES,
    class_aware,
    minority,
    ml_ros,
    ml_rus,
    remedial,
    repeat_factors,
    resampled,
)

NAMES = list("abcde")


def rows(n: int = 3000) -> np.ndarray:
    return (np.random.default_rng(1).random((n, 5)) < [0.5, 0.2, 0.1, 0.03, 0.008]).astype(np.float32)


def labels_of(sets: LabelSets, s: int) -> list[int]:
    return sets.classes[sets.indptr[s] : sets.indptr[s + 1]].tolist()


def weighted(sets: LabelSets, weights: np.ndarray) -> np.ndarray:
    return np.bincount(sets.classes, weights=(weights * sets.n)[sets.owner], minlength=sets.n_classes)


def test_class_aware_sampling_is_what_drawing_does() -> None:
    labels = rows()
    sets = count(labels).sets
    random = np.random.default_rng(0)
    drawn = np.zeros(5)
    for c, times in enumerate(np.bincount(random.integers(0, 5, 40_000))):
        drawn += labels[random.choice(np.flatnonzero(labels[:, c]), times)].sum(axis=0)
    expected = weighted(sets, class_aware(sets))
    assert drawn / 40_000 * len(labels) == pytest.approx(expected, rel=0.04)
    assert (class_aware(sets) * sets.n).sum() == pytest.approx(len(labels))
    assert class_aware(sets)[sets.sizes == 0].tolist() == [0]


def test_square_root_sampling_of_single_labels() -> None:
    sets = count(np.repeat(np.eye(2), [900, 100], axis=0)).sets
    assert weighted(sets, class_aware(sets, power=0.5)) == pytest.approx([750, 250])
    assert weighted(sets, class_aware(sets)) == pytest.approx([500, 500])
    assert class_aware(count(np.zeros((4, 2))).sets).tolist() == [0]


def test_repeat_factors_by_hand() -> None:
    labels = rows()
    sets = count(labels).sets
    share = labels.mean(axis=0)
    found = repeat_factors(sets, threshold=0.05)
    for s in range(len(sets)):
        factors = [max(1.0, (0.05 / share[c]) ** 0.5) for c in labels_of(sets, s)]
        assert found[s] == pytest.approx(max(factors, default=1.0))
    with pytest.raises(Invalid, match="threshold of repeat-factor"):
        repeat_factors(sets, threshold=0)


def test_oversampling_grows_by_what_was_asked_or_stops_when_no_class_needs_more() -> None:
    sets = count(rows()).sets
    before = sets.positives()
    weights = ml_ros(sets, percent=1)
    after = weighted(sets, weights)
    assert (weights * sets.n).sum() == pytest.approx(3030)
    assert minority(before).tolist() == [False] * 4 + [True]
    assert mean_ir(after) < mean_ir(before)
    plain = [not minority(before)[labels_of(sets, s)].any() for s in range(len(sets))]
    assert (weights[plain] == 1).all(), "images without a minority label are as they were"
    far = weighted(sets, ml_ros(sets, percent=5000))
    assert (irlbl(far) <= mean_ir(before) * 1.2).all()


def test_undersampling_leaves_rare_classes_alone() -> None:
    sets = count(rows()).sets
    weights = ml_rus(sets, percent=20)
    after = weighted(sets, weights)
    assert (weights * sets.n).sum() == pytest.approx(2400)
    assert after[minority(sets.positives())] == pytest.approx(sets.positives()[minority(sets.positives())])
    assert ml_rus(sets, percent=100).min() == 0


def test_remedial_image_by_image() -> None:
    labels = rows()
    counts = labels.sum(axis=0)
    ratios = counts.max() / counts
    rare = ratios > ratios.mean()
    each = []
    for row in labels:
        own = ratios[row == 1]
        each.append(1 - np.exp(np.log(own).mean()) / own.mean() if len(own) > 1 else 0.0)
    split = np.array(each) > np.mean(each)
    expected = np.concatenate([labels[~split], labels[split] * rare, labels[split] * ~rare])
    after = remedial(count(labels).sets, NAMES)
    want = count(expected).sets
    assert dict(after.sets.largest(99)) == dict(want.largest(99))
    assert after.sets.positives().tolist() == counts.tolist(), "no label is lost or counted twice"
    assert f"{split.sum():,} of 3,000 images" in after.said
    before, now = label_stats(labels, NAMES).scumble, after.stats().scumble
    assert before is not None
    assert now is not None
    assert now.mean < before.mean


@pytest.mark.parametrize("key", SCHEMES)
def test_every_scheme_gives_whole_images_close_to_its_expectation(key: str) -> None:
    sets = count(rows()).sets
    strength = 0.05 if key == "repeat-factor" else 20
    after = resampled(sets, NAMES, key, strength=strength)
    expected = weighted(sets, SCHEMES[key].weights(sets, strength))
    assert after.sets.positives() == pytest.approx(expected, abs=len(sets))
    assert (resampled(sets, NAMES, key, strength=strength).sets.n == after.sets.n).all()
    assert after.stats().n_samples == after.sets.n.sum()


def test_an_unknown_scheme_is_named() -> None:
    with pytest.raises(Unknown, match="unknown resampling scheme 'mlros': did you mean 'ml-ros'"):
        resampled(count(rows(10)).sets, NAMES, "mlros", strength=1)
