"""What DB's re-balancing makes of an image with two classes: the paper's formulas, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lt_core.losses import get_loss
from lt_core.losses.pair_weights import pair_weights, smoothing_params
from lt_core.stats import ClassPrior

N_A, N_B = np.array([1, 10, 500, 20_000, 227]), np.array([20_000, 10, 20, 1, 1_431])


def test_the_ratio_is_what_one_label_adds_to_the_chance_of_being_sampled() -> None:
    _, ratio = pair_weights(N_A, N_B)
    np.testing.assert_allclose(ratio, N_B / (N_A + N_B), rtol=1e-9)


def test_the_two_ratios_of_a_pair_sum_to_one() -> None:
    np.testing.assert_allclose(pair_weights(N_A, N_B)[1] + pair_weights(N_B, N_A)[1], 1)


@pytest.mark.parametrize("knobs", [{}, {"alpha": 0.3}, {"beta": 4.0, "mu": 0.5}])
def test_the_weight_is_the_ratio_smoothed(knobs: dict[str, float]) -> None:
    used = {"alpha": 0.1, "beta": 10.0, "mu": 0.2, **knobs}
    smoothed, ratio = pair_weights(N_A, N_B, **knobs)
    expected = used["alpha"] + 1 / (1 + np.exp(-used["beta"] * (ratio - used["mu"])))
    np.testing.assert_allclose(smoothed, expected, rtol=1e-9)


def test_it_is_what_the_loss_multiplies_the_cell_by() -> None:
    prior = ClassPrior([1_431, 227], 112_120)
    logits, both = torch.tensor([[0.3, -1.2]], dtype=torch.float64), torch.ones(1, 2, dtype=torch.float64)
    with_it, without = (
        get_loss("db").bind(prior=prior, rebalance=on)(logits, both).double().numpy()[0] for on in (True, False)
    )
    smoothed, _ = pair_weights([1_431, 227], [227, 1_431])
    np.testing.assert_allclose(with_it / without, smoothed, rtol=1e-5)


def test_a_class_without_training_images_counts_as_one() -> None:
    np.testing.assert_allclose(pair_weights([0], [3]), pair_weights([1], [3]))


def test_none_and_one_pair() -> None:
    assert pair_weights([], [])[0].shape == (0,)
    assert {p.name for p in smoothing_params()} == {"alpha", "beta", "mu"}
