"""Pull and push of each class against autograd taken by hand, and against the memory of EQL v2."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from lt_core.losses import all_losses, get_loss
from lt_core.problems import Problem
from lt_core.stats import ClassPrior
from lt_core.training.gradient_monitor import GradientMonitor
from lt_core.training.softening import Mix, softened

COUNTS = (60, 25, 8, 3)
PRIOR = ClassPrior(COUNTS, 100)


def _batch(seed: int, labels: str = "multi", rows: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(rows, 4, generator=generator, dtype=torch.float64)
    if labels == "single":
        return logits, torch.randint(4, (rows,), generator=generator)
    return logits, (torch.rand(rows, 4, generator=generator) < 0.4).double()


def _by_hand(criterion: nn.Module, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> np.ndarray:
    sums = np.zeros((2, 4))
    for logits, targets in batches:
        z = logits.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(criterion(z, targets), z)
        for b, c in np.ndindex(6, 4):
            there = float(targets[b, c]) if targets.ndim == 2 else float(targets[b] == c)
            if targets.ndim == 1 and targets[b] == -1:
                there = np.nan
            if not np.isnan(there):
                sums[int(1 - there), c] += abs(float(gradient[b, c]))
    return sums


@pytest.mark.parametrize("key", ["bce", "asl", "ral", "two_way", "zlpr", "ce", "ldam", "seesaw"])
def test_sums_equal_autograd_by_hand(key: str) -> None:
    spec = get_loss(key)
    batches = [_batch(seed, spec.labels) for seed in range(3)]
    if spec.labels == "single":
        batches[1][1][2] = -1
    else:
        batches[1][1][2, 1] = torch.nan
    criterion, monitor = spec.criterion(PRIOR), GradientMonitor(4)
    for logits, targets in batches:
        z = logits.clone().requires_grad_()
        monitor.watch(z, targets)
        criterion(z, targets).backward()
    seen = monitor.taken()
    wanted = _by_hand(criterion, batches)
    np.testing.assert_allclose([seen["pull"], seen["push"]], wanted, rtol=1e-5)
    np.testing.assert_allclose(seen["ratio"], wanted[0] / wanted[1], rtol=1e-5)
    json.dumps(seen, allow_nan=False)


def test_for_eql_v2_it_is_the_loss_own_statistic() -> None:
    criterion, monitor = get_loss("equalization_v2").criterion(PRIOR, "sum"), GradientMonitor(4)
    for seed in range(4):
        logits, targets = _batch(seed)
        z = logits.requires_grad_()
        monitor.watch(z, targets)
        criterion(z, targets).backward()
    seen = monitor.taken()
    for name in ("pull", "push", "ratio"):
        np.testing.assert_allclose(seen[name], criterion.state[name], rtol=1e-5)


def test_watching_changes_no_bit_of_the_training() -> None:
    def steps(watched: bool) -> torch.Tensor:
        torch.manual_seed(0)
        model, monitor = nn.Linear(5, 4), GradientMonitor(4)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for seed in range(4):
            x, y = torch.randn(6, 5), _batch(seed)[1].float()
            logits = model(x)
            if watched:
                monitor.watch(logits, y)
            optimizer.zero_grad()
            get_loss("asl").criterion()(logits, y).backward()
            optimizer.step()
        return model.weight.detach()

    assert torch.equal(steps(True), steps(False))


def test_a_batch_in_pieces_is_the_whole_batch() -> None:
    whole, pieces = GradientMonitor(4), GradientMonitor(4)
    criterion = get_loss("bce").criterion(reduction="sum")
    logits, targets = _batch(0)
    z = logits.clone().requires_grad_()
    whole.watch(z, targets)
    criterion(z, targets).backward()
    for part in (slice(0, 2), slice(2, 6)):
        z = logits[part].clone().requires_grad_()
        pieces.watch(z, targets[part])
        criterion(z, targets[part]).backward()
    one, other = whole.taken(), pieces.taken()
    assert one["pull"] == pytest.approx(other["pull"], rel=1e-6)
    assert one["push"] == pytest.approx(other["push"], rel=1e-6)


def test_a_gradient_taken_by_itself_is_seen_as_well() -> None:
    # Where a batch goes through in pieces, the gradient of the logits is asked for with torch.autograd.grad.
    logits, targets = _batch(0)
    monitor, criterion = GradientMonitor(4), get_loss("asl").criterion()
    z = logits.clone().requires_grad_()
    monitor.watch(z, targets)
    torch.autograd.grad(criterion(z, targets), z)
    seen = monitor.taken()
    np.testing.assert_allclose([seen["pull"], seen["push"]], _by_hand(criterion, [(logits, targets)]), rtol=1e-5)


@pytest.mark.parametrize("as_tensor", [True, False])
def test_a_scaled_loss_counts_as_it_is_and_an_overflow_not_at_all(as_tensor: bool) -> None:
    plain, scaled = GradientMonitor(4), GradientMonitor(4)
    logits, targets = _batch(1)
    scale = torch.tensor(1024.0) if as_tensor else 1024.0
    for monitor, factor in ((plain, 1.0), (scaled, scale)):
        z = logits.clone().requires_grad_()
        monitor.watch(z, targets, scale=factor)
        (get_loss("bce").criterion()(z, targets) * factor).backward()
    gradient = torch.zeros(6, 4)
    gradient[2, 1] = torch.inf  # the scaler leaves out this step
    gradient[0, 0] = 7.0
    scaled.add(gradient, targets, scale=scale)
    one, other = plain.taken(), scaled.taken()
    assert one["pull"] == pytest.approx(other["pull"], rel=1e-6)
    assert one["push"] == pytest.approx(other["push"], rel=1e-6)


def test_half_precision_gradients_are_summed_without_loss() -> None:
    monitor = GradientMonitor(1)
    ones, targets = torch.ones(4096, 1, dtype=torch.bfloat16), torch.ones(4096, 1)
    for _ in range(50):
        monitor.add(ones, targets)
    assert monitor.taken()["pull"] == [50 * 4096.0]


def test_mixed_labels_count_in_part_for_each_side() -> None:
    logits, targets = _batch(2)
    mix = Mix(0.25, torch.tensor([1, 2, 3, 4, 5, 0]))
    z = logits.clone().requires_grad_()
    monitor = GradientMonitor(4)
    monitor.watch(z, mix.labels(targets, 4))
    softened(get_loss("bce").criterion(), z, targets, mix=mix).backward()
    seen, soft = monitor.taken(), 0.25 * targets + 0.75 * targets[mix.order]
    np.testing.assert_allclose(seen["pull"], (soft * z.grad.abs()).sum(0), rtol=1e-5)
    np.testing.assert_allclose(seen["push"], ((1 - soft) * z.grad.abs()).sum(0), rtol=1e-5)


def test_each_epoch_begins_anew_and_without_push_there_is_no_ratio() -> None:
    monitor = GradientMonitor(2)
    monitor.add(torch.tensor([[-0.5, 0.25]]), torch.tensor([[1.0, 0.0]]))
    assert monitor.taken() == {"pull": [0.5, 0.0], "push": [0.0, 0.25], "ratio": [None, 0.0]}
    assert monitor.taken() == {"pull": [0.0, 0.0], "push": [0.0, 0.0], "ratio": [None, None]}


def test_the_sums_go_through_a_checkpoint() -> None:
    one, other = GradientMonitor(4), GradientMonitor(4)
    one.add(*_batch(3))
    other.load_state(one.state())
    for monitor in (one, other):
        monitor.add(*_batch(4))
    assert one.taken() == other.taken()
    with pytest.raises(Problem, match="another number of classes"):
        GradientMonitor(3).load_state(one.state())


def test_every_loss_can_be_watched() -> None:
    for spec in all_losses():
        logits, targets = _batch(5, spec.labels)
        monitor = GradientMonitor(4)
        z = logits.requires_grad_()
        monitor.watch(z, targets)
        spec.criterion(PRIOR)(z, targets).backward()
        seen = monitor.taken()
        assert sum(seen["pull"]) > 0, spec.key
        assert sum(seen["pull"]) + sum(seen["push"]) == pytest.approx(float(z.grad.abs().sum()), rel=1e-5), spec.key
