"""Averaged weights against timm's average and an obvious loop; swapping leaves nothing behind."""

from __future__ import annotations

import copy

import pytest
import torch
from timm.utils import ModelEmaV3
from torch import nn

from lt_core.problems import Invalid, Problem
from lt_core.training.ema import Ema


def _model(dtype: torch.dtype = torch.float32) -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 2)).to(dtype)


def _walk(model: nn.Module, seed: int) -> None:
    """Move the weights and, in a forward pass, the running statistics."""
    generator = torch.Generator().manual_seed(seed)
    model.train()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
        model(torch.randn(8, 4, generator=generator, dtype=next(model.parameters()).dtype))


def test_equals_an_obvious_loop_with_the_warm_up_it_states() -> None:
    model = _model(torch.float64)
    ema = Ema(model, 0.8)
    wanted = {name: p.detach().clone() for name, p in model.named_parameters()}
    for step in range(60):
        _walk(model, step)
        ema.update(step)
        d = min(0.8, (1 + step) / (10 + step))
        for name, p in model.named_parameters():
            wanted[name] = d * wanted[name] + (1 - d) * p.detach()
    assert ema.decay_at(0) == 0.1
    assert ema.decay_at(59) == 0.8
    for name, average in ema.state().items():
        torch.testing.assert_close(average, wanted[name], rtol=1e-12, atol=1e-12)


def test_equals_timm_once_the_decay_is_reached() -> None:
    model = _model()
    timms = ModelEmaV3(model, decay=0.9, exclude_buffers=True)
    ours = Ema(model, 0.9)
    for step in range(20):
        _walk(model, step)
        timms.update(model)
        ours.update(1_000_000 + step)
    batch = torch.randn(6, 4)
    timms.module.eval()
    model.eval()
    with ours.swapped() as averaged, torch.no_grad():
        torch.testing.assert_close(averaged(batch), timms.module(batch))
        for name, tensor in timms.module.state_dict().items():  # the buffers too: as the model has them
            torch.testing.assert_close(averaged.state_dict()[name], tensor)


def test_swapping_restores_weights_and_buffers_to_the_bit() -> None:
    model = _model()
    ema = Ema(model, 0.99)
    _walk(model, 1)
    ema.update(0)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    places = {name: tensor.data_ptr() for name, tensor in model.state_dict().items()}
    with pytest.raises(RuntimeError, match="mat1 and mat2"), ema.swapped() as averaged:  # noqa: PT012
        assert not torch.equal(averaged[0].weight, before["0.weight"])
        averaged.train()
        averaged(torch.randn(8, 4))  # moves the running statistics
        assert not torch.equal(averaged[1].running_mean, before["1.running_mean"])
        averaged(torch.randn(8, 3))  # fails on the way
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
        assert tensor.data_ptr() == places[name]  # an optimiser still holds the same tensors


def test_a_model_that_stands_still_is_its_own_average() -> None:
    model = _model()
    ema = Ema(model, 0.9)
    for step in range(5):
        ema.update(step)
    for name, p in model.named_parameters():
        assert torch.equal(ema.state()[name], p)


def test_state_goes_on_where_it_was() -> None:
    model = _model()
    ema = Ema(model, 0.9)
    _walk(model, 1)
    ema.update(0)
    saved = ema.state()
    other = Ema(copy.deepcopy(model), 0.9)
    other.load_state(saved)
    for one in (ema, other):
        _walk(one.model, 2)
        one.update(1)
    for name, tensor in ema.state().items():
        assert torch.equal(tensor, other.state()[name])
    assert not torch.equal(saved["0.weight"], ema.state()["0.weight"])  # what was saved is a copy


def test_half_precision_weights_are_averaged_in_single() -> None:
    ema = Ema(nn.Linear(2, 2).to(torch.bfloat16), 0.999)
    assert {tensor.dtype for tensor in ema.state().values()} == {torch.float32}
    ema.update(10**6)
    with ema.swapped() as averaged:
        assert averaged.weight.dtype == torch.bfloat16


def test_restart_forgets() -> None:
    model = _model()
    ema = Ema(model, 0.9)
    _walk(model, 1)
    ema.restart()
    assert torch.equal(ema.state()["0.weight"], model[0].weight)
    _walk(model, 2)
    assert not torch.equal(ema.state()["0.weight"], model[0].weight)  # a copy, not the weights themselves


def test_weights_of_another_model_and_a_decay_of_one_are_refused() -> None:
    ema = Ema(nn.Linear(2, 2), 0.9)
    with pytest.raises(Problem, match=r"another model: bias is on one side only"):
        ema.load_state({"weight": torch.zeros(2, 2)})
    with pytest.raises(Problem, match=r"weight is \(3, 2\) there and \(2, 2\) here"):
        ema.load_state({"weight": torch.zeros(3, 2), "bias": torch.zeros(2)})
    with pytest.raises(Invalid, match=r"must be in \[0, 1\), got 1"):
        Ema(nn.Linear(2, 2), 1.0)
