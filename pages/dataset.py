"""Data set: what do I have?"""

from __future__ import annotations

from lt_core.datasets import ClassCounts
from pages.ui import blocks, data_source, data_views, state

blocks.header("Data set", "What do I have, how unequal is it, and what occurs together?", change=False)
data_source.chooser()
data = state.current()
data_views.about(data)
if isinstance(data, ClassCounts):
    data_views.of_counts(data)
else:
    data_views.of_images(data)
