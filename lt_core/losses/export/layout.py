"""Python text in the layout of a formatter: signatures, calls and values on one line, or one entry a line."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence

WIDTH = 120


def literal(value: object) -> str:
    """Return a number, a switch, a name or a sequence of them as Python text; strings in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def number(value: float) -> str:
    """Return a count as Python text: whole ones without a decimal point."""
    value = float(value)
    return str(int(value)) if value.is_integer() else repr(value)


def enclosed(head: str, entries: Sequence[str], tail: str, indent: int = 0) -> str:
    """Return ``head`` entries ``tail``, on one line if that fits, else one entry a line; ``head`` ends in a bracket."""
    pad = " " * indent
    line = f"{pad}{head}{', '.join(entries)}{tail}"
    if len(line) <= WIDTH or not entries:
        return line
    rows = "".join(f"{pad}    {entry},\n" for entry in entries)
    return f"{pad}{head}\n{rows}{pad}{tail}"


def filled(text: str, indent: int = 0) -> str:
    """Return ``text`` in lines of at most ``WIDTH`` characters."""
    pad = " " * indent
    return textwrap.fill(
        text, WIDTH, initial_indent=pad, subsequent_indent=pad, break_long_words=False, break_on_hyphens=False
    )


def numbers(name: str, values: Sequence[float], kind: tuple[str, str]) -> str:
    """Return ``name = (1, 2, ...)`` (``kind`` are the brackets); many numbers fill lines instead of one line each."""
    texts = [number(value) for value in values]
    inner = ", ".join(texts) + ("," if len(texts) == 1 and kind[0] == "(" else "")
    line = f"{name} = {kind[0]}{inner}{kind[1]}"
    if len(line) <= WIDTH:
        return line
    return f"{name} = {kind[0]}\n{filled(inner, 4)}\n{kind[1]}  # fmt: skip"
