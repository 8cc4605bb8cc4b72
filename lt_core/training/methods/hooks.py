"""What a method may do in the course of a run; the loop runs it without knowing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lt_core.problems import Problem

if TYPE_CHECKING:
    from lt_core.training.job import Job

Where = tuple[int, int]
"""Epoch from 1 and step from 0: the place of the run that everything random is drawn for."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A step as the network saw it.

    ``logits`` (b + u, C) and ``images`` (b + u, ch, H, W) are those of the batch, then those that ``Method.images``
    put beside it; ``targets`` (b, C), NaN for unknown, belong to the first b.
    """

    logits: Tensor
    targets: Tensor
    images: Tensor
    epoch: int

    @property
    def beside(self) -> Tensor:
        """The logits (u, C) of the images beside the batch."""
        return self.logits[len(self.targets) :]


class Method:
    """A method that does nothing; one of its own replaces what it needs.

    What a hook draws comes from ``job.rng`` at its place, so that a run resumes exactly. A step that ran out of memory
    is made again from its beginning, and what ``state`` returns is given back before that; anything else that a hook
    notes during a step must be overwritten when it is called again.
    """

    def begin(self, job: Job) -> None:
        """Look at the job, once in a process; raise ``Problem`` where the data do not have what is needed."""

    def before_epoch(self, job: Job, epoch: int) -> None:
        """Prepare ``epoch`` (from 1), before its first step; the model holds the averaged weights where there are some.

        It may be called twice before one epoch, with the same weights; the second call must give what the first did.
        """

    def targets(self, job: Job, rows: NDArray[np.intp], targets: Tensor) -> Tensor:  # noqa: ARG002
        """Return the labels (b, C) to train the training ``rows`` on, made from what is known of them."""
        return targets

    def images(self, job: Job, rows: NDArray[np.intp], where: Where) -> Tensor | None:  # noqa: ARG002
        """Return images (u, ch, H, W) that go through the network beside those of ``rows``, or None."""
        return None

    def extra_loss(self, job: Job, seen: Seen) -> Tensor | None:  # noqa: ARG002
        """Return what is added to the loss of a step, a scalar, or None."""
        return None

    def after_step(self) -> None:
        """Note what this step showed; the weights are changed already."""

    def state(self) -> dict[str, Tensor]:
        """Return what has to go into a checkpoint, tensors by name; empty where nothing is remembered."""
        return {}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what ``state`` returned; raise ``Problem`` where it is not of this job."""
        if tensors:
            raise Problem(f"the checkpoint remembers {', '.join(sorted(tensors))}, which this method does not have")


def take(own: Tensor, tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """Return the entry ``name`` of a checkpoint, like ``own`` in type and device; raise ``Problem`` if it cannot be."""
    found = tensors.get(name)
    if found is None or found.shape != own.shape:
        what = "is not there" if found is None else f"has the shape {tuple(found.shape)}, not {tuple(own.shape)}"
        raise Problem(f"the checkpoint is of other data or another method: {name} {what}")
    return found.to(own)
