"""RebLL: asymmetric distillation and online relabelling for sets that grow by classes (Du et al., 2024)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.losses.bound import Criterion
from lt_core.losses.parts import Paper
from lt_core.losses.reduce import reduced
from lt_core.losses.stable import softplus
from lt_core.params import Real
from lt_core.training.methods.declare import method
from lt_core.training.methods.hooks import Method, Seen, take
from lt_core.training.methods.logits import logits_of
from lt_core.training.methods.teacher import Teacher

if TYPE_CHECKING:
    from lt_core.training.job import Job

UNKNOWN = -1


def asymmetric_distillation(logits: Tensor, teacher: Tensor, decay: float) -> Tensor:
    """Return e^(-decay |2 q - 1|) CE(q, p) for each cell of the student's ``logits``; q is the teacher's probability.

    The weight falls from 1, where the teacher cannot tell, to e^-decay, where it is certain. The slope is
    w (p - q), so that every cell is at rest where student and teacher agree. ``teacher`` are logits, same shape.
    """
    q = torch.sigmoid(teacher)
    weight = torch.exp(-decay * (2 * q - 1).abs())
    return weight * (q * softplus(-logits) + (1 - q) * softplus(logits))


def relabelled(labels: Tensor, memory: Tensor, old: Tensor, *, past: Tensor, current: Tensor, sure: float) -> Tensor:
    """Return ``labels`` (B, C) with the unknown ones of images in ``memory`` (B,) filled in where a model is sure.

    Classes in ``old`` (C,) are asked of the ``past`` model's probabilities (B, C), the others of the ``current``
    one's. From ``sure`` on a class is there, up to 1 - ``sure`` it is not, between them it stays unknown (NaN); so it
    does where a probability is NaN. What is known is never changed, nor are images outside the memory.
    """
    said = torch.where(old, past, current)
    guess = torch.where(said >= sure, 1.0, torch.where(said <= 1 - sure, 0.0, torch.nan)).to(labels)
    return torch.where(labels.isnan() & memory[:, None], guess, labels)


def heavier(criterion: Criterion, logits: Tensor, targets: Tensor, chosen: Tensor, factor: float) -> Tensor:
    """Return what has to be added to the reduced loss so that ``chosen`` cells (B, C) weigh ``factor`` times as much.

    The reduction divides by what it would divide by for all of ``targets``, NaN for unknown.
    """
    part = torch.where(chosen, targets, torch.nan)
    loss: Tensor = criterion(logits, part)
    return (factor - 1) * loss * (_divisor(part, criterion.reduces_by) / _divisor(targets, criterion.reduces_by))


def _divisor(targets: Tensor, reduction: str) -> Tensor:
    known = ~targets.isnan()
    if reduction == "sum":
        return known.new_ones((), dtype=torch.float32)
    return (known if reduction == "mean" else known.any(dim=1)).sum().clamp(min=1).float()


@method(
    key="rebll",
    title="RebLL, asymmetric distillation and online relabelling",
    family="class-incremental",
    formula=r"L=L_{\text{cls}}(\text{negatives of new classes}\times a)+w\sum_{c\in\text{old}}e^{-d\,|2q_c-1|}"
    r"\,\text{CE}(q_c,p_c)",
    paper=Paper(
        "Du et al.",
        "Rebalancing Multi-Label Class-Incremental Learning",
        "AAAI",
        2025,
        "https://arxiv.org/abs/2408.12161",
    ),
    needs=frozenset({"teacher"}),
    calls_loss=True,
    experimental=True,
    assumed="From the summary are: negatives of new classes weigh more, a teacher's over-confident answers weigh less "
    "by an exponential decay, and in the memory new classes are labelled by the current model and old ones by the past "
    "one. Ours are: the exponent (how far from one half the teacher is), all three numbers, that labels are found anew "
    "before each epoch (new classes from the second on) and only where a model is sure.",
    what="Learns new classes beside those of a finished run: what that run knew is kept by distillation, and the "
    "labels that images in memory lack are filled in.",
    when="A set grows by classes: new images are labelled for the new classes only, and a few old ones, the memory, "
    "for the old ones. Leave the cells of the others empty.",
    watch="Images in memory are those with a label of an old class and none of a new one. The teacher needs the same "
    "image size and channels. A loss that weighs a label by the others of its image sees the heavier negatives "
    "without those others.",
)
@dataclass(kw_only=True, eq=False)
class Rebll(Method):
    """Labels of the training images as they are used now: int8 (N, C), 1, 0 or -1 for unknown."""

    distil: Annotated[float, Real(0, 10, tex="w", help="What distillation of the old classes counts for.")] = 1.0
    decay: Annotated[float, Real(0, 5, tex="d", help="How fast a sure teacher loses weight; 0 not at all.")] = 1.0
    negatives: Annotated[float, Real(1, 10, tex="a", help="What a negative of a new class weighs.")] = 2.0
    sure: Annotated[
        float, Real(0.55, 1, step=0.01, help="Probability from which a model's answer becomes a label in memory.")
    ] = 0.9
    labels: Tensor = field(init=False)
    teacher: Teacher = field(init=False)
    _old: Tensor = field(init=False)
    _memory: NDArray[np.intp] = field(init=False)

    def begin(self, job: Job) -> None:
        """Load the teacher and find the images in memory."""
        self.teacher = Teacher(job)
        old = self.teacher.columns
        self._old = torch.from_numpy(old).to(job.device)
        known = ~np.isnan(job.train.labels)
        self._memory = np.flatnonzero(known[:, old].any(axis=1) & ~known[:, ~old].any(axis=1))
        self.labels = _coded(torch.from_numpy(job.train.labels).to(job.device))

    def before_epoch(self, job: Job, epoch: int) -> None:
        """Fill in what is unknown of the images in memory."""
        rows = self._memory
        if not len(rows):
            return
        current = torch.full((len(rows), len(self._old)), torch.nan, device=job.device)
        if epoch > 1:
            current = torch.sigmoid(logits_of(job, "train", rows))
        given = torch.from_numpy(job.train.labels[rows]).to(job.device)
        memory = torch.ones(len(rows), dtype=torch.bool, device=job.device)
        past = torch.full_like(current, torch.nan)
        past[:, self._old] = torch.sigmoid(self._past(job, rows))
        filled = relabelled(given, memory, self._old, past=past, current=current, sure=self.sure)
        self.labels[torch.from_numpy(rows).to(job.device)] = _coded(filled)

    def targets(self, job: Job, rows: NDArray[np.intp], targets: Tensor) -> Tensor:
        """Return the labels of the training ``rows`` as they are filled in now."""
        labels = self.labels[torch.from_numpy(rows).to(job.device)].to(targets)
        return torch.where(labels == UNKNOWN, torch.nan, labels)

    def extra_loss(self, job: Job, seen: Seen) -> Tensor | None:
        """Return the distillation of the old classes and what the negatives of new ones weigh more."""
        old = self._old
        cells = asymmetric_distillation(seen.logits[:, old].float(), self.teacher.logits(seen.images), self.decay)
        loss = self.distil * reduced(cells, torch.ones_like(cells, dtype=torch.bool), job.criterion.reduces_by)
        chosen = (seen.targets == 0) & ~old
        return loss + heavier(job.criterion, seen.logits, seen.targets, chosen, self.negatives)

    def state(self) -> dict[str, Tensor]:
        """Return the labels of this epoch."""
        return {"labels": self.labels}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back the labels of the epoch under way."""
        self.labels = take(self.labels, tensors, "labels").clone()

    def _past(self, job: Job, rows: NDArray[np.intp]) -> Tensor:
        """Return the teacher's logits (n, old classes) for training images."""
        size = job.config.batch_size
        order = [rows[start : start + size] for start in range(0, len(rows), size)]
        return torch.cat([self.teacher.logits(images) for images in job.batches("train", order)])


def _coded(labels: Tensor) -> Tensor:
    return torch.where(labels.isnan(), UNKNOWN, labels).to(torch.int8)
