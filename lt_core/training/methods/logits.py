"""What the model of a job says about images of one part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.problems import Problem

if TYPE_CHECKING:
    from lt_core.training.job import Job


def logits_of(job: Job, part: str, rows: NDArray[np.intp]) -> Tensor:
    """Return the model's logits (n, C) float32 for the images ``rows`` of a part, as they are; it is left in eval mode.

    Raises ``Problem`` where an answer is not finite.
    """
    job.model.eval()
    size = job.config.batch_size
    order = [rows[start : start + size] for start in range(0, len(rows), size)]
    found = [torch.zeros((0, job.train.labels.shape[1]), device=job.device)]
    with torch.no_grad():
        for images in job.batches(part, order):
            with job.cast():
                found.append(job.net(images).float())
    logits = torch.cat(found)
    if not bool(torch.isfinite(logits).all()):
        raise Problem(
            f"the network gives answers that are not finite on the {part} images: training diverged; lower the "
            "learning rate"
        )
    return logits
