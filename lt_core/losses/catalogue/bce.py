"""Binary cross-entropy."""

from __future__ import annotations

from torch import Tensor

from lt_core.losses.spec import Paper, loss
from lt_core.losses.stable import softplus


@loss(
    title="Binary cross-entropy",
    family="baseline",
    labels="multi",
    formula=r"-y\log p-(1-y)\log(1-p),\quad p=\sigma(z)",
    paper=Paper(
        "D. R. Cox",
        "The Regression Analysis of Binary Sequences",
        "J. R. Stat. Soc. B",
        1958,
        "https://doi.org/10.1111/j.2517-6161.1958.tb00292.x",
    ),
    authors_reduction="mean",
    what="The likelihood of independent yes/no answers: every cell pulls on its logit with p - y.",
    when="Always first: the baseline any other loss has to beat, and the one with the best calibrated scores.",
    watch="In a tail class nearly all cells are negative. Each pushes little, together they hold the logit down.",
)
def bce(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the (B, C) binary cross-entropy of ``targets`` in {0, 1} given ``logits``."""
    return targets * softplus(-logits) + (1 - targets) * softplus(logits)
