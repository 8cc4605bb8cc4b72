"""Seesaw loss."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, Reading, Recipe, ReducesTo, loss
from lt_core.losses.stable import Knob, log_softmax_of
from lt_core.params import Real

LEAST_P = 0.01
"""The least p_t a ratio is divided by (the authors' eps)."""


def mitigation(*, positives: Tensor, p: Knob) -> Tensor:
    """Return (n_c / max_j n_j)^p (C,): how much push a class receives from images of the most frequent class."""
    log_n = torch.log(positives.clamp(min=1.0))
    return torch.exp(p * (log_n - log_n.amax()))


@loss(
    title="Seesaw loss",
    family="re-balancing",
    labels="single",
    formula=r"\begin{gathered}"
    r"-\log\frac{e^{z_t}}{e^{z_t}+\sum_{j\neq t}M_{tj}\,C_{tj}\,e^{z_j}}\\"
    r"M_{tj}=\min\Big(1,\frac{n_j}{n_t}\Big)^{p},\quad "
    r"C_{tj}=\max\Big(1,\frac{\sigma_j}{\max(\sigma_t,0.01)}\Big)^{q},\quad\sigma=\mathrm{softmax}(z)"
    r"\end{gathered}",
    paper=Paper(
        "Wang et al.",
        "Seesaw Loss for Long-Tailed Instance Segmentation",
        "CVPR",
        2021,
        "https://arxiv.org/abs/2008.10032",
    ),
    authors_reduction="mean",
    detaches=True,
    reduces_to=(ReducesTo("ce", at={"p": 0.0, "q": 0.0}),),
    readings=(
        Reading(
            "mitigation",
            r"M_{tc}",
            mitigation,
            help="Share of the push the class receives from images of the most frequent class.",
        ),
    ),
    what="Cross-entropy in which images of a frequent class push the rarer classes less, unless one of those is "
    "wrongly ahead.",
    when="One class an image with a long tail, as a re-balancing that needs no weights and no sampler.",
    watch="The published code counts images as they come by; here the counts are those of the training part plus the "
    "batch. No gradient flows through the compensation C. The paper's normalised linear layer and its separate "
    "objectness branch are not part of the loss.",
    extension="The counts start from those of the training part, so that they do not depend on how long the network "
    "has been trained.",
    trained_with=(
        Recipe(
            {"head": "cosine"},
            "The classifier has normalised features and weights, with a scale of 20.",
            "Wang et al., 2021; their configs in MMDetection (NormedLinear)",
        ),
        Recipe(
            {"sampler": "repeat-factor"},
            "Trained with and without: Mask R-CNN on LVIS has a mask AP of 26.4 with repeat-factor sampling and of "
            "25.0 without.",
            "Wang et al., 2021; MMDetection, configs/seesaw_loss (R-50, no normalised mask)",
        ),
    ),
)
def seesaw(
    logits: Tensor,
    targets: Tensor,
    *,
    positives: Tensor,
    p: Annotated[
        Knob, Real(0, 2, tex="p", help="Mitigation: how much less a frequent class pushes rarer ones; 0 no less.")
    ] = 0.8,
    q: Annotated[
        Knob, Real(0, 4, tex="q", help="Compensation: how much more a class is pushed that is wrongly ahead.")
    ] = 2.0,
) -> Tensor:
    """Return the (B,) seesaw loss of one-hot ``targets`` given ``logits``.

    ``positives`` (C,) are the training counts, 0 where a class has none; the rows of ``targets`` are added, and a
    class that then still has none counts as 1.
    """
    log_n = torch.log((positives + targets.sum(dim=0)).clamp(min=1.0))
    log_n_t = (targets * log_n).sum(dim=1, keepdim=True)
    held = torch.log_softmax(logits.detach(), dim=1)
    held_t = (targets * held).sum(dim=1, keepdim=True)
    mitigated = p * (log_n - log_n_t).clamp(max=0.0)
    compensated = q * (held - held_t.clamp(min=math.log(LEAST_P))).clamp(min=0.0)
    return -log_softmax_of(logits + mitigated + compensated, targets)
