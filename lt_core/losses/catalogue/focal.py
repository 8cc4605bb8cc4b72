"""Focal loss."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, ReducesTo, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real, Toggle


@loss(
    title="Focal loss",
    family="focusing",
    labels="multi",
    formula=r"\begin{gathered}"
    r"-\alpha_t\,(1-p_t)^{\gamma}\log p_t\\"
    r"p_t=\begin{cases}p&y=1\\1-p&y=0\end{cases},\quad\alpha_t=\begin{cases}\alpha&y=1\\1-\alpha&y=0\end{cases}"
    r"\end{gathered}",
    paper=Paper(
        "Lin et al.", "Focal Loss for Dense Object Detection", "ICCV", 2017, "https://arxiv.org/abs/1708.02002"
    ),
    authors_reduction="mean",
    reduces_to=(ReducesTo("bce", at={"gamma": 0.0, "use_alpha": False}),),
    what="Cross-entropy in which a cell counts less the better it is already answered.",
    when="When easy negatives, each with a tiny gradient, outweigh the few hard cells by their sheer number.",
    watch="It silences easy positives as well, and alpha = 0.25 weighs positives less than negatives. Scores come "
    "out under-confident.",
)
def focal(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma: Annotated[
        Knob, Real(0, 5, tex=r"\gamma", help="How strongly a well-answered cell is silenced; 0 not at all.")
    ] = 2.0,
    alpha: Annotated[
        Knob, Real(0, 1, step=0.05, tex=r"\alpha", help="Weight of positives; negatives get one minus it.")
    ] = 0.25,
    use_alpha: Annotated[bool, Toggle(help="Off: positives and negatives weigh the same, namely 1.")] = True,
) -> Tensor:
    """Return the (B, C) focal loss of ``targets`` in {0, 1} given ``logits`` (Eq. 5; Eq. 4 without alpha).

    (1 - p_t)^gamma is taken as exp(-gamma softplus(u)), u the logit of the right answer.
    """
    right = (2 * targets - 1) * logits
    cells = torch.exp(-gamma * softplus(right)) * softplus(-right)
    return cells * (alpha * targets + (1 - alpha) * (1 - targets)) if use_alpha else cells
