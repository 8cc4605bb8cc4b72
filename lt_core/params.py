"""Hyper-parameters, each declared once, in the signature it belongs to.

``Annotated[float, Real(0, 8, step=0.1)] = 4.0`` is all there is: the slider, the help text, the
validation message, the command line, the URL and the documentation table read that declaration.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeAlias, get_args, get_origin, get_type_hints

import numpy as np

from lt_core.problems import Invalid, Unknown

Value: TypeAlias = float | int | bool | str


@dataclass(frozen=True, slots=True)
class Real:
    """A real number in [``low``, ``high``]; the range of the slider is the range of validity."""

    low: float
    high: float
    step: float = 0.1
    tex: str = ""
    help: str = ""

    def check(self, name: str, value: object) -> float:
        """Return ``value`` as a float, or raise ``Invalid`` naming the parameter, the rule and the value."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Invalid(f"{name} must be a number in {self}, got {value!r}")
        if not (math.isfinite(value) and self.low <= value <= self.high):
            raise Invalid(f"{name} must be in {self}, got {value:g}")
        return float(value)

    def parse(self, name: str, text: str) -> float:
        """Return the checked value written as ``text``."""
        try:
            number = float(text)
        except ValueError:
            raise Invalid(f"{name} must be a number in {self}, got {text!r}") from None
        return self.check(name, number)

    def __str__(self) -> str:
        return f"[{self.low:g}, {self.high:g}]"


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number in [``low``, ``high``]."""

    low: int
    high: int
    step: int = 1
    tex: str = ""
    help: str = ""

    def check(self, name: str, value: object) -> int:
        """Return ``value`` as an int, or raise ``Invalid``."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid(f"{name} must be a whole number in {self}, got {value!r}")
        if not self.low <= value <= self.high:
            raise Invalid(f"{name} must be in {self}, got {value}")
        return value

    def parse(self, name: str, text: str) -> int:
        """Return the checked value written as ``text``."""
        try:
            number = float(text)
        except ValueError:
            raise Invalid(f"{name} must be a whole number in {self}, got {text!r}") from None
        return self.check(name, number)

    def __str__(self) -> str:
        return f"[{self.low}, {self.high}]"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few named options; ``labels`` gives each a line of plain language, in the same order."""

    options: tuple[str, ...]
    labels: tuple[str, ...] = ()
    tex: str = ""
    help: str = ""

    def check(self, name: str, value: object) -> str:
        """Return ``value`` if it is an option, or raise ``Invalid``."""
        if not isinstance(value, str) or value not in self.options:
            raise Invalid(f"{name} must be one of {self}, got {value!r}")
        return value

    def parse(self, name: str, text: str) -> str:
        """Return the checked value written as ``text``."""
        return self.check(name, text)

    def __str__(self) -> str:
        return ", ".join(self.options)


@dataclass(frozen=True, slots=True)
class Toggle:
    """True or false."""

    options: ClassVar[tuple[bool, bool]] = (True, False)
    tex: str = ""
    help: str = ""

    def check(self, name: str, value: object) -> bool:
        """Return ``value`` if it is a bool, or raise ``Invalid``."""
        if not isinstance(value, bool):
            raise Invalid(f"{name} must be true or false, got {value!r}")
        return value

    def parse(self, name: str, text: str) -> bool:
        """Return the checked value written as ``text``."""
        if text.lower() not in ("true", "false"):
            raise Invalid(f"{name} must be true or false, got {text!r}")
        return text.lower() == "true"


Domain: TypeAlias = Real | Integer | Choice | Toggle


@dataclass(frozen=True, slots=True)
class Param:
    """One declared hyper-parameter: its ``name``, its ``default`` and its ``domain``."""

    name: str
    default: Value
    domain: Domain

    def describe(self) -> dict[str, Any]:
        """Return ``{name, default, low, high}`` or ``{name, default, options}``, ready for JSON."""
        entry: dict[str, Any] = {"name": self.name, "default": self.default}
        match self.domain:
            case Real() | Integer():
                return entry | {"low": self.domain.low, "high": self.domain.high}
            case Choice():
                return entry | {"options": list(self.domain.options)}
            case Toggle():
                return entry | {"options": list(self.domain.options)}


def declared(function: Callable[..., object], owner: str = "") -> tuple[Param, ...]:
    """Return the hyper-parameters declared by the keyword-only arguments of ``function``, in order.

    A keyword-only argument without a domain is data (``prior``, ``epoch``), not a hyper-parameter.
    A default outside its own domain raises ``Invalid`` here, when the file is imported.
    """
    hints = get_type_hints(function, include_extras=True)
    owner = owner or function.__name__
    found = []
    for name, argument in inspect.signature(function).parameters.items():
        if argument.kind is not argument.KEYWORD_ONLY or get_origin(hints.get(name)) is not Annotated:
            continue
        domains = [note for note in get_args(hints[name])[1:] if isinstance(note, Real | Integer | Choice | Toggle)]
        if domains:
            default = domains[0].check(f"{owner}.{name}", argument.default)
            found.append(Param(name, default, domains[0]))
    return tuple(found)


def checked(owner: str, params: tuple[Param, ...], values: Mapping[str, object]) -> dict[str, Value]:
    """Return the value of every parameter: those given, checked, and the defaults of the others."""
    by_name = {param.name: param for param in params}
    for name in values:
        if name not in by_name:
            raise Unknown.of(f"parameter of {owner}", name, list(by_name) or ["none"])
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
    return {
        name: param.domain.check(f"{owner}.{name}", plain.get(name, param.default)) for name, param in by_name.items()
    }


def parsed(owner: str, params: tuple[Param, ...], texts: Mapping[str, str]) -> dict[str, Value]:
    """Return the values written in ``texts`` (from a URL or ``--set name=value``), checked; only those given."""
    by_name = {param.name: param for param in params}
    for name in texts:
        if name not in by_name:
            raise Unknown.of(f"parameter of {owner}", name, list(by_name) or ["none"])
    return {name: by_name[name].domain.parse(f"{owner}.{name}", text) for name, text in texts.items()}
