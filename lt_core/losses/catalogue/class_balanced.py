"""Class-balanced focal loss for several labels an image."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.effective_number import inverse_effective_number
from lt_core.losses.spec import Paper, Reading, ReducesTo, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Choice, Real

MODES = Choice(
    ("by_class", "average_n", "average_w", "min_n"),
    labels=(
        "by class: each cell by the count of its class",
        "average n: each image by the mean count of its labels",
        "average w: each image by the mean weight of its labels",
        "min n: each image by its rarest label",
    ),
    help="Whose count decides: that of the cell's class, or those of the labels the image has.",
)
NO_LABEL_COUNT = 1e5
"""The count of a row without positives, and the largest of min_n where the row has a negative: the authors' filling."""


def weights(*, counts: Tensor, targets: Tensor, beta: Knob, mode: str) -> Tensor:
    """Return the weight of the cells of each image, (B, C), or (B, 1) where all cells of an image have the same.

    ``targets`` (B, C) in {0, 1}, ``counts`` (C,) >= 1.
    """
    if mode == "by_class":
        return inverse_effective_number(counts, beta).expand(targets.shape)
    if mode == "min_n":
        rarest = torch.where(targets > 0, counts, NO_LABEL_COUNT).amin(dim=1, keepdim=True)
        return inverse_effective_number(rarest, beta)
    labels = targets.sum(dim=1, keepdim=True)
    labelled, divisor = labels > 0, labels.clamp(min=1.0)
    if mode == "average_n":
        average = (targets * counts).sum(dim=1, keepdim=True) / divisor
        return inverse_effective_number(torch.where(labelled, average, NO_LABEL_COUNT), beta)
    average = (targets * inverse_effective_number(counts, beta)).sum(dim=1, keepdim=True) / divisor
    without = inverse_effective_number(torch.full_like(counts[:1], NO_LABEL_COUNT), beta)
    return torch.where(labelled, average, without)


def class_weights(*, counts: Tensor, targets: Tensor, beta: Knob, mode: str) -> Tensor:
    """Return the weight (C,) of each cell of the image ``targets`` (1, C)."""
    return weights(counts=counts, targets=targets, beta=beta, mode=mode).expand(targets.shape)[0]


@loss(
    title="Class-balanced focal loss",
    family="re-weighting",
    labels="multi",
    formula=r"\begin{gathered}"
    r"\nu_0\,w\,(1-p_t)^{\gamma}(-\log p_t),\quad p_t=\begin{cases}p&y=1\\1-p&y=0\end{cases}\\"
    r"w=\frac{1-\beta}{1-\beta^{\,n}},\quad n=n_c\ \text{(by class)},\ "
    r"\operatorname*{mean}_{j:\,y_j=1}n_j,\ \min_{j:\,y_j=1}n_j;\quad\text{or}\quad "
    r"w=\operatorname*{mean}_{j:\,y_j=1}w_j"
    r"\end{gathered}",
    paper=Paper(
        "Cui et al.",
        "Class-Balanced Loss Based on Effective Number of Samples",
        "CVPR",
        2019,
        "https://arxiv.org/abs/1901.05555",
    ),
    authors_reduction="mean",
    reduces_to=(
        ReducesTo("focal", at={"beta": 0.0, "balance": 1.0}, to={"use_alpha": False}),
        ReducesTo("bce", at={"beta": 0.0, "balance": 1.0, "gamma": 0.0}),
    ),
    readings=(
        Reading(
            "weight",
            r"w",
            class_weights,
            help="Weight of the class's cell in this image: in (0, 1], 1 for a class with one image.",
        ),
    ),
    extension="The paper has one class an image. This is the form for several labels in the repository of the "
    "distribution-balanced loss (Wu et al., 2020); that a row without positives has a count of 100,000 in every mode "
    "by row is ours, its code does so in min n only and gives NaN in the other two.",
    what="Focal loss weighted by the inverse of the effective number of images: each further image of a class adds "
    "less that is new.",
    when="A long tail in which weights of 1 / n would let a handful of images decide.",
    watch="The weights are not normalised: towards β = 1 they become 1 / n, and the learning rate has to make up "
    "for it. By class, negatives of a rare class weigh as much more as its positives do, so the balance within the "
    "class stays as it was. Min n takes no count above 100,000 where the image lacks a class, as the code does.",
)
def class_balanced(
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
            help="0: all cells weigh the same; towards 1: inversely to the count.",
        ),
    ] = 0.9999,
    gamma: Annotated[
        Knob, Real(0, 5, tex=r"\gamma", help="How strongly a well-answered cell is silenced; 0 not at all.")
    ] = 2.0,
    balance: Annotated[Knob, Real(0, 4, tex=r"\nu_0", help="Factor of the whole loss.")] = 2.0,
    mode: Annotated[str, MODES] = "by_class",
) -> Tensor:
    """Return the (B, C) class-balanced focal loss of ``targets`` in {0, 1} given ``logits``; ``counts`` (C,) >= 1."""
    right = (2 * targets - 1) * logits
    cells = torch.exp(-gamma * softplus(right)) * softplus(-right)
    return balance * weights(counts=counts, targets=targets, beta=beta, mode=mode) * cells
