"""What a model gets wrong: which images, instead of what, beside what, and in whom."""

from __future__ import annotations

from lt_core.evaluation.errors.bands import MISSING, Slices, sliced
from lt_core.evaluation.errors.cases import confident_misses, false_alarms
from lt_core.evaluation.errors.mistaken import Mistaken, missed_called
from lt_core.evaluation.errors.probe import PROBED, Probe, shortcut_probe
from lt_core.evaluation.errors.slices import Sliced, by_slice

__all__ = [
    "MISSING",
    "PROBED",
    "Mistaken",
    "Probe",
    "Sliced",
    "Slices",
    "by_slice",
    "confident_misses",
    "false_alarms",
    "missed_called",
    "shortcut_probe",
    "sliced",
]
