"""Deletion, insertion, ROAD and randomised weights, where what must come out is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from scipy.stats import spearmanr
from sklearn.metrics import auc
from torch import Tensor, nn

from lt_core.explain import cam_batch, deletion, imputed, insertion, rank_correlation, road, sanity, ssim
from lt_core.explain.sanity import parts_of
from lt_core.problems import Invalid, Unknown
from tests.explain.conftest import Known, spots

WEIGHTS = torch.tensor([[3.0, -1.0], [0.5, 2.0]])


class Sum(nn.Module):
    """One class, whose score is a weighted sum of four pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, 0] * WEIGHTS).sum((1, 2))[:, None] + self.bias


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_deletion_and_insertion_by_hand() -> None:
    image, order = torch.ones(1, 1, 2, 2), np.array([[[4.0, 1.0], [2.0, 3.0]]])  # 3, then 2, then 0.5, then -1
    gone = deletion(Sum(), image, order, 0, steps=4)
    np.testing.assert_allclose(gone.shares, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(gone.probabilities[0], sigmoid(np.array([4.5, 1.5, -0.5, -1, 0])), rtol=1e-6)
    back = insertion(Sum(), image, order, 0, steps=4, fill="mean")
    np.testing.assert_allclose(back.probabilities[0], sigmoid(np.array([0, 3, 5, 5.5, 4.5])), rtol=1e-6)
    for curve in (gone, back):
        assert curve.auc[0] == pytest.approx(auc(curve.shares, curve.probabilities[0]))
    assert "the mean of the training images" in gone.about


def test_probabilities_are_read_as_the_loss_scaled_them() -> None:
    """LDAM trains the link of s times the logits: the curve is of those, here 2.5 times 4.5, 1.5, -0.5, -1, 0."""
    image, order = torch.ones(1, 1, 2, 2), np.array([[[4.0, 1.0], [2.0, 3.0]]])
    gone = deletion(Sum(), image, order, 0, steps=4, logit_scale=2.5)
    np.testing.assert_allclose(gone.probabilities[0], sigmoid(2.5 * np.array([4.5, 1.5, -0.5, -1, 0])), rtol=1e-6)
    back = insertion(Sum(), image, order, 0, steps=4, fill="mean", logit_scale=2.5)
    np.testing.assert_allclose(back.probabilities[0], sigmoid(2.5 * np.array([0, 3, 5, 5.5, 4.5])), rtol=1e-6)
    images, bright, _ = spots()
    plain, scaled = (
        road(Scaled(Known(), factor), images, bright.astype(float), 0, shares=(0.2,), link="softmax", logit_scale=scale)
        for factor, scale in ((4.0, 1.0), (1.0, 4.0))
    )
    np.testing.assert_allclose(scaled.score, plain.score, rtol=1e-5)


class Scaled(nn.Module):
    """A network whose logits are multiplied, as a loss with a scale does."""

    def __init__(self, model: nn.Module, factor: float) -> None:
        super().__init__()
        self.model, self.factor = model, factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * self.model(x)


def test_insertion_starts_from_a_blurred_image_unless_told() -> None:
    image = torch.randn(2, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    found = insertion(Known(), image, np.random.default_rng(0).random((2, 5, 5)), [0, 1], steps=3)
    with torch.no_grad():
        whole = torch.sigmoid(Known()(image)).numpy()
    np.testing.assert_allclose(found.probabilities[:, -1], whole[[0, 1], [0, 1]], rtol=1e-6)
    flat = torch.full((1, 1, 40, 40), 0.7)  # a constant image stays what it is, blurred
    assert np.ptp(insertion(Known(), flat, np.zeros((1, 5, 5)), 0, steps=3).probabilities) < 1e-6


def test_mistakes_are_sentences() -> None:
    image, cells = torch.ones(1, 1, 2, 2), np.ones((1, 2, 2))
    with pytest.raises(Unknown, match="unknown fill 'blurr': did you mean 'blur'"):
        deletion(Sum(), image, cells, 0, fill="blurr")  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="steps must be at least 1, got 0"):
        deletion(Sum(), image, cells, 0, steps=0)
    with pytest.raises(Invalid, match=r"must lie between 0 and 1, got 0\.5, 1"):
        road(Sum(), image, cells, 0, shares=(0.5, 1.0))
    with pytest.raises(Invalid, match="nothing to impute from"):
        imputed(image, np.ones((1, 2, 2), bool))


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # of the library, with NumPy 2
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_imputation_is_that_of_the_library_without_its_noise(share: float) -> None:
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.normal(size=(3, 2, 12, 15))).float()
    missing = rng.random((3, 12, 15)) < share
    missing[0] = False
    missing[0, 2:9, 3:14] = True  # one large hole
    ours = imputed(images, missing, noise=0.0)
    for image, gone, filled in zip(images, missing, ours, strict=True):
        theirs = NoisyLinearImputer(noise=0.0)(image, torch.from_numpy(~gone).float())
        np.testing.assert_allclose(filled.numpy(), theirs.numpy(), atol=1e-5)
        assert torch.equal(filled[:, ~torch.from_numpy(gone)], image[:, ~torch.from_numpy(gone)])


