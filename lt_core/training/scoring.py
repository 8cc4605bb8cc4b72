"""What an epoch is worth on validation, and when a run is no longer worth going on with."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import torch

from lt_core.evaluation import Predictions, report
from lt_core.problems import Problem
from lt_core.training.folder.posix import optional

resource = optional("resource")
GROUPS = ("head", "medium", "tail")
TOLD_CLASSES = 1000
"""Most classes of which an epoch's event tells each one's AP and F1."""
DIVERGED = 1000.0
"""How many times the loss of the first step the mean of an epoch may be before the run counts as diverging."""


def scores_of(predictions: Predictions, groups: list[str]) -> tuple[dict[str, float | None], dict[str, list[Any]]]:
    """Return F1 at 0.5 and AP of head, medium, tail and all, and the same of each class; None is not defined."""
    if not len(predictions):
        return {f"{metric}_{name}": None for name in (*GROUPS, "macro") for metric in ("f1", "ap")}, {}
    entry = report(predictions, groups=groups).as_json()
    means = {**{name: entry["groups"][name] for name in GROUPS}, "macro": entry["macro"]}
    scores = {f"{metric}_{name}": means[name].get(metric) for name in (*GROUPS, "macro") for metric in ("f1", "ap")}
    classes = entry["classes"]
    if len(classes) > TOLD_CLASSES:
        return scores, {}
    return scores, {metric: [row[metric] for row in classes] for metric in ("f1", "ap")}


def check_divergence(epoch: int, mean: float, first: float | None) -> None:
    """Raise ``Problem`` where the mean loss of an epoch is far above the loss of the run's first step."""
    if first is None or not math.isfinite(first):
        return
    if abs(mean) > DIVERGED * max(abs(first), 1e-3):
        raise Problem(
            f"training diverged: the mean loss of epoch {epoch} is {mean:.3g}, that of the first step was {first:.3g}; "
            "lower the learning rate or set clip_norm to 1"
        )


def check_same(card: dict[str, Any], before: dict[str, Any], folder: Path) -> None:
    """Raise ``Problem`` where the data of a run to be resumed are not what they were."""
    for key, words in (
        ("class_names", "its classes"),
        ("shape", "the size of its images"),
        ("parts", "the sizes of its parts"),
        ("positives_per_class", "its labels"),
        ("mean", "its pixels"),
    ):
        if card.get(key) != before.get(key):
            raise Problem(
                f"{folder.name} cannot be resumed: the data set has changed since it began ({words} differ): "
                "clone the run and start it again"
            )


def peak_memory(device: torch.device) -> int | None:
    """Return the most memory taken so far in bytes: of the CUDA device, else of this process; None if unknown."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if resource is None:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit
