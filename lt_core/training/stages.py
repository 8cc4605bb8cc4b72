"""What changes in the course of a run: deferred re-weighting, deferred re-sampling, classifier re-training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.problems import Invalid, Unknown

KINDS = ("one", "drw", "drs", "crt")


@dataclass(frozen=True, slots=True)
class Stage:
    """Epochs ``first_epoch`` to ``last_epoch``, from 1 and both included, that are trained in one way.

    ``reweight``: the criterion gets ``drw_weights``. ``head_only``: all but the classifier is frozen, its running
    statistics too. ``reset_head``: the classifier starts from new weights. ``restart_schedule``: warm-up and schedule
    run over this stage alone; without, the schedule of the stage before goes on.
    """

    name: str
    first_epoch: int
    last_epoch: int
    sampler: str
    reweight: bool = False
    head_only: bool = False
    reset_head: bool = False
    restart_schedule: bool = False

    @property
    def epochs(self) -> int:
        """How many epochs it has."""
        return self.last_epoch - self.first_epoch + 1

    def __contains__(self, epoch: int) -> bool:
        return self.first_epoch <= epoch <= self.last_epoch


def stages_of(kind: str, epochs: int, deferred_from: float, sampler: str) -> tuple[Stage, ...]:
    """Return the stages of a run of ``epochs`` epochs, which cover each of them exactly once, in order.

    ``one``: a single stage with ``sampler``. The others have a second stage after the share ``deferred_from`` of the
    epochs, rounded, with at least one epoch on either side:
    ``drw``: class weights in the criterion (deferred re-weighting; Cao et al., 2019, Algorithm 1: after epoch 160 of
    200, a share of 0.8);
    ``drs``: class-aware sampling instead (deferred re-sampling, their ablation);
    ``crt``: only the classifier is trained, from new weights, with class-aware sampling and a schedule of its own
    (Kang et al., 2020, Sec. 4.1).
    Raises ``Invalid`` for one epoch or a share outside (0, 1), where there would be no second or no first stage.
    """
    if kind not in KINDS:
        raise Unknown.of("kind of stages", kind, list(KINDS))
    if epochs < 1:
        raise Invalid(f"epochs must be at least 1, got {epochs}")
    if kind == "one":
        return (Stage("one", 1, epochs, sampler),)
    if epochs < 2:
        raise Invalid(f"stages={kind} has two stages and needs at least 2 epochs: choose epochs=2 or stages=one")
    if not 0 < deferred_from < 1:
        raise Invalid(
            f"stages={kind} begins its second stage after the share deferred_from of the epochs: it must lie between "
            f"0 and 1, got {deferred_from:g}"
        )
    last = min(max(round(epochs * deferred_from), 1), epochs - 1)
    second, end = last + 1, epochs
    if kind == "drw":
        return Stage("plain", 1, last, sampler), Stage("re-weighted", second, end, sampler, reweight=True)
    if kind == "drs":
        return Stage("plain", 1, last, sampler), Stage("re-sampled", second, end, "class-aware")
    head = Stage("classifier", second, end, "class-aware", head_only=True, reset_head=True, restart_schedule=True)
    return Stage("representation", 1, last, sampler), head


def stage_at(stages: tuple[Stage, ...], epoch: int) -> Stage:
    """Return the stage that ``epoch`` (from 1) belongs to."""
    for stage in stages:
        if epoch in stage:
            return stage
    raise Invalid(f"epoch {epoch} is in no stage: there are {stages[-1].last_epoch}")


def drw_weights(counts: ArrayLike, beta: float) -> NDArray[np.float64]:
    """Return the weight of each class (C,) from its training positives: (1 - beta) / (1 - beta^n_c), with the sum C.

    The inverse effective number of images (Cui et al., 2019, Eq. 2), as deferred re-weighting uses it (Cao et al.,
    2019). ``beta`` in [0, 1]: 0 gives 1 for every class, 1 the limit, 1 / n_c. A count below 1 is taken as 1.
    1 - beta^n is -expm1(n log1p(beta - 1)), in which nothing cancels for ``beta`` close to 1.
    """
    if not 0 <= beta <= 1:
        raise Invalid(f"beta of the class weights must be in [0, 1], got {beta:g}")
    n = np.maximum(np.asarray(counts, dtype=np.float64), 1.0)
    if beta == 0:
        return np.ones_like(n)
    rest = 1 - beta
    weights = 1 / n if rest == 0 else -rest / np.expm1(n * np.log1p(-rest))
    return np.asarray(weights / weights.sum() * len(n), dtype=np.float64)


def plain_epochs(stages: Sequence[Stage]) -> int:
    """Return how many epochs the schedule of the whole run covers: up to the first stage with one of its own."""
    return sum(stage.epochs for stage in stages if not stage.restart_schedule)
