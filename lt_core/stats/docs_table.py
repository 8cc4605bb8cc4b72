"""``docs/statistics.md``, written from the definitions that the page shows on hover."""

from __future__ import annotations

from collections.abc import Mapping

from lt_core.stats.definitions import OF_CLASS, OF_SET, Definition
from lt_core.stats.pairs import TERMS

_HEAD = """# What every number of the Data set page means

Written by `python -m lt_core measures --markdown docs/statistics.md` from the definitions in `lt_core/stats`; the page
shows them on hover. A number that is not defined (0/0) is "not defined" on the page and `null` in JSON. An image of
which no label is known counts as an image and has no label set; an unknown label is neither a yes nor a no."""


def markdown() -> str:
    """Return the document: the measures of a set, of a class, and of a pair of classes."""
    pairs = "\n".join(
        ["| column | what it says |", "|---|---|", *(f"| `{k}` | {_cell(v)} |" for k, v in TERMS.items())]
    )
    return "\n\n".join(
        [_HEAD, "## Of the whole set", _table(OF_SET), "## Of one class", _table(OF_CLASS), "## Of two classes", pairs]
    ) + "\n"  # fmt: skip


def definitions() -> list[dict[str, str]]:
    """Return every definition as ``{of, key, name, text, formula, source}``, ready for JSON."""
    whole = [("set", key, found) for key, found in OF_SET.items()]
    whole += [("class", key, found) for key, found in OF_CLASS.items()]
    rows = [
        {"of": of, "key": key, "name": d.name, "text": d.text, "formula": d.formula, "source": d.source}
        for of, key, d in whole
    ]
    return rows + [
        {"of": "pair", "key": key, "name": key, "text": text, "formula": "", "source": ""}
        for key, text in TERMS.items()
    ]


def _table(found: Mapping[str, Definition]) -> str:
    rows = [
        f"| {_cell(d.name)} | `{key}` | {_cell(d.text)} "
        f"| {f'${_cell(d.formula)}$' if d.formula else ''} | {_cell(d.source)} |"
        for key, d in found.items()
    ]
    return "\n".join(["| name | key | what it says | formula | source |", "|---|---|---|---|---|", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
