"""What a loss's curve depends on, found by trying: other labels, other classes, its own class."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
import torch

from lt_core.losses.inputs import data_of, shown, whole_batch
from lt_core.losses.spec import LossSpec
from lt_core.params import Choice, Integer, Real, Toggle, Value
from lt_core.stats.prior import ClassPrior

Need: TypeAlias = Literal["own", "ends", "all"]

_PRIOR = ClassPrior((500, 200, 80, 30, 9, 2), 1000, propensities=(0.95, 0.9, 0.8, 0.7, 0.6, 0.5))
_EVERY = tuple(range(_PRIOR.n_classes))
_DRAWN = 3
_LOGITS = (-3.0, 2.5)
_SETTINGS = 2
_COMBINATIONS = 32


def switches_of(spec: LossSpec) -> list[dict[str, Value]]:
    """Return the combinations of the values of the switches and choices of ``spec``, at most 32."""
    options: dict[str, tuple[Value, ...]] = {}
    for param in spec.params:
        if isinstance(param.domain, Toggle):
            options[param.name] = (True, False)
        elif isinstance(param.domain, Choice):
            options[param.name] = param.domain.options
    every = itertools.product(*options.values())
    return [dict(zip(options, chosen, strict=True)) for chosen in itertools.islice(every, _COMBINATIONS)]


def _settings(spec: LossSpec) -> Iterator[dict[str, Value]]:
    """Yield values of the numeric hyper-parameters: the defaults, and some inside the ranges."""
    generator = np.random.default_rng(0)
    for turn in range(_SETTINGS):
        values: dict[str, Value] = {}
        for param in spec.params:
            if isinstance(param.domain, Real | Integer):
                drawn = generator.uniform(param.domain.low, param.domain.high)
                value = drawn if isinstance(param.domain, Real) else round(drawn)
                values[param.name] = value if turn else param.default
        yield values


def _curve(
    spec: LossSpec, values: Mapping[str, Value], y: int, present: Sequence[int], columns: Sequence[int], drawn: int
) -> np.ndarray:
    """Return the value at a few logits of ``drawn`` in an image with the labels ``present``, of ``columns`` alone."""
    row = torch.zeros(_PRIOR.n_classes, dtype=torch.float64)
    row[list(present)] = 1.0
    row[drawn] = y
    data = data_of(spec, _PRIOR, columns)
    given = {name: torch.as_tensor(entry, dtype=torch.float64) for name, entry in data.items()} | dict(values)
    chosen = list(columns)
    rest = whole_batch(_PRIOR.counts) if spec.labels == "single" else ()
    targets = torch.stack([row, *rest])[:, chosen]
    found = []
    for logit in _LOGITS:
        z = torch.zeros_like(targets)
        z[0, chosen.index(drawn)] = logit
        with torch.no_grad():
            found.append(shown(spec, z, targets, given, chosen.index(drawn)).item())
    return np.array(found)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12))


def _images(spec: LossSpec) -> list[tuple[int, tuple[int, ...]]]:
    """Return label and other classes of a few images."""
    if spec.labels == "single":
        return [(1, ()), (0, (0,)), (0, (2,))]
    return [(y, present) for y in (1, 0) for present in ((), (0,), (2, 4))]


@cache
def needed_columns(spec: LossSpec) -> Need:
    """Return which classes a curve of ``spec`` needs: its own, its image's with the rarest and most frequent, or all.

    For losses that give cells; the others need all.
    """
    if spec.gives != "cells":
        return "all"
    need: Need = "own"
    for switches in switches_of(spec):
        for values in _settings(spec):
            for y, present in _images(spec):
                whole = _curve(spec, switches | values, y, present, _EVERY, _DRAWN)
                if need == "own" and not _same(whole, _curve(spec, switches | values, y, present, (_DRAWN,), _DRAWN)):
                    need = "ends"
                ends = sorted({_DRAWN, *present, 0, _PRIOR.n_classes - 1})
                if need == "ends" and not _same(whole, _curve(spec, switches | values, y, present, ends, _DRAWN)):
                    return "all"
    return need


def depends_on_labels(spec: LossSpec, switches: Mapping[str, Value]) -> bool:
    """Return whether the curve of a class depends on which other classes the image has, with these switches.

    One class an image: whether that of another class depends on which one is right.
    """
    return _depends_on_labels(spec, tuple(sorted(switches.items())))


@cache
def _depends_on_labels(spec: LossSpec, switches: tuple[tuple[str, Value], ...]) -> bool:
    for values in _settings(spec):
        seen: dict[int, np.ndarray] = {}
        for y, present in _images(spec):
            curve = _curve(spec, spec.defaults | dict(switches) | values, y, present, _EVERY, _DRAWN)
            if not _same(seen.setdefault(y, curve), curve):
                return True
    return False


@cache
def depends_on_class(spec: LossSpec) -> bool:
    """Return whether classes of different counts have different curves, with any value of the switches."""
    if not spec.needs_prior:
        return False
    for switches in switches_of(spec):
        for values in _settings(spec):
            for y, present in ((1, ()), (0, (2,))):
                head = _curve(spec, switches | values, y, present, _EVERY, 0)
                if not _same(head, _curve(spec, switches | values, y, present, _EVERY, _PRIOR.n_classes - 1)):
                    return True
    return False
