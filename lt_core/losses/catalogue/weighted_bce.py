"""Binary cross-entropy with heavier positives."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from lt_core.losses.spec import Paper, Reading, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real


def positive_weights(*, counts: Tensor, n_samples: Tensor, max_weight: Knob) -> Tensor:
    """Return w_c = (N - n_c) / n_c (C,), at most ``max_weight``: absent over present in the training part."""
    return ((n_samples - counts).clamp(min=0.0) / counts).clamp(max=max_weight)


@loss(
    title="Weighted binary cross-entropy",
    family="re-weighting",
    labels="multi",
    formula=r"\begin{gathered}"
    r"-w_c\,y\log p-(1-y)\log(1-p)\\"
    r"w_c=\min\Big(\frac{N-n_c}{n_c},\ w_{\max}\Big)"
    r"\end{gathered}",
    paper=Paper(
        "King and Zeng",
        "Logistic Regression in Rare Events Data",
        "Political Analysis",
        2001,
        "https://doi.org/10.1093/oxfordjournals.pan.a004868",
    ),
    authors_reduction="mean",
    readings=(
        Reading("weight of positives", r"w_c", positive_weights, help="How many negatives a positive counts for."),
    ),
    what="Binary cross-entropy in which the positives of a class together weigh as much as its negatives.",
    when="A first remedy for rare classes, and a baseline that asks for nothing but the counts.",
    watch="Scores are far too high for rare classes: they estimate p as if half the images had the class. A class with "
    "three images pulls hundreds of times as hard on each of them, wrong labels included; the largest weight is a "
    "brake. In a class that most images have, positives weigh less than 1.",
)
def weighted_bce(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    n_samples: Tensor,
    max_weight: Annotated[
        Knob, Real(1, 1000, step=1, tex=r"w_{\max}", help="Largest weight: what the rarest classes get.")
    ] = 100.0,
) -> Tensor:
    """Return the (B, C) weighted cross-entropy of ``targets`` in {0, 1} given ``logits``.

    ``counts`` (C,) are the training positives, at least 1, ``n_samples`` the number of training images. The weights
    are those of King and Zeng's weighted likelihood (2001, Sec. 4.2) for equally many positives and negatives.
    """
    weights = positive_weights(counts=counts, n_samples=n_samples, max_weight=max_weight)
    return targets * weights * softplus(-logits) + (1 - targets) * softplus(logits)
