"""The header of an ARFF file: the relation and its attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lt_core.datasets.arff.opening import text_of
from lt_core.problems import Problem

MAX_ATTRIBUTES = 5_000_000
_NUMERIC = ("numeric", "real", "integer", "int", "float", "double")
_WORD = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([^\s,{}]+)")
_ESCAPED = re.compile(r"\\(.)")
_LABELS_OF_MEKA = re.compile(r"(?:^|[\s:'\"])-C\s+(-?\d+)(?=$|[\s'\"])")
_SPLIT_OF_MEKA = re.compile(r"(?:^|[\s:'\"])-split-number\s+(\d+)(?=$|[\s'\"])")


@dataclass(frozen=True)
class Attribute:
    """One attribute: its name, its type, and the values of a nominal one in the order of the file."""

    name: str
    type: Literal["nominal", "numeric", "string", "date"]
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Header:
    """The relation's name and the attributes in order; ``lines`` is how many lines of the file came before the data."""

    relation: str
    attributes: tuple[Attribute, ...]
    lines: int

    @property
    def n_labels(self) -> int | None:
        """Meka's ``-C n`` in the relation: n > 0 means the first n attributes, n < 0 the last; None if not there."""
        found = _LABELS_OF_MEKA.search(self.relation)
        return int(found.group(1)) if found and int(found.group(1)) else None

    @property
    def n_train(self) -> int | None:
        """Meka's ``-split-number n`` in the relation: the first n rows are for training; None if not there."""
        found = _SPLIT_OF_MEKA.search(self.relation)
        return int(found.group(1)) if found else None


def header_of(lines: Iterator[bytes], name: str) -> Header:
    """Return the header, ``lines`` then standing at the first line after ``@data``.

    Raises ``Problem`` naming the line for anything that is no header.
    """
    relation: str | None = None
    attributes: list[Attribute] = []
    for number, raw in enumerate(lines, 1):
        line = text_of(raw).strip()
        if not line or line.startswith("%"):
            continue
        keyword, _, rest = line.replace("\t", " ").partition(" ")
        match keyword.lower():
            case "@relation":
                relation = rest.strip()
            case "@attribute":
                attributes.append(_attribute(rest.strip(), number, name))
                if len(attributes) > MAX_ATTRIBUTES:
                    raise Problem(f"{name} declares more than {MAX_ATTRIBUTES:,} attributes: it is not read")
            case "@data":
                if not attributes:
                    raise Problem(f"{name} has no @attribute line before @data: it is no ARFF file, or is damaged")
                return Header(unquoted(relation or ""), tuple(attributes), number)
            case "@inputs" | "@input" | "@outputs" | "@output":  # KEEL's addition to the format
                continue
            case _:
                raise Problem(f"{name} is not an ARFF file: line {number} is {line[:40]!r}, where @relation, "
                              "@attribute or @data was expected")  # fmt: skip
    if relation is None and not attributes:
        raise Problem(f"{name} is empty: an ARFF file needs @relation, @attribute lines and @data")
    raise Problem(f"{name} ends before its @data line: it is cut short, fetch it again")


def unquoted(text: str) -> str:
    """Return a name or value without its quotes, escapes resolved, or a bare word without blanks around it."""
    text = text.strip()
    if len(text) >= 2 and text[0] in "'\"" and text[-1] == text[0]:
        return _ESCAPED.sub(r"\1", text[1:-1])
    return text


def _attribute(text: str, number: int, name: str) -> Attribute:
    found = re.match(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([^\s{]+)", text)
    if found is None:
        raise Problem(f"line {number} of {name} declares an attribute without a name")
    called = unquoted(found.group(0))
    kind = text[found.end() :].strip()
    if kind.startswith("{"):
        if not kind.split("%")[0].rstrip().endswith("}") and "}" not in kind:
            raise Problem(f"line {number} of {name}: the values of {called!r} have no closing brace")
        return Attribute(called, "nominal", _values(kind[1 : kind.rindex("}")]))
    word = kind.split()[0].lower() if kind else ""
    if word in _NUMERIC:
        return Attribute(called, "numeric")
    if word == "string":
        return Attribute(called, "string")
    if word == "date":
        return Attribute(called, "date")
    if word == "relational":
        raise Problem(f"{name} has the relational attribute {called!r}: sets of bags are not read here")
    raise Problem(f"line {number} of {name}: the attribute {called!r} has the type {kind[:30]!r}, "
                  "where numeric, string, date or {values} was expected")  # fmt: skip


def _values(inside: str) -> tuple[str, ...]:
    return tuple(unquoted(found.group(0)) for found in _WORD.finditer(inside))
