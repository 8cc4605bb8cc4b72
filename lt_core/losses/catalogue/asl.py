"""Asymmetric loss."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, Recipe, ReducesTo, loss
from lt_core.losses.stable import Knob, power, shifted_negative, softplus
from lt_core.params import Real, Toggle


@loss(
    title="Asymmetric loss (ASL)",
    family="focusing",
    labels="multi",
    formula=r"\begin{gathered}"
    r"-y\,(1-p)^{\gamma_+}\log p-(1-y)\,p_m^{\gamma_-}\log(1-p_m)\\"
    r"p_m=\max(p-m,0)"
    r"\end{gathered}",
    paper=Paper(
        "Ridnik et al.",
        "Asymmetric Loss for Multi-Label Classification",
        "ICCV",
        2021,
        "https://arxiv.org/abs/2009.14119",
    ),
    authors_reduction="sum",
    detaches="detach_focus",
    reduces_to=(
        ReducesTo("bce", at={"gamma_neg": 0.0, "gamma_pos": 0.0, "clip": 0.0}),
        ReducesTo(
            "focal",
            at={"gamma_neg": 2.0, "gamma_pos": 2.0, "clip": 0.0, "detach_focus": False},
            to={"gamma": 2.0, "use_alpha": False},
        ),
    ),
    what="Focal loss with a separate strength for negatives, which below the margin are dropped altogether.",
    when="Many classes an image and few positives: the usual first step up from BCE.",
    watch="Scores move up and are not probabilities any more. The sum over cells is B·C times BCE's mean: the learning "
    "rate does not carry over. A negative the network is sure is positive also gets little push.",
    trained_with=(
        Recipe(
            {"optimizer": "adamw", "schedule": "cosine", "warmup": 0.2, "ema": 0.9997},
            "Adam with one cycle of the learning rate over 80 epochs (a fifth of it warm-up), stopped half-way, and an "
            "average of the weights with a decay of 0.9997, which is the better of the two on validation.",
            "their code, train.py (Alibaba-MIIL/ASL)",
        ),
    ),
)
def asl(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma_neg: Annotated[Knob, Real(0, 8, tex=r"\gamma_-", help="How strongly easy negatives are silenced.")] = 4.0,
    gamma_pos: Annotated[
        Knob, Real(0, 4, tex=r"\gamma_+", help="How strongly easy positives are silenced; keep below the other.")
    ] = 0.0,
    clip: Annotated[
        Knob, Real(0, 0.3, step=0.01, tex="m", help="Negatives with a probability below it are left alone.")
    ] = 0.05,
    detach_focus: Annotated[
        bool, Toggle(help="No gradient through the focusing weight, as in the authors' plain version.")
    ] = True,
) -> Tensor:
    """Return the (B, C) asymmetric loss of ``targets`` in {0, 1} given ``logits`` (Eqs. 4 to 6)."""
    shifted, log_rest = shifted_negative(logits, clip)
    focus_pos = torch.exp(-gamma_pos * softplus(logits))  # (1 - p)^gamma_pos
    focus_neg = power(shifted, gamma_neg)
    if detach_focus:
        focus_pos, focus_neg = focus_pos.detach(), focus_neg.detach()
    return targets * focus_pos * softplus(-logits) - (1 - targets) * focus_neg * log_rest
