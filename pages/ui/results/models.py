"""The models that the Results page looks at: runs of ours, or predictions from files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation import Scored
from lt_core.evaluation.recalibrated import Recalibrated
from lt_core.evaluation.scored_file import ScoredFile
from lt_core.training import Run
from lt_core.training.recalibrating import adjusted_in_training

LETTERS = "ABCDEF"
GROUP_RULE = "relative"
"""How head, medium and tail of the classes of a file are told apart."""
MOST = len(LETTERS)
"""How many models can stand side by side."""


@dataclass(frozen=True, eq=False)
class Model:
    """One model: its predictions on the part that is looked at (``scored``) and, where there are some, on validation.

    ``groups`` (C,) are head, medium and tail of its classes, ``positives`` (C,) their training counts (None where they
    are not known), ``n_train`` the number of training images. ``key`` changes whenever the predictions do: caches are
    keyed by it. ``run`` is None for predictions from a file; ``truth`` is the file, folder or built-in set that these
    were held against, where there is one, and ``read`` says how they were read. ``calibrated`` says how the
    probabilities were calibrated, None where they are the model's.
    """

    letter: str
    name: str
    key: str
    scored: Scored
    validation: Scored | None = None
    groups: tuple[str, ...] | None = None
    positives: NDArray[np.int64] | None = None
    n_train: int | None = None
    run: Run | None = None
    truth: str | None = None
    read: ScoredFile | None = None
    calibrated: Recalibrated | None = None

    @property
    def title(self) -> str:
        """The letter and the name."""
        return f"{self.letter} · {self.name}"

    @property
    def order(self) -> list[int]:
        """Class numbers from head to tail: by training counts, or by positives where those are not known."""
        counts = self.positives if self.positives is not None else (self.scored.targets == 1).sum(axis=0)
        return [int(c) for c in np.argsort(-np.asarray(counts, dtype=float), kind="stable")]

    @property
    def adjusted_in_training(self) -> str:
        """Why post-hoc logit adjustment would correct this model a second time; "" where nothing says so."""
        return "" if self.run is None else adjusted_in_training(self.run.config)

    @property
    def about(self) -> dict[str, Any]:
        """What a report says about where the model comes from."""
        if self.run is None:
            truth = Path(self.truth).name if self.truth else "in the same file"
            if self.read is None:
                return {"predictions": self.name, "truth": truth}
            groups = f"by the counts of {self.read.counted}; the rule is {GROUP_RULE}"
            return {"predictions": self.read.scored.title or self.name, "truth": truth, "groups": groups}
        return {"run": self.run.key, "config": self.run.config.as_json(), "data": self.run.dataset_card}
