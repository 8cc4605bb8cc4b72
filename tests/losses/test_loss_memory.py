"""Losses that draw, and the one that remembers: golden values, draws against their mean, state in and out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lt_core.losses import Criterion, get_loss
from lt_core.params import Value
from lt_core.stats import ClassPrior

GOLDEN = Path(__file__).resolve().parents[2].parent / "shared" / "golden"
Make = Callable[..., tuple[Tensor, Tensor]]
golden = pytest.mark.skipif(not (GOLDEN / "cases.json").is_file(), reason="the folder ../shared/golden is not here")
RANDOM: list[tuple[str, dict[str, Value]]] = [
    ("droploss", {"expected": False, "threshold": 0.2}),
    ("sampled_bce", {}),
    ("sampled_bce", {"sampling": "prior", "weighting": "relative", "m": 3, "tau": 0.5}),
]
random = pytest.mark.parametrize(("key", "values"), RANDOM)


def read(name: str) -> dict[str, Any]:
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


@golden
@pytest.mark.parametrize("case", ["mixed", "allbackground", "nobackground"])
def test_droploss_equals_the_authors_code(case: str) -> None:
    """Their class 6 is the background: a row of zeros."""
    a = read("droploss")
    kept = torch.tensor(a[f"{case}__weight_f64"])
    hot = torch.tensor(np.eye(7)[a[f"{case}__gt_classes"]][:, :6])
    logits = torch.tensor(a[f"{case}__logits"], requires_grad=True)
    prior = ClassPrior(np.round(a["freq_info"] * 1000), 1000)
    loss = get_loss("droploss").criterion(prior)(logits, hot, keep=kept)
    loss.backward()
    np.testing.assert_allclose(loss.item(), a[f"{case}__loss_f64"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(logits.grad, a[f"{case}__grad_f64"], rtol=1e-9, atol=1e-12)
    mean = get_loss("droploss").bind(prior)(torch.zeros(hot.shape).double(), hot) / np.log(2)
    sure = (mean == 0) | (mean == 1)  # what is not left to chance, they weigh alike
    assert torch.equal(mean[sure], kept[sure])
    rare = int(hot[:, a["freq_info"] < 0.05].sum())
    torch.testing.assert_close(mean[~sure], torch.full_like(mean[~sure], rare / max(int(hot.sum()), 1)))


@golden
@pytest.mark.parametrize("case", ["normal", "extreme50", "degenerate"])
@pytest.mark.parametrize("functional", [True, False])
def test_equalization_v2_equals_three_steps_of_the_authors_code(case: str, functional: bool) -> None:
    """Their value has a constant background column besides, softplus(-1) a step."""
    a = read("eqlv2_3steps")
    spec = get_loss("equalization_v2")
    prior = ClassPrior(a[f"{case}__class_freq"], 1000)
    logits, targets = torch.tensor(a[f"{case}__logits"], requires_grad=True), torch.tensor(a[f"{case}__targets"])
    bound, criterion = spec.bind(prior), spec.criterion(prior)
    state, total = None, torch.zeros(())
    for step in range(3):
        if functional:
            cells, state = bound(logits + 0.3 * step, targets, state=state)
            total = total + cells.sum() / len(logits)
        else:
            total = total + criterion(logits + 0.3 * step, targets)
    total.backward()
    background = 3 * np.log1p(np.exp(-1))
    np.testing.assert_allclose(total.item() + background, a[f"{case}__loss_f64"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(logits.grad, a[f"{case}__grad_f64"], rtol=1e-9, atol=1e-12)


@random
def test_draws_average_to_the_mean_over_them(
    key: str, values: dict[str, Value], prior: ClassPrior, batch: Make
) -> None:
    logits, targets = batch("multi")
    criterion = get_loss(key).criterion(prior, reduction="none", **values).eval()
    mean = criterion(logits, targets)
    generator = torch.Generator().manual_seed(3)
    draws = torch.stack([criterion(logits, targets, generator=generator) for _ in range(600)])
    error = draws.std(dim=0) / 600**0.5
    assert (error > 0).any()
    assert ((draws.mean(dim=0) - mean).abs() <= 5 * error + 1e-12).all()


@random
def test_one_seed_is_one_draw_and_torch_is_left_alone(
    key: str, values: dict[str, Value], prior: ClassPrior, batch: Make
) -> None:
    logits, targets = batch("multi")
    criterion = get_loss(key).criterion(prior, **values)
    before = torch.get_rng_state()
    first, again, other = (criterion(logits, targets, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    criterion.eval()
    assert torch.equal(criterion(logits, targets), criterion(logits, targets))
    assert torch.equal(torch.get_rng_state(), before)


@random
def test_unknown_labels_are_not_drawn_for(key: str, values: dict[str, Value], prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    targets[0, 5] = targets[3] = torch.nan
    leaf = logits.requires_grad_()
    loss = get_loss(key).criterion(prior, **values)(leaf, targets, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(loss, leaf)
    assert (gradient[targets.isnan()] == 0).all()
    assert gradient.isfinite().all()


def test_droploss_draws_from_torch_where_it_is_told_to_and_has_no_generator(prior: ClassPrior, batch: Make) -> None:
    data = batch("multi")
    values: dict[str, Value] = {"threshold": 0.2}
    drawn = get_loss("droploss").criterion(prior, expected=False, **values)
    torch.manual_seed(5)
    first = drawn(*data)
    torch.manual_seed(5)
    assert torch.equal(first, drawn(*data))
    mean = get_loss("droploss").criterion(prior, **values)
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(mean(*data), mean(*data, generator=generator))
    assert not torch.equal(first, mean(*data))


def test_a_given_draw_is_the_one_that_counts(prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    bce = get_loss("bce").bind()(logits, targets)
    sampled = torch.arange(6.0, dtype=torch.float64).expand(7, 6)
    cells = get_loss("sampled_bce").bind(prior)(logits, targets, sampled=sampled)
    torch.testing.assert_close(cells, bce * torch.where(targets > 0, 1.0, sampled))
    keep = torch.where(targets > 0, 1.0, 0.25)
    for expected in (True, False):
        kept = get_loss("droploss").bind(prior, expected=expected)(logits, targets, keep=keep)
        torch.testing.assert_close(kept, keep * bce)
    generator = torch.Generator().manual_seed(4)
    get_loss("sampled_bce").bind(prior)(logits, targets, sampled=sampled, generator=generator)
    assert torch.equal(generator.get_state(), torch.Generator().manual_seed(4).get_state())


def test_sampled_bce_draws_m_classes_for_every_image(prior: ClassPrior) -> None:
    """An image without labels has every draw among its negatives; by prior they follow the counts."""
    spec = get_loss("sampled_bce")
    logits, targets = torch.zeros(400, 6), torch.zeros(400, 6)
    cells = spec.bind(prior, sampling="prior", m=50)(logits, targets, generator=torch.Generator().manual_seed(1))
    times = cells.double().numpy() / np.log(2)
    np.testing.assert_allclose(times.sum(axis=1), 50, rtol=1e-5)
    q = prior.counts / prior.counts.sum()
    assert (np.abs(times.mean(axis=0) - 50 * q) < 5 * np.sqrt(50 * q * (1 - q) / 400)).all()


def weights(criterion: Criterion) -> tuple[Tensor, Tensor]:
    """Return w+ and w- (C,) as the criterion has them now."""
    criterion.eval()
    zero = torch.zeros(1, 6, dtype=torch.float64)
    both = tuple(criterion.bound(zero, torch.full_like(zero, y), state=criterion.state)[0][0] for y in (1, 0))
    criterion.train()
    return both[0] / np.log(2), both[1] / np.log(2)


def test_the_memory_is_saved_restored_and_left_alone_in_evaluation(prior: ClassPrior, batch: Make) -> None:
    spec, (logits, targets) = get_loss("equalization_v2"), batch("multi")
    criterion, other = spec.criterion(prior), spec.criterion(prior)
    assert set(criterion.state_dict()) == {"pull", "push", "ratio"}
    fresh = {name: entry.clone() for name, entry in criterion.state_dict().items()}
    assert (fresh["ratio"] == 100).all()
    criterion.eval()(logits, targets)
    criterion.train()(logits, targets, state=criterion.state)
    torch.testing.assert_close(dict(criterion.state_dict()), fresh)
    first = criterion(logits, targets)
    torch.testing.assert_close(first, get_loss("bce").criterion(reduction="batch")(logits, targets))
    second = criterion(logits, targets)
    assert not torch.equal(first, second)
    other.load_state_dict(criterion.state_dict())
    torch.testing.assert_close(other(logits, targets), criterion(logits, targets), rtol=0, atol=0)
    for name, entry in criterion.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], entry, rtol=0, atol=0)


def test_no_state_is_the_start(prior: ClassPrior, batch: Make) -> None:
    bound, data = get_loss("equalization_v2").bind(prior), batch("multi")
    cells, after = bound(*data, state=None)
    same, again = bound(*data, state=bound.start_state())
    torch.testing.assert_close((cells, after), (same, again), rtol=0, atol=0)
    assert torch.equal(cells, bound(*data))


def test_the_memory_balances_pull_and_push(prior: ClassPrior) -> None:
    """Pushed far more than pulled, a class's negatives come to weigh little and its positives 1 + alpha."""
    criterion = get_loss("equalization_v2").criterion(prior)
    targets = torch.zeros(20, 6)
    targets[:10, 0] = targets[:19, 1] = targets[:1, 2] = 1
    criterion(torch.zeros(20, 6, dtype=torch.float64), targets)
    g = np.array([10 / 10, 19 / 1, 1 / 19, 0, 0, 0])
    np.testing.assert_allclose(criterion.state["ratio"], g, rtol=1e-9, atol=1e-12)
    negative = 1 / (1 + np.exp(-12 * (g - 0.8)))
    positive, negatives = weights(criterion)
    np.testing.assert_allclose(negatives, negative, rtol=1e-7)
    np.testing.assert_allclose(positive, 1 + 4 * (1 - negative), rtol=1e-7)


