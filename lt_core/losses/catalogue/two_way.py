"""Two-way multi-label loss."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.sets import log_sum_exp, sides
from lt_core.losses.spec import Paper, Recipe, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real


@loss(
    title="Two-way multi-label loss",
    family="ranking",
    labels="multi",
    gives="scalar",
    formula=r"\begin{gathered}"
    r"\operatorname*{mean}_{c:\,\exists b\,y_{bc}=1}\ell(z_{:c})+"
    r"\operatorname*{mean}_{b:\,\exists c\,y_{bc}=1}\ell(z_{b:})\\"
    r"\ell(z)=\log\big(1+e^{\,T_-\log\sum_{j:\,y_j=0}e^{z_j/T_-}+T_+\log\sum_{i:\,y_i=1}e^{-z_i/T_+}}\big)"
    r"\end{gathered}",
    paper=Paper(
        "Kobayashi",
        "Two-way Multi-Label Loss",
        "CVPR",
        2023,
        "https://openaccess.thecvf.com/content/CVPR2023/html/Kobayashi_Two-Way_Multi-Label_Loss_CVPR_2023_paper.html",
    ),
    authors_reduction="mean",
    reduction_note="mean over the classes with a positive in the batch + mean over the images with a positive",
    extension="An unknown label is left out of every sum, and a batch without any positive has the loss 0, where the "
    "authors' code gives NaN.",
    what="Ranks in both directions: in an image its labels above the other classes, and in a class the images that "
    "have it above those that have not.",
    when="Ranking quality (average precision) is what counts, and batches are large enough to hold both sides of a "
    "class.",
    watch="The loss belongs to the batch, not to an image: its value moves with the batch size, and images without "
    "any finding matter only through the classes others have. The authors mask with -100, so their logits leak "
    "beyond 100 times the temperature; ours do not. Scores rank, they are no probabilities.",
    trained_with=(
        Recipe(
            {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 1e-4, "schedule": "cosine"},
            "SGD with Nesterov momentum over 40 epochs; the classifier has ten times the rate of the backbone.",
            "their code, utils/parser.py",
        ),
    ),
)
def two_way(
    logits: Tensor,
    targets: Tensor,
    *,
    known: Tensor | None = None,
    pos_temperature: Annotated[
        Knob, Real(0.5, 10, tex="T_+", help="Low: the weakest label alone is pulled up. High: all of them.")
    ] = 4.0,
    neg_temperature: Annotated[
        Knob, Real(0.5, 10, tex="T_-", help="Low: the strongest absent class alone is pushed down. High: all of them.")
    ] = 1.0,
) -> Tensor:
    """Return the loss of the batch, a scalar, for ``targets`` (B, C) in {0, 1}; 0 for a batch without a positive.

    ``known`` (B, C) is 1 where a label is known, None where all are. A class or an image with positives and no
    negative counts in its mean, with the limit 0.
    """
    positive, negative = sides(targets, known)

    def one_way(dim: int) -> Tensor:
        weakest = pos_temperature * log_sum_exp(-logits / pos_temperature, positive, dim)
        strongest = neg_temperature * log_sum_exp(logits / neg_temperature, negative, dim)
        has = positive.any(dim=dim)
        both = has & negative.any(dim=dim)
        terms = torch.where(both, softplus(torch.where(both, strongest + weakest, 0.0)), 0.0)
        return terms.sum() / has.sum().clamp(min=1)

    return one_way(0) + one_way(1)
