"""PercentMatch: thresholds that are running percentiles of the scores of each class (Huang et al., 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.losses.parts import Paper
from lt_core.params import Integer, Real
from lt_core.training.methods.declare import method
from lt_core.training.methods.hooks import Method, Seen, Where, take
from lt_core.training.methods.unlabelled import PART, augmented, drawn_rows, shares_of

if TYPE_CHECKING:
    from lt_core.training.job import Job


def percentiles(scores: Tensor, shares: Tensor) -> Tensor:
    """Return for each class the score (C,) below which the share ``shares`` (C,) in [0, 1] of ``scores`` (n, C) lies.

    Between two scores it is interpolated linearly, as ``numpy.percentile`` does.
    """
    order = scores.sort(dim=0).values
    place = shares.to(scores) * (len(scores) - 1)
    below = place.floor().long()
    low = order.gather(0, below[None])[0]
    high = order.gather(0, (below + 1).clamp(max=len(scores) - 1)[None])[0]
    return torch.lerp(low, high, place - below)


def thresholds(scores: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
    """Return tau+ and tau- (C,): percentiles with about ``positive`` n scores above and ``negative`` n below.

    ``scores`` (n, C) are those seen lately, the shares (C,) in [0, 1]. Where a share is less than one score, the
    threshold is out of reach: a class of one image in a thousand has no positive among a hundred.
    """
    n = len(scores)
    high = torch.where(positive * n >= 1, percentiles(scores, 1 - positive), torch.inf)
    low = torch.where(negative * n >= 1, percentiles(scores, negative), -torch.inf)
    return high, low


def kept_labels(scores: Tensor, high: Tensor, low: Tensor) -> Tensor:
    """Return labels (B, C): 1 where the score reaches tau+, 0 where it is at most tau-, else NaN; NaN where both."""
    up, down = scores >= high, scores <= low
    labels = torch.where(up, 1.0, torch.where(down, 0.0, torch.nan))
    return torch.where(up & down, torch.nan, labels)


@method(
    key="percent_match",
    title="PercentMatch, percentile thresholds",
    family="semi-supervised",
    formula=r"\hat y_{ic}=1\text{ if }p^{\text{weak}}_{ic}\ge\tau^+_c,\quad 0\text{ if }p^{\text{weak}}_{ic}\le"
    r"\tau^-_c;\qquad \tau^\pm_c=\operatorname{percentile}_{\kappa^\pm_c}(p_{\cdot c});\qquad "
    r"L=L_{\text{labelled}}+w(t)\,\ell(z^{\text{strong}},\hat y)",
    paper=Paper(
        "Huang et al.",
        "PercentMatch: Percentile-based Dynamic Thresholding for Multi-Label Semi-Supervised Classification",
        "arXiv",
        2022,
        "https://arxiv.org/abs/2208.13946",
    ),
    needs=frozenset({"unlabelled"}),
    calls_loss=True,
    experimental=True,
    assumed="From the abstract are: one pair of thresholds a class that are percentiles of the scores seen lately, "
    "scores between them ignored, and a weight of the unlabelled loss that changes. Ours are: the percentiles follow "
    "from each class's share among the labelled images, the share kept and the weight grow linearly from 0 over the "
    "first part of the epochs, the window, the weak view (the image as it is) and the strong one (the run's "
    "augmentation).",
    what="Trusts the highest and the lowest scores of each class, by percentile and not by value, and asks the model "
    "to say the same about the augmented image.",
    when="Few images are labelled, many are not, and augmentation is on: a fixed threshold of 0.95 is one that rare "
    "classes never reach.",
    watch="Without augmentation both views are alike, and the model only learns what it says already. In the first "
    "epoch nothing is added.",
)
@dataclass(kw_only=True, eq=False)
class PercentMatch(Method):
    """The scores (W, C) of the last ``window`` weak views, in a ring, and how many were seen in all."""

    positive: Annotated[
        float, Real(0.05, 1, step=0.05, tex=r"\kappa^+", help="Part of each class's share of positives kept.")
    ] = 0.8
    negative: Annotated[
        float, Real(0.05, 1, step=0.05, tex=r"\kappa^-", help="Part of each class's share of negatives kept.")
    ] = 0.8
    weight: Annotated[float, Real(0, 5, tex="w", help="What the loss on kept labels counts for in the end.")] = 1.0
    ramp: Annotated[float, Real(0, 1, step=0.05, help="Part of the epochs over which weight and shares grow.")] = 0.4
    ratio: Annotated[float, Real(0.25, 8, step=0.25, help="Unlabelled images a step for each labelled one.")] = 1.0
    window: Annotated[int, Integer(64, 16384, help="How many of the latest scores the percentiles are of.")] = 2048
    scores: Tensor = field(init=False)
    seen: Tensor = field(init=False)
    _latest: Tensor | None = field(init=False, default=None)
    _shares: Tensor = field(init=False)

    def begin(self, job: Job) -> None:
        """Begin with nothing seen."""
        n_classes = job.train.labels.shape[1]
        self.scores = torch.zeros((self.window, n_classes), device=job.device)
        self.seen = torch.zeros((), dtype=torch.int64)
        self._shares = torch.from_numpy(shares_of(job.train.labels)).to(job.device, torch.float32)

    def grown(self, job: Job, epoch: int) -> float:
        """Return how far weight and shares have grown in ``epoch`` (from 1), in [0, 1]."""
        over = self.ramp * job.config.epochs
        return min(1.0, (epoch - 1) / over) if over else 1.0

    def images(self, job: Job, rows: NDArray[np.intp], where: Where) -> Tensor | None:
        """Return the weak views of the step's unlabelled images, then their strong ones."""
        chosen = drawn_rows(job, max(1, round(self.ratio * len(rows))), where)
        return torch.cat([job.feeds[PART].batch(chosen), augmented(job, chosen, where)])

    def extra_loss(self, job: Job, seen: Seen) -> Tensor | None:
        """Return the run's loss of the strong views on the labels that the weak ones are sure of."""
        weak, strong = seen.beside.chunk(2)
        self._latest = torch.sigmoid(weak.detach().float())
        grown, filled = self.grown(job, seen.epoch), min(int(self.seen), self.window)
        if not filled or not grown or not self.weight:
            return None
        high, low = thresholds(
            self.scores[:filled], grown * self.positive * self._shares, grown * self.negative * (1 - self._shares)
        )
        labels = kept_labels(self._latest, high, low)
        return grown * self.weight * cast(Tensor, job.criterion(strong, labels, **job.draw))

    def after_step(self) -> None:
        """Take the scores of this step's weak views into the window, in place of the oldest."""
        if self._latest is None:
            return
        latest = self._latest[-self.window :]
        places = (int(self.seen) + torch.arange(len(latest), device=latest.device)) % self.window
        self.scores[places] = latest
        self.seen += len(latest)
        self._latest = None

    def state(self) -> dict[str, Tensor]:
        """Return the window."""
        return {"scores": self.scores, "seen": self.seen}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the window back."""
        self.scores = take(self.scores, tensors, "scores").clone()
        self.seen = take(self.seen, tensors, "seen").clone()
