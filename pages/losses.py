"""Losses: what does this loss do?"""

from __future__ import annotations

from pages.ui import blocks, loss_about, loss_own, loss_panel, state

blocks.header("Losses", "What does a loss do to one cell: to a class that is there, to a class that is not?")
data = state.current()
specs = loss_panel.choose(data)
loss_own.notices()
loss_panel.explore([spec.key for spec in specs], data)
loss_about.cards(specs)
