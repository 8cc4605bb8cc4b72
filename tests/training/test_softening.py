"""Mixup and label smoothing equal the loss on soft labels, and are refused where there is no such thing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from lt_core.losses import all_losses, get_loss
from lt_core.problems import Invalid
from lt_core.stats import ClassPrior
from lt_core.training.softening import Mix, drawn_mix, softened, why_not_mixup, why_not_smoothing

PRIOR = ClassPrior((60, 25, 8, 3), 100)
GENERATOR = torch.Generator().manual_seed(4)
LOGITS = 2 * torch.randn(6, 4, generator=GENERATOR, dtype=torch.float64)
HOT = (torch.rand(6, 4, generator=GENERATOR) < 0.4).double()
INDICES = torch.tensor([0, 3, 1, 1, 2, 0])
ORDER = torch.tensor([3, 0, 5, 1, 2, 4])
WEIGHTS = torch.tensor([0.3, 0.8, 1.1, 1.8], dtype=torch.float64)
BCE = functional.binary_cross_entropy_with_logits


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_mixed_bce_is_bce_on_mixed_labels(share: float) -> None:
    criterion = get_loss("bce").criterion()
    value = softened(criterion, LOGITS, HOT, mix=Mix(share, ORDER))
    torch.testing.assert_close(value, BCE(LOGITS, share * HOT + (1 - share) * HOT[ORDER]))


def test_mixed_cross_entropy_is_cross_entropy_on_mixed_labels() -> None:
    hot = functional.one_hot(INDICES, 4).double()
    value = softened(get_loss("ce").criterion(), LOGITS, INDICES, mix=Mix(0.7, ORDER))
    torch.testing.assert_close(value, functional.cross_entropy(LOGITS, 0.7 * hot + 0.3 * hot[ORDER]))


@pytest.mark.parametrize("key", [s.key for s in all_losses() if not why_not_mixup(s)])
def test_mixup_weighs_the_two_losses(key: str) -> None:
    spec = get_loss(key)
    criterion = spec.criterion(PRIOR)
    targets = INDICES if spec.labels == "single" else HOT
    value = softened(criterion, LOGITS, targets, mix=Mix(0.25, ORDER))
    wanted = 0.25 * criterion(LOGITS, targets) + 0.75 * criterion(LOGITS, targets[ORDER])
    torch.testing.assert_close(value, wanted)
    same = softened(criterion, LOGITS, targets, mix=Mix(1.0, ORDER))
    torch.testing.assert_close(same, criterion(LOGITS, targets))


def test_without_mixing_or_smoothing_nothing_changes() -> None:
    for key, targets in (("asl", HOT), ("ldam", INDICES)):
        criterion = get_loss(key).criterion(PRIOR)
        assert torch.equal(softened(criterion, LOGITS, targets), criterion(LOGITS, targets))


def test_images_and_labels_are_mixed_in_the_same_way() -> None:
    images = torch.rand(6, 3, 2, 2, generator=GENERATOR)
    mix = Mix(0.7, ORDER)
    for i, j in enumerate(ORDER.tolist()):
        torch.testing.assert_close(mix.images(images)[i], 0.7 * images[i] + 0.3 * images[j])
        torch.testing.assert_close(mix.labels(HOT, 4)[i], 0.7 * HOT[i] + 0.3 * HOT[j])
    hot = functional.one_hot(INDICES, 4).float()
    torch.testing.assert_close(mix.labels(INDICES, 4), 0.7 * hot + 0.3 * hot[ORDER])


def test_shares_are_beta_and_orders_permutations() -> None:
    rng = np.random.default_rng(0)
    mixes = [drawn_mix(5, 0.4, rng) for _ in range(3000)]
    shares = np.array([mix.share for mix in mixes])
    assert all(sorted(mix.order.tolist()) == list(range(5)) for mix in mixes[:20])
    assert shares.mean() == pytest.approx(0.5, abs=0.03)
    assert shares.var() == pytest.approx(1 / (4 * (2 * 0.4 + 1)), abs=0.01)  # of Beta(a, a)
    again = drawn_mix(5, 0.4, np.random.default_rng(0))
    assert (again.share, again.order.tolist()) == (mixes[0].share, mixes[0].order.tolist())
    with pytest.raises(Invalid, match="alpha of mixup must be greater than 0"):
        drawn_mix(5, 0.0, rng)


@pytest.mark.parametrize("smoothing", [0.1, 0.4])
def test_smoothed_bce_is_bce_on_smoothed_labels(smoothing: float) -> None:
    value = softened(get_loss("bce").criterion(), LOGITS, HOT, smoothing=smoothing)
    torch.testing.assert_close(value, BCE(LOGITS, HOT * (1 - smoothing) + smoothing / 2))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_smoothed_cross_entropy_is_torchs(weights: torch.Tensor | None, reduction: str) -> None:
    logits = LOGITS.clone().requires_grad_()
    targets = INDICES.clone()
    targets[2] = -1
    criterion = get_loss("ce").criterion(reduction=reduction)
    criterion.set_class_weights(weights)
    torchs = torch.nn.CrossEntropyLoss(weight=weights, ignore_index=-1, label_smoothing=0.1, reduction=reduction)
    ours, theirs = softened(criterion, logits, targets, smoothing=0.1), torchs(logits, targets)
    torch.testing.assert_close(ours, theirs)
    ours.backward()
    mine, logits.grad = logits.grad, None
    theirs.backward()
    torch.testing.assert_close(mine, logits.grad)


def test_a_smoothed_class_of_weight_zero_is_torchs_too() -> None:
    weights = torch.tensor([0.0, 1.0, 2.0, 1.0], dtype=torch.float64)
    criterion = get_loss("ce").criterion()
    criterion.set_class_weights(weights)
    torchs = torch.nn.CrossEntropyLoss(weight=weights, label_smoothing=0.2)
    torch.testing.assert_close(softened(criterion, LOGITS, INDICES, smoothing=0.2), torchs(LOGITS, INDICES))


def test_smoothed_cells_are_weighed_by_class() -> None:
    criterion = get_loss("bce").criterion()
    criterion.set_class_weights(WEIGHTS)
    value = softened(criterion, LOGITS, HOT, smoothing=0.2)
    torch.testing.assert_close(value, BCE(LOGITS, HOT * 0.8 + 0.1, weight=WEIGHTS))


@pytest.mark.parametrize("key", [s.key for s in all_losses() if not why_not_smoothing(s)])
def test_smoothing_mixes_the_losses_of_the_hard_labels(key: str) -> None:
    """Label by label, each alone in its batch position: what the sentence in the docstring says."""
    spec = get_loss(key)
    none = spec.criterion(PRIOR, "none")
    criterion = spec.criterion(PRIOR, "sum")
    s = 0.3
    if spec.labels == "single":
        wanted = sum(
            (1 - s) * none(LOGITS[b : b + 1], INDICES[b : b + 1])
            + s / 4 * sum(none(LOGITS[b : b + 1], torch.tensor([c])) for c in range(4))
            for b in range(6)
        ).squeeze()
        value = softened(criterion, LOGITS, INDICES, smoothing=s)
    else:
        wanted = ((1 - s / 2) * none(LOGITS, HOT) + s / 2 * none(LOGITS, 1 - HOT)).sum()
        value = softened(criterion, LOGITS, HOT, smoothing=s)
    torch.testing.assert_close(value, wanted)


def test_both_at_once_is_bce_on_labels_softened_twice() -> None:
    value = softened(get_loss("bce").criterion(), LOGITS, HOT, mix=Mix(0.6, ORDER), smoothing=0.2)
    soft = HOT * 0.8 + 0.1
    torch.testing.assert_close(value, BCE(LOGITS, 0.6 * soft + 0.4 * soft[ORDER]))


def test_unknown_labels_stay_unknown() -> None:
    targets = HOT.clone()
    targets[2, 1], targets[5] = torch.nan, torch.nan
    logits = LOGITS.clone().requires_grad_()
    softened(get_loss("bce").criterion(), logits, targets, smoothing=0.2).backward()
    assert (logits.grad[targets.isnan()] == 0).all()
    assert (logits.grad[~targets.isnan()] != 0).all()
    logits.grad = None
    softened(get_loss("bce").criterion(), logits, targets, mix=Mix(0.5, ORDER), smoothing=0.2).backward()
    neither = targets.isnan() & targets[ORDER].isnan()
    assert (logits.grad[neither] == 0).all()
    single = INDICES.clone()
    single[4] = -1
    logits.grad = None
    softened(get_loss("ce").criterion(), logits, single, smoothing=0.2).backward()
    assert (logits.grad[4] == 0).all()


def test_who_is_refused_and_why() -> None:
    mixup = {s.key: why_not_mixup(s) for s in all_losses()}
    smoothing = {s.key: why_not_smoothing(s) for s in all_losses()}
    assert {k for k, why in mixup.items() if why} == {"equalization_v2", "droploss", "sampled_bce", "two_way"}
    assert {k for k, why in smoothing.items() if why} == {
        *("equalization_v2", "droploss", "sampled_bce", "two_way", "zlpr", "multilabel_logistic"),
        *("asl_single", "ral_single"),  # smooth labels themselves
        *("db", "equalization"),  # a cell's weight comes from the other labels of its image
        *("seesaw", "balanced_ce", "class_balanced_ce", "lmf"),  # a row's weight from the other images' classes
    }
    for key, why in [*mixup.items(), *smoothing.items()]:
        assert not why or (why.startswith(f"{key} ") and "=0" in why and "\n" not in why)


def test_what_allows_smoothing_depends_on_the_values() -> None:
    db, balanced = get_loss("db"), get_loss("class_balanced")
    assert not why_not_smoothing(db, {"rebalance": False})
    assert not why_not_smoothing(balanced, {"mode": "by_class"})
    assert "other labels of its image" in why_not_smoothing(balanced, {"mode": "average_n"})


def test_smoothing_out_of_range_is_refused() -> None:
    with pytest.raises(Invalid, match=r"label smoothing must be in \[0, 1\), got 1"):
        softened(get_loss("bce").criterion(), LOGITS, HOT, smoothing=1.0)
