"""Label-distribution-aware margins for several labels an image."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from lt_core.losses.margins import class_margins
from lt_core.losses.spec import Paper, Reading, Recipe, ReducesTo, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real


@loss(
    title="LDAM for several labels",
    family="margin",
    labels="multi",
    formula=r"\begin{gathered}"
    r"y\log\big(1+e^{-s(z-m_c)}\big)+(1-y)\log\big(1+e^{s z}\big)\\"
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
    reduces_to=(ReducesTo("bce", at={"max_margin": 0.0, "scale": 1.0}),),
    readings=(Reading("margin", r"m_c", class_margins, help="By how much the logit of a positive is lowered."),),
    extension="The paper has one class an image. Binary cross-entropy on s(z − m_c y) is the form used in work on "
    "long-tailed chest radiographs.",
    what="Binary cross-entropy in which a positive must clear a margin, the larger the rarer the class.",
    when="Several labels an image with a long tail; reported to lead on chest radiographs together with deferred "
    "re-weighting.",
    watch="Made for logits in [-1, 1] (normalised features and weights). On plain logits a scale of 30 makes it almost "
    "a hinge, with gradients up to 30 a cell. A margin of 0.5 is lost between logits that are 10 apart.",
    trained_with=(
        Recipe(
            {"stages": "drw", "deferred_from": 0.8, "deferred_beta": 0.9999},
            "Deferred re-weighting belongs to LDAM: class weights only in the last fifth of the epochs. Here they "
            "multiply every cell of a class, which is a choice for several labels an image.",
            "Cao et al., 2019, Algorithm 1, for one class an image",
        ),
        Recipe(
            {"head": "cosine"},
            "The margins are made for logits in [-1, 1]: features and class weights of length 1.",
            "Cao et al., 2019, Sec. 3; their code (use_norm)",
        ),
    ),
)
def ldam_multilabel(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    max_margin: Annotated[
        Knob, Real(0, 1, step=0.05, tex=r"m_{\max}", help="Margin of the rarest class; the others get less.")
    ] = 0.5,
    scale: Annotated[Knob, Real(1, 64, step=1, tex="s", help="Factor of all logits: the steepness of the loss.")] = (
        30.0
    ),
) -> Tensor:
    """Return the (B, C) margin loss of ``targets`` in {0, 1} given ``logits``; ``counts`` (C,) >= 1."""
    scaled = scale * (logits - targets * class_margins(counts=counts, max_margin=max_margin))
    return targets * softplus(-scaled) + (1 - targets) * softplus(scaled)