def test_noise_is_on_imputed_pixels_only_and_comes_from_the_generator() -> None:
    images, missing = torch.zeros(1, 1, 30, 30), np.zeros((1, 30, 30), bool)
    missing[0, :20] = True
    first = imputed(images, missing, noise=0.3, rng=np.random.default_rng(5))
    assert torch.equal(first, imputed(images, missing, noise=0.3, rng=np.random.default_rng(5)))
    assert float(first[0, 0, :20].std()) == pytest.approx(0.3, rel=0.1)
    assert not first[0, 0, 20:].any()


def test_road_tells_the_right_map_from_its_reverse() -> None:
    images, bright, _ = spots()
    right = bright.astype(float)
    found, turned = (road(Known(), images, maps, 0, shares=(0.1, 0.3), noise=0.0) for maps in (right, -right))
    assert (found.score > 0.001).all()
    assert (turned.score < found.score - 0.001).all()
    drop = found.least_first.probabilities - found.most_first.probabilities
    np.testing.assert_allclose(found.score, drop.mean(axis=1) / 2)
    again = road(Known(), images, right, 0, shares=(0.1,), seed=3)
    np.testing.assert_array_equal(again.score, road(Known(), images, right, 0, shares=(0.1,), seed=3).score)


def network() -> nn.Module:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=1))
    return nn.Sequential(body, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))


def test_randomising_goes_from_the_classifier_down_and_leaves_the_model_alone() -> None:
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert [name for name, _ in parts_of(model)] == ["0.0", "0.1", "0.3", "4"]
    kwargs: dict[str, Any] = {"images": spots()[0], "class_indices": 1, "layer": "0.2", "seed": 4}
    steps = sanity(model, how="cascading", **kwargs)
    assert [step.upto for step in steps] == ["4", "0.3", "0.1", "0.0"]
    assert [step.share for step in steps] == sorted(step.share for step in steps)
    assert steps[-1].share == 1
    (whole,) = sanity(model, how="full", **kwargs)
    np.testing.assert_array_equal(whole.maps.maps, steps[-1].maps.maps)
    assert not np.allclose(whole.maps.maps, sanity(model, how="full", **kwargs | {"seed": 5})[0].maps.maps)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    true = cam_batch(model, spots()[0], 1, layer="0.2").maps
    expected = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(true, whole.maps.maps, strict=True)]
    np.testing.assert_allclose(whole.rank_correlation, expected)
    with pytest.raises(Unknown, match="known are full, cascading"):
        sanity(model, how="some", **kwargs)


def test_a_map_that_does_not_look_at_a_weight_does_not_notice_it() -> None:
    first = sanity(network(), spots()[0], 1, method="eigencam", layer="0.2", how="cascading")[0]
    assert first.upto == "4"
    np.testing.assert_allclose(first.rank_correlation, 1)
    np.testing.assert_allclose(first.ssim, 1)


def test_rank_correlation_is_scipys_and_not_defined_for_a_constant() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, (6, 7)), rng.integers(0, 5, (6, 7))  # with ties
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic)
    assert np.isnan(rank_correlation(a, np.ones((6, 7))))


def test_ssim_is_an_obvious_loop() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((9, 11)), rng.random((9, 11))
    assert ssim(a, a) == pytest.approx(1)
    window = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(window, window) / window.sum() ** 2
    x, y = (np.pad(values, 5, mode="symmetric") for values in (a, b))
    values = []
    for r in range(9):
        for c in range(11):
            p, q = x[r : r + 11, c : c + 11], y[r : r + 11, c : c + 11]
            mp, mq = (window * p).sum(), (window * q).sum()
            pairs = ((p, mp, p, mp), (q, mq, q, mq), (p, mp, q, mq))
            vp, vq, cov = ((window * (u - m) * (v - n)).sum() for u, m, v, n in pairs)
            values.append((2 * mp * mq + 1e-4) * (2 * cov + 9e-4) / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4)))
    assert ssim(a, b) == pytest.approx(np.mean(values), rel=1e-9)
