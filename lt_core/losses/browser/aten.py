"""What each core ATen operation does to arrays of terms: views move terms, the rest makes new ones.

An array is a NumPy array of term numbers. Functions take ``(terms, *arguments of the operation)``; the overload of an
operation (``add.Tensor``, ``add.Scalar``) makes no difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from lt_core.losses.browser.terms import Terms

Array: TypeAlias = NDArray[np.int64]
Handler: TypeAlias = Callable[..., Any]

HANDLERS: dict[str, Handler] = {}
"""By name without overload: ``add``, ``_log_softmax``."""

SAME = ("alias", "clone", "detach", "lift_fresh_copy", "lift_fresh", "contiguous", "positive")
UNARY = (
    "neg", "exp", "expm1", "log", "log1p", "log2", "sqrt", "tanh", "cos", "sin", "abs", "sign", "floor", "ceil", "trunc"
)  # fmt: skip
BINARY = {
    "mul": "mul", "pow": "pow", "maximum": "max", "minimum": "min", "gt": "gt", "ge": "ge", "lt": "lt",
    "le": "le", "eq": "eq", "ne": "ne", "logical_and": "and", "logical_or": "or", "bitwise_and": "and",
    "bitwise_or": "or", "logical_xor": "ne",
}  # fmt: skip


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Register a function for the operations ``names``."""

    def register(handler: Handler) -> Handler:
        for name in names:
            HANDLERS[name] = handler
        return handler

    return register


def array(terms: Terms, value: object) -> Array:
    """Return ``value``, an array of terms already or a number or tensor of numbers, as an array of terms."""
    if isinstance(value, np.ndarray):
        return value
    numbers = np.asarray(value.detach().cpu().double() if isinstance(value, torch.Tensor) else value, dtype=float)
    return np.array([terms.const(n) for n in numbers.ravel()], dtype=np.int64).reshape(numbers.shape)


def each(terms: Terms, name: str, *operands: object) -> Array:
    """Return ``name`` on every element of the ``operands``, broadcast."""
    wide = np.broadcast_arrays(*(array(terms, operand) for operand in operands))
    made = [terms.op(name, *row) for row in zip(*(w.ravel().tolist() for w in wide), strict=True)]
    return np.array(made, dtype=np.int64).reshape(wide[0].shape)


