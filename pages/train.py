"""Train: which network learns from this data, with which loss, and what happens to the tail meanwhile?"""

from __future__ import annotations

from pages.ui import blocks, run_import, run_list, run_view, train_panel

blocks.header("Train", "Choose a network and a loss, and watch what head, medium and tail classes learn.")
left, right = run_view.beside()
with left:
    config = train_panel.settings()
with right:
    run_view.watched()
run_list.listed()
run_import.panel(config)
