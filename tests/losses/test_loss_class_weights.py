"""Class weights in a criterion: torch's own weighted losses, the authors' weighted code, and nothing where unset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lt_core.losses import LossSpec, all_losses, get_loss
from lt_core.problems import Invalid
from lt_core.stats import ClassPrior

SPECS = {spec.key: spec for spec in all_losses()}
WEIGHTS = torch.tensor([0.2, 0.5, 0.0, 1.3, 1.5, 2.5], dtype=torch.float64)
REDUCTIONS = ("authors", "mean", "batch", "sum", "none")


def _both(criterion: Callable[..., Any], logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    z = logits.clone().requires_grad_()
    value = criterion(z, targets)
    value.sum().backward()
    return value.detach(), z.grad


def _partly_unknown(spec: LossSpec, targets: Tensor) -> Tensor:
    targets = targets.clone()
    if spec.labels == "single":
        targets[2] = -1
    else:
        targets[1, 3], targets[4] = torch.nan, torch.nan
    return targets


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
@pytest.mark.parametrize("reduction", ["authors", "mean"])
def test_unset_weights_leave_every_bit(
    spec: LossSpec, reduction: str, prior: ClassPrior, batch: Callable[..., Any]
) -> None:
    logits, targets = batch(spec.labels)
    never = spec.criterion(prior, reduction)
    unset = spec.criterion(prior, reduction)
    if spec.takes_class_weights:
        unset.set_class_weights(WEIGHTS)
    unset.set_class_weights(None)
    for one, other in zip(_both(never, logits, targets), _both(unset, logits, targets), strict=True):
        assert torch.equal(one, other)


def test_weights_are_not_saved_with_what_a_loss_remembers(prior: ClassPrior) -> None:
    # They follow from the stage of a run, which tells them anew after a resume.
    criterion = get_loss("equalization_v2").criterion(prior)
    before = set(criterion.state_dict())
    criterion.set_class_weights(WEIGHTS)
    assert set(criterion.state_dict()) == before == {"pull", "push", "ratio"}
    assert set(criterion.state) == before


@pytest.mark.parametrize("spec", [s for s in SPECS.values() if s.gives == "cells"], ids=lambda s: s.key)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_every_cell_is_multiplied_by_the_weight_of_its_class(
    spec: LossSpec, reduction: str, prior: ClassPrior, batch: Callable[..., Any]
) -> None:
    logits, targets = batch(spec.labels)
    targets = _partly_unknown(spec, targets)
    criterion = spec.criterion(prior, reduction)
    criterion.set_class_weights(WEIGHTS)
    cells = spec.criterion(prior, "none")(logits, targets)
    value = criterion(logits, targets)
    if reduction == "none":
        assert torch.equal(value, cells * WEIGHTS)
        return
    total = sum(float(WEIGHTS[c] * cells[b, c]) for b, c in np.ndindex(*cells.shape))
    named = spec.authors_reduction if reduction == "authors" else reduction
    known = ~targets.isnan()
    size = {"sum": 1, "mean": int(known.sum()), "batch": int(known.any(1).sum())}[named]
    assert float(value) == pytest.approx(total / size, rel=1e-12)


@pytest.mark.parametrize("spec", [s for s in SPECS.values() if s.labels == "single"], ids=lambda s: s.key)
def test_rows_are_multiplied_and_the_mean_is_weighted(
    spec: LossSpec, prior: ClassPrior, batch: Callable[..., Any]
) -> None:
    logits, targets = batch("single")
    targets = _partly_unknown(spec, targets)
    rows = spec.criterion(prior, "none")(logits, targets)
    amounts = [float(WEIGHTS[t]) if t >= 0 else 0.0 for t in targets.tolist()]
    total = sum(w * float(row) for w, row in zip(amounts, rows, strict=True))
    for reduction, size in (("mean", sum(amounts)), ("sum", 1), ("batch", int((targets >= 0).sum()))):
        criterion = spec.criterion(prior, reduction)
        criterion.set_class_weights(WEIGHTS)
        assert float(criterion(logits, targets)) == pytest.approx(total / size, rel=1e-12), reduction


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_equals_torch(reduction: str, prior: ClassPrior, batch: Callable[..., Any]) -> None:
    logits, targets = batch("single", rows=9)
    targets[3] = -1
    criterion = get_loss("ce").criterion(prior, reduction)
    criterion.set_class_weights(WEIGHTS)
    torchs = torch.nn.CrossEntropyLoss(weight=WEIGHTS, ignore_index=-1, reduction=reduction)
    for ours, theirs in zip(_both(criterion, logits, targets), _both(torchs, logits, targets), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def test_binary_cross_entropy_equals_torch(batch: Callable[..., Any]) -> None:
    logits, targets = batch("multi")
    criterion = get_loss("bce").criterion()
    criterion.set_class_weights(WEIGHTS)
    ours = _both(criterion, logits, targets)
    theirs = _both(
        lambda z, y: functional.binary_cross_entropy_with_logits(z, y, weight=WEIGHTS), logits, targets
    )  # fmt: skip
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", ["normal", "degenerate", "tied"])
def test_the_authors_weighted_cross_entropy_is_ours_with_their_weights(shared: Path, case: str) -> None:
    # LMF's baseline: cross-entropy with the weights (1 - n_c / N) / (C - 1), a weighted mean.
    with np.load(shared / "golden" / "bwcce_lmf_official.npz", allow_pickle=False) as arrays:
        a = {name.split("__")[1]: arrays[name] for name in arrays.files if name.startswith(f"{case}__")}
    counts = a["class_freq"]
    criterion = get_loss("ce").criterion()
    criterion.set_class_weights(torch.from_numpy((1 - counts / counts.sum()) / (len(counts) - 1)))
    value, gradient = _both(criterion, torch.from_numpy(a["logits"]), torch.from_numpy(a["targets"]))
    np.testing.assert_allclose(float(value), float(a["loss_f64"]), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradient, a["grad_f64"], rtol=1e-9, atol=1e-12)


def test_validation_is_not_weighted(prior: ClassPrior, batch: Callable[..., Any]) -> None:
    logits, targets = batch("single")
    criterion = get_loss("ldam").criterion(prior)
    plain = criterion(logits, targets)
    criterion.set_class_weights(WEIGHTS)
    assert not torch.equal(criterion(logits, targets), plain)
    assert torch.equal(criterion.eval()(logits, targets), plain)


def test_a_batch_of_unweighted_classes_gives_zero_and_no_gradient() -> None:
    criterion = get_loss("ce").criterion()
    criterion.set_class_weights(WEIGHTS)
    value, gradient = _both(criterion, torch.randn(3, 6, dtype=torch.float64), torch.tensor([2, 2, -1]))
    assert value == 0
    assert not gradient.any()


def test_what_eqlv2_remembers_is_not_weighted(prior: ClassPrior, batch: Callable[..., Any]) -> None:
    logits, targets = batch("multi")
    plain, weighted = (get_loss("equalization_v2").criterion(prior) for _ in range(2))
    weighted.set_class_weights(WEIGHTS)
    plain(logits, targets)
    weighted(logits, targets)
    for name, entry in plain.state.items():
        assert torch.equal(entry, weighted.state[name])


def test_weights_follow_the_logits_precision(prior: ClassPrior, batch: Callable[..., Any]) -> None:
    logits, targets = batch("single")
    criterion = get_loss("ldam").criterion(prior)
    criterion.set_class_weights(WEIGHTS)
    assert criterion(logits.float(), targets).dtype == torch.float32
    assert criterion(logits.half(), targets.int()).dtype == torch.float32


@pytest.mark.parametrize("key", [s.key for s in SPECS.values() if not s.takes_class_weights])
def test_losses_without_a_class_to_weigh_refuse(key: str, prior: ClassPrior) -> None:
    with pytest.raises(Invalid, match=f"{key} is one number for (the whole batch|all labels of an image): "):
        get_loss(key).criterion(prior).set_class_weights(WEIGHTS)


def test_who_takes_class_weights() -> None:
    assert {s.key for s in SPECS.values() if not s.takes_class_weights} == {"two_way", "zlpr", "multilabel_logistic"}


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (WEIGHTS[:4], r"ldam: class weights must have the shape \(6,\), got \(4,\)"),
        (WEIGHTS[None], r"got \(1, 6\)"),
        (-WEIGHTS, "must be numbers of at least 0"),
        (WEIGHTS / 0, "must be numbers of at least 0"),
    ],
)
def test_bad_weights_are_refused(weights: Tensor, sentence: str, prior: ClassPrior) -> None:
    with pytest.raises(Invalid, match=sentence):
        get_loss("ldam").criterion(prior).set_class_weights(weights)
