"""Compare: which loss helps the tail, over seeds, and which settings are best; many runs by one plan."""

from __future__ import annotations

from pages.ui import compare_views, run_picker

run_picker.header(
    "Compare", "Train several losses alike and see which one helps, and where none does; or search settings."
)
compare_views.chosen()()
