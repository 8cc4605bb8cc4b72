"""Logit-adjusted binary cross-entropy."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, Reading, ReducesTo, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real


def shifts(*, counts: Tensor, n_samples: Tensor, tau: Knob) -> Tensor:
    """Return tau log(pi_c / (1 - pi_c)) (C,), what is added to the logits in training; pi_c = n_c / N.

    A class that every image has is taken to be absent once, which keeps its shift finite.
    """
    absent = (n_samples - counts).clamp(min=1.0)
    return tau * torch.log(counts / absent)


@loss(
    title="Logit-adjusted binary cross-entropy",
    family="logit adjustment",
    labels="multi",
    formula=r"\begin{gathered}"
    r"y\log\big(1+e^{-v}\big)+(1-y)\log\big(1+e^{v}\big)\\"
    r"v=z+\tau\log\frac{\pi_c}{1-\pi_c},\quad\pi_c=\frac{n_c}{N}"
    r"\end{gathered}",
    paper=Paper(
        "Menon et al.",
        "Long-Tail Learning via Logit Adjustment",
        "ICLR",
        2021,
        "https://arxiv.org/abs/2007.07314",
    ),
    authors_reduction="mean",
    reduces_to=(ReducesTo("bce", at={"tau": 0.0}),),
    readings=(
        Reading(
            "shift",
            r"\tau\log\frac{\pi_c}{1-\pi_c}",
            shifts,
            help="Added to the logit of the class in training: below 0 for a class in fewer than half of the images.",
        ),
    ),
    extension="The paper has one class an image. This form is derived from it: each class is a problem with two "
    "classes, present and absent.",
    what="Binary cross-entropy on logits shifted by the log-odds of each class: what the prevalence explains, the "
    "network need not say.",
    when="Several labels an image with a long tail, judged class by class at a fixed threshold of the bare logit.",
    watch="Predict with the bare logits: with τ = 1 they are log-odds at a prevalence of one half, and far too high "
    "as probabilities for rare classes. Adjusting the finished scores instead (post hoc) is a different method, "
    "and doing both corrects twice. A last layer with a bias can absorb the shift: the ranking within a class hardly "
    "changes, only where its scores lie.",
)
def logit_adjusted_bce(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    n_samples: Tensor,
    tau: Annotated[
        Knob, Real(0, 3, tex=r"\tau", help="0: binary cross-entropy; 1: prevalence taken out; above: overdone.")
    ] = 1.0,
) -> Tensor:
    """Return the (B, C) logit-adjusted loss of ``targets`` in {0, 1} given ``logits``.

    ``counts`` (C,) are the training positives, at least 1, ``n_samples`` the number of training images.
    """
    shifted = logits + shifts(counts=counts, n_samples=n_samples, tau=tau)
    return targets * softplus(-shifted) + (1 - targets) * softplus(shifted)
