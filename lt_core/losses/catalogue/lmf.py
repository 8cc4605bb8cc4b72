"""Large-margin-aware focal loss."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.margins import class_margins
from lt_core.losses.spec import Paper, Reading, Recipe, loss
from lt_core.losses.stable import Knob, inverse_fourth_root, log_softmax_of, log_softmax_of_others, weighted_rows
from lt_core.params import Real


@loss(
    title="Large-margin-aware focal loss (LMF)",
    family="margin",
    labels="single",
    formula=r"\begin{gathered}"
    r"\alpha\,\frac{\sum_b m_{t_b}\,\mathrm{CE}\big(s(z_b-m_{t_b}e_{t_b}),t_b\big)}{\sum_b m_{t_b}}"
    r"+\beta\,\frac1B\sum_b m_{t_b}\,(1-p_{t_b})^{\gamma}(-\log p_{t_b})\\"
    r"m_c=m_{\max}\,\frac{n_c^{-1/4}}{\max_j n_j^{-1/4}}"
    r"\end{gathered}",
    paper=Paper(
        "Sadi et al.",
        "LMFLOSS: A Hybrid Loss for Imbalanced Medical Image Classification",
        "arXiv",
        2022,
        "https://arxiv.org/abs/2212.12741",
    ),
    authors_reduction="mean",
    readings=(
        Reading(
            "margin",
            r"m_c",
            class_margins,
            help="By how much the class must win, before the logits are scaled; also the weight of its images in both "
            "parts.",
        ),
    ),
    reduction_note="α × weighted mean of LDAM + β × plain mean of focal, over images",
    what="LDAM's margins and focal loss's focusing, added; the margins also weigh the classes in both parts.",
    when="One class an image, medical sets with a long tail: what it was proposed for.",
    watch="With scale 30 on plain logits the LDAM part is about a hundred times the focal part, and β hardly matters. "
    "A smaller scale gives a real mix.",
    trained_with=(
        Recipe(
            {"optimizer": "adamw", "schedule": "step"},
            "Adam at a rate of 1e-4 with a weight decay of 5e-4, the rate divided by 10 every 30 of 100 epochs, every "
            "image once an epoch.",
            "their code, config.ini and train.py",
        ),
        Recipe(
            {"head": "cosine"},
            "Not what the authors did: their head is linear, so that a scale of 30 makes the margin part about a "
            "hundred times the focal part. With a cosine head, or a small scale on a linear one, both count.",
            "our advice, from the size of the two parts",
            ours=True,
        ),
    ),
)
def lmf(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    alpha: Annotated[Knob, Real(0, 3, tex=r"\alpha", help="Factor of the margin part (LDAM).")] = 1.5,
    beta: Annotated[Knob, Real(0, 3, tex=r"\beta", help="Factor of the focal part.")] = 1.0,
    gamma: Annotated[Knob, Real(0, 5, tex=r"\gamma", help="How strongly easy images are silenced, focal part.")] = 1.5,
    max_margin: Annotated[
        Knob, Real(0, 1, step=0.05, tex=r"m_{\max}", help="Margin, and weight, of the rarest class.")
    ] = 0.5,
    scale: Annotated[Knob, Real(1, 64, step=1, tex="s", help="Factor of the logits in the margin part.")] = 30.0,
) -> Tensor:
    """Return the (B,) rows of LMF for one-hot ``targets``; their plain mean is the authors' value.

    ``counts`` (C,) >= 1. In the weighted mean the factor m_max of the weights cancels and is left out, so that a
    margin of 0 is the limit of small ones and not 0 / 0.
    """
    margin = targets * class_margins(counts=counts, max_margin=max_margin)
    margin_rows = -log_softmax_of(scale * (logits - margin), targets)
    focus = torch.exp(gamma * log_softmax_of_others(logits, targets))
    focal_rows = -margin.sum(dim=1) * focus * log_softmax_of(logits, targets)
    weights = (targets * inverse_fourth_root(counts)).sum(dim=1)
    return alpha * weighted_rows(margin_rows, weights, targets) + beta * focal_rows
