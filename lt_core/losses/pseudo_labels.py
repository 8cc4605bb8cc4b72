"""Class-aware pseudo-labels for images without labels (Xie et al., CAP, NeurIPS 2023, https://arxiv.org/abs/2305.02795).

No loss of its own: the pseudo-labels go into any multi-label loss, with the cells outside the mask as unknown:
``criterion(logits, torch.where(mask, pseudo, torch.nan))``. The authors take ASL (4, 0, 0.05), summed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lt_core.params import Choice
from lt_core.problems import Invalid

FORMS = Choice(
    ("paper", "code"),
    labels=("paper: a class too rare for one image has no positive", "code: there every image is positive"),
    help="The paper's thresholds, or those of the published code with its wrap-around for the rarest classes.",
)


def class_aware_pseudo_labels(
    scores: Tensor,
    shares: Tensor | Sequence[float],
    *,
    positive: float = 1.0,
    negative: float = 0.998,
    form: str = "paper",
) -> tuple[Tensor, Tensor]:
    """Return pseudo-labels in {0, 1} and the mask of the trusted ones (bool), both (N, C).

    ``scores`` (N, C) are logits or probabilities of the unlabelled images (of an averaged model, as a rule); ``shares``
    (C,) in [0, 1] is each class's share among the labelled images. A class keeps that share: the floor(share N)
    highest scores are positive. Trusted are the ``positive`` part of those and the ``negative`` part of the others,
    both in (0, 1], from the ends of the order; ties at a threshold go in.

    Where floor(share N) is 0 no image is positive. The published code wraps around to the lowest score there and
    calls every image positive and trusts it: for the rarest classes, which a long tail is about. ``form="code"`` does
    so too, to repeat its numbers.
    """
    share = torch.as_tensor(shares, dtype=torch.float64)
    if scores.ndim != 2 or share.shape != scores.shape[1:]:
        raise Invalid(f"shares must be one number per class of scores {tuple(scores.shape)}, got {tuple(share.shape)}")
    if not ((share >= 0) & (share <= 1)).all():
        raise Invalid(f"shares must be in [0, 1], got {share.tolist()}")
    for name, part in {"positive": positive, "negative": negative}.items():
        if not 0 < part <= 1:
            raise Invalid(f"{name} must be in (0, 1], got {part:g}")
    FORMS.check("form", form)
    wraps = form == "code"
    pseudo = _top(scores, share, wraps)
    trusted = _top(scores, share * positive, wraps) | _top(-scores, (1 - share) * negative, wraps)
    return pseudo.to(scores.dtype), trusted


def _top(scores: Tensor, share: Tensor, wraps: bool) -> Tensor:
    """Return which scores are among the floor(share N) highest of their class, (N, C); ties at the end go in.

    ``wraps`` takes index -1, the lowest score, where floor(share N) is 0.
    """
    n = len(scores)
    kept = (share * n).long().clamp(max=n).to(scores.device)
    order = scores.sort(dim=0, descending=True).values
    last = order.gather(0, ((kept - 1) % n if wraps else (kept - 1).clamp(min=0))[None])
    return scores >= last if wraps else (scores >= last) & (kept > 0)
