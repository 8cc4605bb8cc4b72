"""Losses as papers print them and most published code computes them: probabilities first, then their logarithm.

Only for comparison. Each is computed in the number format it is given, half precision included, and returns cells
(B, C), or rows (B,) for softmax losses. Where p is 0 or 1 after rounding, its logarithm is not finite or the clamp
takes the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

KERAS_EPS = 1e-7
ASL_EPS = 1e-8


@dataclass(frozen=True, slots=True)
class Textbook:
    """A loss as printed: ``function(logits, targets, **data and hyper-parameters)``, and where the form comes from."""

    function: Callable[..., Tensor]
    source: str


def _clamped_log(p: Tensor, eps: float) -> Tensor:
    return torch.log(p.clamp(min=eps))


def _bce(z: Tensor, y: Tensor, **_: Any) -> Tensor:
    p = torch.sigmoid(z).clamp(KERAS_EPS, 1 - KERAS_EPS)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p))


def _focal(z: Tensor, y: Tensor, *, gamma: float, alpha: float, use_alpha: bool, **_: Any) -> Tensor:
    p = torch.sigmoid(z).clamp(KERAS_EPS, 1 - KERAS_EPS)
    p_t = y * p + (1 - y) * (1 - p)
    weight = alpha * y + (1 - alpha) * (1 - y) if use_alpha else 1.0
    return -weight * (1 - p_t) ** gamma * torch.log(p_t)


def _shifted(z: Tensor, clip: float) -> tuple[Tensor, Tensor]:
    """Return p and q = min(1 - p + clip, 1)."""
    p = torch.sigmoid(z)
    return p, (1 - p + clip).clamp(max=1)


def _focused(p: Tensor, q: Tensor, y: Tensor, gamma_pos: float, gamma_neg: float, detach: bool) -> Tensor:
    """Return (1 - p_t)^gamma with p_t = p or q, as ASL's code takes it for both targets at once."""
    right = p * y + q * (1 - y)
    weight = (1 - right) ** (gamma_pos * y + gamma_neg * (1 - y))
    return weight.detach() if detach else weight


def _asl(
    z: Tensor, y: Tensor, *, gamma_neg: float, gamma_pos: float, clip: float, detach_focus: bool, **_: Any
) -> Tensor:
    p, q = _shifted(z, clip)
    logs = y * _clamped_log(p, ASL_EPS) + (1 - y) * _clamped_log(q, ASL_EPS)
    return -logs * _focused(p, q, y, gamma_pos, gamma_neg, detach_focus)


def _apl(
    z: Tensor, y: Tensor, *, gamma_neg: float, gamma_pos: float, clip: float, detach_focus: bool,
    eps_pos: float, eps_pos_pow: float, eps_neg: float, **_: Any,
) -> Tensor:  # fmt: skip
    p, q = _shifted(z, clip)
    p_e, q_e = p.clamp(min=ASL_EPS), q.clamp(min=ASL_EPS)
    positive = torch.log(p_e) + eps_pos * (1 - p_e) + eps_pos_pow / 2 * (1 - p_e) ** 2
    negative = torch.log(q_e) + eps_neg * q_e
    return -(y * positive + (1 - y) * negative) * _focused(p, q, y, gamma_pos, gamma_neg, detach_focus)


def _ral(z: Tensor, y: Tensor, *, lamb: float, form: str, clip: float, **knobs: Any) -> Tensor:
    cells = _apl(z, y, clip=clip, **knobs)
    p, q = _shifted(z, clip)
    hill = {"code": (lamb - p) * p**2 * (lamb - q), "paper": lamb - p, "apl": torch.ones_like(p)}[form]
    return cells * (y + (1 - y) * hill)


def _hill(z: Tensor, y: Tensor, *, lamb: float, margin: float, gamma: float, **_: Any) -> Tensor:
    p, shifted = torch.sigmoid(z), torch.sigmoid(z - margin)
    return -y * (1 - shifted) ** gamma * torch.log(shifted) + (1 - y) * (lamb - p) * p**2


def _db(
    z: Tensor, y: Tensor, *, counts: Tensor, n_samples: Tensor, alpha: float, beta: float, mu: float,
    neg_scale: float, init_bias: float, gamma: float, balance: float, rebalance: bool, focal: bool, bias_form: str,
) -> Tensor:  # fmt: skip
    n, total = counts.double(), n_samples.double()
    kappa = init_bias / neg_scale if bias_form == "code" else init_bias
    bias = (-torch.log(total / n - 1) * kappa).to(z.dtype)
    v = (z + bias) * (y + (1 - y) * neg_scale)
    ratio = (1 / n) / (y.double() / n).sum(dim=1, keepdim=True)
    weight = alpha + torch.sigmoid(beta * (ratio - mu)) if rebalance else torch.ones_like(ratio)
    weight = weight.to(z.dtype) / (y + (1 - y) * neg_scale)
    p = torch.sigmoid(v)
    p_t = y * p + (1 - y) * (1 - p)
    cells = -weight * torch.log(p_t)
    return balance * (1 - p_t) ** gamma * cells if focal else cells


def _ce(z: Tensor, y: Tensor, **_: Any) -> Tensor:
    return -(y * torch.log(torch.softmax(z, dim=1) + KERAS_EPS)).sum(dim=1)


def _focal_ce(z: Tensor, y: Tensor, *, gamma: float, **_: Any) -> Tensor:
    p_t = (y * torch.softmax(z, dim=1)).sum(dim=1)
    return -((1 - p_t) ** gamma) * torch.log(p_t + KERAS_EPS)


def _ldam(z: Tensor, y: Tensor, *, counts: Tensor, max_margin: float, scale: float, **_: Any) -> Tensor:
    roots = counts.double() ** -0.25
    margins = (max_margin * roots / roots.max()).to(z.dtype)
    powers = torch.exp(scale * (z - y * margins))
    return -torch.log((y * powers).sum(dim=1) / powers.sum(dim=1))


_CLAMP_1E8 = "log(clamp(p, 1e-8)), as in the authors' published code"
_KERAS = "p is clipped to [1e-7, 1 - 1e-7] before the logarithm, the default of Keras and of many tutorials."

TEXTBOOK: dict[str, Textbook] = {
    "bce": Textbook(_bce, _KERAS),
    "focal": Textbook(_focal, f"The paper's Eq. 5 with p_t taken from p; {_KERAS}"),
    "asl": Textbook(_asl, f"{_CLAMP_1E8}; 1 - p is a difference."),
    "apl": Textbook(_apl, f"{_CLAMP_1E8}; 1 - p is a difference."),
    "ral": Textbook(_ral, f"{_CLAMP_1E8}, which carries ASL's clamp over."),
    "hill": Textbook(_hill, "log(sigmoid(z - m)) without any clamp, as in the authors' published code."),
    "db": Textbook(_db, "The paper's formula with log p as printed; the authors' code takes the stable BCE instead."),
    "ce": Textbook(_ce, "Softmax first, then log(p + 1e-7): the way the formula is printed and often typed in."),
    "focal_ce": Textbook(_focal_ce, "Softmax first, then (1 - p_t)^γ log(p_t + 1e-7)."),
    "ldam": Textbook(_ldam, "The paper's Eq. 11, exponentials first; the authors' code takes the log-softmax instead."),
}  # fmt: skip
"""The printed form of each loss that has one, by key."""
