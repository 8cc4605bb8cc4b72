"""The view that draws ``slices`` for the models as they are chosen."""

from __future__ import annotations

from pages.ui.results import slices
from pages.ui.results.cutting import Choice


def draw(choice: Choice) -> None:
    """Draw the view."""
    slices.draw(choice.models, choice.cuts, choice.beta)
