"""Poly-1 cross-entropy."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, ReducesTo, loss
from lt_core.losses.stable import Knob, log_softmax_of, log_softmax_of_others
from lt_core.params import Real


@loss(
    title="Poly-1 cross-entropy",
    family="polynomial",
    labels="single",
    formula=r"-\log p_t+\varepsilon\,(1-p_t),\quad p=\mathrm{softmax}(z)",
    paper=Paper(
        "Leng et al.",
        "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions",
        "ICLR",
        2022,
        "https://arxiv.org/abs/2204.12511",
    ),
    authors_reduction="mean",
    reduces_to=(ReducesTo("ce", at={"epsilon": 0.0}),),
    what="Cross-entropy with the first term of its expansion in powers of 1 - p changed by ε.",
    when="As a one-knob variation of cross-entropy; above 0 it raises the confidence, below 0 it lowers it.",
    watch="It knows nothing of class counts. The sign is opposite to the ε of APL and RAL. With ε = -1 the pull dies "
    "off quadratically near p = 1; below -1 the loss itself would turn negative.",
)
def poly1_ce(
    logits: Tensor,
    targets: Tensor,
    *,
    epsilon: Annotated[
        Knob, Real(-1, 6, tex=r"\varepsilon", help="Added to the coefficient of 1 - p, which is 1 in cross-entropy.")
    ] = 1.0,
) -> Tensor:
    """Return the (B,) Poly-1 loss of one-hot ``targets`` given ``logits``."""
    return -log_softmax_of(logits, targets) + epsilon * torch.exp(log_softmax_of_others(logits, targets))
