"""A prior, a batch, and the high-precision reference every loss is compared with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import torch
from torch import Tensor

from lt_core.stats import ClassPrior
from tests.losses.formulas.cells import CELLS, REDUCED_BY
from tests.losses.formulas.rows import ROWS
from tests.losses.formulas.whole import WHOLE

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


def _multi(key: str, values: dict[str, Any], z: Any, y: Any, n: Any, total: int, **more: Any) -> tuple[float, Any]:
    size = {"mean": z.size, "batch": len(z), "sum": 1}[REDUCED_BY[key]]
    loss, gradient = mp.mpf(0), np.zeros_like(z)
    rho = more.pop("propensities")
    for b, c in np.ndindex(*z.shape):
        row = mp.fsum(1 / mp.mpf(int(k)) for k in n[y[b] == 1])
        propensity = None if rho is None else rho[c]
        own = values | {"n": int(n[c]), "total": total, "row": row, "all_n": n, "labels": y[b]} | more
        here = mp.mpf(float(z[b, c]))
        cell = partial(CELLS[key], y=y[b, c], propensity=propensity, **own)
        loss += cell(here, here)
        held = (lambda x, h=here: h) if values.get("detach_focus") else (lambda x: x)
        gradient[b, c] = mp.diff(lambda x: cell(x, held(x)), here) / size  # noqa: B023
    return float(loss / size), gradient


def _single(key: str, values: dict[str, Any], z: Any, t: Any, n: Any, total: int, **more: Any) -> tuple[float, Any]:
    roots = [mp.mpf(int(k)) ** mp.mpf(-0.25) for k in n]
    m = [root / max(roots) for root in roots]
    weights = mp.fsum(m[k] for k in t) / len(t)
    loss, gradient = mp.mpf(0), np.zeros_like(z)
    for b, k in enumerate(t):
        own = values | {"m": m, "share": m[k] / weights, "n": n, "total": total, "classes": t}
        row = [mp.mpf(float(x)) for x in z[b]]
        formula = partial(ROWS[key], t=int(k), held=row, raw_n=more["raw_n"], **own)
        loss += formula(row) / len(t)
        for c in range(z.shape[1]):
            moved = lambda x: formula([*row[:c], x, *row[c + 1 :]])  # noqa: B023, E731
            gradient[b, c] = mp.diff(moved, row[c]) / len(t)
    return float(loss), gradient


def _whole(key: str, values: dict[str, Any], z: Any, y: Any, n: Any, total: int, **_: Any) -> tuple[float, Any]:
    rows = [[mp.mpf(float(x)) for x in row] for row in z]
    formula = partial(WHOLE[key], y=y, n=n, total=total, **values)
    gradient = np.zeros_like(z)
    for b, c in np.ndindex(*z.shape):

        def moved(x: Any, b: int = b, c: int = c) -> Any:
            return formula([[x if (i, j) == (b, c) else v for j, v in enumerate(row)] for i, row in enumerate(rows)])

        gradient[b, c] = mp.diff(moved, rows[b][c])
    return float(formula(rows)), gradient


@pytest.fixture
def reference() -> Callable[..., tuple[float, Any] | None]:
    """Return ``(key, values, logits, targets, positives, n_samples) -> (loss, gradient)``, None if it has no formula.

    After the authors' reduction, rounded to float64 only at the end; a class without positives counts as 1.
    """

    def compute(
        key: str,
        values: dict[str, Any],
        z: Any,
        y: Any,
        n: Any,
        total: int,
        *,
        propensities: Any = None,
        epoch: int = 0,
    ) -> tuple[float, Any] | None:
        for formulas, how in ((CELLS, _multi), (ROWS, _single), (WHOLE, _whole)):
            if key in formulas:
                more = {"propensities": propensities, "epoch": epoch, "raw_n": n}
                return how(key, values, z, y, np.maximum(n, 1), total, **more)
        return None

    return compute
