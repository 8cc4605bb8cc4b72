"""Propensity-scored binary cross-entropy."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from lt_core.losses.propensity import HELP_A, HELP_B, inverse_propensities, propensity
from lt_core.losses.spec import Paper, Reading, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real


@loss(
    title="Propensity-scored binary cross-entropy",
    family="missing labels",
    labels="multi",
    formula=r"\begin{gathered}"
    r"-\frac{y}{\rho_c}\log p-(1-y)\log(1-p)\\"
    r"\frac1{\rho_c}=1+(\log N-1)\Big(\frac{b+1}{n_c+b}\Big)^{a}"
    r"\end{gathered}",
    paper=Paper(
        "Jain et al.",
        "Extreme Multi-Label Loss Functions for Recommendation, Tagging, Ranking and Other Missing Label Applications",
        "KDD",
        2016,
        "https://doi.org/10.1145/2939672.2939756",
    ),
    authors_reduction="mean",
    readings=(
        Reading("propensity", r"\rho_c", propensity, help="Chance that a true label of the class was written down."),
        Reading(
            "weight of positives",
            r"\frac{1}{\rho_c}",
            inverse_propensities,
            help="What a positive of the class weighs, at least 1.",
        ),
    ),
    extension="The weights are those of the paper, which puts them on ranking losses and metrics; that they stand on "
    "binary cross-entropy is the usual borrowing.",
    what="Binary cross-entropy in which a positive weighs the more, the likelier its class is to go unrecorded.",
    when="Positives of rare classes are missing, and a gentle re-weighting is wanted: the derived weight never "
    "exceeds log N.",
    watch="Only the positives are corrected; negatives, some of which are missing labels, push as before, so it is not "
    "unbiased. The curve of propensities was fitted to text and products; it is an assumption for anything else. "
    "Where the prior brings its own propensities, a and b count for nothing.",
)
def propensity_bce(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    n_samples: Tensor,
    propensities: Tensor | None = None,
    a: Annotated[Knob, Real(0.1, 1, step=0.05, tex="a", help=HELP_A)] = 0.55,
    b: Annotated[Knob, Real(0, 5, tex="b", help=HELP_B)] = 1.5,
) -> Tensor:
    """Return the (B, C) propensity-scored loss of the observed ``targets`` in {0, 1} given ``logits``.

    ``counts`` (C,) are the training positives, at least 1, ``n_samples`` the number of training images,
    ``propensities`` (C,) in (0, 1], derived from the counts where None.
    """
    inverse = inverse_propensities(counts=counts, n_samples=n_samples, propensities=propensities, a=a, b=b)
    return targets * inverse * softplus(-logits) + (1 - targets) * softplus(logits)
