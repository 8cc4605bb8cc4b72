"""Cross-entropy with weights that fall linearly with the class share."""

from __future__ import annotations

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, Reading, loss
from lt_core.losses.stable import log_softmax_of, weighted_rows


def class_weights(*, counts: Tensor) -> Tensor:
    """Return w_c = (1 - n_c / sum_j n_j) / (C - 1), (C,): they sum to 1. A single class has the weight 1."""
    n_classes = counts.shape[0]
    if n_classes == 1:
        return torch.ones_like(counts)
    total = counts.sum()
    return (total - counts) / (total * (n_classes - 1))


@loss(
    title="Balanced cross-entropy",
    family="re-weighting",
    labels="single",
    formula=r"\begin{gathered}"
    r"\frac{\sum_b w_{t_b}\,(-\log p_{t_b})}{\sum_b w_{t_b}},\quad p=\mathrm{softmax}(z)\\"
    r"w_c=\frac{1-n_c/\sum_j n_j}{C-1}"
    r"\end{gathered}",
    paper=Paper(
        "Sadi et al.",
        "LMFLOSS: A Hybrid Loss for Imbalanced Medical Image Classification",
        "arXiv",
        2022,
        "https://arxiv.org/abs/2212.12741",
    ),
    authors_reduction="mean",
    reduction_note="weighted mean over images",
    readings=(Reading("weight", r"w_c", class_weights, help="Weight of an image of the class in the mean."),),
    what="Cross-entropy in which an image weighs less the larger the share of its class.",
    when="One class an image, a few very large classes: the mild baseline LMF was compared with.",
    watch="The weights differ little in the tail: a class of 3 images and one of 30 among 1,000 weigh almost the same. "
    "Only a class with a large share is turned down.",
)
def balanced_ce(logits: Tensor, targets: Tensor, *, counts: Tensor) -> Tensor:
    """Return the (B,) rows for one-hot ``targets``, whose plain mean is the weighted mean; ``counts`` (C,) >= 1."""
    weights = (targets * class_weights(counts=counts)).sum(dim=1)
    return weighted_rows(-log_softmax_of(logits, targets), weights, targets)
