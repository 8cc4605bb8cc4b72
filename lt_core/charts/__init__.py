"""Charts: a DataFrame in, an Altair chart out; nothing here knows torch or files."""

from __future__ import annotations

from typing import TypeAlias

import altair as alt

Figure: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart | alt.HConcatChart | alt.VConcatChart
"""Whatever a chart function may return and a page can draw."""
