"""Single-label losses: ``formula(z, t, **context) -> loss of one row``, ``z`` the row's logits, ``t`` its class.

The context has the loss's hyper-parameters and ``n`` (counts of all classes, at least 1), ``raw_n`` (the same, 0 where
it is 0), ``total``, ``m`` (n^(-1/4) relative to the largest), ``share`` (m of the class over its mean in the batch),
``classes`` (the classes of the batch), ``held`` (the row's logits as a detached weight sees them).
The value after the authors' reduction is the plain mean over the rows.
"""

from __future__ import annotations

from typing import Any

import mpmath as mp

from tests.losses.formulas.numbers import focusing


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


def _balanced_ce(z: list[Any], t: int, *, n: Any, classes: Any, **_: Any) -> Any:
    everyone = mp.mpf(int(sum(n)))
    weights = [(1 - int(k) / everyone) / (len(n) - 1) for k in n] if len(n) > 1 else [mp.mpf(1)]
    return -weights[t] * _log_p(z, t) * len(classes) / mp.fsum(weights[k] for k in classes)


def _focal_ce(z: list[Any], t: int, *, gamma: float, **_: Any) -> Any:
    log_p = _log_p(z, t)
    return -focusing(1 - mp.exp(log_p), gamma) * log_p


def _class_balanced_ce(z: list[Any], t: int, *, n: Any, classes: Any, beta: float, **_: Any) -> Any:
    weights = [(1 - mp.mpf(beta)) / (1 - mp.mpf(beta) ** int(k)) for k in n]
    return -weights[t] * _log_p(z, t) * len(classes) / mp.fsum(weights[k] for k in classes)


def _logit_adjusted_ce(z: list[Any], t: int, *, n: Any, tau: float, **_: Any) -> Any:
    prior = [int(k) / mp.mpf(int(sum(n))) for k in n]
    return -_log_p([x + tau * mp.log(share) for x, share in zip(z, prior, strict=True)], t)


def _balanced_softmax(z: list[Any], t: int, *, n: Any, **_: Any) -> Any:
    return -mp.log(int(n[t]) * mp.exp(z[t]) / mp.fsum(int(k) * mp.exp(x) for x, k in zip(z, n, strict=True)))


def _poly1_ce(z: list[Any], t: int, *, epsilon: float, **_: Any) -> Any:
    log_p = _log_p(z, t)
    return -log_p + epsilon * (1 - mp.exp(log_p))


def _smoothed(c: int, t: int, n_classes: int, smoothing: float) -> Any:
    return (1 - mp.mpf(smoothing)) * (c == t) + mp.mpf(smoothing) / n_classes


def _asl_single(z: list[Any], t: int, *, gamma_pos: float, gamma_neg: float, smoothing: float, **_: Any) -> Any:
    total = mp.mpf(0)
    for c in range(len(z)):
        log_p = _log_p(z, c)
        p = mp.exp(log_p)
        focus = focusing(1 - p, gamma_pos) if c == t else focusing(p, gamma_neg)
        total -= _smoothed(c, t, len(z), smoothing) * focus * log_p
    return total


def _ral_single(
    z: list[Any], t: int, *, gamma_pos: float, gamma_neg: float, smoothing: float, lamb: float, eps_pos: float,
    eps_pos_pow: float, eps_neg: float, **_: Any,
) -> Any:  # fmt: skip
    total = mp.mpf(0)
    for c in range(len(z)):
        log_p = _log_p(z, c)
        p, u = mp.exp(log_p), 1 - mp.exp(log_p)
        p_e, u_e = max(p, mp.mpf(smoothing)), max(u, mp.mpf(smoothing))
        a = p * (mp.log(p_e) + eps_pos * (1 - p_e) + mp.mpf(eps_pos_pow) / 2 * (1 - p_e) ** 2) * log_p
        b = (1 - a) * (mp.log(u_e) + eps_neg * u_e) * -(lamb - u) * u**2
        weight = mp.re(focusing(1 - a - b, gamma_pos if c == t else gamma_neg))
        total -= _smoothed(c, t, len(z), smoothing) * weight * log_p
    return total


def _seesaw(z: list[Any], t: int, *, raw_n: Any, classes: Any, held: list[Any], p: float, q: float, **_: Any) -> Any:
    n = [max(int(k) + list(classes).count(c), 1) for c, k in enumerate(raw_n)]
    sure = [mp.exp(_log_p(held, c)) for c in range(len(held))]
    below = mp.exp(z[t])
    for j, x in enumerate(z):
        if j != t:
            mitigated = (mp.mpf(n[j]) / n[t]) ** p if n[j] < n[t] else 1
            ratio = sure[j] / max(sure[t], mp.mpf("0.01"))
            below += mitigated * (ratio**q if ratio > 1 else 1) * mp.exp(x)
    return -mp.log(mp.exp(z[t]) / below)


ROWS = {
    "ce": _ce,
    "ldam": _ldam,
    "lmf": _lmf,
    "balanced_ce": _balanced_ce,
    "focal_ce": _focal_ce,
    "class_balanced_ce": _class_balanced_ce,
    "balanced_softmax": _balanced_softmax,
    "logit_adjusted_ce": _logit_adjusted_ce,
    "poly1_ce": _poly1_ce,
    "asl_single": _asl_single,
    "ral_single": _ral_single,
    "seesaw": _seesaw,
}
"""The formula of each loss."""
