"""Which epoch is the best, and when to wait no longer for a better one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lt_core.problems import Invalid

LOWER_IS_BETTER = frozenset({"val_loss", "train_loss"})


@dataclass
class Best:
    """The best epoch by ``metric`` of the stage under way; a mutable record, JSON both ways.

    ``val_loss`` is better lower, every other metric higher. Of equal epochs the earlier stays the best. ``patience`` is
    how many epochs in a row may bring no improvement before it is time to stop; 0 is no limit.
    """

    metric: str
    patience: int = 0
    epoch: int | None = None
    """The best epoch; None before the first."""
    value: float | None = None
    """Its score; None where no epoch had one."""
    waited: int = 0
    """Epochs since the last improvement."""

    def __post_init__(self) -> None:
        if self.patience < 0:
            raise Invalid(f"patience must be 0 (no limit) or a number of epochs, got {self.patience}")

    def tell(self, epoch: int, scores: Mapping[str, float | None], *, anew: bool = False) -> tuple[bool, bool]:
        """Return whether ``epoch`` is the best so far, and whether to stop.

        ``anew``: it is the first of a stage, and is the best of it whatever came before. What is reported of LDAM-DRW
        has thus been re-weighted, and a re-trained classifier is one, even where an earlier epoch scored higher.

        A score that is None or NaN (not defined) wins nothing. Only the first epoch told is kept without one, so that
        there is always an epoch to report; the first with a score replaces it. Raises ``Invalid`` where ``scores`` does
        not name the metric at all.
        """
        if self.metric not in scores:
            raise Invalid(f"no score is called {self.metric!r}: there are {', '.join(sorted(scores))}")
        value = scores[self.metric]
        if value is not None and value != value:
            value = None
        if anew or self.epoch is None or (value is not None and self._better(value)):
            self.epoch, self.value, self.waited = epoch, value, 0
            return True, False
        self.waited += 1
        return False, 0 < self.patience <= self.waited

    def _better(self, value: float) -> bool:
        if self.value is None:
            return True
        return value < self.value if self.metric in LOWER_IS_BETTER else value > self.value

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object that ``from_json`` turns back into this state."""
        return {name: getattr(self, name) for name in ("metric", "patience", "epoch", "value", "waited")}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Best:
        """Return the state that ``as_json`` wrote."""
        return cls(**entry)
