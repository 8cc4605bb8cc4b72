"""Focal loss over a softmax."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, ReducesTo, loss
from lt_core.losses.stable import Knob, log_softmax_of, log_softmax_of_others
from lt_core.params import Real


@loss(
    title="Focal loss, softmax",
    family="focusing",
    labels="single",
    formula=r"-(1-p_t)^{\gamma}\log p_t,\quad p=\mathrm{softmax}(z)",
    paper=Paper(
        "Lin et al.", "Focal Loss for Dense Object Detection", "ICCV", 2017, "https://arxiv.org/abs/1708.02002"
    ),
    authors_reduction="mean",
    reduces_to=(ReducesTo("ce", at={"gamma": 0.0}),),
    what="Cross-entropy in which an image counts less the surer the network is of its right class.",
    when="One class an image, where many easy images drown the few hard ones.",
    watch="The paper defines it for sigmoid scores; the softmax form is common usage, without a class weight. It knows "
    "nothing of class counts: an easy image of a rare class is silenced like any other. Scores come out "
    "under-confident.",
)
def focal_ce(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma: Annotated[
        Knob, Real(0, 5, tex=r"\gamma", help="How strongly a well-answered image is silenced; 0 not at all.")
    ] = 2.0,
) -> Tensor:
    """Return the (B,) focal loss of one-hot ``targets`` given ``logits`` (Eq. 4 with a softmax)."""
    focus = torch.exp(gamma * log_softmax_of_others(logits, targets))  # (1 - p_t)^gamma
    return -focus * log_softmax_of(logits, targets)
