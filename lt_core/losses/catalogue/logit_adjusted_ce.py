"""Logit-adjusted cross-entropy."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, Reading, Recipe, ReducesTo, loss
from lt_core.losses.stable import Knob, log_softmax_of
from lt_core.params import Real


def shifts(*, counts: Tensor, tau: Knob) -> Tensor:
    """Return tau log pi_c (C,), what is added to the logits in training; pi_c = n_c / sum_j n_j."""
    return tau * (torch.log(counts) - torch.log(counts.sum()))


@loss(
    title="Logit-adjusted cross-entropy",
    family="logit adjustment",
    labels="single",
    formula=r"-\log\frac{e^{z_t+\tau\log\pi_t}}{\sum_j e^{z_j+\tau\log\pi_j}},\quad\pi_c=\frac{n_c}{\sum_j n_j}",
    paper=Paper(
        "Menon et al.",
        "Long-Tail Learning via Logit Adjustment",
        "ICLR",
        2021,
        "https://arxiv.org/abs/2007.07314",
    ),
    authors_reduction="mean",
    reduces_to=(ReducesTo("balanced_softmax", at={"tau": 1.0}), ReducesTo("ce", at={"tau": 0.0})),
    readings=(
        Reading(
            "shift",
            r"\tau\log\pi_c",
            shifts,
            help="Added to the logit of the class in training; only differences between classes count.",
        ),
    ),
    what="Cross-entropy on logits shifted by the log of each class's share: a rare class must win by a larger margin.",
    when="One class an image with a long tail, judged by balanced accuracy. With τ = 1 it is consistent for it.",
    watch="Predict with the bare logits. Adjusting the finished scores instead (post hoc) is a different method, and "
    "doing both corrects twice. A public port adds the shift to its caller's logits in place; this one does not.",
    trained_with=(
        Recipe(
            {"optimizer": "sgd", "momentum": 0.9, "schedule": "step", "warmup": 0.016},
            "SGD with Nesterov momentum for 1,241 epochs of CIFAR-10-LT, 20 of them warm-up, the rate divided by 10 at "
            "0.49, 0.75 and 0.91 of them.",
            "their code, google-research/logit_adjustment",
        ),
    ),
)
def logit_adjusted_ce(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    tau: Annotated[
        Knob, Real(0, 3, tex=r"\tau", help="0: cross-entropy; 1: balanced error; above: the tail even more.")
    ] = 1.0,
) -> Tensor:
    """Return the (B,) logit-adjusted loss of one-hot ``targets`` given ``logits`` (Eq. 10); ``counts`` (C,) >= 1."""
    return -log_softmax_of(logits + shifts(counts=counts, tau=tau), targets)
