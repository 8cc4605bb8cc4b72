"""Reports: the classes of evaluations as tables and figures for a paper, and the model card."""

from __future__ import annotations

from lt_core.review.drawing import Drawing
from lt_core.review.material import STATEMENTS, about_run
from lt_core.review.model_card import model_card
from lt_core.review.numbers import csv, excel_csv, numbers
from lt_core.review.tables import caption, class_table, latex, markdown

__all__ = [
    "STATEMENTS",
    "Drawing",
    "about_run",
    "caption",
    "class_table",
    "csv",
    "excel_csv",
    "latex",
    "markdown",
    "model_card",
    "numbers",
]