def over(terms: Terms, name: str, a: Array, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Array:
    """Return ``a`` folded with ``name`` over ``dim``, over everything where that is None or empty."""
    axes = tuple(range(a.ndim)) if dim is None or dim == [] else (dim,) if isinstance(dim, int) else tuple(dim)
    axes = tuple(axis % a.ndim for axis in axes) if a.ndim else ()
    rest = [axis for axis in range(a.ndim) if axis not in axes]
    moved = a.transpose([*rest, *axes]).reshape(math.prod(a.shape[r] for r in rest), -1)
    made = [terms.fold(name, row) for row in moved.tolist()]
    shape = [1 if i in axes else n for i, n in enumerate(a.shape)] if keepdim else [a.shape[r] for r in rest]
    return np.array(made, dtype=np.int64).reshape(shape)


for _name in SAME:
    HANDLERS[_name] = lambda _terms, a, **_: a
for _name in UNARY:
    HANDLERS[_name] = lambda terms, a, _op=_name: each(terms, _op, a)
for _name, _to in BINARY.items():
    HANDLERS[_name] = lambda terms, a, b, _op=_to: each(terms, _op, a, b)
for _name in ("logical_not", "bitwise_not"):
    HANDLERS[_name] = lambda terms, a: each(terms, "not", a)
HANDLERS["sgn"] = HANDLERS["sign"]


@handles("add", "sub")
def _add(terms: Terms, a: object, b: object, *, alpha: float = 1, name: str) -> Array:
    return each(terms, name, a, b if alpha == 1 else each(terms, "mul", b, alpha))


@handles("rsub")
def _rsub(terms: Terms, a: object, b: object, alpha: float = 1) -> Array:
    return each(terms, "sub", b, a if alpha == 1 else each(terms, "mul", a, alpha))


@handles("div", "true_divide")
def _div(terms: Terms, a: object, b: object, *, rounding_mode: str | None = None) -> Array:
    ratio = each(terms, "div", a, b)
    return each(terms, rounding_mode, ratio) if rounding_mode else ratio


@handles("reciprocal", "rsqrt")
def _reciprocal(terms: Terms, a: Array, *, name: str) -> Array:
    return each(terms, "div", 1.0, a if name == "reciprocal" else each(terms, "sqrt", a))


@handles("sigmoid")
def _sigmoid(terms: Terms, a: Array) -> Array:
    return each(terms, "div", 1.0, each(terms, "add", 1.0, each(terms, "exp", each(terms, "neg", a))))


@handles("sigmoid_backward")
def _sigmoid_backward(terms: Terms, slope: Array, p: Array) -> Array:
    return each(terms, "mul", slope, each(terms, "mul", p, each(terms, "sub", 1.0, p)))


@handles("softplus")
def _softplus(terms: Terms, a: Array, beta: float = 1, threshold: float = 20) -> Array:
    scaled = each(terms, "mul", a, beta)
    soft = each(terms, "div", each(terms, "log1p", each(terms, "exp", scaled)), beta)
    return each(terms, "where", each(terms, "gt", scaled, threshold), a, soft)


@handles("softplus_backward")
def _softplus_backward(terms: Terms, slope: Array, a: Array, beta: float, threshold: float) -> Array:
    scaled = each(terms, "mul", a, beta)
    power = each(terms, "exp", scaled)
    soft = each(terms, "div", each(terms, "mul", slope, power), each(terms, "add", power, 1.0))
    return each(terms, "where", each(terms, "gt", scaled, threshold), slope, soft)


@handles("relu")
def _relu(terms: Terms, a: Array) -> Array:
    return each(terms, "max", a, 0.0)


@handles("clamp", "clamp_min", "clamp_max")
def _clamp(terms: Terms, a: Array, low: object = None, high: object = None, *, name: str, **more: object) -> Array:
    low, high = more.get("min", low), more.get("max", high)
    if name == "clamp_max":
        low, high = None, low if high is None else high
    a = a if low is None else each(terms, "max", a, low)
    return a if high is None else each(terms, "min", a, high)


@handles("where")
def _where(terms: Terms, condition: Array, a: object, b: object) -> Array:
    return each(terms, "where", condition, a, b)


@handles("masked_fill")
def _masked_fill(terms: Terms, a: Array, mask: Array, value: object) -> Array:
    return each(terms, "where", mask, value, a)


@handles("_to_copy", "to")
def _to_copy(terms: Terms, a: Array, dtype: torch.dtype | None = None, **_: object) -> Array:
    if dtype == torch.bool:
        return each(terms, "ne", a, 0.0)
    if dtype is not None and not dtype.is_floating_point:
        return each(terms, "trunc", a)
    return a


@handles("sum", "amax", "amin", "prod", "any", "all")
def _reduced(terms: Terms, a: Array, dim: Any = None, keepdim: bool = False, *, name: str, **_: object) -> Array:
    to = {"sum": "add", "amax": "max", "amin": "min", "prod": "mul", "any": "or", "all": "and"}[name]
    return over(terms, to, a, dim, keepdim)


@handles("max", "min")
def _extreme(terms: Terms, a: Array, b: Array | None = None, *, name: str) -> Array:
    return over(terms, name, a) if b is None else each(terms, name, a, b)


@handles("mean")
def _mean(terms: Terms, a: Array, dim: Any = None, keepdim: bool = False, **_: object) -> Array:
    total = over(terms, "add", a, dim, keepdim)
    return each(terms, "div", total, a.size / max(total.size, 1))


@handles("_log_softmax", "_softmax")
def _log_softmax(terms: Terms, a: Array, dim: int, *_: object, name: str) -> Array:
    far = each(terms, "sub", a, over(terms, "max", a, dim, True))
    powers = each(terms, "exp", far)
    total = over(terms, "add", powers, dim, True)
    if name == "_softmax":
        return each(terms, "div", powers, total)
    return each(terms, "sub", far, each(terms, "log", total))


@handles("logsumexp")
def _logsumexp(terms: Terms, a: Array, dim: Any, keepdim: bool = False) -> Array:
    top = over(terms, "max", a, dim, True)
    total = over(terms, "add", each(terms, "exp", each(terms, "sub", a, top)), dim, True)
    whole = each(terms, "add", each(terms, "log", total), top)
    return whole if keepdim else over(terms, "add", whole, dim)


@handles("cumsum")
def _cumsum(terms: Terms, a: Array, dim: int) -> Array:
    parts = np.moveaxis(a, dim, 0)
    made = [parts[0]]
    for part in parts[1:]:
        made.append(each(terms, "add", made[-1], part))
    return np.moveaxis(np.stack(made), 0, dim)
