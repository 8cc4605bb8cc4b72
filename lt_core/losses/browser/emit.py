"""Terms written as JavaScript: what does not move before the loop, what moves inside, each shared one a constant."""

from __future__ import annotations

from collections.abc import Sequence

from lt_core.losses.browser.terms import CALL, IF, MOVING, ONCE, OPS, Terms

LONGEST = 400
"""Characters of an expression that is still written inside another one."""


def number(value: float) -> str:
    """Return ``value`` as a JavaScript literal."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 and repr(value) != "-0.0" else repr(value)


class Writer:
    """Collects the statements that compute ``wanted`` terms."""

    def __init__(self, terms: Terms, wanted: Sequence[int]) -> None:
        self._terms = terms
        self.before: list[str] = []
        self.inside: list[str] = []
        self._written: dict[int, tuple[str, int]] = {}
        uses = self._uses(wanted)
        for term in sorted(uses):
            self._write(term, uses[term])

    def text(self, term: int) -> str:
        """Return the expression of a wanted term."""
        return self._written[term][0]

    def _uses(self, wanted: Sequence[int]) -> dict[int, list[int]]:
        """Return the levels at which each term that is needed is used."""
        uses: dict[int, list[int]] = {}
        todo = [(term, MOVING) for term in dict.fromkeys(wanted)]
        while todo:
            term, level = todo.pop()
            new = term not in uses
            uses.setdefault(term, []).append(level)
            if new:
                todo += [(arg, self._terms.all[term].level) for arg in self._terms.all[term].args]
        return uses

    def _write(self, index: int, used: list[int]) -> None:
        term = self._terms.all[index]
        if term.op == "const":
            text = number(term.number)
            self._written[index] = (text, CALL if text[0] != "-" else 15)
            return
        text, binds = (term.text, CALL) if term.op == "input" else self._expression(index)
        carried_in = term.level == ONCE and MOVING in used
        if (term.op != "input" or term.level == ONCE) and (carried_in or len(used) > 1 or len(text) > LONGEST):
            name = f"{'h' if term.level == ONCE else 't'}{index}"
            (self.before if term.level == ONCE else self.inside).append(f"const {name} = {text};")
            text, binds = name, CALL
        self._written[index] = (text, binds)

    def _expression(self, index: int) -> tuple[str, int]:
        term = self._terms.all[index]
        op = OPS[term.op]
        operands = []
        for place, arg in enumerate(term.args):
            text, binds = self._written[arg]
            # the right operand of a - b and a / b needs brackets where it binds no more tightly
            tight = op.binds if place == 0 and op.binds != IF else op.binds + 1
            bare = op.binds == CALL or binds >= tight
            operands.append(text if bare else f"({text})")
        return op.js.format(*operands), op.binds


def curve_source(terms: Terms, value: int, gradient: int) -> str:
    """Return a function ``(x, input, value, gradient) => {...}`` that fills both for every point of ``x``."""
    writer = Writer(terms, (value, gradient))
    lines = [
        "(x, input, value, gradient) => {",
        "const { logits, targets, knobs, data } = input;",
        *writer.before,
        "for (let i = 0; i < x.length; i++) {",
        "const xi = x[i];",
        *writer.inside,
        f"value[i] = ({writer.text(value)}) + 0;",  # + 0 makes -0 a 0
        f"gradient[i] = ({writer.text(gradient)}) + 0;",
        "}",
        "}",
    ]
    return "\n".join(lines)


def array_source(terms: Terms, wanted: Sequence[int]) -> str:
    """Return a function ``(input) => Float64Array`` of the ``wanted`` terms."""
    writer = Writer(terms, wanted)
    lines = [
        "(input) => {",
        "const { targets, knobs, data } = input;",
        *writer.before,
        f"return Float64Array.of({', '.join(writer.text(term) for term in wanted)});",
        "}",
    ]
    return "\n".join(lines)
