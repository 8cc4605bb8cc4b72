"""A prior, a batch, and every loss written a second time: from its formula, in 50-digit arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import torch
from torch import Tensor

from lt_core.stats import ClassPrior

mp.mp.dps = 50
COUNTS = (600, 300, 120, 40, 12, 3)


@pytest.fixture
def prior() -> ClassPrior:
    return ClassPrior(COUNTS, 1000)


@pytest.fixture
def batch() -> Callable[..., tuple[Tensor, Tensor]]:
    """Return ``make(labels, rows=7, spread=2.0)``: float64 logits, targets of the kind the loss takes."""

    def make(labels: str, rows: int = 7, spread: float = 2.0) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(7)
        logits = spread * torch.randn(rows, len(COUNTS), generator=generator, dtype=torch.float64)
        if labels == "single":
            return logits, torch.arange(rows) * 5 % len(COUNTS)
        hot = (torch.rand(rows, len(COUNTS), generator=generator) < 0.4).double()
        hot[0] = 0  # an image without any finding
        return logits, hot

    return make


def sigma(z: Any) -> Any:
    return 1 / (1 + mp.exp(-z))


def focusing(base: Any, gamma: float) -> Any:
    return mp.mpf(1) if gamma == 0 else base**gamma


def _bce(z: Any, _held: Any, y: float, **_: Any) -> Any:
    return -mp.log(sigma(z if y else -z))


def _focal(z: Any, _held: Any, y: float, *, gamma: float, alpha: float, use_alpha: bool, **_: Any) -> Any:
    p_t = sigma(z if y else -z)
    weight = (alpha if y else 1 - mp.mpf(alpha)) if use_alpha else 1
    return -weight * focusing(1 - p_t, gamma) * mp.log(p_t)


def _asl(z: Any, held: Any, y: float, *, gamma_neg: float, gamma_pos: float, clip: float, **_: Any) -> Any:
    if y:
        return -focusing(1 - sigma(held), gamma_pos) * mp.log(sigma(z))
    p_m, p_held = (max(sigma(x) - mp.mpf(clip), mp.mpf(0)) for x in (z, held))
    return -focusing(p_held, gamma_neg) * mp.log(1 - p_m)


def _ral(
    z: Any, held: Any, y: float, *, gamma_neg: float, gamma_pos: float, clip: float, lamb: float,
    eps_pos: float, eps_pos_pow: float, eps_neg: float, form: str, **_: Any,
) -> Any:  # fmt: skip
    p = sigma(z)
    if y:
        polynomial = mp.log(p) + eps_pos * (1 - p) + mp.mpf(eps_pos_pow) / 2 * (1 - p) ** 2
        return -focusing(1 - sigma(held), gamma_pos) * polynomial
    q = min(1 - p + mp.mpf(clip), mp.mpf(1))
    factor = {"code": (lamb - p) * p**2 * (lamb - q), "paper": lamb - p, "apl": 1}[form]
    focus = focusing(max(sigma(held) - mp.mpf(clip), mp.mpf(0)), gamma_neg)
    return -focus * (mp.log(q) + eps_neg * q) * factor


def _db(
    z: Any, _held: Any, y: float, *, n: Any, total: Any, row: Any, alpha: float, beta: float, mu: float,
    neg_scale: float, init_bias: float, gamma: float, balance: float, rebalance: bool, focal: bool,
    bias_form: str, **_: Any,
) -> Any:  # fmt: skip
    kappa = mp.mpf(init_bias) / (neg_scale if bias_form == "code" else 1)
    v = z - kappa * mp.log(mp.mpf(total) / n - 1)
    b = mp.log(1 + mp.exp(-v)) if y else mp.log(1 + mp.exp(neg_scale * v))
    ratio = (1 / mp.mpf(n)) / row if row else mp.mpf(10) ** 40
    s = alpha + sigma(beta * (ratio - mp.mpf(mu))) if rebalance else mp.mpf(1)
    s = s if y else s / neg_scale
    return balance * focusing(1 - mp.exp(-b), gamma) * s * b if focal else s * b


CELLS = {"bce": _bce, "focal": _focal, "asl": _asl, "ral": _ral, "db": _db}


def _log_p(z: list[Any], t: int) -> Any:
    return z[t] - mp.log(mp.fsum(mp.exp(x) for x in z))


def _ce(z: list[Any], t: int, **_: Any) -> Any:
    return -_log_p(z, t)


def _ldam(z: list[Any], t: int, *, m: list[Any], max_margin: float, scale: float, **_: Any) -> Any:
    return -_log_p([scale * (x - (max_margin * m[t] if j == t else 0)) for j, x in enumerate(z)], t)


def _lmf(z: list[Any], t: int, *, m: list[Any], share: Any, alpha: float, beta: float, gamma: float, **own: Any) -> Any:
    log_p = _log_p(z, t)
    focal = own["max_margin"] * m[t] * focusing(1 - mp.exp(log_p), gamma) * -log_p
    return alpha * share * _ldam(z, t, m=m, **own) + beta * focal


ROWS = {"ce": _ce, "ldam": _ldam, "lmf": _lmf}
REDUCED_BY = {"bce": "mean", "focal": "mean", "db": "mean", "asl": "sum", "ral": "sum"}


def _multi(key: str, values: dict[str, Any], z: Any, y: Any, n: Any, total: int) -> tuple[float, Any]:
    cell, size = CELLS[key], (z.size if REDUCED_BY[key] == "mean" else 1)
    loss, gradient = mp.mpf(0), np.zeros_like(z)
    for b, c in np.ndindex(*z.shape):
        row = mp.fsum(1 / mp.mpf(int(k)) for k in n[y[b] == 1])
        own = values | {"n": int(n[c]), "total": total, "row": row}
        here = mp.mpf(float(z[b, c]))
        loss += cell(here, here, y[b, c], **own)
        held = (lambda x, h=here: h) if values.get("detach_focus") else (lambda x: x)
        gradient[b, c] = mp.diff(lambda x: cell(x, held(x), y[b, c], **own), here) / size  # noqa: B023
    return float(loss / size), gradient


def _single(key: str, values: dict[str, Any], z: Any, t: Any, n: Any, _total: int) -> tuple[float, Any]:
    roots = [mp.mpf(int(k)) ** mp.mpf(-0.25) for k in n]
    m = [root / max(roots) for root in roots]
    weights = mp.fsum(m[k] for k in t) / len(t)
    loss, gradient = mp.mpf(0), np.zeros_like(z)
    for b, k in enumerate(t):
        own = values | {"m": m, "share": m[k] / weights}
        row = [mp.mpf(float(x)) for x in z[b]]
        loss += ROWS[key](row, k, **own) / len(t)
        for c in range(z.shape[1]):
            moved = lambda x: ROWS[key]([*row[:c], x, *row[c + 1 :]], k, **own)  # noqa: B023, E731
            gradient[b, c] = mp.diff(moved, row[c]) / len(t)
    return float(loss), gradient


@pytest.fixture
def reference() -> Callable[..., tuple[float, Any] | None]:
    """Return ``(key, values, logits, targets, positives, n_samples) -> (loss, gradient)``, None if it has no formula.

    After the authors' reduction, rounded to float64 only at the end; a class without positives counts as 1.
    """

    def compute(key: str, values: dict[str, Any], z: Any, y: Any, n: Any, total: int) -> tuple[float, Any] | None:
        if key not in CELLS and key not in ROWS:
            return None
        return (_multi if key in CELLS else _single)(key, values, z, y, np.maximum(n, 1), total)

    return compute
