"""Charts in layers, put together and written out without the work that Altair does for charts it does not know."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

checked = False
"""Whether every specification is checked against the schema of Vega-Lite; the tests set it. The check of a chart made
by this package says the same each time, and takes longer than all else that is done to draw it."""

MARKS = "marks"
"""Name of the layer whose marks are pointed at and clicked."""


class Layers(alt.LayerChart):
    """A ``LayerChart`` of layers that have nothing to be lifted out of them, made by ``layered``.

    ``LayerChart`` looks for data and selections that its layers share: it prints their tables and copies every layer
    several times to find them.
    """

    def __init__(self, data: Any = alt.Undefined, layer: Any = (), **properties: Any) -> None:
        super(alt.LayerChart, self).__init__(data=data, layer=list(layer), **properties)

    def to_dict(self, validate: bool | None = None, **how: Any) -> dict[str, Any]:
        """Return the Vega-Lite specification; ``validate`` by default where the module's ``checked`` says so."""
        return super().to_dict(checked if validate is None else validate, **how)


def layered(
    *charts: alt.Chart,
    height: int | alt.Step,
    data: pd.DataFrame | None = None,
    selections: tuple[dict[str, Any], ...] = (),
) -> Layers:
    """Return the charts on top of one another, the last on top.

    ``data`` is that of the charts that have none of their own. ``selections`` are those of ``selection``; the layer
    they are made on is called ``MARKS``.
    """
    properties: dict[str, Any] = {"height": height}
    if data is not None:
        properties["data"] = data
    if selections:
        properties["params"] = list(selections)
    return Layers(layer=charts, **properties)


def selection(name: str, *fields: str, **how: str) -> dict[str, Any]:
    """Return a selection, by a click unless ``how`` (``on``, ``clear``) says otherwise, of a mark of ``MARKS``.

    Its value is that of ``fields`` of the marks selected.
    """
    return {"name": name, "select": {"type": "point", "fields": list(fields), **how}, "views": [MARKS]}
