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
MOST_CLASSES = 40
"""Beyond that, the class drawn, the most frequent others and the rarest stand for all."""

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
    prior, class_index = _fewer(prior, class_index)
    n_classes = prior.n_classes if prior else n_classes
    frames = []
    for y in (1, 0):
        row = _labels(spec, n_classes, class_index, y, prior)
        for dtype in dtypes:
            frames += _of_format(spec, values, prior, row, class_index, y, torch.as_tensor(grid).to(dtype))
    return pd.concat(frames, ignore_index=True)


def _fewer(prior: ClassPrior | None, class_index: int) -> tuple[ClassPrior | None, int]:
    """Return the counts of at most ``MOST_CLASSES`` classes and the place of ``class_index`` among them."""
    if prior is None or prior.n_classes <= MOST_CLASSES:
        return prior, class_index
    order = [int(c) for c in np.argsort(-prior.positives, kind="stable") if c != class_index]
    kept = [class_index, *order[: MOST_CLASSES - 2], order[-1]]
    rho = None if prior.propensities is None else prior.propensities[kept]
    return ClassPrior(prior.positives[kept], prior.n_samples, rho), 0


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

    both = torch.func.vmap(torch.func.grad_and_value(one))

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
