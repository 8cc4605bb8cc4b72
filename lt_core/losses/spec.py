"""What a loss declares about itself, once; sliders, help, validation, records and tests read it from here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from torch import Tensor

from lt_core.losses.bound import BoundLoss, Criterion
from lt_core.losses.parts import Memory, Paper, Reading, Recipe, ReducesTo, State
from lt_core.params import Param, Value, checked, declared
from lt_core.problems import Invalid, Unknown
from lt_core.stats.prior import ClassPrior

Labels: TypeAlias = Literal["multi", "single"]
Gives: TypeAlias = Literal["cells", "rows", "scalar"]

__all__ = ["PRIOR_DATA", "REGISTRY", "LossSpec", "Memory", "Paper", "Reading", "Recipe", "ReducesTo", "loss"]

PRIOR_DATA = ("counts", "positives", "n_samples", "propensities")
"""Entries of ``ClassPrior`` a loss may ask for by the name of a keyword-only argument without a domain."""

_UNITS = {"cells": "cells", "rows": "images"}


@dataclass(frozen=True, eq=False)
class LossSpec:
    """One loss: its function and everything that is said about it.

    ``labels`` is "multi" (sigmoid, any number of classes an image) or "single" (softmax, one class an image).
    ``gives`` says what the function returns: "cells" (B, C), "rows" (B,) or "scalar". ``data`` names what it wants
    beside logits and targets. ``detaches`` names the switch with which its gradient is not the derivative of its
    value (True: always). ``draw(targets, generator, **data and hyper-parameters)`` returns the random part of a
    random loss, by name; without it the loss is the mean over the draws. ``extension`` says what of it is ours and
    not the paper's, ``trained_with`` what the authors trained it with.
    """

    key: str
    function: Callable[..., Tensor]
    title: str
    family: str
    labels: Labels
    formula: str
    paper: Paper
    params: tuple[Param, ...]
    data: frozenset[str]
    authors_reduction: str
    reduction_note: str
    gives: Gives
    detaches: str | bool
    reduces_to: tuple[ReducesTo, ...]
    what: str
    when: str
    watch: str
    readings: tuple[Reading, ...] = ()
    memory: Memory | None = None
    draw: Callable[..., State] | None = None
    extension: str = ""
    trained_with: tuple[Recipe, ...] = ()

    @property
    def takes_class_weights(self) -> bool:
        """Whether a criterion can weigh its classes: it has cells, or rows of one class each."""
        return self.gives == "cells" or (self.gives == "rows" and self.labels == "single")

    @property
    def needs_prior(self) -> bool:
        """Whether the class counts of the training part are needed."""
        return bool(self.data & set(PRIOR_DATA)) or self.memory is not None

    @property
    def defaults(self) -> dict[str, Value]:
        """Every hyper-parameter at its default."""
        return {param.name: param.default for param in self.params}

    @property
    def reduction_text(self) -> str:
        """The authors' own reduction in plain words."""
        if self.reduction_note or self.gives == "scalar":
            return self.reduction_note or "one number for the whole batch"
        units = _UNITS[self.gives]
        return {"mean": f"mean over {units}", "sum": f"sum over {units}", "batch": f"sum over {units} / images"}[
            self.authors_reduction
        ]

    def checked(self, values: Mapping[str, object]) -> dict[str, Value]:
        """Return all hyper-parameters, those in ``values`` checked; ``Problem`` names what is wrong."""
        return checked(self.key, self.params, values)

    def bind(self, prior: ClassPrior | None = None, *, epoch: int = 0, **values: Value) -> BoundLoss:
        """Return ``(logits (B, C), targets) -> cells (B, C)``, or rows (B,), with these values.

        A loss that needs no ``prior`` ignores it. Raises ``Unknown`` for a name that is no hyper-parameter, and
        ``Invalid`` for a value out of range or a missing prior.
        """
        if self.needs_prior and prior is None:
            raise Invalid(
                f"{self.key} needs the class counts of the training part: pass prior=ClassPrior(positives, n_samples)"
            )
        return BoundLoss(self, self.checked(values), prior if self.needs_prior else None, epoch=epoch)

    def criterion(
        self, prior: ClassPrior | None = None, reduction: str = "authors", *, epoch: int = 0, **values: Value
    ) -> Criterion:
        """Return a module for a training loop; ``reduction`` is authors, mean, batch, sum or none."""
        return Criterion(self.bind(prior, epoch=epoch, **values), reduction)

    def describe(self) -> dict[str, Any]:
        """Return the declaration as plain JSON types."""
        return {
            "key": self.key,
            "title": self.title,
            "family": self.family,
            "labels": self.labels,
            "needs_prior": self.needs_prior,
            "params": [param.describe() for param in self.params],
            "formula": self.formula,
            "paper": {"citation": str(self.paper), "year": self.paper.year, "url": self.paper.url},
            "authors_reduction": self.authors_reduction,
            "reduction_text": self.reduction_text,
            "gives": self.gives,
            "reduces_to": [{"key": r.key, "at": dict(r.at), "to": dict(r.to)} for r in self.reduces_to],
            "what": self.what,
            "when": self.when,
            "watch": self.watch,
            "extension": self.extension,
            "trained_with": [
                {"settings": dict(r.settings), "why": r.why, "source": r.source, "ours": r.ours}
                for r in self.trained_with
            ],
        }


