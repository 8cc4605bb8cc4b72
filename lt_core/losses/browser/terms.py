"""Numbers that are computed later: each a constant, an input, or an operation on others, kept only once.

A term knows when it can be computed: 0 it is a constant, 1 it needs inputs, 2 it needs the logit that moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

CONSTANT, ONCE, MOVING = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Term:
    """One number: ``op`` is "const", "input" or a key of ``OPS``; ``truth`` is set if it is true or false."""

    op: str
    args: tuple[int, ...]
    level: int
    truth: bool = False
    number: float = 0.0
    text: str = ""


def _divide(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _guarded(function: Callable[[float], float], over: float) -> Callable[[float], float]:
    """Return ``function`` that returns ``over``, NaN or -inf where Python raises an error."""

    def guarded(a: float) -> float:
        try:
            return function(a)
        except OverflowError:
            return over
        except ValueError:
            return -math.inf if a in (0.0, -1.0) else math.nan

    return guarded


def _power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.inf if a == 0 else math.nan


def _sign(a: float) -> float:
    return float((a > 0) - (a < 0))


@dataclass(frozen=True, slots=True)
class Op:
    """An operation: in JavaScript (``{0}``, ``{1}`` are operands), how tightly it binds, and on constants."""

    js: str
    binds: int
    on: Callable[..., float]
    truth: bool = False


CALL, UNARY, TIMES, PLUS, ORDER, EQUAL, BOTH, EITHER, IF = 20, 15, 13, 12, 10, 9, 5, 4, 3
"""How tightly JavaScript binds: calls most, the conditional operator least."""

OPS = {
    "neg": Op("-{0}", UNARY, lambda a: -a),
    "exp": Op("Math.exp({0})", CALL, _guarded(math.exp, math.inf)),
    "expm1": Op("Math.expm1({0})", CALL, _guarded(math.expm1, math.inf)),
    "log": Op("Math.log({0})", CALL, _guarded(math.log, math.inf)),
    "log1p": Op("Math.log1p({0})", CALL, _guarded(math.log1p, math.inf)),
    "log2": Op("Math.log2({0})", CALL, _guarded(math.log2, math.inf)),
    "sqrt": Op("Math.sqrt({0})", CALL, _guarded(math.sqrt, math.inf)),
    "tanh": Op("Math.tanh({0})", CALL, math.tanh),
    "cos": Op("Math.cos({0})", CALL, _guarded(math.cos, math.nan)),
    "sin": Op("Math.sin({0})", CALL, _guarded(math.sin, math.nan)),
    "abs": Op("Math.abs({0})", CALL, abs),
    "sign": Op("Math.sign({0})", CALL, _sign),
    "floor": Op("Math.floor({0})", CALL, math.floor),
    "ceil": Op("Math.ceil({0})", CALL, math.ceil),
    "trunc": Op("Math.trunc({0})", CALL, math.trunc),
    "number": Op("{0} ? 1 : 0", IF, lambda a: float(a)),
    "truth": Op("{0} !== 0", EQUAL, lambda a: float(a != 0), truth=True),
    "not": Op("!{0}", UNARY, lambda a: float(not a), truth=True),
    "add": Op("{0} + {1}", PLUS, lambda a, b: a + b),
    "sub": Op("{0} - {1}", PLUS, lambda a, b: a - b),
    "mul": Op("{0} * {1}", TIMES, lambda a, b: a * b),
    "div": Op("{0} / {1}", TIMES, _divide),
    "pow": Op("Math.pow({0}, {1})", CALL, _power),
    "max": Op("Math.max({0}, {1})", CALL, lambda a, b: a if a > b or math.isnan(a) else b),
    "min": Op("Math.min({0}, {1})", CALL, lambda a, b: a if a < b or math.isnan(a) else b),
    "gt": Op("{0} > {1}", ORDER, lambda a, b: float(a > b), truth=True),
    "ge": Op("{0} >= {1}", ORDER, lambda a, b: float(a >= b), truth=True),
    "lt": Op("{0} < {1}", ORDER, lambda a, b: float(a < b), truth=True),
    "le": Op("{0} <= {1}", ORDER, lambda a, b: float(a <= b), truth=True),
    "eq": Op("{0} === {1}", EQUAL, lambda a, b: float(a == b), truth=True),
    "ne": Op("{0} !== {1}", EQUAL, lambda a, b: float(a != b), truth=True),
    "and": Op("{0} && {1}", BOTH, lambda a, b: float(a and b), truth=True),
    "or": Op("{0} || {1}", EITHER, lambda a, b: float(a or b), truth=True),
    "where": Op("{0} ? {1} : {2}", IF, lambda c, a, b: a if c else b),
}
LOGICAL = frozenset({"not", "and", "or"})


class Terms:
    """All terms of one program, by number; equal ones are the same, and constants are folded.

    A product with a constant 0 is 0, also where the other factor could be infinite: such zeros are what autograd
    fills gradients of other elements with.
    """

    def __init__(self) -> None:
        self.all: list[Term] = []
        self._known: dict[Term, int] = {}

    def _keep(self, term: Term) -> int:
        if term not in self._known:
            self._known[term] = len(self.all)
            self.all.append(term)
        return self._known[term]

    def const(self, number: float) -> int:
        """Return the constant ``number``."""
        return self._keep(Term("const", (), CONSTANT, number=float(number), text=repr(float(number))))

    def input(self, text: str, level: int = ONCE) -> int:
        """Return what the JavaScript expression ``text`` gives."""
        return self._keep(Term("input", (), level, text=text))

    def op(self, name: str, *args: int) -> int:
        """Return the operation ``name`` on ``args``, or something simpler that is the same."""
        op = OPS[name]
        if name in LOGICAL:
            args = tuple(self._as_truth(a) for a in args)
        elif name == "where":
            args = (self._as_truth(args[0]), *args[1:])
        elif name != "number":
            args = tuple(self._as_number(a) for a in args)
        if all(self.all[a].op == "const" for a in args):
            return self.const(op.on(*(self.all[a].number for a in args)))
        simpler = self._simpler(name, args)
        if simpler is not None:
            return simpler
        if name == "where" and self.all[args[1]].truth != self.all[args[2]].truth:
            args = (args[0], self._as_number(args[1]), self._as_number(args[2]))
        truth = op.truth or (name == "where" and self.all[args[1]].truth)
        return self._keep(Term(name, args, max(self.all[a].level for a in args), truth))

    def fold(self, name: str, args: Iterable[int]) -> int:
        """Return ``name`` (add, mul, max, min, and, or) over one or more ``args``, those that do not move first."""
        ordered = sorted(args, key=lambda a: self.all[a].level)
        total = ordered[0]
        for arg in ordered[1:]:
            total = self.op(name, total, arg)
        return total

    def _as_number(self, a: int) -> int:
        return self.op("number", a) if self.all[a].truth else a

    def _as_truth(self, a: int) -> int:
        return a if self.all[a].truth else self.op("truth", a)

    def _simpler(self, name: str, args: tuple[int, ...]) -> int | None:
        numbers = [t.number if t.op == "const" else None for t in (self.all[a] for a in args)]
        match name, numbers:
            case ("add", [0.0, _]) | ("mul" | "and", [1.0, _]) | ("or", [0.0, _]):
                return args[1]
            case ("add" | "sub", [_, 0.0]) | ("mul" | "div" | "pow" | "and", [_, 1.0]) | ("or", [_, 0.0]):
                return args[0]
            case ("mul" | "and", [0.0, _] | [_, 0.0]) | ("div", [0.0, _]):
                return self.const(0.0)
            case ("or", [1.0, _] | [_, 1.0]) | ("pow", [_, 0.0]):
                return self.const(1.0)
            case ("pow", [_, 2.0]):
                return self.op("mul", args[0], args[0])
            case ("mul" | "div", [_, -1.0]) | ("sub", [0.0, _]):
                return self.op("neg", args[0] if name != "sub" else args[1])
            case ("mul", [-1.0, _]):
                return self.op("neg", args[1])
            case ("where", [condition, _, _]) if condition is not None:
                return args[1] if condition else args[2]
            case ("where", _) if args[1] == args[2]:
                return args[1]
            case ("max" | "min" | "and" | "or", _) if args[0] == args[1]:
                return args[0]
            case ("neg" | "not", _) if self.all[args[0]].op == name:
                return self.all[args[0]].args[0]
            case ("add" | "sub", _) if self.all[args[1]].op == "neg":
                return self.op("sub" if name == "add" else "add", args[0], self.all[args[1]].args[0])
        return None
