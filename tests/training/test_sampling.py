"""Samplers and schedule: laws, checked against numpy written plainly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lt_core.training.samplers import class_aware, plain
from lt_core.training.schedules import warmup_cosine


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


@pytest.mark.parametrize("sampler", [plain, class_aware])
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
