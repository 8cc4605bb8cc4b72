"""The building blocks alone: exact where formulas cancel, finite where they blow up."""

from __future__ import annotations

import mpmath as mp
import pytest
import torch

from lt_core.losses.stable import log_add, log_softmax_of_others, power, shifted_negative, softplus


@pytest.mark.parametrize("z", [-700.0, -30.0, -1e-9, 0.0, 1e-9, 19.0, 20.5, 39.0, 41.0, 700.0])
def test_softplus_to_the_last_bits(z: float) -> None:
    leaf = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    value = softplus(leaf)
    value.backward()
    with mp.workdps(400):
        wanted, slope = float(mp.log(1 + mp.exp(z))), float(1 / (1 + mp.exp(-z)))
    assert value.item() == pytest.approx(wanted, rel=4e-16, abs=0)
    assert leaf.grad.item() == pytest.approx(slope, rel=4e-16, abs=0)


@pytest.mark.parametrize("exponent", [0.0, 0.08, 0.5, 1.0, 2.5])
@pytest.mark.parametrize("kind", [float, lambda v: torch.tensor(v, requires_grad=True)], ids=["number", "tensor"])
def test_power_has_finite_slopes_down_to_zero(exponent: float, kind: type) -> None:
    base = torch.tensor([0.0, 1e-45, 1e-37, 0.3, 1.0], requires_grad=True)
    value = power(base, kind(exponent))
    assert value[0] == (1 if exponent == 0 else 0)
    torch.testing.assert_close(value[2:], base[2:] ** exponent)
    (slope,) = torch.autograd.grad(value.sum(), base)
    assert slope.isfinite().all()
    assert slope[0] == 0


@pytest.mark.parametrize("clip", [0.0, 1e-3, 0.05, 0.3])
@pytest.mark.parametrize("z", [-100.0, -2.0, 3.0, 30.0, 100.0])
def test_shifted_negatives_do_not_cancel(clip: float, z: float) -> None:
    shifted, log_rest = shifted_negative(torch.tensor([[z]], dtype=torch.float64), clip)
    with mp.workdps(100):
        p_m = max(1 / (1 + mp.exp(-z)) - mp.mpf(clip), mp.mpf(0))
        wanted, rest = float(p_m), float(mp.log(1 - p_m))
    assert shifted.item() == pytest.approx(wanted, rel=1e-14, abs=1e-50)
    assert log_rest.item() == pytest.approx(rest, rel=1e-13, abs=1e-50)


def test_log_add_takes_minus_infinity() -> None:
    a = torch.tensor([-80.0, 0.0, 3.0], requires_grad=True)
    value = log_add(a, torch.tensor(-torch.inf))
    assert torch.equal(value, a)
    assert torch.equal(torch.autograd.grad(value.sum(), a)[0], torch.ones(3))


def test_one_minus_the_largest_probability() -> None:
    logits = torch.tensor([[60.0, 0.0, 0.0]], dtype=torch.float64)
    hot = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    assert log_softmax_of_others(logits, hot).item() == pytest.approx(float(mp.log(2) - 60), rel=1e-15)
