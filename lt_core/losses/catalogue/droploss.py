"""DropLoss."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from torch import Tensor

from lt_core.losses.catalogue.equalization import negatives_count
from lt_core.losses.parts import State
from lt_core.losses.spec import Paper, Reading, Recipe, ReducesTo, loss
from lt_core.losses.stable import Knob, softplus
from lt_core.params import Real, Toggle


def _kept(targets: Tensor, common: Tensor) -> tuple[Tensor, Tensor]:
    """Return which cells weigh 1 whatever is drawn (B, C), and the probability rho (B, C) that another one is kept.

    ``common`` (C,) is 0 for rare classes. The others are the negatives of rare classes: kept with the batch's share
    of rare labels among its labels where the image has no finding, never where it has one, always in a batch without
    any label.
    """
    labels = targets.sum()
    rare_share = torch.where(labels > 0, (targets * (1 - common)).sum() / labels.clamp(min=1.0), 1.0)
    background = (targets.sum(dim=1, keepdim=True) <= 0).to(targets.dtype)
    return torch.maximum(targets, common.expand_as(targets)), (background * rare_share).expand_as(targets)


def _draw(
    targets: Tensor,
    generator: torch.Generator | None,
    *,
    counts: Tensor,
    n_samples: Tensor,
    threshold: Knob,
    **_: Any,
) -> State:
    """Return the weights ``keep`` (B, C) in {0, 1}: every cell is drawn for itself."""
    always, rho = _kept(targets, negatives_count(counts=counts, n_samples=n_samples, threshold=threshold))
    where = targets.device if generator is None else generator.device
    chance = torch.rand(targets.shape, generator=generator, device=where, dtype=targets.dtype).to(targets.device)
    return {"keep": torch.maximum(always, (chance < rho).to(targets.dtype))}


@loss(
    title="DropLoss",
    family="re-balancing",
    labels="multi",
    formula=r"\begin{gathered}"
    r"w\,\mathrm{BCE}(z,y),\quad w=1-D\,(1-y),\quad D=0\ \text{ if }\ n_c/N\geq \lambda\\"
    r"\text{else}\quad D=\begin{cases}1&\text{the image has a finding}\\"
    r"1\text{ with probability }1-\rho&\text{it has none}\end{cases},\quad "
    r"\rho=\frac{\text{labels of rare classes in the batch}}{\text{labels in the batch}}"
    r"\end{gathered}",
    paper=Paper(
        "Hsieh et al.",
        "DropLoss for Long-Tail Instance Segmentation",
        "AAAI",
        2021,
        "https://arxiv.org/abs/2104.06402",
    ),
    authors_reduction="batch",
    reduces_to=(ReducesTo("bce", at={"threshold": 0.0}),),
    readings=(
        Reading(
            "weight of negatives",
            r"w",
            negatives_count,
            help="What a negative of the class weighs in an image with a finding; in one without any it is kept with "
            "probability ρ if the class is rare, and weighs 1 if not.",
        ),
    ),
    draw=_draw,
    extension="Made for object proposals with one class each. That an image with a finding is foreground, and ρ a "
    "share of labels, is our reading for several labels an image; with one label an image it is the authors'. The "
    "mean over the drops is ours too.",
    what="Equalization loss that also spares rare classes most of the images without any finding, by chance: the "
    "fewer rare labels a batch has, the more of them.",
    when="Most images have no finding, and they push the rare classes down.",
    watch="It is random; with expected on, every drop is replaced by its mean, which gives the same gradient on "
    "average and less noise. A batch without rare labels teaches rare classes nothing at all. The authors' "
    "threshold of 0.00177 is made for LVIS.",
    trained_with=(
        Recipe(
            {"schedule": "step"},
            "The rate is divided by 10 after 60,000 and 80,000 of 90,000 steps.",
            "their code, projects/DropLoss_v1/configs",
        ),
    ),
)
def droploss(
    logits: Tensor,
    targets: Tensor,
    *,
    counts: Tensor,
    n_samples: Tensor,
    keep: Tensor | None = None,
    threshold: Annotated[
        Knob, Real(0, 0.5, step=0.01, tex=r"\lambda", help="Share of training images below which a class is rare.")
    ] = 0.05,
    expected: Annotated[  # noqa: ARG001 - whoever calls reads it: off, there is a draw
        bool, Toggle(help="The mean over the random drops. Off: drops are drawn anew for every batch.")
    ] = True,
) -> Tensor:
    """Return the (B, C) loss of ``targets`` in {0, 1} given ``logits``.

    ``keep`` (B, C) are the weights that were drawn, 1 for positives; without it the loss is the mean over the draws.
    ``counts`` (C,) are the training positives, at least 1, ``n_samples`` the number of training images.
    An image none of whose known labels is there counts as one without any finding.
    """
    if keep is None:
        always, rho = _kept(targets, negatives_count(counts=counts, n_samples=n_samples, threshold=threshold))
        keep = torch.maximum(always, rho)
    return keep * (targets * softplus(-logits) + (1 - targets) * softplus(logits))
