"""A function of tensors run once on terms: every core ATen operation PyTorch does is done to the terms as well.

``torch.fx``'s ``make_fx`` would give the same operations as a graph, ten times slower: it keeps the history of every
node, which nobody here reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._decomp import decomposition_table
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from lt_core.losses.browser.aten import Array, array
from lt_core.losses.browser.terms import Terms
from lt_core.losses.browser.views import HANDLERS, TOLD
from lt_core.problems import Invalid

_EXAMPLES = ((1.0, 0.0), (0.25, 0.125))
"""First number and step of the numbers a function is traced with: twice, as the result must not depend on them."""


def traced(
    function: Callable[[Mapping[str, Tensor]], Any], arrays: Mapping[str, Array], terms: Terms, owner: str
) -> list[Array]:
    """Return the outputs of ``function``, which takes tensors by name, as arrays of terms.

    ``arrays`` are its inputs as terms. Raises ``Invalid`` naming ``owner`` for an operation without JavaScript, and
    for a function that looks at a number, by ``if`` or ``float``.
    """
    first, second = (_outputs(function, arrays, terms, owner, *example) for example in _EXAMPLES)
    if any(not np.array_equal(a, b) for a, b in zip(first, second, strict=True)):
        raise Invalid(f"{owner} cannot be drawn live: {_LOOKS}")
    return first


_LOOKS = "its function looks at the value of a number, by `if`, `float` or `max`; use torch.where"


def _outputs(
    function: Callable[[Mapping[str, Tensor]], Any],
    arrays: Mapping[str, Array],
    terms: Terms,
    owner: str,
    start: float,
    step: float,
) -> list[Array]:
    inputs = {
        name: (start + step * torch.arange(entry.size, dtype=torch.float64)).reshape(entry.shape)
        for name, entry in arrays.items()
    }
    recorder = _Recorder(terms, owner)
    for name, tensor in inputs.items():
        recorder.learn(tensor, arrays[name])
    with recorder:
        outputs = function(inputs)
    return [recorder.terms_of(output) for output in pytree.tree_leaves(outputs)]


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation below autograd, and does it to terms too. A tensor it has not seen made is a constant."""

    def __init__(self, terms: Terms, owner: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._terms = terms
        self._owner = owner
        self._known: dict[int, tuple[Tensor, Array]] = {}  # the tensor too: another could get its id

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Return False: nothing here is compiled, and skipping would first import PyTorch's compiler for seconds.

        Most decompositions would, too, which is why common operations have handlers of their own.
        """
        return False

    def learn(self, tensor: Tensor, made: Array) -> None:
        """Remember the terms of ``tensor``."""
        self._known[id(tensor)] = (tensor, made)

    def terms_of(self, value: Any) -> Any:
        """Return the terms of a tensor; what is no tensor stays."""
        if not isinstance(value, Tensor):
            return value
        known = self._known.get(id(value))
        return array(self._terms, value) if known is None else known[1]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Do ``func``, and the same to terms; decompose it where there is no JavaScript for it."""
        name, given = func.overloadpacket.__name__, dict(kwargs or {})
        if name == "_local_scalar_dense":
            raise Invalid(f"{self._owner} cannot be drawn live: {_LOOKS}")
        if name not in HANDLERS:
            return self._decomposed(func, args, given)
        output = func(*args, **given)
        args, given = pytree.tree_map(self.terms_of, (tuple(args), given))
        made = HANDLERS[name](self._terms, *args, **(given | ({"name": name} if name in TOLD else {})))
        if not isinstance(output, Tensor) or made.shape != output.shape:
            raise self._unknown(func)
        self.learn(output, made)
        return output

    def _decomposed(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if func._schema.is_mutable:
            raise self._unknown(func)
        known = decomposition_table.get(func)
        with self:
            output = func.decompose(*args, **kwargs) if known is None else known(*args, **kwargs)
        if output is NotImplemented:
            raise self._unknown(func)
        return output

    def _unknown(self, func: Any) -> Invalid:
        return Invalid(f"{self._owner} cannot be drawn live: the operation {func} has no JavaScript yet")
