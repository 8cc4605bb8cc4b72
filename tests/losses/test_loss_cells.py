"""Laws of the losses that are a sum over cells, and other people's code and plain numpy beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lt_core.losses import get_loss
from lt_core.params import Value
from lt_core.stats import ClassPrior

Make = Callable[..., tuple[Tensor, Tensor]]
GRID = torch.linspace(-12, 12, 97, dtype=torch.float64)[:, None]
PRESENT, ABSENT = torch.ones_like(GRID), torch.zeros_like(GRID)


def curve(key: str, targets: Tensor, prior: ClassPrior | None = None, **values: Any) -> tuple[Tensor, Tensor]:
    """Return value and gradient over ``GRID`` for one class, whose label is ``targets``."""
    epoch = values.pop("epoch", 0)
    logits = GRID.clone().requires_grad_()
    cells = get_loss(key).bind(prior, epoch=epoch, **values)(logits, targets)
    (slope,) = torch.autograd.grad(cells.sum(), logits)
    return cells.detach(), slope


def margins_of(counts: np.ndarray, largest: float) -> np.ndarray:
    return largest * (counts.min() / counts) ** 0.25


def bce_of(z: Any, y: Any) -> Any:
    return np.logaddexp(0, np.where(np.asarray(y) > 0, -z, z))


@pytest.mark.parametrize(("eps_pos", "eps_pos_pow"), [(1.0, -2.5), (0.0, 0.0), (-1.5, 3.0)])
def test_apl_changes_the_first_two_terms_of_the_logarithm(eps_pos: float, eps_pos_pow: float) -> None:
    """-log p is the sum of (1-p)^m / m; APL's weights are 1 - eps_1, 1/2 - eps_2/2, 1/3, 1/4 ..."""
    z = np.linspace(-0.5, 4, 10)
    u = 1 / (1 + np.exp(z))
    series = (1 - eps_pos) * u + (0.5 - eps_pos_pow / 2) * u**2 + sum(u**m / m for m in range(3, 90))
    logits = torch.from_numpy(z)[:, None]
    cells = get_loss("apl").bind(eps_pos=eps_pos, eps_pos_pow=eps_pos_pow)(logits, torch.ones_like(logits))
    np.testing.assert_allclose(cells[:, 0], series, rtol=1e-12)


