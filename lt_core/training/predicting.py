"""Predictions for a part: of a run under way, of one that kept them, or computed from its weights."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.datasets import PARTS, assign_parts, load_images
from lt_core.evaluation import Predictions
from lt_core.problems import Problem
from lt_core.training.folder.store import Run
from lt_core.training.job import Job
from lt_core.training.parts import normalised, part_of
from lt_core.training.steps import out_of_memory


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
    shown = part_of(data, part, config, tuple(card["shape"]))
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
        shown.patients,
        card.get("logit_scale", 1.0),
    )


def batches_of(n: int, size: int) -> list[NDArray[np.intp]]:
    """Return the numbers 0 to ``n`` - 1 in order, ``size`` at a time."""
    return [np.arange(start, min(start + size, n)) for start in range(0, n, size)]


def predict(job: Job, part: str, pieces: int = 1) -> tuple[Predictions, float | None]:
    """Return the predictions for one part and the criterion's mean over its batches; both are left in eval.

    A batch goes through the network in ``pieces``, in twice as many where the memory is too small; the criterion sees
    it whole, and neither draws nor remembers: its value is the same whenever it is asked. Raises ``Problem`` where even
    one image is too much, or an answer is not finite.
    """
    data = job.part(part)
    job.model.eval()
    job.criterion.eval()
    logits: list[NDArray[np.float32]] = []
    losses: list[tuple[float, int]] = []
    with torch.inference_mode():
        order = batches_of(len(data.rows), job.config.batch_size)
        for rows, images in zip(order, job.batches(part, order), strict=True):
            own, pieces = _answers(job, images, pieces)
            out = job.ranks.gathered(own, len(rows))
            if not bool(torch.isfinite(out).all()):
                raise Problem(
                    f"the network gives answers that are not finite on the {part} part: training diverged; "
                    "lower the learning rate"
                )
            losses.append((float(job.criterion(out, job.targets(data, rows))), len(rows)))
            logits.append(out.cpu().numpy())
    values = np.concatenate(logits) if logits else np.zeros((0, len(job.card["class_names"])), np.float32)
    mean = float(np.average([v for v, _ in losses], weights=[n for _, n in losses])) if losses else None
    found = Predictions(
        tuple(job.card["class_names"]),
        values,
        data.labels,
        data.rows.astype(np.int64),
        data.ids,
        job.kind,
        part,
        job.card["link"],
        data.patients,
        job.card.get("logit_scale", 1.0),
    )
    return found, mean


def _answers(job: Job, images: Tensor, pieces: int) -> tuple[Tensor, int]:
    """Return the logits (b, C) float32 of a batch, in eval, and in how many pieces it went through the network."""
    while True:
        try:
            with job.cast():
                chunks = images.tensor_split(max(1, min(pieces, len(images))))
                return torch.cat([job.net(chunk).float() for chunk in chunks]), pieces
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if pieces >= len(images):
                raise Problem(
                    f"the {job.device} ran out of memory even with one image at a time: choose a smaller backbone or a "
                    "smaller image size"
                ) from None
        pieces *= 2
        if job.device.type == "cuda":
            torch.cuda.empty_cache()
