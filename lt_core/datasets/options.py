"""The options of a reader: declared once, checked here, drawn by the page, taken by the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lt_core.datasets.labeled_images import Source
from lt_core.params import Choice, Param
from lt_core.problems import Unknown

COLUMN_OPTIONS = ("image", "patient", "split")
"""Options whose value is the name of a column; the label columns are ``Source.labels``."""

KIND = Param("kind", "auto", Choice(
    ("auto", "multi", "single"),
    ("as the labels say", "several classes an image", "exactly one class an image"),
    help="Whether one image may have several classes."))  # fmt: skip


def options_of(
    source: Source, declared: Sequence[Param], *, columns: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the value of every declared option, defaults included, and the column names given in ``columns``.

    Text values, as from a command line, are parsed. Raises ``Unknown`` for an option that is neither declared nor in
    ``columns`` and ``Invalid`` for a value outside the declaration.
    """
    by_name = {param.name: param for param in declared}
    values: dict[str, Any] = {param.name: param.default for param in declared}
    named: dict[str, str] = {}
    for name, value in source.options.items():
        if name in columns:
            named[name] = str(value)
        elif name in by_name:
            domain = by_name[name].domain
            values[name] = domain.parse(name, value) if isinstance(value, str) else domain.check(name, value)
        else:
            raise Unknown.of(f"option of {source.reader or 'this reader'}", name, [*columns, *by_name])
    return values, named
