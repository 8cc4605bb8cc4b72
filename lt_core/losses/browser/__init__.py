"""A loss as JavaScript that computes value and gradient as PyTorch does: its own function, traced and translated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from lt_core.losses.browser.aten import Array
from lt_core.losses.browser.emit import array_source, curve_source
from lt_core.losses.browser.terms import MOVING, Terms
from lt_core.losses.browser.trace import traced
from lt_core.losses.inputs import shown
from lt_core.losses.parts import Reading
from lt_core.losses.probe import depends_on_class, depends_on_labels
from lt_core.losses.scene import Scene
from lt_core.losses.spec import LossSpec
from lt_core.params import Integer, Real, Value
from lt_core.problems import Invalid, Unknown

__all__ = ["Program", "depends_on_class", "depends_on_labels", "program", "reading_program"]

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """JavaScript for one loss with its switches set, for any image of ``rows`` by ``columns``.

    ``source`` is ``(x, input, value, gradient) => {...}``: for every logit x[i] of the entry [0, ``column``] it fills
    value[i] and gradient[i] (Float64Arrays). ``input`` is ``{logits, targets, knobs, data}``: row-major Float64Arrays,
    the numeric hyper-parameters ``knobs`` by name, and ``data`` by name, a number where the shape is (), else an
    array. The gradient is autograd's: parts the loss detaches are held.
    """

    source: str
    rows: int
    columns: int
    column: int
    knobs: tuple[str, ...]
    data: dict[str, Shape] = field(hash=False)


def program(scene: Scene, switches: Mapping[str, Value], *, fed: tuple[str, ...] = ()) -> Program:
    """Return the program of ``scene`` with ``switches``, the values of its switches and choices; those not given
    are at their defaults.

    A random loss is the mean over its draws, unless the draws ``fed`` are to be inputs, (R, K). Raises ``Unknown``
    or ``Invalid`` for a wrong switch, and ``Invalid`` for a loss that cannot be translated.
    """
    spec = scene.spec
    shapes = {name: tuple(np.shape(entry)) for name, entry in scene.data.items() if name in spec.data}
    for name in fed:
        if name not in spec.data:
            raise Unknown.of(f"data of {spec.key}", name, sorted(spec.data) or ["none"])
        shapes[name] = scene.logits.shape
    rows, columns = scene.logits.shape
    chosen = tuple(_switches(spec, switches).items())
    return _program(spec, rows, columns, scene.column, tuple(shapes.items()), chosen)


def reading_program(
    spec: LossSpec,
    reading: Reading,
    switches: Mapping[str, Value],
    n_columns: int,
    *,
    propensities: bool = False,
) -> Program:
    """Return the program of a reading for ``n_columns`` classes; ``source`` is ``(input) => Float64Array(K)``.

    ``input`` is as for ``program``, with ``targets`` (1, K) only where the reading asks for them. ``propensities``
    says whether the prior has its own.
    """
    return _reading(spec, reading, n_columns, propensities, tuple(_switches(spec, switches).items()))


def _switches(spec: LossSpec, switches: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values of all switches and choices, checked."""
    numeric = _knobs(spec)
    for name in switches:
        if name in numeric:
            raise Invalid(f"{spec.key}.{name} is a number, which a program reads as it runs, and no switch")
    return {name: value for name, value in spec.checked(switches).items() if name not in numeric}


def _knobs(spec: LossSpec) -> tuple[str, ...]:
    return tuple(param.name for param in spec.params if isinstance(param.domain, Real | Integer))


@lru_cache(maxsize=512)
def _program(
    spec: LossSpec,
    rows: int,
    columns: int,
    column: int,
    data: tuple[tuple[str, Shape], ...],
    switches: tuple[tuple[str, Value], ...],
) -> Program:
    knobs, shapes, terms = _knobs(spec), dict(data), Terms()
    moves = torch.zeros(rows, columns, dtype=torch.bool)
    moves[0, column] = True

    def both(inputs: Mapping[str, Tensor]) -> Any:
        given = {name: inputs[name] for name in (*knobs, *shapes)} | dict(switches)
        x = inputs[".x"].requires_grad_()
        value = shown(spec, torch.where(moves, x, inputs[".logits"]), inputs[".targets"], given, column)
        return torch.autograd.grad(value, x)[0], value

    matrix = (rows, columns)
    arrays = {".x": np.array(terms.input("xi", MOVING)), ".logits": _read(terms, "logits", matrix)}
    arrays[".targets"] = _read(terms, "targets", matrix)
    arrays |= _knobs_and_data(terms, knobs, shapes)
    gradient, value = traced(both, arrays, terms, spec.key)
    return Program(curve_source(terms, int(value), int(gradient)), rows, columns, column, knobs, shapes)


@lru_cache(maxsize=512)
def _reading(
    spec: LossSpec, reading: Reading, columns: int, propensities: bool, switches: tuple[tuple[str, Value], ...]
) -> Program:
    shapes: dict[str, Shape] = dict.fromkeys(("counts", "positives"), (columns,)) | {"n_samples": ()}
    if spec.memory is not None:
        state = spec.memory.sketch(torch.ones(columns).double(), torch.tensor(2.0).double())
        shapes |= {name: tuple(entry.shape) for name, entry in state.items()}
    if propensities:
        shapes["propensities"] = (columns,)
    shapes = {name: shape for name, shape in shapes.items() if name in reading.asks}
    knobs = tuple(name for name in _knobs(spec) if name in reading.asks)
    chosen: dict[str, Any] = {name: value for name, value in switches if name in reading.asks}
    if "propensities" in reading.asks and not propensities:
        chosen["propensities"] = None
    terms = Terms()
    arrays = _knobs_and_data(terms, knobs, shapes)
    if "targets" in reading.asks:
        arrays["targets"] = _read(terms, "targets", (1, columns))
    (made,) = traced(lambda inputs: reading.function(**inputs, **chosen), arrays, terms, spec.key)
    wanted = [int(term) for term in np.broadcast_to(made, (columns,))]
    return Program(array_source(terms, wanted), 1, columns, 0, knobs, shapes)


def _knobs_and_data(terms: Terms, knobs: tuple[str, ...], shapes: Mapping[str, Shape]) -> dict[str, Array]:
    found = {name: np.array(terms.input(f"knobs.{name}")) for name in knobs}
    return found | {name: _read(terms, f"data.{name}", shape) for name, shape in shapes.items()}


def _read(terms: Terms, text: str, shape: Shape) -> Array:
    """Return the input ``text`` as an array of terms: the number itself, or its elements in row-major order."""
    if shape == ():
        return np.array(terms.input(text))
    made = [terms.input(f"{text}[{i}]") for i in range(int(np.prod(shape)))]
    return np.array(made, dtype=np.int64).reshape(shape)
