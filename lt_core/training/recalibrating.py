"""Calibration of what a run predicted: its training counts, and whether its training adjusted the logits already."""

from __future__ import annotations

from lt_core.evaluation.recalibrated import Recalibrated, recalibrated
from lt_core.evaluation.scored import Scored
from lt_core.losses import get_loss
from lt_core.problems import Problem
from lt_core.training.config import RunConfig
from lt_core.training.folder.store import Run


def recalibrated_run(run: Run, scored: Scored, validation: Scored | None, way: str, *, seed: int = 0) -> Recalibrated:
    """Return predictions of ``run`` calibrated by ``way``, as ``recalibrated`` does, with what the run knows."""
    card = run.dataset_card
    return recalibrated(
        scored, validation, way, positives=card["positives_per_class"], n_train=card["n_train"],
        twice=adjusted_in_training(run.config), seed=seed,
    )  # fmt: skip


def adjusted_in_training(config: RunConfig) -> str:
    """Return why post-hoc logit adjustment would correct a run of ``config`` a second time; "" where nothing says so.

    Losses of the family "logit adjustment" with tau above 0 take the prevalence out of the logits, and a sampler that
    draws rare classes more often changes it. A loss that this installation does not have says nothing.
    """
    try:
        spec = get_loss(config.loss)
    except Problem:
        spec = None
    tau = {**spec.defaults, **config.loss_values}.get("tau", 1.0) if spec is not None else 0.0
    if spec is not None and spec.family == "logit adjustment" and tau:
        return f"its loss, {spec.title}, adjusted the logits in training"
    return f"its sampler ({config.sampler}) drew rare classes more often" if config.sampler != "plain" else ""
