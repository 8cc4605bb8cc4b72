"""Self-paced loss correction."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, Recipe, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Integer, Real


@loss(
    title="Self-paced loss correction (SPLC)",
    family="missing labels",
    labels="multi",
    formula=r"\begin{gathered}"
    r"-(1-p_t)^{\gamma}\log p_t,\quad p_t=\begin{cases}p&\tilde y=1\\1-p&\tilde y=0\end{cases},\quad p=\sigma(z-m\,y)\\"
    r"\tilde y=\begin{cases}1&y=1\ \text{or}\ \big(p>\tau\ \text{and epoch}\geq t_0\big)\\0&\text{else}\end{cases}"
    r"\end{gathered}",
    paper=Paper(
        "Zhang et al.",
        "Simple and Robust Loss Design for Multi-Label Learning with Missing Labels",
        "arXiv",
        2021,
        "https://arxiv.org/abs/2112.07368",
    ),
    authors_reduction="sum",
    what="After the first epochs a negative the network is sure is positive is taken for a missing label and "
    "becomes a positive; focal loss with a margin for the labels that were given.",
    when="Many positives were never written down, and the network is right about them more often than not.",
    watch="It changes with the epoch: nothing is turned around before t₀, and in a classifier that is wrong early on, "
    "what is turned around stays wrong. Labels are turned after the shift, so a turned one has no margin. The authors "
    "use τ = 0.65 for COCO with 75 % of its labels. At the threshold the loss jumps.",
    trained_with=(
        Recipe(
            {"change_epoch": 1},
            "Labels are corrected from the second epoch on: before, the network has nothing to correct them with.",
            "their code, src/loss_functions/losses.py (robust-loss-mlml)",
        ),
        Recipe(
            {"optimizer": "adamw", "schedule": "cosine", "warmup": 0.2, "ema": 0.9997},
            "Adam with one cycle of the learning rate (a fifth of it warm-up) and an average of the weights with a "
            "decay of 0.9997; the better of the two on validation is kept.",
            "their code, train.py (robust-loss-mlml)",
        ),
    ),
)
def splc(
    logits: Tensor,
    targets: Tensor,
    *,
    epoch: int | Tensor = 0,
    tau: Annotated[
        Knob, Real(0.3, 0.95, step=0.05, tex=r"\tau", help="Probability above which a negative becomes a positive.")
    ] = 0.6,
    change_epoch: Annotated[
        Knob, Integer(0, 20, tex="t_0", help="First epoch, counted from 0, in which labels are turned around.")
    ] = 1,
    margin: Annotated[Knob, Real(0, 3, tex="m", help="By how much the logit of a given positive is lowered.")] = 1.0,
    gamma: Annotated[
        Knob, Real(0, 5, tex=r"\gamma", help="How strongly a well-answered cell is silenced; 0 not at all.")
    ] = 2.0,
) -> Tensor:
    """Return the (B, C) self-paced loss of ``targets`` in {0, 1} given ``logits`` (the form of the authors' code).

    ``epoch``, counted from 0, is a number or a 0-dim tensor. Which labels are turned around has no gradient.
    """
    shifted = logits - margin * targets
    begun = (logits.new_zeros(()) + epoch) >= change_epoch
    turned = begun & (torch.sigmoid(shifted) > tau)
    present = torch.where(turned, 1.0, targets)
    right = (2 * present - 1) * shifted
    return torch.exp(-gamma * softplus(right)) * softplus(-right)
