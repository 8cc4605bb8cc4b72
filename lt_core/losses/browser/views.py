"""Core ATen operations that move elements, or make constants, and compute nothing."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from lt_core.losses.browser.aten import HANDLERS, Array, array, handles
from lt_core.losses.browser.terms import Terms

__all__ = ["HANDLERS", "TOLD"]


@handles("view", "reshape", "_unsafe_view")
def _view(_: Terms, a: Array, size: Sequence[int]) -> Array:
    return a.reshape(list(size))


@handles("expand")
def _expand(_: Terms, a: Array, size: Sequence[int], **__: object) -> Array:
    known = (1,) * (len(size) - a.ndim) + a.shape
    return np.broadcast_to(a, [own if n == -1 else n for n, own in zip(size, known, strict=True)])


@handles("permute")
def _permute(_: Terms, a: Array, dims: Sequence[int]) -> Array:
    return a.transpose(list(dims))


@handles("transpose", "t")
def _transpose(_: Terms, a: Array, first: int = 0, second: int = -1) -> Array:
    return a if a.ndim < 2 else np.swapaxes(a, first, second)


@handles("unsqueeze")
def _unsqueeze(_: Terms, a: Array, dim: int) -> Array:
    return np.expand_dims(a, dim)


@handles("squeeze")
def _squeeze(_: Terms, a: Array, dim: Any = None) -> Array:
    dims = range(a.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    return np.squeeze(a, tuple(d % a.ndim for d in dims if a.ndim and a.shape[d] == 1))


@handles("select")
def _select(_: Terms, a: Array, dim: int, index: int) -> Array:
    chosen: Array = np.take(a, index, axis=dim)
    return chosen


@handles("slice")
def _slice(_: Terms, a: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Array:
    chosen: list[slice] = [slice(None)] * a.ndim
    chosen[dim] = slice(start, end, step)
    return a[tuple(chosen)]


@handles("cat")
def _cat(_: Terms, parts: Sequence[Array], dim: int = 0) -> Array:
    return np.concatenate([part for part in parts if part.shape != (0,)], axis=dim)


@handles("stack")
def _stack(_: Terms, parts: Sequence[Array], dim: int = 0) -> Array:
    return np.stack(list(parts), axis=dim)


@handles("select_backward")
def _select_backward(terms: Terms, slope: Array, size: Sequence[int], dim: int, index: int) -> Array:
    made = np.full(list(size), terms.const(0.0))
    np.moveaxis(made, dim, 0)[index] = slope
    return made


@handles("flip")
def _flip(_: Terms, a: Array, dims: Sequence[int]) -> Array:
    return np.flip(a, tuple(dims))


@handles("repeat")
def _repeat(_: Terms, a: Array, times: Sequence[int]) -> Array:
    return np.tile(a, list(times))


@handles("diagonal")
def _diagonal(_: Terms, a: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    return np.diagonal(a, offset, dim1, dim2)


@handles("full", "new_full")
def _full(terms: Terms, *args: Any, name: str, **_: object) -> Array:
    size, value = args[-2:] if name == "new_full" else args
    return np.full(list(size), int(array(terms, value)))


@handles("full_like")
def _full_like(terms: Terms, a: Array, value: float, **_: object) -> Array:
    return np.full(a.shape, int(array(terms, value)))


@handles("zeros_like", "ones_like", "empty_like")
def _constant_like(terms: Terms, a: Array, *, name: str, **_: object) -> Array:
    return np.full(a.shape, terms.const(float(name == "ones_like")))


@handles("zeros", "ones", "empty", "new_zeros", "new_ones", "new_empty")
def _constant(terms: Terms, *args: Any, name: str, **_: object) -> Array:
    return np.full(list(args[-1]), terms.const(float("ones" in name)))


@handles("scalar_tensor")
def _scalar_tensor(terms: Terms, value: float, **_: object) -> Array:
    return array(terms, value)


@handles("arange")
def _arange(terms: Terms, *bounds: float, **_: object) -> Array:
    return array(terms, np.arange(*bounds).tolist())


@handles("slice_scatter")
def _slice_scatter(
    _: Terms, a: Array, source: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    made = a.copy()
    chosen: list[slice] = [slice(None)] * a.ndim
    chosen[dim] = slice(start, end, step)
    made[tuple(chosen)] = source
    return made


@handles("select_scatter")
def _select_scatter(_: Terms, a: Array, source: Array, dim: int, index: int) -> Array:
    made = np.moveaxis(a.copy(), dim, 0)
    made[index] = source
    return np.moveaxis(made, 0, dim)


TOLD = frozenset(name for name, handler in HANDLERS.items() if "name" in inspect.signature(handler).parameters)
"""Operations whose handler serves several and wants to know which."""
