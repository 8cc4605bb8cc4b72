"""Start: what can I do here?"""

from __future__ import annotations

from pages.ui import blocks, start_panel

blocks.header(
    "The long tail, made visible",
    "In medical images a few findings fill the training set, most are rare, and several occur at once. "
    "LongTail Lab shows what losses make of that.",
)
start_panel.tail_story()
start_panel.ways_in()
start_panel.running()
