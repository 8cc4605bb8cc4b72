"""Equalization loss."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, Reading, Recipe, ReducesTo, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real


def negatives_count(*, counts: Tensor, n_samples: Tensor, threshold: Knob) -> Tensor:
    """Return the weight (C,) of a class's negatives in an image with a finding: 0 for a rare class, else 1.

    Rare is a class in fewer than ``threshold`` of the training images; with ``threshold`` 0 no class is.
    """
    return (counts / n_samples.clamp(min=1.0) >= threshold).to(counts.dtype)


@loss(
    title="Equalization loss (EQL)",
    family="re-balancing",
    labels="multi",
    formula=r"\begin{gathered}"
    r"w\,\mathrm{BCE}(z,y),\quad w=1-E\,T_c\,(1-y)\\"
    r"E=\begin{cases}1&\text{the image has a finding}\\0&\text{it has none}\end{cases},\quad "
    r"T_c=\begin{cases}1&n_c/N<\lambda\\0&\text{else}\end{cases}"
    r"\end{gathered}",
    paper=Paper(
        "Tan et al.",
        "Equalization Loss for Long-Tailed Object Recognition",
        "CVPR",
        2020,
        "https://arxiv.org/abs/2003.05176",
    ),
    authors_reduction="batch",
    reduces_to=(ReducesTo("bce", at={"threshold": 0.0}),),
    readings=(
        Reading(
            "weight of negatives",
            r"1-T_c",
            negatives_count,
            help="What a negative of the class weighs in an image with a finding; in one without any it weighs 1.",
        ),
    ),
    extension="Made for object proposals with one class each; that an image with any finding is foreground, and one "
    "without is background, is our reading for several labels an image.",
    what="Binary cross-entropy in which images with other findings no longer push rare classes down.",
    when="Rare classes drown in the negatives of frequent ones, and images without any finding are there to teach "
    "what is absent.",
    watch="A class is rare or it is not, so the threshold decides everything; the authors' 0.00177 is made for LVIS. "
    "If every image has a finding, a rare class sees no negative at all and its scores drift upwards.",
    trained_with=(
        Recipe(
            {"sampler": "plain"},
            "Trained without over-sampling rare classes: every image once an epoch.",
            "their code, tztztztztz/eqlv2, configs/end2end (oversample_thr 0)",
        ),
    ),
)
def equalization(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    n_samples: Tensor,
    threshold: Annotated[
        Knob, Real(0, 0.5, step=0.01, tex=r"\lambda", help="Share of training images below which a class is rare.")
    ] = 0.05,
) -> Tensor:
    """Return the (B, C) equalization loss of ``targets`` in {0, 1} given ``logits``.

    ``counts`` (C,) are the training positives, at least 1, ``n_samples`` the number of training images.
    An image none of whose known labels is there counts as one without any finding.
    """
    counted = negatives_count(counts=counts, n_samples=n_samples, threshold=threshold)
    background = (targets.sum(dim=1, keepdim=True) <= 0).to(logits.dtype)
    weights = torch.maximum(counted, background)
    return targets * softplus(-logits) + (1 - targets) * weights * softplus(logits)
