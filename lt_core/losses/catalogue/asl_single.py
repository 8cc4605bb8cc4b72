"""Asymmetric loss over a softmax."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, ReducesTo, loss
from lt_core.losses.stable import Knob, log_softmax_of_others
from lt_core.params import Real


@loss(
    title="Asymmetric loss, softmax (ASL)",
    family="focusing",
    labels="single",
    formula=r"\begin{gathered}"
    r"-\sum_c\tilde T_c\,w_c\log p_c,\quad p=\mathrm{softmax}(z)\\"
    r"w_c=\begin{cases}(1-p_c)^{\gamma_+}&c=t\\p_c^{\gamma_-}&c\neq t\end{cases},\quad "
    r"\tilde T_c=(1-s)\,[c=t]+\frac{s}{C}"
    r"\end{gathered}",
    paper=Paper(
        "Ridnik et al.",
        "Asymmetric Loss for Multi-Label Classification",
        "ICCV",
        2021,
        "https://arxiv.org/abs/2009.14119",
    ),
    authors_reduction="mean",
    reduces_to=(
        ReducesTo("ce", at={"gamma_pos": 0.0, "gamma_neg": 0.0, "smoothing": 0.0}),
        ReducesTo("focal_ce", at={"gamma_pos": 2.0, "smoothing": 0.0}, to={"gamma": 2.0}),
    ),
    what="Label-smoothed cross-entropy in which the right class and the others are focused separately.",
    when="One class an image, to carry the idea of ASL over. With the defaults it is close to plain cross-entropy.",
    watch="The paper has only the multi-label loss; this form is in the authors' code alone. There the gradient flows "
    "through the focusing weights, while their multi-label version blocks it. Without smoothing γ₋ has no effect.",
)
def asl_single(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma_pos: Annotated[
        Knob, Real(0, 4, tex=r"\gamma_+", help="How strongly a well-answered image is silenced.")
    ] = 0.0,
    gamma_neg: Annotated[
        Knob, Real(0, 8, tex=r"\gamma_-", help="How strongly the smoothing of unlikely classes is silenced.")
    ] = 4.0,
    smoothing: Annotated[
        Knob, Real(0, 0.3, step=0.01, tex="s", help="Label mass taken from the right class and shared by all.")
    ] = 0.1,
) -> Tensor:
    """Return the (B,) asymmetric loss of one-hot ``targets`` given ``logits``, as in the authors' code."""
    log_p = torch.log_softmax(logits, dim=1)
    log_rest = log_softmax_of_others(logits, targets)[:, None]
    focus = torch.exp(targets * gamma_pos * log_rest + (1 - targets) * gamma_neg * log_p)
    smoothed = (1 - smoothing) * targets + smoothing / logits.shape[1]
    return -(smoothed * focus * log_p).sum(dim=1)
