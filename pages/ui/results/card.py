"""The view that gives the results away: tables, figures, and the report as one file."""

from __future__ import annotations

from pages.ui.results import report
from pages.ui.results.cutting import Choice
from pages.ui.results.numbers import comparison_of, evaluation_of


def draw(choice: Choice) -> None:
    """Draw the view."""
    first, *others = choice.models
    report.draw(
        choice,
        {model.letter: evaluation_of(model, choice.cuts[model.letter]) for model in choice.models},
        [comparison_of(first, model, choice, "f1") for model in others] or None,
    )
