"""Cross-entropy."""

from __future__ import annotations

from torch import Tensor

from lt_core.losses.spec import Paper, loss
from lt_core.losses.stable import log_softmax_of


@loss(
    title="Cross-entropy",
    family="baseline",
    labels="single",
    formula=r"-\log p_t,\quad p=\mathrm{softmax}(z)",
    paper=Paper(
        "J. S. Bridle",
        "Probabilistic Interpretation of Feedforward Classification Network Outputs",
        "Neurocomputing, NATO ASI Series",
        1990,
        "https://doi.org/10.1007/978-3-642-76153-9_28",
    ),
    authors_reduction="mean",
    what="The likelihood of the one right class: raises its logit with 1 - p and lowers each other one with its p.",
    when="One class an image: the baseline to beat.",
    watch="Every image weighs the same, so the classes with most images decide.",
)
def ce(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the (B,) cross-entropy of one-hot ``targets`` given ``logits``."""
    return -log_softmax_of(logits, targets)
