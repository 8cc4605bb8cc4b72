"""The median stopping rule is Optuna's."""

from __future__ import annotations

import numpy as np
import optuna
import pytest

from lt_core.sweeps import Done
from lt_core.sweeps.trials import median_floors, prunes

EPOCHS = 6


def optuna_prunes(curves: list[list[float | None]], curve: list[float | None], metric: str) -> list[bool]:
    """Return what Optuna's median pruner says after each epoch of ``curve``, given finished ``curves``."""
    direction = "minimize" if metric == "val_loss" else "maximize"
    pruner = optuna.pruners.MedianPruner(n_startup_trials=3)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction=direction, pruner=pruner)  # type: ignore[arg-type]
    for known in curves:
        steps = {i + 1: v for i, v in enumerate(known) if v is not None}
        study.add_trial(optuna.trial.create_trial(value=0.0, intermediate_values=steps))
    trial = study.ask()
    said = []
    for epoch, value in enumerate(curve, start=1):
        trial.report(float("nan") if value is None else value, epoch)
        said.append(trial.should_prune())
    return said


@pytest.mark.parametrize("metric", ["ap_macro", "val_loss"])
@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_the_median_rule_is_that_of_optuna(metric: str, n: int) -> None:
    rng = np.random.default_rng([n, len(metric)])
    for _ in range(40):
        curves = rng.random((n, EPOCHS)).round(1).tolist()
        curve = rng.random(EPOCHS).round(1).tolist()
        done = [Done(str(i), i, {}, 0, "finished", 0.5, curve=tuple(c)) for i, c in enumerate(curves)]
        floors = median_floors(done, EPOCHS, startup=3)
        ours = [prunes(curve[: epoch + 1], floors, metric) for epoch in range(EPOCHS)]
        assert ours == optuna_prunes(curves, curve, metric)


def test_only_trials_that_went_to_the_end_set_the_floor() -> None:
    states = ("finished", "pruned", "failed", "stopped")
    done = [Done(s, i, {}, 0, s, curve=(float(i),) * 2) for i, s in enumerate(states)]  # type: ignore[arg-type]
    assert median_floors(done, 2, startup=1) == (0.0, 0.0)
    assert median_floors(done, 2, startup=2) == ()


def test_a_trial_whose_metric_is_not_defined_yet_goes_on() -> None:
    assert not prunes([None], (0.5,), "ap_macro")
    assert prunes([None, 0.4], (0.5, 0.5), "ap_macro")
    assert not prunes([0.4], (None,), "ap_macro")
