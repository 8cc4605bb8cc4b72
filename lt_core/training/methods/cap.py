"""CAP: class-aware pseudo-labels (Xie et al., 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.losses.parts import Paper, Recipe
from lt_core.losses.pseudo_labels import FORMS, class_aware_pseudo_labels
from lt_core.params import Real
from lt_core.training.methods.declare import method
from lt_core.training.methods.hooks import Method, Seen, Where, take
from lt_core.training.methods.logits import logits_of
from lt_core.training.methods.unlabelled import PART, augmented, drawn_rows, shares_of

if TYPE_CHECKING:
    from lt_core.training.job import Job

UNKNOWN = -1


@method(
    key="cap",
    title="CAP, class-aware pseudo-labels",
    family="semi-supervised",
    formula=r"\hat y_{ic}=\big[z_{ic}\ge z_{(\lfloor\gamma_c N\rfloor),c}\big],\qquad "
    r"L=L_{\text{labelled}}+w\sum_{i,c}m_{ic}\,\ell(z_{ic},\hat y_{ic})",
    paper=Paper(
        "Xie et al.",
        "Class-Distribution-Aware Pseudo-Labeling for Semi-Supervised Multi-Label Learning",
        "NeurIPS",
        2023,
        "https://arxiv.org/abs/2305.02795",
    ),
    needs=frozenset({"unlabelled"}),
    calls_loss=True,
    experimental=False,
    assumed="Thresholds and masks are those of the paper and its code, checked against it. How often they are found "
    "anew (before each epoch), how long only labelled images are seen, and the unlabelled images a step are ours.",
    what="Labels the unlabelled images so that each class is as frequent among them as among the labelled ones.",
    when="Few images are labelled, many are not, and both come from the same place: then the shares agree.",
    watch="Where the unlabelled images are of other patients or another clinic, the shares are wrong and so are the "
    "labels. A class with fewer positives than one in the unlabelled images gets none. The scores are those of the "
    "averaged weights where ema is on, as in the paper.",
    trained_with=(
        Recipe(
            {"loss": "asl", "gamma_neg": 4.0, "gamma_pos": 0.0, "clip": 0.05, "reduction": "sum"},
            "The asymmetric loss on labelled and pseudo-labelled images, both summed.",
            "their code, run_CAP.py (milkxie/CAP)",
        ),
    ),
)
@dataclass(kw_only=True, eq=False)
class Cap(Method):
    """Pseudo-labels of all unlabelled images, found before each epoch: int8 (N, C), 1, 0 or -1 for not trusted."""

    positive: Annotated[float, Real(0.05, 1, step=0.05, help="Part of each class's pseudo-positives trusted.")] = 1.0
    negative: Annotated[float, Real(0.05, 1, step=0.001, help="Part of each class's pseudo-negatives trusted.")] = 0.998
    weight: Annotated[float, Real(0, 5, tex="w", help="What the loss on pseudo-labels counts for.")] = 1.0
    ratio: Annotated[float, Real(0.25, 8, step=0.25, help="Unlabelled images a step for each labelled one.")] = 1.0
    begin_at: Annotated[
        float, Real(0, 0.95, step=0.05, help="Part of the epochs, one at least, with labelled images only.")
    ] = 0.4
    form: Annotated[str, FORMS] = "paper"
    labels: Tensor = field(init=False)
    _rows: NDArray[np.intp] | None = field(init=False, default=None)

    def begin(self, job: Job) -> None:
        """Begin without pseudo-labels."""
        self.labels = torch.full(job.part(PART).labels.shape, UNKNOWN, dtype=torch.int8, device=job.device)

    def begun(self, job: Job, epoch: int) -> bool:
        """Return whether ``epoch`` (from 1) has pseudo-labels."""
        return epoch > max(1, round(self.begin_at * job.config.epochs))

    def before_epoch(self, job: Job, epoch: int) -> None:
        """Find the pseudo-labels of every unlabelled image by the model of now."""
        if not self.begun(job, epoch):
            return
        pseudo, trusted = class_aware_pseudo_labels(
            logits_of(job, PART, np.arange(len(self.labels))),
            shares_of(job.train.labels).tolist(),
            positive=self.positive,
            negative=self.negative,
            form=self.form,
        )
        self.labels = torch.where(trusted, pseudo, UNKNOWN).to(torch.int8)

    def images(self, job: Job, rows: NDArray[np.intp], where: Where) -> Tensor | None:
        """Return the step's unlabelled images, augmented."""
        self._rows = None
        if not self.begun(job, where[0]) or not self.weight:
            return None
        self._rows = drawn_rows(job, max(1, round(self.ratio * len(rows))), where)
        return augmented(job, self._rows, where)

    def extra_loss(self, job: Job, seen: Seen) -> Tensor | None:
        """Return the run's loss on the trusted pseudo-labels, times ``weight``."""
        if self._rows is None:
            return None
        labels = self.labels[torch.from_numpy(self._rows).to(job.device)].float()
        labels = torch.where(labels == UNKNOWN, torch.nan, labels)
        return self.weight * cast(Tensor, job.criterion(seen.beside, labels, **job.draw))

    def state(self) -> dict[str, Tensor]:
        """Return the pseudo-labels of this epoch."""
        return {"labels": self.labels}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back the pseudo-labels of the epoch under way."""
        self.labels = take(self.labels, tensors, "labels")
