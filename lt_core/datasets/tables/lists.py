"""Lists in cells: how they are kept in a table of text, and how a list written as text is read."""

from __future__ import annotations

import re

LIST_SIGN = "\u2063"
"""Unicode's invisible separator stands between the items of a list that a file holds as a list: it is no blank."""
_QUOTED = re.compile(r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*,?""")


def joined(items: list[str]) -> str:
    """Return a cell for a list; a list without items is the sign alone, unlike an empty cell."""
    return LIST_SIGN.join(items) if items else LIST_SIGN


def is_list(cell: str) -> bool:
    """Return whether a cell is written like a list: ``['a', 'b']``, ``["a"]``, ``[a, b]``, ``{'a'}``, ``('a',)``."""
    return len(cell) > 1 and cell[0] + cell[-1] in ("[]", "{}", "()")


def items_of(cell: str) -> list[str]:
    """Return the items of a cell that ``is_list``, without quotes and blanks around them.

    Quoted items may be separated by commas or, as numpy prints them, by blanks. Nothing is evaluated.
    """
    inside = cell[1:-1].strip()
    if not inside:
        return []
    if inside[0] in "'\"":
        found: list[str] = []
        at = 0
        while at < len(inside) and (hit := _QUOTED.match(inside, at)):
            found.append(re.sub(r"\\(.)", r"\1", hit[1] if hit[1] is not None else hit[2]).strip())
            at = hit.end()
        if at >= len(inside.rstrip()):
            return found
    pieces = inside.split(",") if "," in inside or not re.fullmatch(r"[-+.\d\s]+", inside) else inside.split()
    return [text for piece in pieces if (text := piece.strip().strip("'\"").strip())]
