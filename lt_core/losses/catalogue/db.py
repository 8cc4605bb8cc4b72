"""Distribution-balanced loss."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, Reading, Recipe, ReducesTo, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Choice, Real, Toggle

BIAS_FORMS = Choice(
    ("code", "paper"),
    labels=("code: bias divided by λ, as published in code", "paper: bias not divided"),
    help="The authors' code divides the class bias by the negative scale, which they confirmed to be a slip; the "
    "published figures were made with it.",
)
NO_LABEL = 1e30
"""The ratio r of a row without positives: 1 / 0, but finite."""


def class_bias(*, counts: Tensor, n_samples: Tensor, init_bias: Knob, neg_scale: Knob, bias_form: str) -> Tensor:
    """Return nu_c (C,), what is taken from the logit of each class (the paper's, or the code's, divided by lambda).

    A class that every image has is taken to be absent once, which keeps its bias finite.
    """
    absent = (n_samples - counts).clamp(min=1.0)
    kappa = init_bias / neg_scale if bias_form == "code" else init_bias
    return kappa * torch.log(absent / counts)


def _smoothed(targets: Tensor, counts: Tensor, alpha: Knob, beta: Knob, mu: Knob) -> Tensor:
    """Return s (B, C) in (alpha, 1 + alpha): class-level over instance-level sampling probability, smoothed (Eq. 6)."""
    instance = (targets / counts).sum(dim=1, keepdim=True)
    labelled = instance > 0
    ratio = torch.where(labelled, 1 / (counts * torch.where(labelled, instance, 1.0)), NO_LABEL)
    return alpha + torch.sigmoid(beta * (ratio - mu))


def balancing_weights(*, counts: Tensor, targets: Tensor, alpha: Knob, beta: Knob, mu: Knob, rebalance: bool) -> Tensor:
    """Return s (C,), the re-balancing weight of each cell of the image ``targets`` (1, C); 1 without re-balancing."""
    weights = _smoothed(targets, counts, alpha, beta, mu)[0]
    return weights if rebalance else torch.ones_like(weights)


@loss(
    title="Distribution-balanced loss (DB)",
    family="re-balancing",
    labels="multi",
    formula=r"\begin{gathered}"
    r"\nu_0\,s'\,(1-e^{-b})^{\gamma}\,b,\quad b=\begin{cases}\log(1+e^{-v})&y=1\\\log(1+e^{\lambda v})&y=0\end{cases},"
    r"\quad s'=\begin{cases}s&y=1\\s/\lambda&y=0\end{cases}\\"
    r"v=z-\nu_c,\quad\nu_c=\tfrac{\kappa}{\lambda}\log\tfrac{N-n_c}{n_c}\quad\text{(paper: without }1/\lambda\text{)}\\"
    r"s=\alpha+\sigma\big(\beta(r-\mu)\big),\quad r=\frac{1/n_c}{\sum_{j:y_j=1}1/n_j}"
    r"\end{gathered}",
    paper=Paper(
        "Wu et al.",
        "Distribution-Balanced Loss for Multi-Label Classification in Long-Tailed Datasets",
        "ECCV",
        2020,
        "https://arxiv.org/abs/2007.09654",
    ),
    authors_reduction="mean",
    reduces_to=(
        ReducesTo("bce", at={"rebalance": False, "focal": False, "neg_scale": 1.0, "init_bias": 0.0}),
        ReducesTo(
            "focal",
            at={"rebalance": False, "focal": True, "neg_scale": 1.0, "init_bias": 0.0, "balance": 1.0},
            to={"use_alpha": False},
        ),
    ),
    readings=(
        Reading(
            "class bias",
            r"\nu_c",
            class_bias,
            help="Taken from the logit of the class: above 0 for a class in fewer than half of the images.",
        ),
        Reading(
            "re-balancing weight",
            "s",
            balancing_weights,
            help="Weight of the class's cell given the labels of the image; a negative's is divided by λ on top.",
        ),
    ),
    what="Undoes what co-occurring labels do to class-aware sampling, and lets negatives stop pushing once they are "
    "answered.",
    when="Multi-label sets with strong co-occurrence, together with the class-aware sampler it was made for.",
    watch="Every class gets its own curve, and a negative's weight depends on which labels its image carries. Without "
    "the class-aware sampler the weights correct for something that did not happen.",
    trained_with=(
        Recipe(
            {"sampler": "class-aware"},
            "The re-balancing weight is the ratio of two sampling probabilities, and one of them is class-aware "
            "sampling's: without it the weights correct for something that did not happen.",
            "Wu et al., 2020, Sec. 3.1; their configs (sampler='ClassAware')",
        ),
        Recipe(
            {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 1e-4, "clip_norm": 35.0, "schedule": "step"},
            "SGD for 8 epochs with a short linear warm-up, the rate divided by 10 after epochs 5 and 7.",
            "their code, configs/coco/LT_resnet50_pfc_DB.py and the same for VOC",
        ),
    ),
)
def db(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    n_samples: Tensor,
    alpha: Annotated[Knob, Real(0, 1, step=0.05, tex=r"\alpha", help="Smallest re-balancing weight.")] = 0.1,
    beta: Annotated[
        Knob, Real(0, 20, step=0.5, tex=r"\beta", help="How sharply the weight switches from small to large.")
    ] = 10.0,
    mu: Annotated[Knob, Real(0, 1, step=0.05, tex=r"\mu", help="The ratio r at which the weight switches.")] = 0.2,
    neg_scale: Annotated[
        Knob, Real(1, 10, step=0.5, tex=r"\lambda", help="Tolerance of negatives: larger lets them rest sooner.")
    ] = 2.0,
    init_bias: Annotated[
        Knob, Real(0, 0.5, step=0.01, tex=r"\kappa", help="How far each class's curve is shifted by its frequency.")
    ] = 0.05,
    gamma: Annotated[Knob, Real(0, 5, tex=r"\gamma", help="Focusing strength, if focal is on.")] = 2.0,
    balance: Annotated[Knob, Real(0, 4, tex=r"\nu_0", help="Factor of the whole loss, if focal is on.")] = 2.0,
    rebalance: Annotated[bool, Toggle(help="Off: every cell has the weight s = 1.")] = True,
    focal: Annotated[bool, Toggle(help="Off: no focusing and no factor.")] = True,
    bias_form: Annotated[str, BIAS_FORMS] = "code",
) -> Tensor:
    """Return the (B, C) distribution-balanced loss of ``targets`` in {0, 1} given ``logits`` (Eqs. 5 to 10).

    ``counts`` (C,) are the training positives, at least 1, ``n_samples`` the number of training images. A class that
    every image has is taken to be absent once, which keeps its bias finite.
    """
    biased = logits - class_bias(
        counts=counts, n_samples=n_samples, init_bias=init_bias, neg_scale=neg_scale, bias_form=bias_form
    )
    right = biased * (targets - neg_scale * (1 - targets))  # v for positives, -lambda v for negatives
    cells = softplus(-right) * (targets + (1 - targets) / neg_scale)
    if rebalance:
        cells = cells * _smoothed(targets, counts, alpha, beta, mu)
    return balance * torch.exp(-gamma * softplus(right)) * cells if focal else cells
