"""What each method is, apart from any run: its defining property, held against something independent."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import mpmath
import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from torch import Tensor
from torch.nn import functional

from lt_core.cli import main
from lt_core.losses import get_loss
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.stats import ClassPrior
from lt_core.training.methods.csc import binary_entropy
from lt_core.training.methods.docs_table import markdown
from lt_core.training.methods.percent_match import PercentMatch, kept_labels, percentiles, thresholds
from lt_core.training.methods.propensities import propensities_from_clean
from lt_core.training.methods.rebll import asymmetric_distillation, heavier, relabelled
from lt_core.training.methods.registry import all_methods, get_method
from lt_core.training.methods.teacher import _renormalised, columns_of

DOCS = Path(__file__).parents[2] / "docs" / "methods.md"
NAN = float("nan")


def _randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# -- PercentMatch -----------------------------------------------------------------------------------------------------


def test_percentiles_are_numpys_class_by_class() -> None:
    scores, shares = _randn(37, 4), torch.tensor([0.0, 0.31, 0.97, 1.0], dtype=torch.float64)
    wanted = [np.percentile(scores[:, c].numpy(), 100 * float(shares[c])) for c in range(4)]
    np.testing.assert_allclose(percentiles(scores, shares).numpy(), wanted, rtol=1e-12)


def test_the_share_asked_for_is_kept_whatever_the_scale_of_the_scores() -> None:
    scores = torch.sigmoid(_randn(1000, 3))
    positive, negative = torch.tensor([0.3, 0.01, 0.0005]), torch.tensor([0.5, 0.9, 0.9995])
    for moved in (scores, scores**4 / 100):
        labels = kept_labels(moved, *thresholds(moved, positive, negative))
        assert (labels == 1).sum(dim=0).tolist() == [300, 10, 0]
        np.testing.assert_allclose((labels == 0).sum(dim=0).numpy(), [500, 900, 999], atol=1)


def test_between_the_thresholds_nothing_is_kept() -> None:
    scores = torch.tensor([[0.9, 0.5], [0.5, 0.5], [0.1, 0.2]])
    kept = kept_labels(scores, torch.tensor([0.9, 0.5]), torch.tensor([0.1, 0.5]))
    np.testing.assert_array_equal(kept.numpy(), [[1, NAN], [NAN, NAN], [0, 0]])


def test_the_window_holds_the_latest_scores() -> None:
    method, window = PercentMatch(window=64), deque(maxlen=64)  # type: ignore[var-annotated]
    train = SimpleNamespace(labels=np.zeros((5, 2), np.float32))
    method.begin(cast(Any, SimpleNamespace(train=train, device="cpu")))
    for step, count in enumerate((10, 50, 17, 80, 3)):
        method._latest = _randn(count, 2, seed=step).float()
        window.extend(method._latest.tolist())
        method.after_step()
    assert sorted(method.state()["scores"].tolist()) == sorted(window)


# -- CSC --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("z", [0.0, 1e-3, -2.0, 30.0, -100.0, 100.0])
def test_entropy_and_slope_are_exact_at_any_logit(z: float) -> None:
    with mpmath.workdps(80):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(z)))
        value = float(-p * mpmath.log(p) - (1 - p) * mpmath.log(1 - p))
        slope = float(-mpmath.mpf(z) * p * (1 - p))
    logit = torch.tensor([z], dtype=torch.float64, requires_grad=True)
    entropy = binary_entropy(logit)
    (found,) = torch.autograd.grad(entropy.sum(), logit)
    assert entropy.item() == pytest.approx(value, rel=1e-12)
    assert found.item() == pytest.approx(slope, rel=1e-10, abs=1e-300)


def test_the_gradient_of_the_entropy_is_its_derivative() -> None:
    assert torch.autograd.gradcheck(binary_entropy, (_randn(4, 3).requires_grad_(),))


@pytest.mark.parametrize("beta", [0.2, 0.5])
def test_the_best_answer_to_a_positive_is_not_certainty(beta: float) -> None:
    wanted = brentq(lambda z: beta * z / (1 + np.exp(-z)) - 1, 0.01, 100)  # 1 - p = beta z p (1 - p)
    logit = torch.tensor([0.0], dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([logit], max_iter=200, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        value = functional.softplus(-logit).sum() - beta * binary_entropy(logit).sum()
        torch.autograd.backward(value)
        return value

    search.step(loss)
    assert logit.item() == pytest.approx(wanted, rel=1e-4)


# -- RebLL ------------------------------------------------------------------------------------------------------------


def test_distillation_pulls_less_where_the_teacher_is_sure() -> None:
    logits, teacher = _randn(6, 3).requires_grad_(), 3 * _randn(6, 3, seed=1)
    (slope,) = torch.autograd.grad(asymmetric_distillation(logits, teacher, 1.5).sum(), logits)
    p, q = (1 / (1 + np.exp(-t.detach().numpy())) for t in (logits, teacher))
    np.testing.assert_allclose(slope.numpy(), np.exp(-1.5 * np.abs(2 * q - 1)) * (p - q), rtol=1e-10)
    plain = functional.binary_cross_entropy_with_logits(logits, torch.sigmoid(teacher), reduction="none")
    torch.testing.assert_close(asymmetric_distillation(logits, teacher, 0.0), plain)


def test_the_memory_is_labelled_by_the_right_model_and_only_where_it_is_sure() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice([0.0, 1.0, NAN], (40, 5))
    memory, old = rng.random(40) < 0.5, np.array([True, False, True, False, False])
    past, current = rng.random((2, 40, 5))
    past[0] = current[0] = NAN
    found = relabelled(
        *(torch.from_numpy(x) for x in (labels, memory, old)),
        past=torch.from_numpy(past),
        current=torch.from_numpy(current),
        sure=0.8,
    ).numpy()
    for i, c in np.ndindex(40, 5):
        said = past[i, c] if old[c] else current[i, c]
        guess = 1.0 if said >= 0.8 else 0.0 if said <= 1 - 0.8 else NAN
        wanted = guess if memory[i] and np.isnan(labels[i, c]) else labels[i, c]
        np.testing.assert_equal(found[i, c], wanted)


@pytest.mark.parametrize("reduction", ["mean", "batch", "sum"])
def test_chosen_cells_weigh_more_and_the_reduction_stays(reduction: str) -> None:
    logits = _randn(8, 4)
    targets = torch.from_numpy(np.random.default_rng(2).choice([0.0, 1.0, NAN], (8, 4)))
    targets[3] = NAN
    chosen = (targets == 0) & torch.tensor([False, True, True, False])
    criterion = get_loss("bce").criterion(reduction=reduction)
    found = criterion(logits, targets) + heavier(criterion, logits, targets, chosen, 3.0)
    cells = functional.binary_cross_entropy_with_logits(logits, targets.nan_to_num(), reduction="none")
    known = ~targets.isnan()
    total = (cells * torch.where(chosen, 3.0, 1.0) * known).sum()
    divisor = {"mean": known.sum(), "batch": known.any(dim=1).sum(), "sum": 1}[reduction]
    torch.testing.assert_close(found, total / divisor)


def test_a_teacher_sees_images_as_it_was_trained_on_them() -> None:
    pixels = torch.rand(2, 3, 4, 4)
    here, there = ({"mean": m, "std": s} for m, s in (([0.1, 0.2, 0.3], [0.5, 0.6, 0.7]), ([0.4] * 3, [0.2] * 3)))

    def normalised(card: dict[str, list[float]]) -> Tensor:
        return (pixels - torch.tensor(card["mean"]).view(3, 1, 1)) / torch.tensor(card["std"]).view(3, 1, 1)

    gain, shift = _renormalised(here, there)
    torch.testing.assert_close(normalised(here) * gain + shift, normalised(there))
    columns, order = columns_of(["c", "a"], ["a", "b", "c"], "t")
    assert columns.tolist() == [True, False, True]
    assert order.tolist() == [1, 0]
    for own, said in ((["a", "z"], "does not have: z"), (["c", "b", "a"], "no new one")):
        with pytest.raises(Problem, match=said):
            columns_of(own, ["a", "b", "c"], "t")


# -- propensities -----------------------------------------------------------------------------------------------------


def test_counted_propensities_give_back_the_true_counts() -> None:
    rng = np.random.default_rng(3)
    true = (rng.random((500, 3)) < (0.5, 0.2, 0.1)).astype(float)
    observed = true * (rng.random(true.shape) < (0.9, 0.6, 0.3))
    rho = propensities_from_clean(observed, true, shrink=0)
    np.testing.assert_allclose((observed / rho).sum(axis=0), true.sum(axis=0))
    ClassPrior(observed.sum(axis=0), 500, propensities=rho)


def test_a_class_without_a_clean_positive_gets_the_share_of_all() -> None:
    true = np.array([[1, 1, 0], [1, 1, 0], [1, NAN, 0], [1, 1, 0]])
    observed = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [1, NAN, 0]])
    np.testing.assert_allclose(propensities_from_clean(observed, true), [3.5 / 5, 0.5 / 3, 0.5])
    for wrong, said in (
        ((observed[:3], true, 1.0), "must both be"),
        ((observed, true * 2, 1.0), "true labels must be 0, 1"),
        ((observed, true, -1.0), "at least 0"),
        ((observed * 0, true, 1.0), "no true positive"),
        ((observed, true, 0.0), r"classes \[1, 2\]"),
    ):
        with pytest.raises(Invalid, match=said):
            propensities_from_clean(wrong[0], wrong[1], shrink=wrong[2])


# -- declarations -----------------------------------------------------------------------------------------------------


def test_every_method_says_what_it_is() -> None:
    assert {spec.key for spec in all_methods()} == {"cap", "percent_match", "csc", "rebll"}
    for spec in all_methods():
        json.dumps(spec.describe())
        assert spec.assumed
        assert spec.paper.url.startswith("https://arxiv.org/abs/")
        assert all(param.domain.help for param in spec.params)
        spec.start({})
        assert "choose a multi-label loss" in spec.why_not(get_loss("ce"))
        assert not spec.why_not(get_loss("bce"))
    with pytest.raises(Unknown, match="cap"):
        get_method("capp")
    with pytest.raises(Invalid, match=r"cap\.weight must be in"):
        get_method("cap").checked({"weight": 9.0})


def test_the_page_of_methods_is_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mend = f"mend it with: python -m lt_core methods --markdown {DOCS}"
    assert DOCS.read_text(encoding="utf-8") == markdown(), mend
    assert main(["methods", "--markdown", str(tmp_path / "m.md")]) == 0
    assert (tmp_path / "m.md").read_text(encoding="utf-8") == markdown()
    assert main(["methods", "--json"]) == 0
    assert [row["key"] for row in json.loads(capsys.readouterr().out)] == [spec.key for spec in all_methods()]
    assert main(["methods", "--markdown", str(tmp_path / "no" / "m.md")]) == 2
