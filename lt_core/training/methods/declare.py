"""What a method declares about itself, once; validation, flags, records and the documentation read it from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar, cast

from lt_core.losses import LossSpec
from lt_core.losses.parts import Paper, Recipe
from lt_core.params import Param, Value, checked, declared
from lt_core.training.methods.hooks import Method

Need: TypeAlias = Literal["unlabelled", "teacher"]


@dataclass(frozen=True, eq=False)
class MethodSpec:
    """One method: what makes it and everything that is said about it.

    ``needs`` names what a run must have beside labelled images: "unlabelled" ones in its training part, or a
    "teacher". ``experimental`` marks one of which a part could not be had from its paper; ``assumed`` says what of it
    is ours. ``calls_loss`` says that the run's loss is also asked about labels the method made.
    """

    key: str
    make: Callable[..., Method]
    title: str
    family: str
    formula: str
    paper: Paper
    params: tuple[Param, ...]
    needs: frozenset[Need]
    calls_loss: bool
    experimental: bool
    assumed: str
    what: str
    when: str
    watch: str
    trained_with: tuple[Recipe, ...] = ()

    def checked(self, values: Mapping[str, object]) -> dict[str, Value]:
        """Return all hyper-parameters, those in ``values`` checked; ``Problem`` names what is wrong."""
        return checked(self.key, self.params, values)

    def start(self, values: Mapping[str, object]) -> Method:
        """Return the method with these values, ready for ``begin``."""
        return self.make(**cast(dict[str, Any], self.checked(values)))

    def why_not(self, loss: LossSpec) -> str:
        """Return in one sentence why this method cannot go with a loss; nothing where it can."""
        if loss.labels != "multi":
            return f"{self.key} is for several labels an image, and {loss.key} is for one: choose a multi-label loss"
        if self.calls_loss and loss.memory is not None:
            return f"{loss.key} remembers the labels of every batch, and {self.key} shows it labels of its own making"
        if "teacher" in self.needs and loss.gives != "cells":
            return f"{self.key} weighs labels one by one, and {loss.key} judges all labels of an image together"
        return ""

    def describe(self) -> dict[str, Any]:
        """Return the declaration as plain JSON types."""
        return {
            "key": self.key,
            "title": self.title,
            "family": self.family,
            "formula": self.formula,
            "paper": {"citation": str(self.paper), "year": self.paper.year, "url": self.paper.url},
            "params": [param.describe() for param in self.params],
            "needs": sorted(self.needs),
            "experimental": self.experimental,
            "assumed": self.assumed,
            "what": self.what,
            "when": self.when,
            "watch": self.watch,
            "trained_with": [
                {"settings": dict(r.settings), "why": r.why, "source": r.source, "ours": r.ours}
                for r in self.trained_with
            ],
        }


REGISTRY: dict[str, MethodSpec] = {}
"""Declared methods by key; filled by ``method`` as the files of this package are imported."""

M = TypeVar("M", bound=type[Method])


def method(
    *,
    key: str,
    title: str,
    family: str,
    formula: str,
    paper: Paper,
    what: str,
    when: str,
    watch: str,
    experimental: bool,
    assumed: str = "",
    needs: frozenset[Need] = frozenset(),
    calls_loss: bool = False,
    trained_with: tuple[Recipe, ...] = (),
) -> Callable[[M], M]:
    """Register the decorated class, whose keyword-only arguments with a domain are the hyper-parameters.

    An experimental method says what is ``assumed``; without that ``ValueError`` is raised where the file is imported.
    """
    if experimental and not assumed:
        raise ValueError(f"{key} is experimental: say what is assumed")

    def register(made: M) -> M:
        if key in REGISTRY and (other := REGISTRY[key].make.__module__) != made.__module__:
            raise ValueError(f"two methods are called {key!r}: {other} and {made.__module__}")
        REGISTRY[key] = MethodSpec(
            key=key, make=made, title=title, family=family, formula=formula, paper=paper,
            params=declared(made, key), needs=needs, calls_loss=calls_loss, experimental=experimental,
            assumed=assumed, what=what, when=when, watch=watch, trained_with=trained_with,
        )  # fmt: skip
        return made

    return register
