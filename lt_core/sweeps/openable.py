"""The runs of a sweep that can be looked at like any other, and one of each loss to stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lt_core.sweeps.compare_plan import ComparePlan
from lt_core.sweeps.folder import Sweep
from lt_core.sweeps.results import plan_of
from lt_core.sweeps.trials import Done, sign
from lt_core.training.folder.store import Run


@dataclass(frozen=True)
class TrialRun:
    """A run of a sweep with what came of it; it has predictions, and weights unless somebody took them away."""

    run: Run
    result: Done

    @property
    def tuning(self) -> bool:
        """Whether it was only made to choose a learning rate: fewer epochs, one seed, not in the table."""
        return self.result.step == "tune"


def trial_runs(sweep: Sweep) -> list[TrialRun]:
    """Return the runs that have predictions, those that count first.

    Of a comparison seed by seed in the order of its losses, and after them the tuning runs; of a search the best value
    first, as ``Sweep.table`` has it. Raises ``Problem`` for a plan that cannot be read.
    """
    found = [TrialRun(Run(sweep.folder_of(result.key)), result) for result in sweep.done()]
    found = [entry for entry in found if any(entry.run.path.glob("predictions-*.npz"))]
    plan = sweep.plan
    if isinstance(plan, ComparePlan):
        return sorted(found, key=lambda entry: (entry.tuning, entry.result.seed, entry.result.number))
    return sorted(found, key=lambda entry: _rank(entry.result, plan.metric))


def has_openable(sweep: Sweep) -> bool:
    """Return whether any run of the sweep has predictions, without reading its plan."""
    return any((sweep.path / "trials").glob("*/predictions-*.npz"))


def seeds_of(runs: Sequence[TrialRun]) -> list[int]:
    """Return the seeds of the runs that count, those first that most losses have."""
    seeds = [entry.result.seed for entry in runs if not entry.tuning]
    return sorted(set(seeds), key=lambda seed: (-seeds.count(seed), seed))


def one_each(sweep: Sweep, runs: Sequence[TrialRun], seed: int | None = None) -> dict[str, Run]:
    """Return a run of each loss of a comparison by its label, the reference first, then in the plan's order.

    ``seed`` gives that seed's runs, which had the same parts, first weights and order of images; None gives the run of
    each loss that is best on validation, by the plan's metric. A loss without such a run is left out. Raises
    ``Problem`` for a search.
    """
    plan = plan_of(sweep)
    found: dict[str, Run] = {}
    for label in (plan.reference, *(label for label in plan.labels if label != plan.reference)):
        own = [entry for entry in runs if not entry.tuning and entry.result.setting.get("candidate") == label]
        own = [entry for entry in own if seed is None or entry.result.seed == seed]
        if own:
            found[label] = min(own, key=lambda entry: _rank(entry.result, plan.metric)).run
    return found


def _rank(result: Done, metric: str) -> tuple[bool, float, int, int]:
    """Order by value, best first; what is not defined comes last, equals go by setting and seed."""
    value = result.value
    known = value is not None and value == value
    return not known, -sign(metric) * value if known and value is not None else 0.0, result.number, result.seed
