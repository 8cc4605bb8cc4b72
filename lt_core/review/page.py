"""Pieces of a report in HTML: what comes from outside is text and nothing else, wherever it is put."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

import numpy as np

from lt_core.review.drawing import Drawing
from lt_core.review.style import CSS

NOT_STATED = '<span class="unstated">not stated</span>'
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What a browser lets a report do: nothing is loaded, no script runs."""


class Markup(str):
    """HTML made here, which is not escaped again."""

    __slots__ = ()


@dataclass(frozen=True)
class Section:
    """A chapter: ``key`` is its place in links, ``body`` HTML."""

    key: str
    title: str
    body: str
    new_page: bool = False


def text(value: Any) -> str:
    """Return ``value`` as HTML: markup as it is, anything else escaped, "not stated" where there is nothing."""
    if isinstance(value, Markup):
        return value
    if value is None or (isinstance(value, str) and not value.strip()):
        return NOT_STATED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{int(value):,}" if abs(int(value)) > 9999 else str(int(value))
    if isinstance(value, float):
        return "not defined" if np.isnan(value) else f"{value:.6g}"
    if isinstance(value, Mapping):
        return "; ".join(f"{escape(str(key))} = {text(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(text(item) for item in value) or "none"
    return escape(str(value))


def paragraph(value: Any, css: str = "") -> str:
    """Return a paragraph."""
    return f"<p{f' class={chr(34)}{css}{chr(34)}' if css else ''}>{text(value)}</p>\n"


def bullets(values: Iterable[Any]) -> str:
    """Return a list, "" where there is nothing in it."""
    items = "".join(f"<li>{text(value)}</li>\n" for value in values)
    return f"<ul>\n{items}</ul>\n" if items else ""


def facts(values: Mapping[str, Any]) -> str:
    """Return names and values under each other; what is None is "not stated"."""
    rows = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>\n" for name, value in values.items())
    return f"<dl>\n{rows}</dl>\n"


def side_by_side(values: Mapping[str, Mapping[str, Any]], caption: str) -> str:
    """Return facts about one thing as ``facts``, about several as a table with a column for each."""
    if len(values) == 1:
        return facts(next(iter(values.values())))
    names = dict.fromkeys(name for found in values.values() for name in found)
    rows = [[name, *(found.get(name) for found in values.values())] for name in names]
    return table(["", *values], [rows], caption, numbers_from=len(values) + 1, name=caption)


def number(value: float, low: float = np.nan, high: float = np.nan, *, signed: bool = False) -> Markup:
    """Return a number with its interval under it, three digits; "not defined" where it is not."""
    if np.isnan(value):
        return Markup("not defined")
    form = "+.3f" if signed else ".3f"
    ends = "" if np.isnan(low) or np.isnan(high) else f' <span class="range">[{low:{form}}, {high:{form}}]</span>'
    return Markup(f"{value:{form}}{ends}")


def table(
    head: Sequence[str],
    bodies: Sequence[Sequence[Sequence[Any]]],
    caption: Any,
    *,
    numbers_from: int = 1,
    css: Sequence[str] = (),
    name: str = "",
) -> str:
    """Return a table whose first column heads its rows, once for rows that follow each other.

    ``bodies`` are its groups of rows, ``css`` a class for each; columns from ``numbers_from`` on stand to the right. It
    scrolls by itself where the page is narrow, which the keyboard reaches.
    """

    top = "".join(_cell(title, "th", k >= numbers_from, ' scope="col"') for k, title in enumerate(head))
    parts = []
    for place, body in enumerate(bodies):
        kind = f' class="{css[place]}"' if place < len(css) and css[place] else ""
        parts.append(f"<tbody{kind}>\n{_rows(body, numbers_from)}</tbody>\n")
    label = escape(name or "table", quote=True)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{label}"><table>\n'
        f"<caption><span>{text(caption)}</span></caption>\n<thead><tr>{top}</tr></thead>\n{''.join(parts)}</table></div>\n"
    )


def _rows(body: Sequence[Sequence[Any]], numbers_from: int) -> str:
    lines = []
    for first, rows in groupby(body, key=lambda row: text(row[0])):
        shared = list(rows)
        span = f' rowspan="{len(shared)}"' if len(shared) > 1 else ""
        header = _cell(Markup(first), "th", numbers_from == 0, f' scope="row"{span}')
        for k, row in enumerate(shared):
            cells = "".join(_cell(value, "td", j >= numbers_from) for j, value in enumerate(row) if j)
            lines.append(f"<tr>{'' if k else header}{cells}</tr>\n")
    return "".join(lines)


def _cell(value: Any, tag: str, right: bool, scope: str = "") -> str:
    aligned = ' class="number"' if right else ""
    return f"<{tag}{scope}{aligned}>{'' if isinstance(value, str) and value == '' else text(value)}</{tag}>"


def figure(drawing: Drawing, name: str, caption: Any = None) -> str:
    """Return a drawing with its words for who cannot see it and, where given, a caption."""
    said = f"<figcaption>{text(caption)}</figcaption>" if caption else ""
    tall = ' class="tall"' if drawing.height > 0.9 * drawing.width else ""
    return f"<figure{tall}>\n{drawing.svg(name=name)}{said}</figure>\n"


def link(url: str, said: str) -> Markup:
    """Return a link where ``url`` is one of the web, else the words alone."""
    if not url.startswith(("https://", "http://")):
        return Markup(escape(said))
    return Markup(f'<a href="{escape(url, quote=True)}" rel="noreferrer">{escape(said)}</a>')


def document(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Return one HTML file that needs no other: no script, no font, no picture from elsewhere."""
    listed = "".join(f'<li><a href="#{s.key}">{escape(s.title)}</a></li>\n' for s in sections)
    bodies = "".join(
        f'<section aria-labelledby="{s.key}"{" class=" + chr(34) + "new-page" + chr(34) if s.new_page else ""}>\n'
        f'<h2 id="{s.key}">{escape(s.title)}</h2>\n{s.body}</section>\n'
        for s in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY, quote=True)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n{lead}</header>\n"
        f'<nav aria-label="Contents">\n<ul>\n{listed}</ul>\n</nav>\n{bodies}</main>\n</body>\n</html>\n'
    )
