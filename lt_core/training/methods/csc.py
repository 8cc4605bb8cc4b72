"""Confidence self-calibration's maximum-entropy term (Du et al., 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import torch
from torch import Tensor

from lt_core.losses.parts import Paper
from lt_core.losses.reduce import reduced
from lt_core.losses.stable import softplus
from lt_core.params import Real
from lt_core.training.methods.declare import method
from lt_core.training.methods.hooks import Method, Seen

if TYPE_CHECKING:
    from lt_core.training.job import Job


def binary_entropy(logits: Tensor) -> Tensor:
    """Return H_b(p) of p = sigmoid(z) for each of ``logits``, in nats: 0 to log 2, largest at z = 0, same shape.

    H_b = softplus(a) - a sigmoid(a) with a = -|z|: small terms of equal size are not subtracted, so that the far tail
    is exact. The slope is -z p (1 - p).
    """
    below = -logits.abs()
    return softplus(below) - below * torch.sigmoid(below)


@method(
    key="csc",
    title="Confidence self-calibration, maximum entropy",
    family="calibration",
    formula=r"L=L_{\text{cls}}-\beta\sum_c H_b(p_c),\qquad H_b(p)=-p\log p-(1-p)\log(1-p)",
    paper=Paper(
        "Du et al.",
        "Confidence Self-Calibration for Multi-Label Class-Incremental Learning",
        "ECCV",
        2024,
        "https://arxiv.org/abs/2403.12559",
    ),
    experimental=True,
    assumed="The idea of the term is the abstract's. Ours are: the entropy of each class by itself, its weight, and "
    "that it is reduced over cells as the loss is, unknown labels included. The graph network of the paper is "
    "not here.",
    what="Rewards answers that are not too sure: the best answer to a positive label is then a probability below 1.",
    when="Labels are partly missing or wrong, and probabilities come out too extreme.",
    watch="A large weight flattens every probability; thresholds then move too. It changes how sure the answers are "
    "and, by itself, hardly their order.",
)
@dataclass(kw_only=True, eq=False)
class Csc(Method):
    """Nothing to remember."""

    beta: Annotated[float, Real(0, 0.5, step=0.01, tex=r"\beta", help="What a nat of entropy is worth.")] = 0.1

    def extra_loss(self, job: Job, seen: Seen) -> Tensor | None:
        """Return minus ``beta`` times the entropy, reduced over cells as the run's loss is."""
        if not self.beta:
            return None
        cells = binary_entropy(seen.logits[: len(seen.targets)].float())
        return -self.beta * reduced(cells, torch.ones_like(cells, dtype=torch.bool), job.criterion.reduces_by)
