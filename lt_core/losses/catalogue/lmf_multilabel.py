"""Large-margin-aware focal loss for several labels an image."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.margins import class_margins
from lt_core.losses.spec import Paper, Reading, Recipe, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real


@loss(
    title="LMF for several labels",
    family="margin",
    labels="multi",
    formula=r"\begin{gathered}"
    r"\alpha\,m_c\Big[y\log\big(1+e^{-s(z-m_c)}\big)+(1-y)\log\big(1+e^{s z}\big)\Big]"
    r"+\beta\,m_c\,(1-p_t)^{\gamma}(-\log p_t)\\"
    r"p_t=\begin{cases}p&y=1\\1-p&y=0\end{cases},\quad "
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
            help="By how much a positive's logit is lowered, and what the class's cells weigh.",
        ),
    ),
    extension="Ours, not published: LMF has one class an image. The softmax is replaced by a sigmoid for each class, "
    "and both parts are plain means over cells; LMF divides the margin part by the sum of its weights.",
    what="LDAM's margins and focal loss's focusing, added, cell by cell; the margins also weigh the classes in both "
    "parts.",
    when="Several labels an image, where LMF would be the choice for one.",
    watch="With scale 30 on plain logits the margin part is far larger than the focal part, and β hardly matters. "
    "The weights are on whole classes: negatives of a rare class weigh more as well, not only its positives. They are "
    "the margins themselves: with a largest margin of 0 nothing is left of the loss.",
    trained_with=(
        Recipe(
            {"head": "cosine"},
            "Not what the authors did: their head is linear, so that a scale of 30 makes the margin part about a "
            "hundred times the focal part. With a cosine head, or a small scale on a linear one, both count.",
            "our advice, from the size of the two parts",
            ours=True,
        ),
    ),
)
def lmf_multilabel(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    alpha: Annotated[Knob, Real(0, 3, tex=r"\alpha", help="Factor of the margin part (LDAM).")] = 1.5,
    beta: Annotated[Knob, Real(0, 3, tex=r"\beta", help="Factor of the focal part.")] = 1.0,
    gamma: Annotated[Knob, Real(0, 5, tex=r"\gamma", help="How strongly easy cells are silenced, focal part.")] = 1.5,
    max_margin: Annotated[
        Knob, Real(0, 1, step=0.05, tex=r"m_{\max}", help="Margin, and weight, of the rarest class.")
    ] = 0.5,
    scale: Annotated[Knob, Real(1, 64, step=1, tex="s", help="Factor of the logits in the margin part.")] = 30.0,
) -> Tensor:
    """Return the (B, C) cells of LMF for several labels an image; ``counts`` (C,) >= 1."""
    m = class_margins(counts=counts, max_margin=max_margin)
    scaled = scale * (logits - targets * m)
    margin_cells = targets * softplus(-scaled) + (1 - targets) * softplus(scaled)
    right = (2 * targets - 1) * logits
    focal_cells = torch.exp(-gamma * softplus(right)) * softplus(-right)
    return m * (alpha * margin_cells + beta * focal_cells)
