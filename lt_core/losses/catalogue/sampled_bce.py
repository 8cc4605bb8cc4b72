"""Binary cross-entropy against sampled negatives."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from torch import Tensor

from lt_core.losses.parts import State
from lt_core.losses.spec import Paper, Reading, ReducesTo, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Choice, Integer, Real

SAMPLING = Choice(
    ("uniform", "prior"),
    labels=("uniform: every class alike", "prior: in proportion to its training positives"),
    help="How the classes that serve as negatives of an image are drawn.",
)
WEIGHTING = Choice(
    ("constant", "importance", "relative"),
    labels=(
        "constant: every drawn negative weighs 1",
        "importance: 1 / (m q), which undoes the sampling",
        "relative: q of the label over q of the negative",
    ),
    help="What a drawn negative weighs.",
)

HEAVIEST = 1e4
"""The most a cell may weigh: (n_j / n_t)^3 overflows the gradient of half-precision logits."""


def _sampling(counts: Tensor, sampling: str) -> Tensor:
    """Return q (C,), the probability with which a class is drawn."""
    return counts / counts.sum() if sampling == "prior" else torch.ones_like(counts) / counts.numel()


def _weights(targets: Tensor, counts: Tensor, m: Knob, sampling: str, weighting: str, tau: Knob) -> Tensor:
    """Return w (B, C), what one drawn negative weighs: the mean over the labels t of its image of w_tj rho_tj.

    In an image without a label rho is 1, and q_t is that of a class drawn evenly, 1 / C.
    """
    q = _sampling(counts, sampling)
    numbers = targets.sum(dim=1, keepdim=True)
    labelled = numbers > 0
    share = targets / numbers.clamp(min=1.0)
    log_counts = torch.log(counts)
    towards = torch.exp(-tau * log_counts) * (q if weighting == "relative" else torch.ones_like(q))
    over_labels = (share * towards).sum(dim=1, keepdim=True) * torch.exp(tau * log_counts)
    none = 1 / counts.numel() if weighting == "relative" else 1.0
    weights = torch.where(labelled, over_labels, none)
    if weighting == "constant":
        return weights
    return weights / (m * q) if weighting == "importance" else weights / q


def _factor(
    drawn: Tensor, targets: Tensor, counts: Tensor, m: Knob, sampling: str, weighting: str, tau: Knob
) -> Tensor:
    """Return s w (B, C), what a negative that was ``drawn`` s times weighs, at most ``HEAVIEST``."""
    return (drawn * _weights(targets, counts, m, sampling, weighting, tau)).clamp(max=HEAVIEST)


def negative_factor(*, counts: Tensor, targets: Tensor, m: Knob, sampling: str, weighting: str, tau: Knob) -> Tensor:
    """Return m q_j w_j (C,), what a negative of the class weighs on average in the image ``targets`` (1, C)."""
    return _factor(m * _sampling(counts, sampling), targets, counts, m, sampling, weighting, tau)[0]


def _draw(
    targets: Tensor, generator: torch.Generator | None, *, counts: Tensor, m: Knob, sampling: str, **_: Any
) -> State:
    """Return ``sampled`` (B, C), how often each class was drawn in ``m`` draws with replacement for each image."""
    where = targets.device if generator is None else generator.device
    q = _sampling(counts, sampling).to(where).expand(targets.shape)
    drawn = torch.multinomial(q, int(m), replacement=True, generator=generator)
    ones = torch.ones(drawn.shape, dtype=targets.dtype, device=where)
    return {"sampled": torch.zeros_like(q, dtype=targets.dtype).scatter_add(1, drawn, ones).to(targets.device)}


@loss(
    title="Sampled binary cross-entropy",
    family="sampling",
    labels="multi",
    formula=r"\begin{gathered}"
    r"y=1:\quad\log(1+e^{-z_t});\qquad y=0:\quad s_j\,w_j\log(1+e^{z_j}),\quad s\sim\mathrm{Multinomial}(m,q)\\"
    r"w_j=\operatorname*{mean}_{t:\,y_t=1}w_{tj}\Big(\frac{n_j}{n_t}\Big)^{\tau},\quad "
    r"w_{tj}\in\Big\{1,\ \frac{1}{m\,q_j},\ \frac{q_t}{q_j}\Big\},\quad "
    r"q_j\in\Big\{\frac1C,\ \frac{n_j}{\sum_i n_i}\Big\}"
    r"\end{gathered}",
    paper=Paper(
        "Rawat et al.",
        "Disentangling Sampling and Labeling Bias for Learning in Large-Output Spaces",
        "ICML",
        2021,
        "https://arxiv.org/abs/2105.05736",
    ),
    authors_reduction="batch",
    reduces_to=(ReducesTo("bce", at={"weighting": "importance", "tau": 0.0}),),
    readings=(
        Reading(
            "weight of negatives",
            r"m\,q_j\,w_j",
            negative_factor,
            help="What a negative of the class weighs on average, draws and weights together.",
        ),
    ),
    draw=_draw,
    extension="Written from the abstract and a review, the paper itself was not at hand: the decoupled loss with one "
    "label an image is theirs, the form for several labels (one set of negatives an image, weights averaged "
    "over its labels) is ours. An image without a label uses τ = 0 and, for relative, q_t = 1/C. No cell weighs "
    "more than 10,000.",
    what="Each image is held against m classes drawn by chance instead of all. How they are drawn and weighed "
    "decides whether frequent or rare classes are favoured.",
    when="Thousands of classes; or to see that a sampling scheme is a hidden re-weighting.",
    watch="Only importance weights with τ = 0 are binary cross-entropy on average. Drawn by prior with constant "
    "weights, frequent classes are pushed down more, which favours the tail. Draws that hit a label of the "
    "image are passed over. Without a generator the loss is the mean over the draws.",
)
def sampled_bce(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    sampled: Tensor | None = None,
    m: Annotated[Knob, Integer(1, 1000, tex="m", help="Number of classes drawn as negatives of an image.")] = 10,
    sampling: Annotated[str, SAMPLING] = "uniform",
    weighting: Annotated[str, WEIGHTING] = "constant",
    tau: Annotated[
        Knob, Real(0, 3, tex=r"\tau", help="How strongly negatives of frequent classes count for rare labels.")
    ] = 0.0,
) -> Tensor:
    """Return the (B, C) loss of ``targets`` in {0, 1} given ``logits``.

    ``sampled`` (B, C) says how often each class was drawn for the image; without it the loss is the mean over the
    draws, m q. ``counts`` (C,) are the training positives, at least 1.
    """
    drawn = m * _sampling(counts, sampling) if sampled is None else sampled
    negatives = _factor(drawn, targets, counts, m, sampling, weighting, tau)
    return targets * softplus(-logits) + (1 - targets) * negatives * softplus(logits)
