"""Data set: what do I have?"""

from __future__ import annotations

from lt_core.datasets import ClassCounts
from pages.ui import blocks, data_source, data_views, state

blocks.header("Data set", "What do I have, how unequal is it, and what occurs together?", change=False)
data_source.chooser()
data = state.current()
data_views.about(data)
if isinstance(data, ClassCounts):
    data_views.counts_only(data)
else:
    part = data_views.part_picker(data)
    stats = data_views.statistics(state.source(), part)
    data_views.numbers(stats)
    data_views.distribution(stats)
    data_views.together(stats)
    data_views.examples(data, part)
