"""Formulas of losses as MathML, which every browser of today draws without a script: a small part of LaTeX is read."""

from __future__ import annotations

import re
from html import escape

_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "ϕ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ",
    "partial": "∂", "infty": "∞",
}  # fmt: skip
_SIGNS = {
    "neq": "≠", "geq": "≥", "leq": "≤", "in": "∈", "sim": "∼", "propto": "∝", "exists": "∃", "cdot": "⋅", "times": "×",
    "approx": "≈", "to": "→", "mid": "∣", "dots": "…", "ldots": "…", "{": "{", "}": "}", "%": "%", "ne": "≠",
    "ge": "≥", "le": "≤", "forall": "∀", "pm": "±",
}  # fmt: skip
_SPACES = {",": 0.167, ":": 0.222, ";": 0.278, " ": 0.33, "quad": 1.0, "qquad": 2.0, "!": 0.0}
_NAMES = ("log", "exp", "cosh", "sinh", "tanh", "sin", "cos", "ln")
_LIMITS = ("max", "min", "sup", "inf", "argmax", "argmin")
_LARGE = {"sum": "∑", "prod": "∏"}
_SIZES = {"big": "1.2em", "Big": "1.6em", "bigg": "2em", "Bigg": "2.4em"}
_THIN = '<mspace width="0.167em"/>'
_ACCENTS = {"tilde": "~", "hat": "^", "bar": "¯"}
_ENDS = ("}", "&", "\\\\", "\\end", "")


class _UnknownError(Exception):
    """A command that is not read here."""


def mathml(tex: str) -> str | None:
    """Return a formula in LaTeX as one ``<math>`` element, or None where it has something that is not read here."""
    reader = _Reader(list(_TOKEN.findall(tex)))
    try:
        body = reader.row()
        if reader.peek():
            return None
    except (_UnknownError, RecursionError):
        return None
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{body}</math>'


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self) -> str:
        """The next token that is no white space, "" at the end."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def expect(self, token: str) -> None:
        if self.take() != token:
            raise _UnknownError(token)

    def row(self) -> str:
        """Everything up to the end of a group, a cell or a row."""
        parts: list[str] = []
        while self.peek() not in _ENDS:
            function = self.peek()[1:] in (*_NAMES, *_LIMITS)
            if function and parts and not parts[-1].startswith(("<mo ", "<mspace")):
                parts.append(_THIN)
            parts.append(self.scripted())
        return f"<mrow>{''.join(parts)}</mrow>"

    def argument(self) -> str:
        """A group, or the one sign that stands for it: of a number its first digit."""
        token = self.peek()
        if token.isdigit() and len(token) > 1:
            self.tokens[self.at : self.at + 1] = [token[0], token[1:]]
        return self.atom()[0]

    def scripted(self) -> str:
        base, limits, name = self.atom()
        under = over = ""
        while self.peek() in ("_", "^", "'"):
            sign = self.take()
            if sign == "_":
                under = self.argument()
            else:
                over += "<mo>′</mo>" if sign == "'" else self.argument()
        if over:
            over = f"<mrow>{over}</mrow>"
        found = base
        if under and over:
            both = "munderover" if limits else "msubsup"
            found = f"<{both}>{base}{under}{over}</{both}>"
        elif under:
            found = f"<munder>{base}{under}</munder>" if limits else f"<msub>{base}{under}</msub>"
        elif over:
            found = f"<mover>{base}{over}</mover>" if limits else f"<msup>{base}{over}</msup>"
        bracket = self.peek() in ("(", "[", "") or self.peek()[1:] in _SIZES
        return found + (_THIN if name and not bracket else "")

    def atom(self) -> tuple[str, bool, bool]:
        """One thing without its scripts, whether those stand above and below it, and whether it is a function."""
        token = self.take()
        if token in ("{",):
            body = self.row()
            self.expect("}")
            return body, False, False
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[:1].isdigit():
            return f"<mn>{token}</mn>", False, False
        if token.isalpha():
            return f"<mi>{escape(token)}</mi>", False, False
        if token in ("", "}", "&", "$", "#", "~"):
            raise _UnknownError(token)
        return f'<mo stretchy="false">{escape(token.replace("-", "−"))}</mo>', False, False

    def command(self, name: str) -> tuple[str, bool, bool]:
        if name in _GREEK:
            return f"<mi>{_GREEK[name]}</mi>", False, False
        if name in _SIGNS:
            return f'<mo stretchy="false">{escape(_SIGNS[name])}</mo>', False, False
        if name in _SPACES:
            return f'<mspace width="{_SPACES[name]:g}em"/>', False, False
        if name in _NAMES or name in _LIMITS:
            return f"<mi>{name}</mi>", name in _LIMITS, True
        if name in _LARGE:
            return f"<mo>{_LARGE[name]}</mo>", True, False
        if name in ("frac", "tfrac", "dfrac"):
            top, bottom = self.argument(), self.argument()
            found = f"<mfrac>{top}{bottom}</mfrac>"
            small = f'<mstyle scriptlevel="+1" displaystyle="false">{found}</mstyle>'
            return small if name == "tfrac" else found, False, False
        if name in ("text", "mathrm", "operatorname", "operatorname*"):
            return self.words(name)
        if name in _SIZES or name in ("left", "right"):
            sign = escape(self.take().removeprefix("\\"))
            if name in _SIZES:  # a size of the letter: only fonts for mathematics stretch
                return f'<mo stretchy="false" style="font-size:{_SIZES[name]}">{sign}</mo>', False, False
            return f'<mo stretchy="true" symmetric="true">{sign}</mo>', False, False
        if name in _ACCENTS:
            return f'<mover accent="true">{self.argument()}<mo>{_ACCENTS[name]}</mo></mover>', False, False
        if name == "begin":
            return self.environment(), False, False
        raise _UnknownError(name)

    def words(self, name: str) -> tuple[str, bool, bool]:
        self.expect("{")
        said = ""
        while (token := self.tokens[self.at] if self.at < len(self.tokens) else "") != "}":
            if token in ("", "{", "$") or (token.startswith("\\") and token[1:] not in (" ", "%", "&", "_")):
                raise _UnknownError(token)
            said += token.removeprefix("\\")
            self.at += 1
        self.at += 1
        if name == "text":
            return f"<mtext>{escape(said.replace(' ', chr(0xA0)))}</mtext>", False, False
        return f'<mi mathvariant="normal">{escape(said)}</mi>', name.endswith("*"), name.startswith("operatorname")

    def environment(self) -> str:
        self.expect("{")
        kind = ""
        while self.peek() not in ("}", ""):
            kind += self.take()
        self.expect("}")
        if kind not in ("gathered", "cases", "aligned"):
            raise _UnknownError(kind)
        rows = [[self.row()]]
        while (sign := self.take()) != "\\end":
            if sign == "&":
                rows[-1].append(self.row())
            elif sign == "\\\\":
                rows.append([self.row()])
            else:
                raise _UnknownError(sign)
        for token in ("{", *kind, "}"):
            self.expect(token)
        cells = "".join(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in row)}</mtr>" for row in rows)
        if kind == "cases":
            brace = '<mo stretchy="true" style="font-size:1.8em">{</mo>'
            return f'<mrow>{brace}<mtable class="cases">{cells}</mtable></mrow>'
        return f'<mtable displaystyle="true" rowspacing="0.6em">{cells}</mtable>'
