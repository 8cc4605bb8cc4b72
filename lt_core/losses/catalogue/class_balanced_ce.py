"""Class-balanced cross-entropy: weights from the effective number of images."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from lt_core.losses.effective_number import inverse_effective_number
from lt_core.losses.spec import Paper, Reading, ReducesTo, loss
from lt_core.losses.stable import Knob, log_softmax_of, weighted_rows
from lt_core.params import Real


def class_weights(*, counts: Tensor, beta: Knob) -> Tensor:
    """Return w_c (C,), the inverse of the effective number of images of a class, summing to C."""
    weights = inverse_effective_number(counts, beta)
    return weights * (counts.shape[0] / weights.sum())


@loss(
    title="Class-balanced cross-entropy",
    family="re-weighting",
    labels="single",
    formula=r"\begin{gathered}"
    r"\frac{\sum_b w_{t_b}\,(-\log p_{t_b})}{\sum_b w_{t_b}},\quad p=\mathrm{softmax}(z)\\"
    r"w_c\propto\frac{1-\beta}{1-\beta^{\,n_c}},\quad\sum_c w_c=C"
    r"\end{gathered}",
    paper=Paper(
        "Cui et al.",
        "Class-Balanced Loss Based on Effective Number of Samples",
        "CVPR",
        2019,
        "https://arxiv.org/abs/1901.05555",
    ),
    authors_reduction="mean",
    reduction_note="weighted mean over images",
    reduces_to=(ReducesTo("ce", at={"beta": 0.0}),),
    readings=(
        Reading(
            "weight",
            r"w_c",
            class_weights,
            help="Weight of an image of the class; with all classes alike it would be 1.",
        ),
    ),
    what="Cross-entropy weighted by the inverse of the effective number of images: each further image of a class adds "
    "less that is new.",
    when="One class an image with a long tail, where weights of 1 / n would let a handful of images decide.",
    watch="Classes far larger than 1 / (1 - β) weigh the same; those far smaller weigh as 1 / n. So β = 0.9999 on a "
    "small set is plain inverse frequency. A popular PyTorch port calls BCE on softmax scores its softmax form; this "
    "is the weighted cross-entropy of the authors' own code.",
)
def class_balanced_ce(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    beta: Annotated[
        Knob,
        Real(
            0,
            0.99999,
            step=0.00001,
            tex=r"\beta",
            help="0: all images weigh the same; towards 1: inversely to the count of their class.",
        ),
    ] = 0.9999,
) -> Tensor:
    """Return the (B,) rows for one-hot ``targets``, whose plain mean is the weighted mean.

    ``counts`` (C,) >= 1.
    """
    weights = (targets * class_weights(counts=counts, beta=beta)).sum(dim=1)
    return weighted_rows(-log_softmax_of(logits, targets), weights, targets)
