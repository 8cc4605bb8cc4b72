"""Multi-label losses that are a sum over cells: ``formula(z, held, y, **context) -> loss of one cell``.

``held`` is the logit as a detached weight sees it. The context has the loss's hyper-parameters and ``n`` (count of
the cell's class, at least 1), ``total`` (number of images), ``row`` (sum of 1 / n_j over the labels of the row),
``all_n`` (counts of all classes), ``labels`` (targets of the row), ``propensity`` (of the class, or None), ``epoch``.
"""

from __future__ import annotations

from typing import Any

import mpmath as mp

from tests.losses.formulas.numbers import focusing, sigma


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
"""The formula of each loss."""

REDUCED_BY = {"bce": "mean", "focal": "mean", "db": "mean", "asl": "sum", "ral": "sum"}
"""The authors' reduction: mean over cells, sum over cells, or batch (sum over cells / rows)."""
