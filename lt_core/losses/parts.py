"""The parts a loss's declaration is made of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from torch import Tensor

from lt_core.params import Value

State: TypeAlias = dict[str, Tensor]
"""What a loss remembers from batch to batch, by name."""


@dataclass(frozen=True, slots=True)
class Paper:
    """Where a loss was published."""

    authors: str
    title: str
    venue: str
    year: int
    url: str

    def __str__(self) -> str:
        return f"{self.authors}, {self.title}, {self.venue} {self.year}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a loss was trained with: ``settings`` of a run or of the loss, by name, why, and where that is said.

    Only what has a source is declared. ``ours`` marks what is no authors' practice but our own advice.
    """

    settings: Mapping[str, Value]
    why: str
    source: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class ReducesTo:
    """An identity: with the values ``at``, a loss equals the loss ``key`` with the values ``to``.

    A hyper-parameter both losses have under the same name, and that neither side fixes, keeps its value.
    """

    key: str
    at: Mapping[str, Value] = field(default_factory=dict)
    to: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """A number per class that explains the curve: a weight, a margin, a shift of the logit.

    ``function`` returns it, (C,), from keyword arguments it names: ``counts``, ``n_samples``, ``propensities``,
    ``positives``, entries of the memory, ``targets`` (1, C), and hyper-parameters. It is traced like the loss itself.
    """

    name: str
    tex: str
    function: Callable[..., Tensor]
    help: str = ""

    @property
    def asks(self) -> frozenset[str]:
        """The names of the arguments it wants."""
        return frozenset(inspect.signature(self.function).parameters)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a loss carries from batch to batch: tensors by name, in a criterion's ``state_dict``.

    ``start(counts (C,))`` returns the first state. ``update(state, logits, targets, known, **hyper-parameters)``
    returns the next one, in the precision and on the device of ``state``; it is called without gradient, ``known``
    (B, C) is 1 where a label is known.
    ``sketch(counts, n_samples)`` returns a typical state for plots.
    """

    start: Callable[[Tensor], State]
    update: Callable[..., State]
    sketch: Callable[[Tensor, Tensor], State]
