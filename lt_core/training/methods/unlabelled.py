"""Images whose labels are all unknown: the part they form, and which of them a step sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.datasets import LabeledImages
from lt_core.problems import Problem
from lt_core.training.config import RunConfig
from lt_core.training.methods.hooks import Where
from lt_core.training.parts import Part, part_at
from lt_core.training.pixels import Progress

if TYPE_CHECKING:
    from lt_core.training.job import Job

PART = "unlabelled"
ORDER, AUGMENT = 1, 2
"""What a place of the run draws here: told apart by a fourth number, which no other draw has."""


def unlabelled_part(
    data: LabeledImages,
    config: RunConfig,
    shape: tuple[int, ...],
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Part:
    """Return the rows of the training part without any known label, which ``part_of`` leaves out of it.

    ``shape`` (H, W, ch) is that of the training images. Raises ``Problem`` where there are none: images of validation
    and test are no substitute, a method that saw them would be measured on what it has learned from.
    """
    rows = data.rows("train")
    rows = rows[np.isnan(data.labels[rows]).all(axis=1)]
    if not len(rows):
        raise Problem(
            f"{data.title} has no training image without labels: leave the label cells of some rows empty, or choose "
            "no semi-supervised method"
        )
    return part_at(data, rows, PART, config, shape, progress=progress, should_stop=should_stop)


def shares_of(labels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return each class's share (C,) in [0, 1] among its known ``labels`` (N, C); 0 for a class with none known."""
    known = (~np.isnan(labels)).sum(axis=0)
    return np.asarray((labels == 1).sum(axis=0) / np.maximum(known, 1), dtype=np.float64)


def drawn_rows(job: Job, count: int, where: Where) -> NDArray[np.intp]:
    """Return which ``count`` unlabelled images step ``where`` sees, at most all of them.

    The steps of an epoch walk through one order of all images, and begin again where it ends.
    """
    epoch, step = where
    n = len(job.part(PART).rows)
    count = min(count, n)
    order = job.rng.generator(epoch, 0, 0, ORDER).permutation(n)
    return np.asarray(order[np.arange(step * count, (step + 1) * count) % n], dtype=np.intp)


def augmented(job: Job, rows: NDArray[np.intp], where: Where) -> Tensor:
    """Return the unlabelled images ``rows`` (u, ch, H, W), changed as the augmentation of the run says."""
    generator = torch.Generator().manual_seed(job.rng.seed_at(*where, 0, AUGMENT))
    return job.feeds[PART].batch(rows, generator)
