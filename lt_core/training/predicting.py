"""Predictions of a run for any part: those it kept, or the same computed from its weights."""

from __future__ import annotations

import numpy as np
import torch

from lt_core.datasets import PARTS, assign_parts, load_images
from lt_core.evaluation import Predictions
from lt_core.problems import Problem
from lt_core.training.job import normalised, part_of
from lt_core.training.store import Run


def predictions_of(run: Run, part: str) -> Predictions:
    """Return what the reported weights say about ``part`` (train, val or test).

    What the run kept is read; anything else, such as the training part or a run that was interrupted after its first
    epoch, is computed on the CPU from the weights and the data. Raises ``Problem`` where neither can be had.
    """
    try:
        return run.predictions(part)
    except Problem:
        if part not in PARTS or run.state in ("queued", "running") or not (run.path / "last.safetensors").is_file():
            raise
    config, card = run.config, run.dataset_card
    data = assign_parts(load_images(config.data), seed=config.seed, method=config.split_method)
    if list(data.class_names) != card["class_names"]:
        raise Problem(f"{data.title} has other classes now than when {run.path.name} was trained: train again")
    shown = part_of(data, part, config.image_size, tuple(card["shape"]))
    model = run.load_model()
    logits = [np.zeros((0, data.n_classes), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(shown.rows), config.batch_size):
            pixels = torch.from_numpy(shown.pixels[start : start + config.batch_size])
            logits.append(model(normalised(pixels, card)).float().numpy())
    return Predictions(
        data.class_names,
        np.concatenate(logits),
        shown.labels,
        shown.rows.astype(np.int64),
        shown.ids,
        data.kind,
        part,
        card.get("link"),
    )
