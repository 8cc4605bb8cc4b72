"""Counts, imbalance, co-occurrence, head/medium/tail groups and the class prior of a data set."""

from __future__ import annotations

from lt_core.stats.groups import GROUPS, SCHEMES, Grouping, groups_of
from lt_core.stats.label_stats import LabelStats, label_stats
from lt_core.stats.of_dataset import label_stats_of_counts, prior_of, stats_of
from lt_core.stats.prior import ClassPrior

__all__ = [
    "GROUPS",
    "SCHEMES",
    "ClassPrior",
    "Grouping",
    "LabelStats",
    "groups_of",
    "label_stats",
    "label_stats_of_counts",
    "prior_of",
    "stats_of",
]
