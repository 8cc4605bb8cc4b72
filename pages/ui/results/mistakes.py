"""The view that draws ``errors`` for the models as they are chosen."""

from __future__ import annotations

from pages.ui.results import errors
from pages.ui.results.cutting import Choice


def draw(choice: Choice) -> None:
    """Draw the view."""
    errors.draw(choice.models, choice.cuts)
