"""Label-distribution-aware margin loss."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from lt_core.losses.margins import class_margins
from lt_core.losses.spec import Paper, Reading, Recipe, ReducesTo, loss
from lt_core.losses.stable import Knob, log_softmax_of
from lt_core.params import Real


@loss(
    title="Label-distribution-aware margin loss (LDAM)",
    family="margin",
    labels="single",
    formula=r"\begin{gathered}"
    r"-\log\frac{e^{s(z_t-m_t)}}{e^{s(z_t-m_t)}+\sum_{j\neq t}e^{s z_j}},\quad "
    r"m_c=m_{\max}\,\frac{n_c^{-1/4}}{\max_j n_j^{-1/4}}"
    r"\end{gathered}",
    paper=Paper(
        "Cao et al.",
        "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss",
        "NeurIPS",
        2019,
        "https://arxiv.org/abs/1906.07413",
    ),
    authors_reduction="mean",
    reduces_to=(ReducesTo("ce", at={"max_margin": 0.0, "scale": 1.0}),),
    readings=(
        Reading("margin", r"m_c", class_margins, help="By how much the class must win, before the logits are scaled."),
    ),
    what="Cross-entropy in which the right class must win by a margin, the larger the rarer the class.",
    when="One class an image with a long tail; with deferred re-weighting in the last epochs it is a strong baseline.",
    watch="Made for logits in [-1, 1] (normalised features and weights). On plain logits a scale of 30 makes it almost "
    "a hinge: the gradient saturates within a fraction of a logit.",
    trained_with=(
        Recipe(
            {"stages": "drw", "deferred_from": 0.8, "deferred_beta": 0.9999},
            "LDAM-DRW: no class weights for the first 160 of 200 epochs, while the features are learned, then the "
            "inverse effective number of images. Their learning rate falls at the same epoch, by a hundred.",
            "Cao et al., 2019, Algorithm 1; their code, cifar_train.py (train_rule DRW)",
        ),
        Recipe(
            {"head": "cosine"},
            "The margins are made for logits in [-1, 1]: features and class weights of length 1.",
            "Cao et al., 2019, Sec. 3; their code (use_norm)",
        ),
        Recipe(
            {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 2e-4, "warmup": 0.025},
            "SGD, with a linear warm-up over the first 5 of 200 epochs.",
            "their code, cifar_train.py",
        ),
    ),
)
def ldam(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    max_margin: Annotated[
        Knob, Real(0, 1, step=0.05, tex=r"m_{\max}", help="Margin of the rarest class; the others get less.")
    ] = 0.5,
    scale: Annotated[Knob, Real(1, 64, step=1, tex="s", help="Factor of all logits: the steepness of the softmax.")] = (
        30.0
    ),
) -> Tensor:
    """Return the (B,) margin loss of one-hot ``targets`` given ``logits`` (Eqs. 11 and 13); ``counts`` (C,) >= 1."""
    shifted = logits - targets * class_margins(counts=counts, max_margin=max_margin)
    return -log_softmax_of(scale * shifted, targets)
