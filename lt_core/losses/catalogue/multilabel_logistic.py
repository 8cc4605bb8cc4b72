"""Multi-label logistic loss, whose target is the Hamming loss."""

from __future__ import annotations

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, loss
from lt_core.losses.stable import softplus


@loss(
    title="Multi-label logistic loss",
    family="consistency",
    labels="multi",
    gives="rows",
    formula=r"\begin{gathered}"
    r"\sum_{i=1}^{l}\log(2\cosh z_i)-\frac1l\sum_{i=1}^{l}y_i z_i,\quad y_i\in\{-1,1\}\\"
    r"=\frac{1}{2^{\,l-1}}\sum_{y'\in\{-1,1\}^l}\Big(1-\tfrac1l\sum_i 1_{y'_i\neq y_i}\Big)"
    r"\log\sum_{y''\in\{-1,1\}^l}e^{\sum_i(y''_i-y'_i)z_i}"
    r"\end{gathered}",
    paper=Paper(
        "Mao et al.",
        "Multi-Label Learning with Stronger Consistency Guarantees",
        "NeurIPS",
        2024,
        "https://arxiv.org/abs/2407.13746",
    ),
    authors_reduction="mean",
    extension="The collapse of the double sum over all label vectors (second line) to a sum over labels is our "
    "derivation, for the Hamming loss divided by the number of labels; the factor 2^(l-1) is dropped. With unknown "
    "labels, l is the number of known ones.",
    what="Weighs every possible label vector by how many labels it gets right. For the Hamming loss that comes to a "
    "logistic loss per label whose pull towards the labels is divided by their number.",
    when="To see what a loss with a consistency guarantee over whole label vectors asks for.",
    watch="It shrinks: the best logit has tanh z = E[y] / l, so with 14 labels a certain finding rests at a "
    "probability of 0.52. The order of the scores is kept, and the threshold 0; probabilities and losses are "
    "not comparable with BCE.",
)
def multilabel_logistic(logits: Tensor, targets: Tensor, *, known: Tensor | None = None) -> Tensor:
    """Return the (B,) loss of each row for ``targets`` (B, C) in {0, 1}.

    ``known`` (B, C) is 1 where a label is known, None where all are. A row without any known label has the loss 0.
    With v = y z, log(2 cosh z) - v / l is taken as softplus(-2 v) + v (1 - 1 / l): nothing cancels, also at l = 1.
    """
    counted = torch.ones_like(targets) if known is None else known
    length = counted.sum(dim=1, keepdim=True).clamp(min=1.0)
    signed = (2 * targets - 1) * logits
    return (counted * (softplus(-2 * signed) + signed * (1 - 1 / length))).sum(dim=1)