def test_apl_blocks_the_gradient_of_its_focusing_weight() -> None:
    values: dict[str, Value] = {"gamma_pos": 1.5, "eps_pos": 0.0, "eps_pos_pow": 0.0}
    value, slope = curve("apl", PRESENT, **values)
    _, through = curve("apl", PRESENT, **values, detach_focus=False)
    torch.testing.assert_close(slope, -(torch.sigmoid(-GRID) ** 2.5), rtol=1e-9, atol=1e-15)
    torch.testing.assert_close(through, slope - 1.5 * torch.sigmoid(GRID) * value, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("lamb", [1.0, 1.2, 1.5, 2.0, 3.0])
def test_the_gradient_of_a_negative_under_hill(lamb: float) -> None:
    """p^2 (1 - p) (2 lambda - 3 p): from lambda 1.5 on never upwards, below it upwards where p > 2 lambda / 3."""
    _, slope = curve("hill", ABSENT, lamb=lamb)
    p, rest = torch.sigmoid(GRID), torch.sigmoid(-GRID)
    torch.testing.assert_close(slope, p**2 * rest * (2 * lamb - 3 + 3 * rest), rtol=1e-8, atol=1e-15)
    assert bool((slope < 0).any()) is (lamb < 1.5)
    if lamb == 1.5:
        assert GRID[slope.argmax()] == 0


def test_positives_under_hill_without_margin_and_focus_are_those_of_bce() -> None:
    here, there = curve("hill", PRESENT, margin=0.0, gamma=0.0), curve("bce", PRESENT)
    torch.testing.assert_close(here, there, rtol=1e-12, atol=1e-15)
    late, plain = curve("hill", PRESENT, margin=1.5)[0], curve("hill", PRESENT, margin=0.0)[0]
    torch.testing.assert_close(late[6:], plain[:-6], rtol=1e-12, atol=0)  # 6 steps of the grid are 1.5


@pytest.mark.parametrize(("epsilon", "gamma"), [(1.0, 2.0), (-0.5, 0.0), (6.0, 0.7)])
def test_poly1_focal_agrees_with_timm(epsilon: float, gamma: float, batch: Make) -> None:
    """timm's alpha weighs both parts: at alpha 1/2 its epsilon is twice ours."""
    timm_loss = pytest.importorskip("timm.loss.poly_loss")
    theirs = timm_loss.PolyBinaryCrossEntropy(2 * epsilon, gamma, alpha=0.5, reduction="none")
    logits, targets = batch("multi")
    cells = get_loss("poly1_focal").bind(epsilon=epsilon, gamma=gamma, alpha=0.5)(logits, targets)
    torch.testing.assert_close(cells.float(), theirs(logits, targets), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("max_weight", [1.0, 20.0, 1000.0])
def test_weighted_bce_agrees_with_torch_under_timms_weights(max_weight: float, prior: ClassPrior, batch: Make) -> None:
    weights_of = pytest.importorskip("timm.loss.class_weights").compute_class_weights
    kind, weights = weights_of(prior.positives.tolist(), prior.n_samples, "neg_pos", max_weight=max_weight)
    assert kind == "pos_weight"
    logits, targets = batch("multi")
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=weights.double())
    ours = get_loss("weighted_bce").criterion(prior, max_weight=max_weight)(logits, targets)
    torch.testing.assert_close(ours, wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize("key", ["weighted_bce", "logit_adjusted_bce"])
def test_the_best_constant_logit_is_zero_for_every_class(key: str, prior: ClassPrior) -> None:
    """Prevalence taken out: over all training images, positives and negatives of a class pull alike at z = 0."""
    logits = torch.zeros(prior.n_samples, prior.n_classes, dtype=torch.float64, requires_grad=True)
    targets = (torch.arange(prior.n_samples)[:, None] < torch.from_numpy(prior.positives)).double()
    values: dict[str, Value] = {"max_weight": 1000.0} if key == "weighted_bce" else {}
    get_loss(key).criterion(prior, reduction="sum", **values)(logits, targets).backward()
    torch.testing.assert_close(logits.grad.sum(dim=0), torch.zeros(6, dtype=torch.float64), rtol=0, atol=1e-9)


@pytest.mark.parametrize("tau", [0.5, 1.0, 3.0])
def test_logit_adjustment_is_bce_on_shifted_logits(tau: float, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    odds = prior.positives / (prior.n_samples - prior.positives)
    cells = get_loss("logit_adjusted_bce").bind(prior, tau=tau)(logits, targets)
    np.testing.assert_allclose(cells, bce_of(logits.numpy() + tau * np.log(odds), targets), rtol=1e-12)


def test_class_balanced_weighs_like_timm_up_to_a_factor(prior: ClassPrior, batch: Make) -> None:
    weights_of = pytest.importorskip("timm.loss.class_weights").compute_class_weights
    _, theirs = weights_of(prior.positives.tolist(), prior.n_samples, "effective_num", beta=0.99)
    logits, targets = batch("multi")
    cells = get_loss("class_balanced").bind(prior, beta=0.99, gamma=0.0)(logits, targets)
    ours = (cells / torch.from_numpy(bce_of(logits.numpy(), targets))).mean(dim=0)
    torch.testing.assert_close((ours / ours.mean()).float(), theirs, rtol=1e-5, atol=0)


@pytest.mark.parametrize("mode", ["average_n", "average_w", "min_n"])
@pytest.mark.parametrize("rows", [[], [5], [0, 3], [0, 1, 2, 3, 4, 5]])
def test_class_balanced_weights_of_an_image(mode: str, rows: list[int], prior: ClassPrior) -> None:
    """One weight for the whole image; without a label that of 100,000 images, in every mode."""
    own = prior.positives[rows] if rows else np.array([1e5])
    of = lambda n: (1 - 0.999) / (1 - 0.999**n)  # noqa: E731
    wanted = {"average_n": of(own.mean()), "average_w": of(own).mean(), "min_n": of(own.min())}[mode]
    targets = torch.zeros(1, 6, dtype=torch.float64)
    targets[0, rows] = 1
    values: dict[str, Value] = {"beta": 0.999, "gamma": 0.0, "balance": 1.0, "mode": mode}
    cells = get_loss("class_balanced").bind(prior, **values)(torch.zeros_like(targets), targets)
    np.testing.assert_allclose(cells.numpy(), np.full((1, 6), wanted * np.log(2)), rtol=1e-12)


def test_class_balanced_weights_at_both_ends_of_beta(prior: ClassPrior) -> None:
    """0: all alike; towards 1: inversely to the count, in single precision too."""
    targets, values = torch.zeros(1, 6), {"gamma": 0.0, "balance": 1.0}
    flat, steep = (
        get_loss("class_balanced").bind(prior, beta=beta, **values)(targets, targets)[0].numpy() / np.log(2)
        for beta in (0.0, 0.99999)
    )
    np.testing.assert_allclose(flat, 1, rtol=1e-6)
    exact = [0.00001 / -np.expm1(n * np.log1p(-0.00001)) for n in prior.positives]
    np.testing.assert_allclose(steep, exact, rtol=1e-6)
    np.testing.assert_allclose(steep * prior.positives, 1, rtol=4e-3)


def test_only_positives_have_a_margin_and_the_rarest_class_the_largest(prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    cells = get_loss("ldam_multilabel").bind(prior, max_margin=0.8, scale=5.0)(logits, targets)
    margins = margins_of(prior.positives, 0.8)
    np.testing.assert_allclose(cells, bce_of(5 * (logits.numpy() - margins * targets.numpy()), targets), rtol=1e-12)
    assert margins.argmax() == 5
    assert margins[5] == 0.8


def test_lmf_for_several_labels_without_its_focal_part_is_weighted_ldam(prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    values: dict[str, Value] = {"max_margin": 0.4, "scale": 7.0}
    cells = get_loss("ldam_multilabel").bind(prior, **values)(logits, targets).numpy()
    weights = np.broadcast_to(margins_of(prior.positives, 0.4), cells.shape)
    found = get_loss("lmf_multilabel").bind(prior, alpha=1.7, beta=0.0, **values)(logits, targets)
    np.testing.assert_allclose(found, 1.7 * weights * cells, rtol=1e-12)


def test_lmf_for_several_labels_without_its_margin_part_is_weighted_focal(prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    focal = get_loss("focal").bind(gamma=1.5, use_alpha=False)(logits, targets).numpy()
    cells = get_loss("lmf_multilabel").bind(prior, alpha=0.0, beta=2.0, max_margin=0.4)(logits, targets)
    np.testing.assert_allclose(cells, 2 * margins_of(prior.positives, 0.4) * focal, rtol=1e-12)


@pytest.mark.parametrize("tau", [0.3, 0.6, 0.95])
def test_splc_turns_only_above_tau_and_only_from_its_epoch_on(tau: float) -> None:
    focal = curve("focal", ABSENT, gamma=1.5, use_alpha=False)
    turned = curve("focal", PRESENT, gamma=1.5, use_alpha=False)
    above = torch.sigmoid(GRID) > tau
    assert 0 < above.sum() < len(GRID)
    for epoch in (0, 2, 3, 20):
        here = curve("splc", ABSENT, tau=tau, change_epoch=3, gamma=1.5, epoch=epoch)
        for ours, kept, new in zip(here, focal, turned, strict=True):
            torch.testing.assert_close(ours, torch.where(above, new, kept) if epoch >= 3 else kept)


def test_splc_never_turns_a_given_positive_and_lowers_only_those() -> None:
    early, late = (curve("splc", PRESENT, margin=1.5, epoch=epoch) for epoch in (0, 9))
    torch.testing.assert_close(early, late, rtol=0, atol=0)
    torch.testing.assert_close(early, curve("hill", PRESENT, margin=1.5))


def test_splc_takes_the_epoch_as_a_number_a_tensor_or_from_its_criterion(batch: Make) -> None:
    logits, targets = batch("multi")
    spec = get_loss("splc")
    criterion = spec.criterion(reduction="none")
    for epoch in (0, 1):
        criterion.set_epoch(epoch)
        wanted = spec.bind(epoch=epoch)(logits, targets)
        assert torch.equal(criterion(logits, targets), wanted)
        assert torch.equal(spec.bind()(logits, targets, epoch=torch.tensor(epoch)), wanted)
    assert not torch.equal(wanted, spec.bind(epoch=0)(logits, targets))


AWAY: list[tuple[str, dict[str, Any]]] = [
    ("apl", {"eps_neg": 0.4, "gamma_neg": 0.5, "gamma_pos": 0.3, "clip": 0.02, "detach_focus": False}),
    ("hill", {"lamb": 1.1, "margin": 0.3, "gamma": 0.5}),
    ("poly1_focal", {"epsilon": -1.0, "alpha": 0.9, "gamma": 0.3}),
    ("weighted_bce", {"max_weight": 5.0}),
    *(("class_balanced", {"mode": mode, "beta": 0.99}) for mode in ("average_n", "average_w", "min_n")),
    ("lmf_multilabel", {"scale": 3.0, "max_margin": 1.0, "beta": 3.0}),
    ("unbiased_bce", {"estimator": "upper_bound", "a": 0.9, "b": 3.0}),
    ("propensity_bce", {"a": 0.2, "b": 0.0}),
    ("splc", {"tau": 0.8, "change_epoch": 0}),
]


@pytest.mark.parametrize(("key", "values"), AWAY)
def test_away_from_the_defaults_it_still_equals_its_formula(
    key: str, values: dict[str, Any], prior: ClassPrior, batch: Make, reference: Callable[..., Any]
) -> None:
    logits, targets = batch("multi", rows=4, spread=3.0)
    full = get_loss(key).defaults | values
    wanted, slope = reference(key, full, logits.numpy(), targets.numpy(), prior.positives, prior.n_samples)
    logits.requires_grad_()
    value = get_loss(key).criterion(prior, **values)(logits, targets)
    value.backward()
    np.testing.assert_allclose(value.item(), wanted, rtol=1e-12)
    np.testing.assert_allclose(logits.grad.numpy(), slope, rtol=1e-10, atol=1e-18)
