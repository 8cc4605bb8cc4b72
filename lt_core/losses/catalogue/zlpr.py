"""Zero-bounded log-sum-exp and pairwise rank-based loss."""

from __future__ import annotations

from torch import Tensor

from lt_core.losses.sets import log_sum_exp, sides
from lt_core.losses.spec import Paper, loss
from lt_core.losses.stable import softplus


@loss(
    title="Zero-bounded log-sum-exp pairwise rank loss (ZLPR)",
    family="ranking",
    labels="multi",
    gives="rows",
    formula=r"\log\Big(1+\sum_{i:\,y_i=1}e^{-z_i}\Big)+\log\Big(1+\sum_{j:\,y_j=0}e^{z_j}\Big)",
    paper=Paper(
        "Su et al.",
        "ZLPR: A Novel Loss for Multi-label Classification",
        "arXiv",
        2022,
        "https://arxiv.org/abs/2208.02955",
    ),
    authors_reduction="mean",
    extension="An unknown label is left out of both sums.",
    what="Softmax cross-entropy for any number of labels: every label of an image should score above 0, and every "
    "other class below.",
    when="Few labels among many classes: the loss of an image hardly grows with the number of classes it does not "
    "have.",
    watch="A class's gradient depends on the other logits of the image: the worst mistake takes most of it, and what "
    "is wrong by less is hardly pulled. The scores rank, and 0 is their threshold; they are no independent "
    "probabilities.",
)
def zlpr(logits: Tensor, targets: Tensor, *, known: Tensor | None = None) -> Tensor:
    """Return the (B,) loss of each row for ``targets`` (B, C) in {0, 1}.

    ``known`` (B, C) is 1 where a label is known, None where all are. A row without any known label has the loss 0.
    """
    positive, negative = sides(targets, known)
    return softplus(log_sum_exp(-logits, positive, 1)) + softplus(log_sum_exp(logits, negative, 1))
