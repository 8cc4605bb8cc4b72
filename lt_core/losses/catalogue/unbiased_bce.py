"""Binary cross-entropy made unbiased for missing labels."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from lt_core.losses.propensity import HELP_A, HELP_B, inverse_propensities, propensity
from lt_core.losses.spec import Paper, Reading, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Choice, Real

ESTIMATORS = Choice(
    ("unbiased", "upper_bound"),
    labels=("unbiased: right on average, may be negative", "upper bound: never negative, and convex"),
    help="The unbiased estimate, or a convex bound above it that cannot run away.",
)


@loss(
    title="Unbiased binary cross-entropy",
    family="missing labels",
    labels="multi",
    formula=r"\begin{gathered}"
    r"\text{unbiased:}\quad\frac{y}{\rho_c}\,(l_+-l_-)+l_-;\qquad "
    r"\text{upper bound:}\quad y\Big(\frac{2}{\rho_c}-1\Big)l_++(1-y)\,l_-\\"
    r"l_+=-\log p,\quad l_-=-\log(1-p),\quad "
    r"\frac1{\rho_c}=1+(\log N-1)\Big(\frac{b+1}{n_c+b}\Big)^{a}"
    r"\end{gathered}",
    paper=Paper(
        "Schultheis and Babbar",
        "Unbiased Loss Functions for Multilabel Classification with Missing Labels",
        "arXiv",
        2021,
        "https://arxiv.org/abs/2109.11282",
    ),
    authors_reduction="mean",
    readings=(
        Reading("propensity", r"\rho_c", propensity, help="Chance that a true label of the class was written down."),
    ),
    what="Estimates, from the labels that were written down, what binary cross-entropy would be if none were missing.",
    when="Positives are missing, absences are not: a label that is there is true. The chance of being written down "
    "must be known or assumed for each class.",
    watch="The unbiased form has no lower bound: where 1/ρ is above 1, the loss of a positive falls for ever as its "
    "logit rises. Take the upper bound, or few epochs. The propensities of Jain et al. were fitted to other data "
    "(text, products) and depend on a, b and the number of images; give your own where you know them, then a and b "
    "count for nothing.",
)
def unbiased_bce(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    n_samples: Tensor,
    propensities: Tensor | None = None,
    estimator: Annotated[str, ESTIMATORS] = "unbiased",
    a: Annotated[Knob, Real(0.1, 1, step=0.05, tex="a", help=HELP_A)] = 0.55,
    b: Annotated[Knob, Real(0, 5, tex="b", help=HELP_B)] = 1.5,
) -> Tensor:
    """Return the (B, C) loss of the observed ``targets`` in {0, 1} given ``logits``.

    ``counts`` (C,) are the training positives, at least 1, ``n_samples`` the number of training images,
    ``propensities`` (C,) in (0, 1], derived from the counts where None. The upper bound is that of Qaraei et al.
    (2021). l+ - l- is -z, so the unbiased form of a positive is l+ - (1 / rho - 1) z, which is BCE at rho = 1.
    """
    inverse = inverse_propensities(counts=counts, n_samples=n_samples, propensities=propensities, a=a, b=b)
    present = softplus(-logits)
    corrected = present - (inverse - 1) * logits if estimator == "unbiased" else (2 * inverse - 1) * present
    return targets * corrected + (1 - targets) * softplus(logits)
