"""Predictions and what they are worth, class by class."""

from __future__ import annotations

from lt_core.charts.palette import GROUPS
from lt_core.evaluation.intervals import f1_interval, wilson
from lt_core.evaluation.metrics import METRICS, confusion, per_class
from lt_core.evaluation.predictions import Predictions, probabilities_of
from lt_core.evaluation.ranking import Ranking, ranking
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.summary import Report, report

__all__ = [
    "GROUPS",
    "METRICS",
    "Predictions",
    "Ranking",
    "Report",
    "Scored",
    "confusion",
    "f1_interval",
    "per_class",
    "probabilities_of",
    "ranking",
    "report",
    "wilson",
]
