"""Balanced softmax."""

from __future__ import annotations

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, Reading, Recipe, loss
from lt_core.losses.stable import log_softmax_of


def shifts(*, counts: Tensor) -> Tensor:
    """Return log n_c (C,), what is added to the logits in training."""
    return torch.log(counts)


@loss(
    title="Balanced softmax",
    family="logit adjustment",
    labels="single",
    formula=r"-\log\frac{n_t\,e^{z_t}}{\sum_j n_j\,e^{z_j}}",
    paper=Paper(
        "Ren et al.",
        "Balanced Meta-Softmax for Long-Tailed Visual Recognition",
        "NeurIPS",
        2020,
        "https://arxiv.org/abs/2007.10740",
    ),
    authors_reduction="mean",
    readings=(
        Reading(
            "shift",
            r"\log n_c",
            shifts,
            help="Added to the logit of the class in training; only differences between classes count.",
        ),
    ),
    what="Cross-entropy on logits to which the log counts are added, so that the bare logits learn to answer as if all "
    "classes were equally frequent.",
    when="One class an image with a long tail, judged by balanced accuracy; a strong baseline without a knob.",
    watch="Predict with the bare logits: the shift belongs to training alone. Do not combine it with class-aware "
    "sampling, which would correct a second time.",
    trained_with=(
        Recipe(
            {"sampler": "plain"},
            "The shift of the logits takes the place of balanced sampling: with both, the classes are balanced twice.",
            "Ren et al., 2020, Sec. 3.2; their code, config/CIFAR100_LT (sampler null)",
        ),
        Recipe(
            {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 5e-4, "schedule": "cosine", "warmup": 0.06},
            "SGD for 13,000 steps, 800 of them warm-up, then a cosine.",
            "their code, config/CIFAR100_LT/balanced_softmax_imba200.yaml",
        ),
    ),
)
def balanced_softmax(logits: Tensor, targets: Tensor, *, counts: Tensor) -> Tensor:
    """Return the (B,) balanced softmax loss of one-hot ``targets`` for ``logits`` (Theorem 1); ``counts`` (C,) >= 1."""
    return -log_softmax_of(logits + shifts(counts=counts), targets)
