"""Where a loss still says what its formula says, in each number format: ours beside the textbook form.

The reference is our float64 value at the logit as the format rounds it, so that the rounding of the logit itself is
nobody's fault. Half precision: ours computes in float32 inside, the textbook form in the format itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.losses.spec import LossSpec
from lt_core.losses.textbook import TEXTBOOK
from lt_core.params import Value
from lt_core.problems import Invalid
from lt_core.stats.prior import ClassPrior

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
FORMS = ("ours", "textbook")
VERDICTS = ("sound", "off", "gradient gone", "infinite", "not a number")
CLEARLY = 1e-3
"""A gradient matters above this share of the curve's largest; it is gone below this share of what it should be."""
ROUNDINGS = 16.0
"""How many roundings of the format a form may lose, beyond what one rounding of the logit explains."""
NOTICED = 1e-4
"""Relative errors below it are no error, however exact the format: training does not see them."""

Array: TypeAlias = NDArray[np.float64]
Form: TypeAlias = Callable[[Tensor], tuple[Array, Array]]


def soundness(
    spec: LossSpec,
    values: Mapping[str, Value],
    prior: ClassPrior | None = None,
    *,
    logits: Array | None = None,
    dtypes: Sequence[torch.dtype] = DTYPES,
    class_index: int = 0,
) -> pd.DataFrame:
    """Return columns dtype, y, logit, form, value, gradient, reference, reference_gradient, verdict.

    One image, whose logit of ``class_index`` runs over ``logits`` (default -100 to 100 in steps of 0.2), all others
    0; y = 0: another class is the right one (softmax), or the only other label (sigmoid). ``logit`` is the rounded
    one. Verdicts, the first that applies: "not a number"; "infinite"; "gradient gone": the reference gradient is above
    ``CLEARLY`` of the curve's largest and the form's is below ``CLEARLY`` of that; "off": value or gradient differ
    by more than ``NOTICED``, or ``ROUNDINGS`` roundings of the format where it is coarser, relative to the reference
    plus the curve's own size (value: at logit 0, gradient: its largest), beyond what that many roundings of the logit
    change; else "sound".
    """
    grid = np.linspace(-100, 100, 1001) if logits is None else np.asarray(logits, dtype=np.float64)
    if grid.ndim != 1 or not grid.size or not np.isfinite(grid).all():
        raise Invalid("logits must be a row of finite numbers")
    n_classes = prior.n_classes if prior else max(2, class_index + 1)
    if not 0 <= class_index < n_classes:
        raise Invalid(f"class_index must be in 0..{n_classes - 1}, got {class_index}")
    frames = []
    for y in (1, 0):
        row = _labels(spec, n_classes, class_index, y, prior)
        for dtype in dtypes:
            frames += _of_format(spec, values, prior, row, class_index, y, torch.as_tensor(grid).to(dtype))
    return pd.concat(frames, ignore_index=True)


def _of_format(
    spec: LossSpec,
    values: Mapping[str, Value],
    prior: ClassPrior | None,
    row: Tensor,
    column: int,
    y: int,
    logit: Tensor,
) -> list[pd.DataFrame]:
    """Return one table per form for one number format and one y."""
    ours, theirs = _ours(spec, values, prior, row, column), _textbook(spec, values, prior, row, column)
    exact = logit.double()
    right = ours(exact)
    allowed = _allowed(ours, exact, right, torch.finfo(logit.dtype).eps)
    frames = []
    for form, function in (("ours", ours), ("textbook", theirs)):
        if function is None:
            continue
        value, gradient = function(logit)
        columns = {
            "dtype": str(logit.dtype).removeprefix("torch."),
            "y": y,
            "logit": exact.numpy(),
            "form": form,
            "value": value,
            "gradient": gradient,
            "reference": right[0],
            "reference_gradient": right[1],
            "verdict": _verdicts((value, gradient), right, allowed),
        }
        frames.append(pd.DataFrame(columns))
    return frames


def _labels(spec: LossSpec, n_classes: int, column: int, y: int, prior: ClassPrior | None) -> Tensor:
    """Return the (1, C) targets of the image: for y = 0 the most frequent other class is there."""
    counts = prior.positives if prior else np.ones(n_classes)
    others = [int(c) for c in np.argsort(-counts, kind="stable") if c != column]
    row = torch.zeros(1, n_classes, dtype=torch.float64)
    if y == 1:
        row[0, column] = 1.0
    elif others:
        row[0, others[0]] = 1.0
    elif spec.labels == "single":
        raise Invalid(f"{spec.key} needs at least two classes for y = 0")
    return row


