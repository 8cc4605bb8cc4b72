"""Hill loss."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, Recipe, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real


@loss(
    title="Hill loss",
    family="missing labels",
    labels="multi",
    formula=r"\begin{gathered}"
    r"y=1:\quad-(1-p_m)^{\gamma}\log p_m,\quad p_m=\sigma(z-m)\\"
    r"y=0:\quad(\lambda-p)\,p^2"
    r"\end{gathered}",
    paper=Paper(
        "Zhang et al.",
        "Simple and Robust Loss Design for Multi-Label Learning with Missing Labels",
        "arXiv",
        2021,
        "https://arxiv.org/abs/2112.07368",
    ),
    authors_reduction="sum",
    what="Focal loss with a margin for positives; negatives push most at p = 0.5 and hardly at all where the network "
    "is sure the label is there, because it may only be missing.",
    when="Many positives were never written down, and negatives with a high score are more likely missing than wrong.",
    watch="A negative's gradient by the logit is p²(1−p)(2λ−3p). Its loss rises up to p = 2λ/3 only: with λ below 1.5 "
    "it falls again, and confident negatives are pulled up. The published code takes the logarithm of a rounded "
    "sigmoid and turns NaN at logits of −100 in single precision; this one does not.",
    trained_with=(
        Recipe(
            {"optimizer": "adamw", "schedule": "cosine", "warmup": 0.2, "ema": 0.9997},
            "Adam with one cycle of the learning rate (a fifth of it warm-up) and an average of the weights with a "
            "decay of 0.9997; the better of the two on validation is kept.",
            "their code, train.py (robust-loss-mlml)",
        ),
    ),
)
def hill(
    logits: Tensor,
    targets: Tensor,
    *,
    lamb: Annotated[
        Knob,
        Real(1, 3, tex=r"\lambda", help="Where a negative's loss peaks: at p = 2λ/3. From 1.5 on it never falls."),
    ] = 1.5,
    margin: Annotated[
        Knob, Real(0, 3, tex="m", help="By how much the logit of a positive is lowered: it must be that much higher.")
    ] = 1.0,
    gamma: Annotated[Knob, Real(0, 5, tex=r"\gamma", help="How strongly easy positives are silenced.")] = 2.0,
) -> Tensor:
    """Return the (B, C) Hill loss of ``targets`` in {0, 1} given ``logits`` (the form of the authors' code).

    lambda - p is taken as (lambda - 1) + sigma(-z), which does not cancel at lambda = 1, and p^2 as
    exp(-2 softplus(-z)), because the slope of a sigmoid loses its digits near p = 1.
    """
    lowered = logits - margin
    positive = torch.exp(-gamma * softplus(lowered)) * softplus(-lowered)
    negative = (lamb - 1 + torch.sigmoid(-logits)) * torch.exp(-2 * softplus(-logits))
    return targets * positive + (1 - targets) * negative
