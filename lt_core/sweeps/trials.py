"""A trial: one ordinary run of a plan, before (``Trial``) and after (``Done``)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from lt_core.params import Value
from lt_core.training.config import RunConfig

TrialState: TypeAlias = Literal["finished", "pruned", "failed", "stopped"]
Curve: TypeAlias = tuple[float | None, ...]
"""The plan's metric on validation after each epoch; None where it is not defined."""

METRICS = ("ap_macro", "ap_tail", "f1_macro", "f1_tail", "val_loss")


@dataclass(frozen=True)
class Trial:
    """A run to be made: ``key`` is its folder's name and unique in the plan, ``number`` that of its setting.

    ``floors`` are, per epoch from the first, what its best value so far must reach to go on; empty: no pruning.
    """

    key: str
    number: int
    setting: dict[str, Value]
    config: RunConfig
    step: str = "search"
    metric: str = "ap_macro"
    floors: Curve = ()

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object that ``from_json`` turns back."""
        return {
            "key": self.key,
            "number": self.number,
            "setting": dict(self.setting),
            "config": self.config.as_json(),
            "step": self.step,
            "metric": self.metric,
            "floors": list(self.floors),
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Trial:
        """Return the trial that ``as_json`` wrote."""
        config, floors = RunConfig.from_json(entry["config"]), tuple(entry["floors"])
        return cls(**{**entry, "config": config, "floors": floors})


@dataclass(frozen=True)
class Done:
    """A run that was made; ``value`` is the metric on validation at the reported epoch, None where there is none.

    ``seconds`` is how long it took, ``error`` why it failed.
    """

    key: str
    number: int
    setting: dict[str, Value]
    seed: int
    state: TrialState
    value: float | None = None
    step: str = "search"
    curve: Curve = ()
    epoch: int | None = None
    seconds: float | None = None
    error: str | None = field(default=None)

    def as_json(self) -> dict[str, Any]:
        """Return the line of ``trials.jsonl``, without event and time."""
        return {**self.__dict__, "setting": dict(self.setting), "curve": list(self.curve)}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Done:
        """Return the result that ``as_json`` wrote; what else is in the line is left out."""
        values = {name: entry[name] for name in cls.__dataclass_fields__ if name in entry}
        return cls(**{**values, "curve": tuple(entry.get("curve", ()))})


def sign(metric: str) -> float:
    """Return 1 where more is better, -1 where less is."""
    return -1.0 if metric == "val_loss" else 1.0


def best_so_far(curve: Sequence[float | None], metric: str) -> float | None:
    """Return the best defined value of a curve."""
    known = [value for value in curve if value is not None and math.isfinite(value)]
    return (min if metric == "val_loss" else max)(known) if known else None


def prunes(curve: Sequence[float | None], floors: Sequence[float | None], metric: str) -> bool:
    """Whether a trial ends after the last epoch of ``curve``: its best value so far is worse than that epoch's floor.

    A trial without a defined value yet goes on.
    """
    if not curve or len(curve) > len(floors) or (floor := floors[len(curve) - 1]) is None:
        return False
    best = best_so_far(curve, metric)
    return best is not None and sign(metric) * best < sign(metric) * floor


def median_floors(done: Sequence[Done], epochs: int, *, startup: int = 5) -> Curve:
    """Return, per epoch, the median over finished trials of their values there; empty before ``startup`` of them.

    The median stopping rule (Golovin et al., Google Vizier, KDD 2017) as Optuna's ``MedianPruner`` has it. As the
    floors are known before a trial begins, they are the same wherever and in whatever company it runs.
    """
    finished = [trial for trial in done if trial.state == "finished"]
    if len(finished) < max(1, startup):
        return ()
    floors: list[float | None] = []
    for epoch in range(epochs):
        column = sorted(v for t in finished if epoch < len(t.curve) and (v := t.curve[epoch]) is not None)
        middle = len(column) // 2
        floors.append(None if not column else (column[middle] + column[-1 - middle]) / 2)
    return tuple(floors)