def test_unknown_labels_are_not_remembered(prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    hidden = targets.clone()
    hidden[2] = hidden[:, 4] = torch.nan
    criterion, fewer = (get_loss("equalization_v2").criterion(prior) for _ in range(2))
    criterion(logits, hidden)
    kept = [0, 1, 3, 4, 5, 6]
    fewer(logits[kept], targets[kept])
    known = [0, 1, 2, 3, 5]
    torch.testing.assert_close(criterion.state["ratio"][known], fewer.state["ratio"][known])
    assert criterion.state["ratio"][4] == 100
    assert criterion.state["pull"][4] == criterion.state["push"][4] == 0


def test_the_state_for_plots_is_one_look_at_the_training_part_with_every_logit_zero() -> None:
    memory = get_loss("equalization_v2").memory
    assert memory is not None
    counts = torch.tensor([9.0, 4.0, 1.0], dtype=torch.float64)
    targets = (torch.arange(10)[:, None] < counts).double()
    once = memory.update(
        memory.start(counts),
        torch.zeros(10, 3).double(),
        targets,
        torch.ones(10, 3),
        **get_loss("equalization_v2").defaults,
    )
    torch.testing.assert_close(memory.sketch(counts, torch.tensor(10.0)), once)
    edge = memory.sketch(torch.tensor([10.0, 1.0]), torch.tensor(10.0))
    assert all(entry.isfinite().all() for entry in edge.values())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_memory_keeps_its_precision(dtype: torch.dtype, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    criterion = get_loss("equalization_v2").criterion(prior)
    for _ in range(3):
        criterion(logits.to(dtype), targets)
    assert all(entry.dtype == torch.float64 and entry.isfinite().all() for entry in criterion.state.values())
