"""Numbers that are computed later: each a constant, an input, or an operation on others, kept only once.

A term knows when it can be computed: 0 it is a constant, 1 it needs inputs, 2 it needs the logit that moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

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


@dataclass(frozen=True, slots=True)
class Op:
    """An operation: in JavaScript (``{0}``, ``{1}`` are operands), how tightly it binds, and on constants."""

    js: str
    binds: int
    on: Callable[..., Any]
    truth: bool = False


CALL, UNARY, TIMES, PLUS, ORDER, EQUAL, BOTH, EITHER, IF = 20, 15, 13, 12, 10, 9, 5, 4, 3
"""How tightly JavaScript binds: calls most, the conditional operator least."""

OPS = {
    "neg": Op("-{0}", UNARY, np.negative),
    "exp": Op("Math.exp({0})", CALL, np.exp),
    "expm1": Op("Math.expm1({0})", CALL, np.expm1),
    "log": Op("Math.log({0})", CALL, np.log),
    "log1p": Op("Math.log1p({0})", CALL, np.log1p),
    "log2": Op("Math.log2({0})", CALL, np.log2),
    "sqrt": Op("Math.sqrt({0})", CALL, np.sqrt),
    "tanh": Op("Math.tanh({0})", CALL, np.tanh),
    "cos": Op("Math.cos({0})", CALL, np.cos),
    "sin": Op("Math.sin({0})", CALL, np.sin),
    "abs": Op("Math.abs({0})", CALL, np.absolute),
    "sign": Op("Math.sign({0})", CALL, np.sign),
    "floor": Op("Math.floor({0})", CALL, np.floor),
    "ceil": Op("Math.ceil({0})", CALL, np.ceil),
    "trunc": Op("Math.trunc({0})", CALL, np.trunc),
    "number": Op("{0} ? 1 : 0", IF, np.positive),
    "truth": Op("{0} !== 0", EQUAL, lambda a: a != 0, truth=True),
    "not": Op("!{0}", UNARY, np.logical_not, truth=True),
    "add": Op("{0} + {1}", PLUS, np.add),
    "sub": Op("{0} - {1}", PLUS, np.subtract),
    "mul": Op("{0} * {1}", TIMES, np.multiply),
    "div": Op("{0} / {1}", TIMES, np.divide),
    "pow": Op("Math.pow({0}, {1})", CALL, np.power),
    "max": Op("Math.max({0}, {1})", CALL, np.maximum),
    "min": Op("Math.min({0}, {1})", CALL, np.minimum),
    "gt": Op("{0} > {1}", ORDER, np.greater, truth=True),
    "ge": Op("{0} >= {1}", ORDER, np.greater_equal, truth=True),
    "lt": Op("{0} < {1}", ORDER, np.less, truth=True),
    "le": Op("{0} <= {1}", ORDER, np.less_equal, truth=True),
    "eq": Op("{0} === {1}", EQUAL, np.equal, truth=True),
    "ne": Op("{0} !== {1}", EQUAL, np.not_equal, truth=True),
    "and": Op("{0} && {1}", BOTH, np.logical_and, truth=True),
    "or": Op("{0} || {1}", EITHER, np.logical_or, truth=True),
    "where": Op("{0} ? {1} : {2}", IF, np.where),
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
        self._made: dict[tuple[str, tuple[int, ...]], int] = {}

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
        # A set of thousands of classes asks for the same again with every reading and every trace.
        made = self._made.get((name, args))
        if made is None:
            made = self._made[name, args] = self._new(name, args)
        return made

    def _new(self, name: str, args: tuple[int, ...]) -> int:
        op = OPS[name]
        if name in LOGICAL:
            args = tuple([self._as_truth(a) for a in args])
        elif name == "where":
            args = (self._as_truth(args[0]), *args[1:])
        elif name != "number":
            args = tuple([self._as_number(a) for a in args])
        constant = [self.all[a].op == "const" for a in args]
        if all(constant):
            with np.errstate(all="ignore"):
                return self.const(float(op.on(*(np.float64(self.all[a].number) for a in args))))
        simpler = self._with_constant(name, args) if any(constant) else None
        simpler = self._simpler(name, args) if simpler is None else simpler
        if simpler is not None:
            return simpler
        if name == "where" and self.all[args[1]].truth != self.all[args[2]].truth:
            args = (args[0], self._as_number(args[1]), self._as_number(args[2]))
        truth = op.truth or (name == "where" and self.all[args[1]].truth)
        if (name, args) not in self._made:
            self._made[name, args] = len(self.all)
            self.all.append(Term(name, args, max([self.all[a].level for a in args]), truth))
        return self._made[name, args]

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

    def _with_constant(self, name: str, args: tuple[int, ...]) -> int | None:
        """Return what is simpler because one of ``args`` is a certain constant."""
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
        return None

    def _simpler(self, name: str, args: tuple[int, ...]) -> int | None:
        """Return what is simpler whatever the numbers are."""
        match name:
            case "where" if args[1] == args[2]:
                return args[1]
            case "max" | "min" | "and" | "or" if args[0] == args[1]:
                return args[0]
            case "neg" | "not" if self.all[args[0]].op == name:
                return self.all[args[0]].args[0]
            case "add" | "sub" if self.all[args[1]].op == "neg":
                return self.op("sub" if name == "add" else "add", args[0], self.all[args[1]].args[0])
        return None