def _ours(spec: LossSpec, values: Mapping[str, Value], prior: ClassPrior | None, row: Tensor, column: int) -> Form:
    """Return our loss as a function of the running logit alone; one image at a time, for losses over a batch."""
    settings: dict[str, Any] = dict(values)
    bound = spec.bind(prior, **settings)
    targets = row.argmax(dim=1) if spec.labels == "single" else row

    def one(z: Tensor) -> Tensor:
        logits = torch.nn.functional.one_hot(torch.tensor(column), row.shape[1]).to(z.dtype)[None] * z
        losses, _ = bound.losses(logits, targets, mean=True)
        return losses[0, column] if losses.ndim == 2 else losses.sum()

    at_once = min(1024, max(8, 4_000_000 // row.shape[1] ** 2))  # some losses are of size classes squared
    both = torch.func.vmap(torch.func.grad_and_value(one), chunk_size=at_once)

    def form(logit: Tensor) -> tuple[Array, Array]:
        gradient, value = both(logit)
        return value.detach().double().numpy(), gradient.detach().double().numpy()

    return form


def _textbook(
    spec: LossSpec, values: Mapping[str, Value], prior: ClassPrior | None, row: Tensor, column: int
) -> Form | None:
    """Return the textbook form as a function of the running logit, computed in the logit's own format."""
    if spec.key not in TEXTBOOK:
        return None
    data: dict[str, Any] = dict(spec.checked(values))
    if prior is not None and spec.needs_prior:
        data |= {"counts": torch.as_tensor(prior.counts), "n_samples": torch.tensor(float(prior.n_samples))}

    def form(logit: Tensor) -> tuple[Array, Array]:
        leaf = logit.detach().clone().requires_grad_()
        logits = torch.nn.functional.one_hot(torch.tensor(column), row.shape[1]).to(leaf.dtype) * leaf[:, None]
        losses = TEXTBOOK[spec.key].function(logits, row.to(leaf.dtype).expand(len(leaf), -1), **data)
        shown = losses[:, column] if losses.ndim == 2 else losses
        (gradient,) = torch.autograd.grad(shown.sum(), leaf)
        return shown.detach().double().numpy(), gradient.double().numpy()

    return form


def _allowed(ours: Form, logit: Tensor, right: tuple[Array, Array], eps: float) -> tuple[Array, Array]:
    """Return how far value and gradient may be off: some roundings, and what one rounding of the logit changes."""
    near = [ours(logit * (1 + side * eps)) for side in (-1, 1)]
    scales = float(np.abs(ours(torch.zeros(1, dtype=torch.float64))[0]).max()), float(np.abs(right[1]).max())
    allowed = []
    for k, scale in enumerate(scales):
        moved = np.maximum(*(np.abs(side[k] - right[k]) for side in near))
        allowed.append(max(ROUNDINGS * eps, NOTICED) * (np.abs(right[k]) + scale) + ROUNDINGS * moved)
    return allowed[0], allowed[1]


def _verdicts(form: tuple[Array, Array], right: tuple[Array, Array], allowed: tuple[Array, Array]) -> NDArray[np.str_]:
    """Return the verdict of every point."""
    (value, gradient), (_, wanted) = form, right
    with np.errstate(invalid="ignore"):
        off = np.any([np.abs(form[k] - right[k]) > allowed[k] for k in (0, 1)], axis=0)
    clear = np.abs(wanted) > CLEARLY * np.abs(wanted).max()
    return np.select(
        [
            np.isnan(value) | np.isnan(gradient),
            np.isinf(value) | np.isinf(gradient),
            clear & (np.abs(gradient) < CLEARLY * np.abs(wanted)),
            off,
        ],
        ["not a number", "infinite", "gradient gone", "off"],
        "sound",
    )


def sentence(table: pd.DataFrame, dtype: str = "float32") -> str:
    """Return in one sentence where, in ``dtype``, the textbook form fails from the badly wrong end, and what ours does.

    ``table`` is that of ``soundness`` for one loss.
    """
    here = table[table["dtype"] == dtype]
    mine = here[here["form"] == "ours"]
    bad = mine[mine["verdict"] != "sound"]
    if len(bad):
        first = bad.iloc[0]
        return f"In {dtype} this form is {first['verdict']} at z = {first['logit']:.1f} where y = {first['y']}."
    if not (here["form"] == "textbook").any():
        return f"In {dtype} it is sound at every logit from {mine['logit'].min():g} to {mine['logit'].max():g}."
    for y in (1, 0):
        found = _lost(here[(here["form"] == "textbook") & (here["y"] == y)], y)
        if found is None:
            continue
        how, edge = found
        return f"In {dtype} the textbook form {_fails(how, y, edge)}; this one {_keeps(mine[mine['y'] == y], y)}."
    worst = here[(here["form"] == "textbook") & (here["verdict"] != "sound")]["verdict"]
    if len(worst):
        return (
            f"In {dtype} the textbook form is {worst.iloc[0]} at {len(worst)} of {len(mine)} points; this one is sound."
        )
    return f"In {dtype} both forms are sound."


def _fails(how: str, y: int, edge: float) -> str:
    side, way = ("positives", "below") if y == 1 else ("negatives", "above")
    said = {
        "gradient gone": "loses the gradient of",
        "not a number": "is not a number for",
        "infinite": "is infinite for",
    }
    return f"{said[how]} {side} {way} z = {edge:.1f}"


def _keeps(curve: pd.DataFrame, y: int) -> str:
    """Return what the gradient of our form is at the badly wrong end."""
    end = -1 if (curve["logit"].iloc[0] < curve["logit"].iloc[-1]) == (y == 0) else 0
    gradient, logit = float(curve["gradient"].iloc[end]), float(curve["logit"].iloc[end])
    kept = f"keeps {gradient:.3f}" if abs(gradient) >= 5e-4 else "stays sound"
    return f"{kept} {'down' if y == 1 else 'up'} to {logit:g}"


def _lost(curve: pd.DataFrame, y: int) -> tuple[str, float] | None:
    """Return how the form fails at the badly wrong end of its curve, and the first logit where it no longer does so."""
    ordered = curve.sort_values("logit", ascending=y == 1)
    how = ordered["verdict"].iloc[0]
    if how in ("sound", "off"):
        return None
    after = ordered[ordered["verdict"] != how]
    return str(how), float(after["logit"].iloc[0] if len(after) else ordered["logit"].iloc[-1])
