"""A loss written out as Python text gives the same value and gradient, without this library where it says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lt_core.losses import LossSpec, all_losses
from lt_core.losses.export import as_python
from lt_core.losses.reduce import REDUCTIONS
from lt_core.params import Value
from lt_core.stats import ClassPrior
from tests.losses.alone import COUNTS, PRIORS, module_of, settings_of

SPECS = all_losses()
every = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key)
Batch = tuple[Tensor, Tensor]


def batches(spec: LossSpec) -> list[Batch]:
    """Return float64 and float16 logits; labels known, partly unknown, and all unknown."""
    generator = torch.Generator().manual_seed(5)
    logits = 3 * torch.randn(7, len(COUNTS), generator=generator, dtype=torch.float64)
    indices = torch.arange(7) * 5 % len(COUNTS)
    some = torch.where(torch.arange(7) % 3 == 1, -1, indices)
    labels = [indices, some, torch.full_like(indices, -1)]
    if spec.labels == "multi":
        hot = (torch.rand(7, len(COUNTS), generator=generator) < 0.4).double()
        hot[0] = 0
        hidden = hot.clone()
        hidden[1, 2] = hidden[2, 0] = hidden[4] = torch.nan
        labels += [hot, hidden, torch.full_like(hot, torch.nan), hot.bool()]
    return [(z, y) for z in (logits, logits.half()) for y in labels]


def value_and_gradient(criterion: Callable[..., Tensor], logits: Tensor, targets: Tensor, **data: Any) -> Batch:
    leaf = logits.clone().requires_grad_()
    loss = criterion(leaf, targets, **data)
    (gradient,) = torch.autograd.grad(loss.sum(), leaf)
    return loss.detach(), gradient


def assert_same(mine: Batch, ours: Batch) -> None:
    for a, b in zip(mine, ours, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        torch.testing.assert_close(a, b, rtol=1e-12, atol=0)


@every
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_module_is_the_criterion(spec: LossSpec, reduction: str) -> None:
    for values in settings_of(spec) if reduction == "authors" else settings_of(spec)[:1]:
        if values.get("expected") is False:
            continue  # drawn, see below
        for prior in PRIORS.values() if "propensities" in spec.data else [PRIORS["counts"]]:
            module = module_of(spec, values, prior, reduction)
            criterion = spec.criterion(prior, reduction, **values)
            for logits, targets in batches(spec):  # one after the other: what remembers, remembers alike
                mine = value_and_gradient(module, logits, targets)
                assert_same(mine, value_and_gradient(criterion, logits, targets))


@every
def test_the_few_lines_make_the_criterion(spec: LossSpec) -> None:
    prior = PRIORS["propensities"]
    for reduction in REDUCTIONS:
        for values in settings_of(spec)[:2]:
            names: dict[str, Any] = {}
            exec(compile(as_python(spec, values, prior, reduction), "few.py", "exec", dont_inherit=True), names)
            made, ours = names["criterion"], spec.criterion(prior, reduction, **values)
            assert made.bound.values == ours.bound.values
            made.load_state_dict(ours.state_dict())  # the text has called it once
            made.eval()
            ours.eval()
            logits, targets = batches(spec)[1]
            assert_same(value_and_gradient(made, logits, targets), value_and_gradient(ours, logits, targets))


random_ones = pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.draw], ids=lambda spec: spec.key)


@random_ones
def test_the_same_generator_draws_the_same(spec: LossSpec) -> None:
    values: dict[str, Value] = {"expected": False} if "expected" in spec.defaults else {}
    module, criterion = (make(spec, values, PRIORS["counts"], "authors") for make in (module_of, _criterion))
    differs = set()
    for seed in range(5):
        for logits, targets in batches(spec):
            draws = [torch.Generator().manual_seed(seed) for _ in range(2)]
            mine = value_and_gradient(module, logits, targets, generator=draws[0])
            assert_same(mine, value_and_gradient(criterion, logits, targets, generator=draws[1]))
        differs.add(float(module(*batches(spec)[3], generator=torch.Generator().manual_seed(seed))))
    assert len(differs) > 1, "it never drew"
    logits, targets = batches(spec)[3]
    mine = value_and_gradient(module.eval(), logits, targets)
    assert_same(mine, value_and_gradient(criterion.eval(), logits, targets))


@random_ones
def test_a_draw_can_be_given_by_name(spec: LossSpec) -> None:
    module, criterion = (make(spec, {}, PRIORS["counts"], "sum") for make in (module_of, _criterion))
    logits, targets = batches(spec)[3]
    own = next(iter(spec.data - {"counts", "n_samples", "positives", "propensities", "known", "epoch"}))
    for drawn in (torch.zeros_like(logits), torch.ones_like(logits)):
        given = {own: drawn}
        assert_same(
            value_and_gradient(module, logits, targets, **given),
            value_and_gradient(criterion, logits, targets, **given),
        )


def _criterion(spec: LossSpec, values: Mapping[str, Value], prior: ClassPrior, reduction: str) -> nn.Module:
    return spec.criterion(prior, reduction, **values)


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.memory], ids=lambda spec: spec.key)
def test_what_is_remembered_is_a_buffer_and_rests_in_evaluation(spec: LossSpec) -> None:
    module, criterion = (make(spec, {}, PRIORS["counts"], "authors") for make in (module_of, _criterion))
    start = {name: entry.clone() for name, entry in module.state_dict().items()}
    assert set(start) == set(criterion.state_dict())
    logits, targets = batches(spec)[0]
    module.eval()(logits, targets)
    assert all(torch.equal(entry, start[name]) for name, entry in module.state_dict().items())
    module.train()(logits, targets)
    criterion.train()(logits, targets)
    assert any(not torch.equal(entry, start[name]) for name, entry in module.state_dict().items())
    for name, entry in criterion.state_dict().items():
        torch.testing.assert_close(module.state_dict()[name], entry, rtol=1e-12, atol=0)


@pytest.mark.parametrize("spec", [spec for spec in SPECS if "epoch" in spec.data], ids=lambda spec: spec.key)
def test_the_epoch_is_told_in_the_same_way(spec: LossSpec) -> None:
    module, criterion = (make(spec, {}, PRIORS["counts"], "authors") for make in (module_of, _criterion))
    for epoch in (0, 1, 5):
        module.set_epoch(epoch)
        criterion.set_epoch(epoch)
        for logits, targets in batches(spec):
            assert_same(value_and_gradient(module, logits, targets), value_and_gradient(criterion, logits, targets))
