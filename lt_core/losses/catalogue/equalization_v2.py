"""Equalization loss v2."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from torch import Tensor

from lt_core.losses.parts import Memory, State
from lt_core.losses.spec import Paper, Reading, Recipe, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real

START_RATIO = 100.0
"""Pull over push of a class before its first batch: positives and negatives then weigh 1."""


def negative_weight(*, ratio: Tensor, gamma: Knob, mu: Knob) -> Tensor:
    """Return w- (C,), what a class's negatives weigh: near 0 while it is pushed far more than pulled."""
    return torch.sigmoid(gamma * (ratio - mu))


def positive_weight(*, ratio: Tensor, gamma: Knob, mu: Knob, alpha: Knob) -> Tensor:
    """Return w+ (C,) = 1 + alpha (1 - w-), what a class's positives weigh."""
    return 1 + alpha * torch.sigmoid(-gamma * (ratio - mu))


def pull_over_push(*, ratio: Tensor) -> Tensor:
    """Return g_c (C,), the gradient on a class's positives over that on its negatives."""
    return ratio


def _start(counts: Tensor) -> State:
    """Return the memory of a run that has seen nothing."""
    return {
        "pull": torch.zeros_like(counts),
        "push": torch.zeros_like(counts),
        "ratio": torch.full_like(counts, START_RATIO),
    }


def _sketch(counts: Tensor, n_samples: Tensor) -> State:
    """Return the memory after one look at the training part with every logit 0, each cell weighing 1."""
    absent = (n_samples - counts).clamp(min=1.0)
    return {"pull": counts / 2, "push": absent / 2, "ratio": counts / absent}


def _update(state: State, logits: Tensor, targets: Tensor, known: Tensor, **knobs: Any) -> State:
    """Return the memory after a batch; the weights of the batch come from the memory before it.

    A class of which no label was ever known keeps its ratio.
    """
    ratio = state["ratio"].to(logits)
    negative = negative_weight(ratio=ratio, gamma=knobs["gamma"], mu=knobs["mu"])
    pulled = known * targets * positive_weight(ratio=ratio, **knobs) * torch.sigmoid(-logits)
    pushed = known * (1 - targets) * negative * torch.sigmoid(logits)
    pull = state["pull"] + pulled.sum(dim=0).to(state["pull"])
    push = state["push"] + pushed.sum(dim=0).to(state["push"])
    ratio = torch.where(pull + push > 0, pull / (push + 1e-10), state["ratio"])
    return {"pull": pull, "push": push, "ratio": ratio}


@loss(
    title="Equalization loss v2 (EQL v2)",
    family="re-balancing",
    labels="multi",
    formula=r"\begin{gathered}"
    r"y\,w^+_c\log(1+e^{-z})+(1-y)\,w^-_c\log(1+e^{z})\\"
    r"w^-_c=\frac{1}{1+e^{-\gamma(g_c-\mu)}},\quad w^+_c=1+\alpha(1-w^-_c),\quad "
    r"g_c=\frac{\sum_{y=1}|\partial L/\partial z|}{\sum_{y=0}|\partial L/\partial z|}\ \text{over the batches before}"
    r"\end{gathered}",
    paper=Paper(
        "Tan et al.",
        "Equalization Loss v2: A New Gradient Balance Approach for Long-tailed Object Detection",
        "CVPR",
        2021,
        "https://arxiv.org/abs/2012.08548",
    ),
    authors_reduction="batch",
    readings=(
        Reading("weight of negatives", r"w^-_c", negative_weight, help="What a negative of the class weighs now."),
        Reading("weight of positives", r"w^+_c", positive_weight, help="What a positive of the class weighs now."),
        Reading("pull / push", r"g_c", pull_over_push, help="Gradient on positives over gradient on negatives."),
    ),
    memory=Memory(start=_start, update=_update, sketch=_sketch),
    extension="Used on several labels an image as it stands, without the background class of detection.",
    what="Binary cross-entropy that watches, class by class, how much it has been pulled up and pushed down so far, "
    "and weighs positives and negatives until the two agree.",
    when="A long tail where fixed class weights are hard to choose: the weights follow the training instead.",
    watch="It has a memory, which belongs to the run: it starts with all weights at 1 and is saved with the weights "
    "of the network. The sums never forget, so late batches hardly move them. The curve drawn here is one of "
    "its states.",
    trained_with=(
        Recipe(
            {"sampler": "plain"},
            "Trained without over-sampling rare classes: every image once an epoch.",
            "their code, tztztztztz/eqlv2, configs/end2end (oversample_thr 0)",
        ),
    ),
)
def equalization_v2(
    logits: Tensor,
    targets: Tensor,
    *,
    ratio: Tensor | None = None,
    gamma: Annotated[
        Knob, Real(0, 20, step=0.5, tex=r"\gamma", help="How sharply the weights switch at the ratio μ.")
    ] = 12.0,
    mu: Annotated[
        Knob, Real(0, 1, step=0.05, tex=r"\mu", help="The ratio of pull to push at which negatives weigh one half.")
    ] = 0.8,
    alpha: Annotated[Knob, Real(0, 8, tex=r"\alpha", help="How much more a positive may weigh than 1.")] = 4.0,
) -> Tensor:
    """Return the (B, C) loss of ``targets`` in {0, 1} given ``logits``.

    ``ratio`` (C,) >= 0 is the pull over the push each class has had so far; without it, the start of a run.
    """
    if ratio is None:
        ratio = torch.full_like(logits[0], START_RATIO)
    positive = positive_weight(ratio=ratio, gamma=gamma, mu=mu, alpha=alpha)
    negative = negative_weight(ratio=ratio, gamma=gamma, mu=mu)
    return targets * positive * softplus(-logits) + (1 - targets) * negative * softplus(logits)