REGISTRY: dict[str, LossSpec] = {}
"""Declared losses by key; filled by ``loss`` as the files of the catalogue are imported."""


def _keywords_of(function: Callable[..., Tensor]) -> frozenset[str]:
    """Return the names of the keyword-only arguments of ``function``."""
    return frozenset(n for n, a in inspect.signature(function).parameters.items() if a.kind is a.KEYWORD_ONLY)


def _check_names(key: str, named: set[str], reduces_to: tuple[ReducesTo, ...], detaches: str | bool) -> None:
    """Raise ``Unknown`` if a declaration speaks of a parameter the loss ``key`` does not have."""
    spoken_of = {name for identity in reduces_to for name in identity.at} | ({detaches} - {True, False})
    if spoken_of - named:
        raise Unknown(f"{key}: reduces_to or detaches names no parameter of it: {sorted(map(str, spoken_of - named))}")


F = TypeVar("F", bound=Callable[..., Tensor])


def loss(
    *,
    title: str,
    family: str,
    labels: Labels,
    formula: str,
    paper: Paper,
    authors_reduction: str,
    what: str,
    when: str,
    watch: str,
    reduction_note: str = "",
    gives: Gives | None = None,
    detaches: str | bool = False,
    reduces_to: tuple[ReducesTo, ...] = (),
    readings: tuple[Reading, ...] = (),
    memory: Memory | None = None,
    draw: Callable[..., State] | None = None,
    extension: str = "",
    trained_with: tuple[Recipe, ...] = (),
) -> Callable[[F], F]:
    """Register the decorated function, whose name is the key, and return it unchanged.

    The function takes logits (B, C) and targets (B, C) in {0, 1} (one-hot where ``labels`` is "single"; a row of
    zeros is an unknown one) and, keyword-only, hyper-parameters (with a domain) and data (without): entries of the
    prior, ``epoch``, ``known`` (B, C; 1 where a label is known, for losses that look across a row), entries of its
    memory, its draw. It uses neither Python branches on nor ``math`` of a ``stable.Knob``, changes nothing in place,
    and returns what ``gives`` says.
    """

    def register(function: F) -> F:
        key = function.__name__
        if key in REGISTRY and (other := REGISTRY[key].function.__module__) != function.__module__:
            raise ValueError(f"two losses are called {key!r}: {other} and {function.__module__}")
        params = declared(function, key)
        named = {param.name for param in params}
        _check_names(key, named, reduces_to, detaches)
        REGISTRY[key] = LossSpec(
            key=key, function=function, title=title, family=family, labels=labels, formula=formula, paper=paper,
            params=params, data=_keywords_of(function) - named, authors_reduction=authors_reduction,
            reduction_note=reduction_note, gives=gives or ("cells" if labels == "multi" else "rows"),
            detaches=detaches, reduces_to=reduces_to, what=what, when=when, watch=watch, readings=readings,
            memory=memory, draw=draw, extension=extension, trained_with=trained_with,
        )  # fmt: skip
        return function

    return register
