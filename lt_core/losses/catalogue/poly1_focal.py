"""Poly-1 focal loss."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, ReducesTo, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real


@loss(
    title="Poly-1 focal loss",
    family="focusing",
    labels="multi",
    formula=r"\begin{gathered}"
    r"-\alpha_t\,(1-p_t)^{\gamma}\log p_t+\epsilon\,(1-p_t)^{\gamma+1}\\"
    r"p_t=\begin{cases}p&y=1\\1-p&y=0\end{cases},\quad\alpha_t=\begin{cases}\alpha&y=1\\1-\alpha&y=0\end{cases}"
    r"\end{gathered}",
    paper=Paper(
        "Leng et al.",
        "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions",
        "ICLR",
        2022,
        "https://arxiv.org/abs/2204.12511",
    ),
    authors_reduction="mean",
    reduces_to=(ReducesTo("focal", at={"epsilon": 0.0}, to={"use_alpha": True}),),
    what="Focal loss with its leading term, (1 − p_t) to the power γ + 1, made larger or smaller.",
    when="Focal loss is nearly right and one more knob is worth a search: above 0 for confident answers, below 0 where "
    "they overfit.",
    watch="α weighs the focal part only, as in the public PyTorch port; timm weighs both parts. With ε below 0 the "
    "loss of a cell can be negative, and below −α easy positives are pushed the wrong way.",
)
def poly1_focal(
    logits: Tensor,
    targets: Tensor,
    *,
    epsilon: Annotated[
        Knob, Real(-1, 6, tex=r"\epsilon", help="Added weight of the leading term; 0 is focal loss.")
    ] = 1.0,
    alpha: Annotated[
        Knob, Real(0, 1, step=0.05, tex=r"\alpha", help="Weight of positives in the focal part; negatives: 1 − α.")
    ] = 0.25,
    gamma: Annotated[
        Knob, Real(0, 5, tex=r"\gamma", help="How strongly a well-answered cell is silenced; 0 not at all.")
    ] = 2.0,
) -> Tensor:
    """Return the (B, C) Poly-1 focal loss of ``targets`` in {0, 1} given ``logits`` (Leng et al., 2022)."""
    right = (2 * targets - 1) * logits
    weights = alpha * targets + (1 - alpha) * (1 - targets)
    focus = torch.exp(-gamma * softplus(right))  # (1 - p_t)^gamma
    return focus * (weights * softplus(-right) + epsilon * torch.sigmoid(-right))
