"""Samplers and schedule: laws, checked against numpy written plainly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lt_core.problems import Unknown
from lt_core.training.samplers import SAMPLERS, class_aware, plain, repeat_factor, repeats_of, square_root
from lt_core.training.schedules import SCHEDULES, factor, warmup_cosine


def _labels(n: int = 2000) -> np.ndarray:
    rng = np.random.default_rng(5)
    labels = (rng.random((n, 4)) < (0.5, 0.2, 0.05, 0.005)).astype(np.float32)
    labels[:3, 3] = 1  # the rarest class is there
    labels[5:9, 1] = np.nan
    return labels


def test_plain_is_every_row_once() -> None:
    labels = _labels()
    order = plain(labels, np.random.default_rng(0))
    assert np.array_equal(np.sort(order), np.arange(len(labels)))
    assert not np.array_equal(order, np.arange(len(labels)))


def test_class_aware_draws_each_row_as_often_as_its_classes_say() -> None:
    # P(row) = mean over classes c of [row has c] / n_c: a class uniformly, then one of its images uniformly.
    labels = _labels(300)
    expected = np.zeros(len(labels))
    for c in range(4):
        rows = np.flatnonzero(labels[:, c] == 1)
        expected[rows] += 1 / (4 * len(rows))
    draws = np.concatenate([class_aware(labels, np.random.default_rng(seed)) for seed in range(200)])
    seen = np.bincount(draws, minlength=len(labels))
    deviation = np.sqrt(len(draws) * expected * (1 - expected))
    assert np.all(seen[expected == 0] == 0)
    some = expected > 0
    assert np.abs((seen[some] - len(draws) * expected[some]) / deviation[some]).max() < 5


def test_class_aware_leaves_out_a_class_without_positives() -> None:
    labels = np.zeros((10, 3), np.float32)
    labels[:4, 0], labels[4:6, 1] = 1, 1
    order = class_aware(labels, np.random.default_rng(0))
    assert len(order) == 10
    assert set(order) <= set(range(6))


def test_class_aware_without_any_positive_is_plain() -> None:
    order = class_aware(np.zeros((7, 2), np.float32), np.random.default_rng(0))
    assert sorted(order) == list(range(7))


def test_class_aware_draws_what_it_always_drew() -> None:
    # An old run's config and seed must give the old run's order: a class from the generator first, without weights.
    labels = _labels(200)
    rng, present = np.random.default_rng(3), labels == 1
    classes = rng.choice(np.arange(4), size=200)
    wanted = np.empty(200, np.intp)
    for c in range(4):
        wanted[classes == c] = rng.choice(np.flatnonzero(present[:, c]), size=(classes == c).sum())
    assert np.array_equal(class_aware(labels, np.random.default_rng(3)), wanted)


def test_square_root_draws_classes_by_the_root_of_their_counts() -> None:
    # One class an image, 900 : 100 : 4 images: the roots are 30 : 10 : 2.
    counts = np.array([900, 100, 4])
    classes = np.repeat(np.arange(3), counts)
    labels = np.eye(3, dtype=np.float32)[classes]
    draws = np.concatenate([square_root(labels, np.random.default_rng(seed)) for seed in range(60)])
    share = np.array([30, 10, 2]) / 42
    seen = np.bincount(classes[draws], minlength=3)
    assert (np.abs(seen - len(draws) * share) < 5 * np.sqrt(len(draws) * share * (1 - share))).all()
    within = np.bincount(draws[classes[draws] == 2] - 1000, minlength=4)  # the images of a class alike
    assert np.abs(within - within.sum() / 4).max() < 5 * np.sqrt(within.sum() * 3 / 16)


def test_square_root_leaves_out_images_without_a_positive() -> None:
    labels = np.zeros((9, 2), np.float32)
    labels[:3, 1] = 1
    assert set(square_root(labels, np.random.default_rng(0))) <= {0, 1, 2}
    assert sorted(square_root(np.zeros((4, 2), np.float32), np.random.default_rng(0))) == [0, 1, 2, 3]


def test_repeat_factors_are_those_of_the_paper() -> None:
    labels = _labels(1000)
    wanted = []
    for row in labels:  # r_i is the largest max(1, sqrt(t / f_c)) of the image's classes
        factors = [max(1.0, math.sqrt(0.1 / ((labels[:, c] == 1).sum() / 1000))) for c in range(4) if row[c] == 1]
        wanted.append(max(factors, default=1.0))
    assert repeats_of(labels, threshold=0.1) == pytest.approx(wanted)
    assert max(wanted) > 3


def test_repeat_factor_shows_every_image_as_often_as_its_factor_on_average() -> None:
    labels = _labels(400)
    factors = repeats_of(labels, threshold=0.2)
    epochs = [repeat_factor(labels, np.random.default_rng(seed), threshold=0.2) for seed in range(300)]
    times = np.stack([np.bincount(rows, minlength=400) for rows in epochs])
    assert (times >= np.floor(factors)).all()
    assert (times <= np.ceil(factors)).all()
    rest = factors - np.floor(factors)
    assert (np.abs(times.mean(axis=0) - factors) <= 5 * np.sqrt(rest * (1 - rest) / 300) + 1e-12).all()
    assert len({len(rows) for rows in epochs}) > 1  # the length of an epoch is not fixed
    assert not np.array_equal(epochs[0], np.sort(epochs[0]))


def test_repeat_factor_without_a_rare_class_is_plain() -> None:
    labels = np.eye(3, dtype=np.float32)[np.arange(30) % 3]
    assert sorted(repeat_factor(labels, np.random.default_rng(0))) == list(range(30))
    nothing = np.full((5, 2), np.nan, np.float32)
    assert sorted(repeat_factor(nothing, np.random.default_rng(0))) == list(range(5))


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=list(SAMPLERS))
def test_same_generator_same_order(sampler) -> None:
    labels = _labels()
    first, again, other = (sampler(labels, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_schedule_values() -> None:
    # 100 steps: 5 of warm-up, then half a cosine over 95.
    assert [warmup_cosine(step, 100) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert warmup_cosine(5, 100) == 1.0
    assert warmup_cosine(5 + 19, 100) == pytest.approx((1 + math.cos(math.pi / 5)) / 2)
    assert warmup_cosine(99, 100) == pytest.approx((1 + math.cos(math.pi * 94 / 95)) / 2)


@given(steps=st.integers(1, 3000))
@settings(max_examples=40, deadline=None)
def test_schedule_rises_then_falls_and_never_leaves_zero_to_one(steps: int) -> None:
    values = np.array([warmup_cosine(step, steps) for step in range(steps)])
    assert ((values > 0) & (values <= 1)).all()
    top = int(values.argmax())
    assert (np.diff(values[: top + 1]) > 0).all()
    assert (np.diff(values[top:]) <= 1e-12).all()


def test_schedules_after_the_same_warm_up() -> None:
    # 90 steps, a tenth of them warm-up: 9 steps to the top, then each its own way.
    rise = pytest.approx([(step + 1) / 9 for step in range(9)])
    for kind in SCHEDULES:
        assert [factor(kind, step, 90, 0.1) for step in range(9)] == rise
    assert {factor("constant", step, 90, 0.1) for step in range(9, 90)} == {1.0}
    steps = [factor("step", step, 90, 0.1) for step in range(9, 90)]
    assert steps == pytest.approx([1.0] * 51 + [0.1] * 20 + [0.01] * 10)  # a tenth from 60, a hundredth from 80
    assert factor("cosine", 9 + 27, 90, 0.1) == pytest.approx((1 + math.cos(math.pi / 3)) / 2)


def test_without_a_warm_up_the_first_step_is_the_rise() -> None:
    assert [factor("cosine", step, 11, 0.0) for step in (0, 1, 6)] == pytest.approx([1.0, 1.0, 0.5])


def test_a_schedule_of_another_name_is_refused() -> None:
    with pytest.raises(Unknown, match="unknown schedule 'cosin': did you mean 'cosine'"):
        factor("cosin", 0, 10)


@pytest.mark.parametrize("kind", SCHEDULES)
@given(steps=st.integers(1, 400), warmup=st.floats(0, 0.5))
@settings(max_examples=30, deadline=None)
def test_every_schedule_rises_then_falls_and_reaches_the_top(kind: str, steps: int, warmup: float) -> None:
    values = np.array([factor(kind, step, steps, warmup) for step in range(steps)])
    assert ((values > 0) & (values <= 1)).all()
    top = int(values.argmax())
    assert values[top] == 1
    assert (np.diff(values[: top + 1]) > 0).all()
    assert (np.diff(values[top:]) <= 1e-12).all()
