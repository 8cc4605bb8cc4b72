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


ROWS = {"ce": _ce, "ldam": _ldam, "lmf": _lmf}
"""The formula of each loss."""
