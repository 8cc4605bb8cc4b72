"""Search by Optuna: settings that are likely good, given those that were tried; and which axis mattered.

Optuna's study is made anew from the results each time it is asked, with a sampler seeded by the plan and the number
of the setting. So the answer depends on nothing else: a sweep can be stopped, continued and moved to another machine.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from lt_core.params import Integer, Value
from lt_core.sweeps.axes import Axis, Setting
from lt_core.sweeps.space import active
from lt_core.sweeps.trials import Done, best_so_far, sign

if TYPE_CHECKING:
    import optuna

    from lt_core.sweeps.plan import SweepPlan


def suggest(plan: SweepPlan, number: int, known: Sequence[Done]) -> Setting:
    """Return setting ``number`` of a TPE search (Bergstra et al., NeurIPS 2011) after the results ``known``."""
    import optuna

    seed = int(np.random.default_rng([plan.search_seed, number]).integers(2**31))
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(plan.startup, 1))
    trial = study_of(plan, known, sampler).ask()
    chosen: Setting = {}
    for axis in sorted(plan.space.axes, key=lambda axis: axis.name != "loss"):  # the others depend on the loss
        if active(axis.name, plan.space.loss_of(chosen)):
            chosen[axis.name] = _ask(trial, axis, plan.space.domain(axis.name))
    return {axis.name: chosen[axis.name] for axis in plan.space.axes if axis.name in chosen}


def _ask(trial: optuna.Trial, axis: Axis, domain: Any) -> Value:
    if axis.values:
        return cast(Value, trial.suggest_categorical(axis.name, axis.values))
    low, high = axis.ends
    if isinstance(domain, Integer):
        return trial.suggest_int(axis.name, int(low), int(high), log=bool(axis.log))
    return trial.suggest_float(axis.name, low, high, log=bool(axis.log))


def distribution(axis: Axis, domain: Any) -> optuna.distributions.BaseDistribution:
    """Return an axis in Optuna's words."""
    from optuna import distributions as of

    if axis.values:
        return of.CategoricalDistribution(axis.values)
    low, high = axis.ends
    if isinstance(domain, Integer):
        return of.IntDistribution(int(low), int(high), log=bool(axis.log))
    return of.FloatDistribution(low, high, log=bool(axis.log))


def study_of(
    plan: SweepPlan, known: Sequence[Done], sampler: optuna.samplers.BaseSampler | None = None
) -> optuna.Study:
    """Return an Optuna study in memory that has seen ``known``, one trial a setting: means over its seeds.

    A setting that failed (diverged) is told as pruned without a value: Optuna takes that for the worst, and keeps off.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    direction: Literal["maximize", "minimize"] = "maximize" if sign(plan.metric) > 0 else "minimize"
    study = optuna.create_study(direction=direction, sampler=sampler)
    space = {axis.name: distribution(axis, plan.space.domain(axis.name)) for axis in plan.space.axes}
    by_number: dict[int, list[Done]] = {}
    for result in known:
        by_number.setdefault(result.number, []).append(result)
    for number in sorted(by_number):
        study.add_trial(_frozen(by_number[number], space, plan.metric))
    return study


def _frozen(runs: Sequence[Done], space: dict[str, Any], metric: str) -> optuna.trial.FrozenTrial:
    import optuna

    setting = runs[0].setting
    values = [run.value for run in runs if run.state in ("finished", "stopped")]
    whole = len(values) == len(runs) and None not in values
    shared = min(len(run.curve) for run in runs) if all(run.state != "failed" for run in runs) else 0
    steps: dict[int, float] = {}
    for epoch in range(1, shared + 1):
        column = [best_so_far(run.curve[:epoch], metric) for run in runs]
        known = [value for value in column if value is not None]
        if len(known) == len(runs):
            steps[epoch] = float(np.mean(known))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's word on experimental arguments
        return optuna.trial.create_trial(
            state=optuna.trial.TrialState.COMPLETE if whole else optuna.trial.TrialState.PRUNED,
            value=float(np.mean([value for value in values if value is not None])) if whole else None,
            params={name: value for name, value in setting.items() if name in space},
            distributions={name: space[name] for name in setting if name in space},
            intermediate_values=steps,
        )


def importances(plan: SweepPlan, known: Sequence[Done]) -> dict[str, float]:
    """Return how much of the metric's variance each axis explains, largest first, together 1; empty where untold.

    fANOVA (Hutter et al., ICML 2014) over the settings that were trained to the end; it wants two of them or more that
    differ in value. An axis that only some losses have is left out.
    """
    import optuna

    study = study_of(plan, known)
    finished = [trial for trial in study.trials if trial.value is not None]
    if len(finished) < 2 or len({trial.value for trial in finished}) < 2:
        return {}
    shared = [axis.name for axis in plan.axes if all(axis.name in trial.params for trial in finished)]
    moved = [name for name in shared if len({trial.params[name] for trial in finished}) > 1]
    if not moved:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=plan.search_seed)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator, params=moved)
    return {name: float(share) for name, share in found.items()}
