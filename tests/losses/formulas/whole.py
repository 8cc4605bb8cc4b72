"""Multi-label losses that look across a row or a batch: ``formula(z, y, **context) -> loss after the reduction``.

``z`` is a list of rows of mpmath numbers, ``y`` the (B, C) targets or the (B,) class indices. The context has the
hyper-parameters, ``n`` (the counts, at least 1) and ``total``. A random loss is its mean over the draws, and one with
a memory is at its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mpmath as mp
import numpy as np

Rows = list[list[Any]]


def _hot(z: Rows, y: Any) -> Any:
    return y if np.ndim(y) == 2 else np.eye(len(z[0]))[y]


def _cells(z: Rows, y: Any) -> Iterator[tuple[Any, bool, int, int]]:
    for (b, c), label in np.ndenumerate(_hot(z, y)):
        yield z[b][c], bool(label), b, c


def _log(total: Any) -> Any:
    return mp.log(total) if total else -mp.inf


def _zlpr(z: Rows, y: Any, **_: Any) -> Any:
    rows = []
    for row, labels in zip(z, _hot(z, y), strict=True):
        there = mp.fsum(mp.exp(-x) for x, label in zip(row, labels, strict=True) if label)
        absent = mp.fsum(mp.exp(x) for x, label in zip(row, labels, strict=True) if not label)
        rows.append(mp.log(1 + there) + mp.log(1 + absent))
    return mp.fsum(rows) / len(rows)


def _one_way(lines: Any, marks: Any, t_pos: float, t_neg: float) -> Any:
    terms = []
    for line, mark in zip(lines, marks, strict=True):
        if any(mark):
            there = mp.fsum(mp.exp(-x / t_pos) for x, one in zip(line, mark, strict=True) if one)
            absent = mp.fsum(mp.exp(x / t_neg) for x, one in zip(line, mark, strict=True) if not one)
            terms.append(mp.log(1 + absent**t_neg * there**t_pos))
    return mp.fsum(terms) / len(terms) if terms else mp.mpf(0)


def _two_way(z: Rows, y: Any, *, pos_temperature: float, neg_temperature: float, **_: Any) -> Any:
    t_pos, t_neg, hot = mp.mpf(pos_temperature), mp.mpf(neg_temperature), _hot(z, y)
    return _one_way(z, hot, t_pos, t_neg) + _one_way(list(zip(*z, strict=True)), hot.T, t_pos, t_neg)


def _multilabel_logistic(z: Rows, y: Any, **_: Any) -> Any:
    length = len(z[0])
    cells = ((mp.log(2 * mp.cosh(x)) - (x if label else -x) / length) for x, label, *_ in _cells(z, y))
    return mp.fsum(cells) / len(z)


def _bce(x: Any, label: bool) -> Any:
    return mp.log(1 + mp.exp(-x if label else x))


def _equalization(z: Rows, y: Any, *, n: Any, total: int, threshold: float, **_: Any) -> Any:
    some = _hot(z, y).any(axis=1)
    cells = (_bce(x, label) for x, label, b, c in _cells(z, y) if label or not (some[b] and n[c] / total < threshold))
    return mp.fsum(cells) / len(z)


def _equalization_v2(z: Rows, y: Any, *, gamma: float, mu: float, alpha: float, **_: Any) -> Any:
    negative = 1 / (1 + mp.exp(-gamma * (100 - mp.mpf(mu))))
    cells = ((1 + alpha * (1 - negative) if label else negative) * _bce(x, label) for x, label, *_ in _cells(z, y))
    return mp.fsum(cells) / len(z)


def _droploss(z: Rows, y: Any, *, n: Any, total: int, threshold: float, **_: Any) -> Any:
    hot = _hot(z, y)
    rare = n / total < threshold
    rho = mp.mpf(int(hot[:, rare].sum())) / int(hot.sum()) if hot.any() else 1
    loss = mp.mpf(0)
    for x, label, b, c in _cells(z, y):
        weight = 1 if label or not rare[c] else 0 if hot[b].any() else rho
        loss += weight * _bce(x, label)
    return loss / len(z)


def _sampled_bce(z: Rows, y: Any, *, n: Any, m: int, sampling: str, weighting: str, tau: float, **_: Any) -> Any:
    hot, classes = _hot(z, y), range(len(z[0]))
    n = [mp.mpf(int(k)) for k in n]
    q = [k / mp.fsum(n) if sampling == "prior" else mp.mpf(1) / len(n) for k in n]

    def weight(t: int | None, j: int) -> Any:
        q_t = mp.mpf(1) / len(n) if t is None else q[t]
        rho = 1 if t is None else (n[j] / n[t]) ** tau
        return rho * {"constant": mp.mpf(1), "importance": 1 / (m * q[j]), "relative": q_t / q[j]}[weighting]

    loss = mp.mpf(0)
    for x, label, b, j in _cells(z, y):
        labels = [t for t in classes if hot[b][t]] or [None]
        mean = mp.fsum(weight(t, j) for t in labels) / len(labels)
        loss += _bce(x, label) * (1 if label else min(m * q[j] * mean, mp.mpf(10000)))
    return loss / len(z)


WHOLE: dict[str, Callable[..., Any]] = {
    "zlpr": _zlpr,
    "two_way": _two_way,
    "multilabel_logistic": _multilabel_logistic,
    "equalization": _equalization,
    "equalization_v2": _equalization_v2,
    "droploss": _droploss,
    "sampled_bce": _sampled_bce,
}
"""The formula of each loss."""
