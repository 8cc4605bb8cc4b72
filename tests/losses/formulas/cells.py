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


def _apl(
    z: Any, held: Any, y: float, *, gamma_neg: float, gamma_pos: float, clip: float,
    eps_pos: float, eps_pos_pow: float, eps_neg: float, **_: Any,
) -> Any:  # fmt: skip
    p, p_held = sigma(z), sigma(held)
    if y:
        series = mp.log(p) + eps_pos * (1 - p) + mp.mpf(eps_pos_pow) / 2 * (1 - p) ** 2
        return -focusing(1 - p_held, gamma_pos) * series
    p_m, weight = (max(x - mp.mpf(clip), mp.mpf(0)) for x in (p, p_held))
    return -focusing(weight, gamma_neg) * (mp.log(1 - p_m) + eps_neg * (1 - p_m))


def _hill(z: Any, _held: Any, y: float, *, lamb: float, margin: float, gamma: float, **_: Any) -> Any:
    p, p_m = sigma(z), sigma(z - mp.mpf(margin))
    return -focusing(1 - p_m, gamma) * mp.log(p_m) if y else (mp.mpf(lamb) - p) * p**2


def _splc(
    z: Any, _held: Any, y: float, *, tau: float, change_epoch: int, margin: float, gamma: float, epoch: int, **_: Any
) -> Any:
    p = sigma(z - mp.mpf(margin)) if y else sigma(z)
    p_t = p if y or (epoch >= change_epoch and p > tau) else 1 - p
    return -focusing(1 - p_t, gamma) * mp.log(p_t)


def _poly1_focal(z: Any, _held: Any, y: float, *, epsilon: float, gamma: float, alpha: float, **_: Any) -> Any:
    wrong = 1 - sigma(z if y else -z)
    return _focal(z, z, y, gamma=gamma, alpha=alpha, use_alpha=True) + epsilon * wrong ** (mp.mpf(gamma) + 1)


def _weighted_bce(z: Any, _held: Any, y: float, *, n: Any, total: Any, max_weight: float, **_: Any) -> Any:
    return _bce(z, z, y) * (min(mp.mpf(total - n) / n, mp.mpf(max_weight)) if y else 1)


def _effective_weight(n: Any, beta: float) -> Any:
    return (1 - mp.mpf(beta)) / (1 - mp.mpf(beta) ** n)


def _class_balanced(
    z: Any, _held: Any, y: float, *, n: Any, all_n: Any, labels: Any, beta: float, gamma: float, balance: float,
    mode: str, **_: Any,
) -> Any:  # fmt: skip
    filled = 100_000  # the count of a row without positives; in min_n that of every negative
    own = [mp.mpf(int(k)) for k in all_n[labels == 1]] or [mp.mpf(filled)]
    weight = {
        "by_class": lambda: _effective_weight(n, beta),
        "average_n": lambda: _effective_weight(mp.fsum(own) / len(own), beta),
        "average_w": lambda: mp.fsum(_effective_weight(k, beta) for k in own) / len(own),
        "min_n": lambda: _effective_weight(min(own + [mp.mpf(filled)] * int((labels == 0).any())), beta),
    }[mode]()
    return balance * weight * _focal(z, z, y, gamma=gamma, alpha=0.0, use_alpha=False)


def _margin(n: Any, all_n: Any) -> Any:
    return (min(int(k) for k in all_n) / mp.mpf(int(n))) ** mp.mpf("0.25")


def _ldam_multilabel(
    z: Any, _held: Any, y: float, *, n: Any, all_n: Any, max_margin: float, scale: float, **_: Any
) -> Any:
    v = scale * (z - (max_margin * _margin(n, all_n) if y else 0))
    return mp.log(1 + mp.exp(-v if y else v))


def _lmf_multilabel(
    z: Any, _held: Any, y: float, *, n: Any, all_n: Any, alpha: float, beta: float, gamma: float, max_margin: float,
    scale: float, **_: Any,
) -> Any:  # fmt: skip
    hinge = _ldam_multilabel(z, z, y, n=n, all_n=all_n, max_margin=max_margin, scale=scale)
    focal = _focal(z, z, y, gamma=gamma, alpha=0.0, use_alpha=False)
    return max_margin * _margin(n, all_n) * (alpha * hinge + beta * focal)


def _logit_adjusted_bce(z: Any, _held: Any, y: float, *, n: Any, total: Any, tau: float, **_: Any) -> Any:
    odds = mp.mpf(n) / (total - n)
    return _bce(z + tau * mp.log(odds), z, y)


def _inverse_propensity(n: Any, total: Any, propensity: Any, a: float, b: float) -> Any:
    if propensity is not None:
        return 1 / mp.mpf(propensity)
    k = (mp.log(total) - 1) * (mp.mpf(b) + 1) ** mp.mpf(a)
    return 1 + k * mp.exp(-mp.mpf(a) * mp.log(n + mp.mpf(b)))


def _unbiased_bce(
    z: Any, _held: Any, y: float, *, n: Any, total: Any, propensity: Any, estimator: str, a: float = 0.55,
    b: float = 1.5, **_: Any,
) -> Any:  # fmt: skip
    seen = y * _inverse_propensity(n, total, propensity, a, b)
    present, absent = -mp.log(sigma(z)), -mp.log(sigma(-z))
    if estimator == "unbiased":
        return seen * (present - absent) + absent
    return y * (2 * seen - 1) * present + (1 - y) * absent


def _propensity_bce(
    z: Any, _held: Any, y: float, *, n: Any, total: Any, propensity: Any, a: float = 0.55, b: float = 1.5, **_: Any
) -> Any:
    return _bce(z, z, y) * (_inverse_propensity(n, total, propensity, a, b) if y else 1)


CELLS = {
    "bce": _bce,
    "weighted_bce": _weighted_bce,
    "focal": _focal,
    "poly1_focal": _poly1_focal,
    "class_balanced": _class_balanced,
    "asl": _asl,
    "apl": _apl,
    "ral": _ral,
    "hill": _hill,
    "splc": _splc,
    "db": _db,
    "ldam_multilabel": _ldam_multilabel,
    "lmf_multilabel": _lmf_multilabel,
    "logit_adjusted_bce": _logit_adjusted_bce,
    "unbiased_bce": _unbiased_bce,
    "propensity_bce": _propensity_bce,
}
"""The formula of each loss."""

REDUCED_BY = dict.fromkeys(CELLS, "mean") | dict.fromkeys(("asl", "apl", "ral", "hill", "splc"), "sum")
"""The authors' reduction: mean over cells, sum over cells, or batch (sum over cells / rows)."""
