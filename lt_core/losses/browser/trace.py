"""A function of tensors run once on terms: its own graph, from ``make_fx``, in core ATen operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from torch import Tensor, fx
from torch.utils import _pytree as pytree

from lt_core.losses.browser import views
from lt_core.losses.browser.aten import Array, array
from lt_core.losses.browser.terms import Terms
from lt_core.problems import Invalid

_NAMED = {
    "add", "sub", "reciprocal", "rsqrt", "clamp", "clamp_min", "clamp_max", "sum", "amax", "amin", "prod", "any",
    "all", "max", "min", "_log_softmax", "_softmax", "full", "new_full", "zeros_like", "ones_like", "empty_like",
    "zeros", "ones", "empty", "new_zeros", "new_ones", "new_empty",
}  # fmt: skip
"""Operations whose handler serves several and is told which."""


def graph_of(function: Callable[..., Any], inputs: Mapping[str, Tensor], owner: str) -> fx.GraphModule:
    """Return the graph of ``function(inputs)`` in core ATen operations, without dead code.

    Raises ``Invalid`` naming ``owner`` if the function looks at a number, by ``if`` or ``float``.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    try:
        made: fx.GraphModule = make_fx(function, decomposition_table=_decompositions())(dict(inputs))
    except RuntimeError as error:
        if "_local_scalar_dense" not in str(error) and "value out of a tracing tensor" not in str(error):
            raise
        raise Invalid(
            f"{owner} cannot be drawn live: its function looks at the value of a number, by `if`, `float` or `max`; "
            f"use torch.where"
        ) from None
    made.graph.eliminate_dead_code()
    return made


@cache
def _decompositions() -> dict[Any, Any]:
    """Return how operations decompose to core ATen; a plain dictionary, as gathering them takes longer than a trace."""
    from torch._decomp import core_aten_decompositions

    return dict(core_aten_decompositions().items())


def run(graph: fx.GraphModule, inputs: Mapping[str, Array], terms: Terms, owner: str) -> list[Array]:
    """Return the outputs of ``graph`` as arrays of terms; ``Invalid`` names an operation that is not known."""
    leaves = iter(pytree.tree_leaves(dict(inputs)))
    found: dict[fx.Node, Any] = {}
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            found[node] = next(leaves)
        elif node.op == "get_attr":
            found[node] = array(terms, getattr(graph, str(node.target)))
        elif node.op == "call_function":
            found[node] = _called(node, found, terms, owner)
        else:
            outputs = pytree.tree_leaves(node.args[0])
            return [found[output] for output in outputs]
    raise AssertionError("a graph ends with its output")


def _called(node: fx.Node, found: Mapping[fx.Node, Any], terms: Terms, owner: str) -> Any:
    packet = getattr(node.target, "overloadpacket", None)
    name = packet.__name__ if packet is not None else str(node.target)
    handler = views.HANDLERS.get(name)
    if handler is None:
        raise Invalid(f"{owner} cannot be drawn live: the operation {node.target} has no JavaScript yet")
    args = fx.map_arg(node.args, lambda n: found[n])
    kwargs = dict(fx.map_arg(node.kwargs, lambda n: found[n]))
    if name in _NAMED:
        kwargs["name"] = name
    made = handler(terms, *args, **kwargs)
    _check_shape(node, made)
    return made


def _check_shape(node: fx.Node, made: Any) -> None:
    meta = node.meta.get("tensor_meta")
    if meta is not None and isinstance(made, np.ndarray) and tuple(meta.shape) != made.shape:
        raise AssertionError(f"{node.target} gave the shape {made.shape} instead of {tuple(meta.shape)}")
