"""The class counts a loss is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Invalid


@dataclass(frozen=True, eq=False)
class ClassPrior:
    """Positive counts per class, (C,), among ``n_samples`` training images.

    ``propensities`` (C,), in (0, 1], is the chance that a true label was written down; None means unknown,
    and losses that need it derive it (Jain et al., 2016). ``class_names`` is for display only.
    """

    positives: NDArray[np.float64]
    n_samples: int
    propensities: NDArray[np.float64] | None
    class_names: tuple[str, ...]

    def __init__(
        self,
        positives: Sequence[float] | NDArray[np.floating] | NDArray[np.integer],
        n_samples: int,
        propensities: Sequence[float] | NDArray[np.floating] | None = None,
        class_names: Sequence[str] = (),
    ) -> None:
        counts = np.asarray(positives, dtype=np.float64)
        if counts.ndim != 1 or not counts.size:
            raise Invalid(f"ClassPrior.positives must be one count per class, got shape {counts.shape}")
        if not np.isfinite(counts).all() or (counts < 0).any() or (counts > n_samples).any():
            raise Invalid(f"ClassPrior.positives must be in [0, n_samples = {n_samples}], got {counts.tolist()}")
        rho = None if propensities is None else np.asarray(propensities, dtype=np.float64)
        if rho is not None and (rho.shape != counts.shape or not ((rho > 0) & (rho <= 1)).all()):
            raise Invalid("ClassPrior.propensities must be one number in (0, 1] per class")
        object.__setattr__(self, "positives", counts)
        object.__setattr__(self, "n_samples", int(n_samples))
        object.__setattr__(self, "propensities", rho)
        object.__setattr__(self, "class_names", tuple(class_names))

    @property
    def n_classes(self) -> int:
        """Number of classes C."""
        return len(self.positives)

    @property
    def counts(self) -> NDArray[np.float64]:
        """Positive counts with a class that has no training example counted as 1, (C,)."""
        return np.maximum(self.positives, 1.0)

    @property
    def unseen(self) -> tuple[int, ...]:
        """Classes without a training example, whose count the losses take as 1."""
        return tuple(np.flatnonzero(self.positives == 0).tolist())
