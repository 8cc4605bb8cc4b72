"""The single-label losses against PyTorch, timm and plain numpy, away from their defaults, and the laws they obey."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lt_core.losses import LossSpec, all_losses, get_loss
from lt_core.stats import ClassPrior
from tests.losses.agreement import assert_same, with_gradient

Make = Callable[..., tuple[Tensor, Tensor]]
COUNTS = np.array([600.0, 300.0, 120.0, 40.0, 12.0, 3.0])


def effective_weights(counts: np.ndarray, beta: float) -> np.ndarray:
    weights = (1 - beta) / (1 - beta**counts)
    return weights / weights.sum() * len(counts)


@pytest.mark.parametrize(
    ("key", "values", "weights"),
    [
        ("balanced_ce", {}, (1 - COUNTS / COUNTS.sum()) / 5),
        ("class_balanced_ce", {"beta": 0.0}, np.ones(6)),
        ("class_balanced_ce", {"beta": 0.9}, effective_weights(COUNTS, 0.9)),
        ("class_balanced_ce", {"beta": 0.9999}, effective_weights(COUNTS, 0.9999)),
    ],
)
def test_weighted_losses_are_torch_cross_entropy_with_weights(
    key: str, values: dict[str, float], weights: np.ndarray, prior: ClassPrior, batch: Make
) -> None:
    logits, targets = batch("single", rows=9)
    targets[2] = -1
    theirs = torch.nn.CrossEntropyLoss(weight=torch.from_numpy(weights), ignore_index=-1)
    criterion = get_loss(key).criterion(prior, **values)
    assert_same(lambda z: criterion(z, targets), lambda z: theirs(z, targets), logits)


@pytest.mark.parametrize("beta", [1e-9, 0.5, 0.99999])
def test_effective_numbers_lose_no_digits_in_single_precision(beta: float) -> None:
    """1 - beta^n cancels for beta near 1; the sum 1 + beta + beta^2 + ... does not."""
    counts = np.array([1.0, 2.0, 30.0, 4e3, 2e5])
    effective = np.array([(beta ** np.arange(n)).sum() for n in counts])
    wanted = (1 / effective) / (1 / effective).sum() * len(counts)
    (reading,) = get_loss("class_balanced_ce").readings
    for dtype, rtol in ((torch.float64, 1e-11), (torch.float32, 3e-6)):
        weights = reading.function(counts=torch.tensor(counts, dtype=dtype), beta=beta)
        assert weights.dtype == dtype
        np.testing.assert_allclose(weights.numpy(), wanted, rtol=rtol)


def test_a_beta_of_zero_may_be_a_tensor_and_has_a_slope() -> None:
    (reading,) = get_loss("class_balanced_ce").readings
    beta = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    weights = reading.function(counts=torch.tensor([5.0, 1.0, 9.0]), beta=beta)
    assert torch.equal(weights, torch.ones(3))
    weights[0].backward()
    assert beta.grad.isfinite()


def test_a_single_class_has_weight_one_and_no_loss() -> None:
    prior, logits = ClassPrior([7], 7), torch.tensor([[-3.0], [5.0]])
    for key in ("balanced_ce", "class_balanced_ce"):
        spec = get_loss(key)
        assert spec.readings[0].function(counts=torch.tensor([7.0]), **spec.defaults) == 1
        assert torch.equal(spec.bind(prior)(logits, torch.tensor([0, 0])), torch.zeros(2))


@pytest.mark.parametrize("key", ["balanced_ce", "class_balanced_ce"])
def test_rarer_classes_weigh_more(key: str) -> None:
    spec = get_loss(key)
    weights = spec.readings[0].function(counts=torch.from_numpy(COUNTS), **spec.defaults)
    assert (weights.diff() > 0).all()
    torch.testing.assert_close(weights.sum().item(), {"balanced_ce": 1.0, "class_balanced_ce": 6.0}[key])


@pytest.mark.parametrize("tau", [0.0, 0.3, 1.0, 3.0])
def test_shifted_losses_are_torch_cross_entropy_of_shifted_logits(tau: float, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("single", spread=6.0)
    criterion = get_loss("logit_adjusted_ce").criterion(prior, tau=tau)
    shift = tau * torch.from_numpy(np.log(COUNTS / COUNTS.sum()))
    assert_same(lambda z: criterion(z, targets), lambda z: cross_entropy(z + shift, targets), logits)
    balanced = get_loss("balanced_softmax").criterion(prior)
    logged = torch.from_numpy(np.log(COUNTS))
    assert_same(lambda z: balanced(z, targets), lambda z: cross_entropy(z + logged, targets), logits)


def test_balanced_softmax_of_equal_counts_is_ce(batch: Make) -> None:
    logits, targets = batch("single", spread=6.0)
    ours, ce = get_loss("balanced_softmax").bind(ClassPrior([50] * 6, 300)), get_loss("ce").bind()
    assert_same(lambda z: ours(z, targets), lambda z: ce(z, targets), logits)


@pytest.mark.parametrize("key", ["balanced_softmax", "logit_adjusted_ce"])
def test_only_the_ratios_of_counts_matter(key: str, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("single")
    tenfold = get_loss(key).bind(ClassPrior(10 * COUNTS, 20000))
    torch.testing.assert_close(tenfold(logits, targets), get_loss(key).bind(prior)(logits, targets))


@pytest.mark.parametrize("key", ["balanced_softmax", "logit_adjusted_ce"])
def test_equal_logits_are_at_rest_if_the_batch_has_the_shares_of_the_prior(key: str) -> None:
    """Without any evidence the best bare logits are equal ones, however long the tail: the balanced optimum."""
    counts = [6, 3, 1]
    targets = torch.repeat_interleave(torch.arange(3), torch.tensor(counts))
    criterion = get_loss(key).criterion(ClassPrior(counts, 10))
    _, gradient = with_gradient(lambda z: criterion(z.expand(10, 3), targets), torch.zeros(1, 3, dtype=torch.float64))
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-15)


def test_the_shifts_shown_are_those_of_the_loss() -> None:
    counts = torch.from_numpy(COUNTS)
    (balanced,), (adjusted,) = get_loss("balanced_softmax").readings, get_loss("logit_adjusted_ce").readings
    np.testing.assert_allclose(balanced.function(counts=counts).numpy(), np.log(COUNTS), rtol=1e-14)
    np.testing.assert_allclose(adjusted.function(counts=counts, tau=2.0).numpy(), 2 * np.log(COUNTS / 1075), rtol=1e-14)


@pytest.mark.parametrize("key", ["ldam", "lmf"])
def test_the_margins_shown_are_those_of_the_paper(key: str, prior: ClassPrior) -> None:
    (reading,) = get_loss(key).readings
    margins = reading.function(counts=torch.from_numpy(COUNTS), max_margin=0.4).numpy()
    np.testing.assert_allclose(margins, 0.4 * (3 / COUNTS) ** 0.25, rtol=1e-14)


@pytest.mark.parametrize("spec", [s for s in all_losses() if s.labels == "single"], ids=lambda spec: spec.key)
def test_readings_ask_for_what_the_loss_has(spec: LossSpec) -> None:
    for reading in spec.readings:
        assert reading.asks <= spec.data | set(spec.defaults)
        assert reading.help


@pytest.mark.parametrize("gamma", [0.0, 0.4, 2.0, 5.0])
def test_focal_ce_is_its_formula_in_numpy(gamma: float, batch: Make) -> None:
    logits, targets = batch("single")
    z, t = logits.numpy(), targets.numpy()
    p_t = (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))[np.arange(len(t)), t]
    rows = get_loss("focal_ce").bind(gamma=gamma)(logits, targets)
    np.testing.assert_allclose(rows.numpy(), (1 - p_t) ** gamma * -np.log(p_t), rtol=1e-12)


@pytest.mark.parametrize("beta", [0.7, 3.0])
def test_lmf_without_its_margin_part_is_beta_times_focal_weighted_by_margins(
    beta: float, prior: ClassPrior, batch: Make
) -> None:
    logits, targets = batch("single", spread=4.0)
    margins = get_loss("lmf").readings[0].function(counts=torch.from_numpy(COUNTS), max_margin=0.4)[targets]
    lmf = get_loss("lmf").bind(prior, alpha=0.0, beta=beta, gamma=1.3, max_margin=0.4)
    focal = get_loss("focal_ce").bind(gamma=1.3)
    assert_same(lambda z: lmf(z, targets), lambda z: beta * margins * focal(z, targets), logits)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
@pytest.mark.parametrize(("gamma_pos", "gamma_neg"), [(0.0, 4.0), (1.0, 2.0), (2.5, 0.0)])
def test_asl_single_agrees_with_timm(gamma_pos: float, gamma_neg: float, smoothing: float, batch: Make) -> None:
    timm_loss = pytest.importorskip("timm.loss")
    logits, targets = batch("single")
    theirs = timm_loss.AsymmetricLossSingleLabel(gamma_pos, gamma_neg, eps=smoothing)
    ours = get_loss("asl_single").criterion(gamma_pos=gamma_pos, gamma_neg=gamma_neg, smoothing=smoothing)
    assert_same(lambda z: ours(z, targets), lambda z: theirs(z, targets), logits, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("key", ["asl_single", "ral_single"])
def test_without_focusing_it_is_torch_cross_entropy_with_label_smoothing(
    key: str, smoothing: float, batch: Make
) -> None:
    logits, targets = batch("single", spread=6.0)
    ours = get_loss(key).criterion(gamma_pos=0.0, gamma_neg=0.0, smoothing=smoothing)
    assert_same(
        lambda z: ours(z, targets), lambda z: cross_entropy(z, targets, label_smoothing=smoothing), logits, rtol=1e-12,
        atol=1e-14,
    )  # fmt: skip


@pytest.mark.parametrize("epsilon", [-1.0, 0.0, 1.0, 6.0])
def test_poly1_agrees_with_timm(epsilon: float, batch: Make) -> None:
    timm_loss = pytest.importorskip("timm.loss.poly_loss")
    logits, targets = batch("single")
    theirs = timm_loss.PolyCrossEntropy(epsilon=epsilon)
    ours = get_loss("poly1_ce").criterion(epsilon=epsilon)
    assert_same(
        lambda z: ours(z, targets), lambda z: theirs(z, targets), logits.float(), rtol=1e-5, atol=1e-6
    )  # timm computes in float32


def test_poly1_changes_the_slope_at_a_sure_answer_by_epsilon() -> None:
    """Near p = 1 cross-entropy is 1 - p to first order, so Poly-1 is (1 + epsilon) times that."""
    logits = torch.tensor([[18.0, 0.0]], dtype=torch.float64)
    for epsilon in (0.5, 6.0):
        ratio = get_loss("poly1_ce").bind(epsilon=epsilon)(logits, torch.tensor([0])) / np.exp(-18)
        torch.testing.assert_close(ratio.item(), 1 + epsilon, rtol=1e-7, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "key", ["ce", "focal_ce", "poly1_ce", "balanced_softmax", "logit_adjusted_ce", "seesaw", "asl_single", "ral_single"]
)
def test_a_badly_wrong_answer_is_still_corrected(key: str, dtype: torch.dtype) -> None:
    """At p_t = e^-100 the right logit is pulled with slope -1 and the wrong one pushed with slope 1."""
    values = {"smoothing": 0.0} if "smoothing" in get_loss(key).defaults else {}
    logits = torch.tensor([[-50.0, 50.0]], dtype=dtype)
    bound = get_loss(key).bind(ClassPrior([5, 9], 14), **values)
    _, gradient = with_gradient(lambda z: bound(z, torch.tensor([0])), logits)
    torch.testing.assert_close(gradient, torch.tensor([[-1.0, 1.0]], dtype=dtype), rtol=1e-6, atol=0)
