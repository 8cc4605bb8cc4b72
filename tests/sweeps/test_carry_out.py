"""A sweep makes every run of its plan once, whatever comes between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from time import sleep
from types import SimpleNamespace

import pandas as pd
import pytest

from lt_core.problems import Problem
from lt_core.sweeps import (
    Axis,
    ComparePlan,
    InProcess,
    Sweep,
    SweepPlan,
    Trainer,
    carry_out,
    find_sweep,
    in_words,
    open_sweep,
    sweeps,
)
from lt_core.sweeps.searched import importance_table, parallel_table, settings_of
from lt_core.training import Run, RunConfig, runs
from lt_core.training.folder.events import Event
from tests.sweeps.fake_training import FAKE, begin, go_on, quality

Make = Callable[..., SweepPlan]
Carry = Callable[..., tuple[Sweep, list[Event]]]
PLANS: dict[str, dict[str, object]] = {
    "random": {},
    "grid": {"search": "grid", "trials": 0},
    "tpe, pruned, two at once": {"search": "tpe", "prune": True, "at_once": 2, "startup": 3},
    "random, pruned, two seeds": {"prune": True, "seeds": (0, 5), "startup": 2},
}
AXES = (Axis("learning_rate", low=1e-4, high=0.5, points=4), Axis("loss.gamma_neg", low=0, high=8, points=3))


def without_time(sweep: Sweep) -> pd.DataFrame:
    return sweep.table().drop(columns="seconds")


def test_every_trial_is_an_ordinary_run(search: Make, done: Carry) -> None:
    sweep, _ = done(search())
    found = sweep.runs()
    assert len(found) == 12
    assert {run.path for run in runs(sweep.path / "trials")} == {run.path for run in found}
    assert all(run.state == "finished" for run in found)
    assert len({run.name for run in found}) == 12
    by_key = sweep.table().set_index("key")
    for run in found:
        assert by_key["value"].loc[run.path.name] == quality(run.config, 4)
        assert by_key["learning_rate"].loc[run.path.name] == run.config.learning_rate


def test_a_grid_makes_every_combination_with_every_seed_once(search: Make, done: Carry) -> None:
    sweep, _ = done(search(*AXES, search="grid", trials=0, seeds=(0, 1)))
    made = sorted((r.config.learning_rate, r.config.loss_values["gamma_neg"], r.config.seed) for r in sweep.runs())
    rates, gammas = sweep.plan.axes[0].grid(None), sweep.plan.axes[1].grid(None)  # type: ignore[union-attr, arg-type]
    assert made == sorted(product(rates, gammas, (0, 1)))


@pytest.mark.parametrize("options", PLANS.values(), ids=PLANS)
def test_a_sweep_stopped_anywhere_and_continued_is_the_same_sweep(
    search: Make, done: Carry, tmp_path: Path, options: dict[str, object]
) -> None:
    plan = search(*AXES, **options)
    whole, _ = done(plan, "whole")
    broken = open_sweep(plan, tmp_path / "broken")
    for patience in (3, 9, 14, 2, 21):  # events until it is told to stop
        looks = iter(range(patience))
        list(carry_out(broken, InProcess(FAKE), should_stop=lambda looks=looks: next(looks, None) is None))
        assert broken.state == "stopped"
    assert list(carry_out(broken, InProcess(FAKE)))[-1]["event"] == "sweep_finished"
    pd.testing.assert_frame_equal(
        without_time(broken).sort_values("key", ignore_index=True),
        without_time(whole).sort_values("key", ignore_index=True),
    )


def test_a_driver_that_dies_loses_nothing(search: Make, done: Carry, tmp_path: Path) -> None:
    plan = search()
    whole, _ = done(plan, "whole")
    broken = open_sweep(plan, tmp_path / "broken")
    events = carry_out(broken, InProcess(FAKE))
    for _ in range(22):
        next(events)
    events.close()  # in the middle of a trial
    assert any(run.state == "interrupted" for run in broken.runs())
    trained: list[str] = []

    def counted(config: RunConfig, folder: Path, **asked: Callable[[], bool]) -> Iterator[Event]:
        trained.append(folder.name)
        return begin(config, folder, **asked)  # type: ignore[arg-type]

    before = {run.path.name for run in broken.runs()}
    list(carry_out(broken, InProcess(Trainer(counted, go_on))))  # type: ignore[arg-type]
    assert not before & set(trained), "what was begun is gone on with"
    pd.testing.assert_frame_equal(without_time(broken), without_time(whole))


def test_a_run_that_ended_while_nobody_listened_is_not_made_again(search: Make, done: Carry) -> None:
    sweep, _ = done(search())
    lines = (sweep.path / "trials.jsonl").read_text().splitlines()
    (sweep.path / "trials.jsonl").write_text("\n".join(lines[:4]) + "\n")  # the disk lost the rest
    idle = Trainer(lambda *a, **k: pytest.fail("trained again"), lambda *a, **k: pytest.fail("trained again"))
    list(carry_out(sweep, InProcess(idle)))  # type: ignore[arg-type]
    assert sweep.state == "finished"
    assert len(sweep.done()) == 12


def test_a_finished_sweep_has_nothing_left_to_do(search: Make, done: Carry) -> None:
    plan = search()
    sweep, _ = done(plan)
    before = (sweep.path / "trials.jsonl").read_bytes()
    assert [entry["event"] for entry in carry_out(sweep, InProcess(FAKE))] == ["sweep_started", "sweep_finished"]
    assert (sweep.path / "trials.jsonl").read_bytes() == before


def test_pruned_trials_stop_early_and_are_runs_all_the_same(search: Make, done: Carry) -> None:
    sweep, events = done(search(trials=30, prune=True))
    table = sweep.table()
    pruned = table[table["state"] == "pruned"]
    assert len(pruned) > 3
    assert (pruned["epoch"] < 4).all()
    assert events[-1]["pruned"] == len(pruned)
    best = sorted((quality(trial.config, 4) for trial in _all_trials(search(trials=30))), reverse=True)
    assert table["value"].iloc[0] == pytest.approx(best[0]), "the best is never pruned here: curves do not cross"
    assert {Run(sweep.folder_of(key)).state for key in pruned["key"]} == {"stopped"}


def _all_trials(plan: SweepPlan) -> list:  # type: ignore[type-arg]
    return plan.generation(())


def test_tpe_finds_better_settings_than_chance(search: Make, done: Carry) -> None:
    axes = (Axis("learning_rate", low=1e-5, high=0.9), Axis("loss.gamma_neg"))
    found = {}
    for kind in ("random", "tpe"):
        sweep, _ = done(search(*axes, search=kind, trials=30), kind)
        found[kind] = sweep.table().sort_values("number")["value"].iloc[15:].mean()
    assert found["tpe"] > found["random"] + 0.05


def test_what_matters_is_found_to_matter(search: Make, done: Carry) -> None:
    sweep, _ = done(search(Axis("learning_rate"), Axis("weight_decay"), trials=30))  # decay does nothing here
    shares = importance_table(sweep).set_index("axis")["share"]
    assert shares.sum() == pytest.approx(1)
    assert shares["learning_rate"] > 0.8


def test_a_diverged_trial_is_a_result_and_the_search_goes_on(search: Make, done: Carry) -> None:
    sweep, events = done(search(Axis("learning_rate", values=(0.01, 1.0)), search="grid", trials=0))
    assert events[-1]["event"] == "sweep_finished"
    failed = sweep.table().set_index("state").loc["failed"]
    assert "diverged" in failed["error"]
    assert pd.isna(failed["value"])
    sweep, events = done(search(Axis("learning_rate", values=(0.01, 1.0)), search="grid", trials=0), retry_failed=True)
    assert sum(entry["event"] == "trial_started" for entry in events) == 1


def test_a_plan_that_cannot_begin_is_refused_at_once(search: Make, tmp_path: Path) -> None:
    entry = search().as_json()
    entry["base"]["data"]["name"] = "nowhere"
    sweep = open_sweep(SweepPlan.from_json(entry), tmp_path / "s")
    with pytest.raises(Problem, match="nowhere"):
        list(carry_out(sweep, InProcess(FAKE)))
    assert sweep.done() == []


def test_two_drivers_never_share_a_sweep(search: Make, tmp_path: Path) -> None:
    sweep = open_sweep(search(), tmp_path / "s")
    events = carry_out(sweep, InProcess(FAKE))
    next(events)
    assert sweep.state == "running"
    with pytest.raises(Problem, match="is being worked on"):
        next(carry_out(sweep, InProcess(FAKE)))
    events.close()
    assert sweep.state == "stopped"


def test_a_folder_keeps_to_its_plan(search: Make, tmp_path: Path) -> None:
    plan = search()
    assert open_sweep(plan, tmp_path / "s") == open_sweep(plan, tmp_path / "s")
    with pytest.raises(Problem, match="another plan"):
        open_sweep(search(trials=3), tmp_path / "s")


def test_sweeps_are_found_beside_the_runs(search: Make) -> None:
    sweep = open_sweep(search(name="My search"))
    assert sweep in sweeps()
    assert find_sweep(sweep.path.name) == sweep
    assert sweep.name == "My search"
    with pytest.raises(Problem, match="no sweep in"):
        find_sweep("none")


def test_progress_counts_to_the_end(search: Make, done: Carry) -> None:
    _, events = done(search(prune=True))
    ends = [entry for entry in events if entry["event"] in ("trial_finished", "trial_pruned")]
    assert [entry["done"] for entry in ends] == list(range(1, 13))
    assert ends[-1]["seconds_left"] == 0
    assert all(entry["seconds_left"] > 0 for entry in ends[:-1])
    assert all(in_words(entry) for entry in ends)


def test_the_time_left_of_a_comparison_knows_that_tuning_runs_are_shorter(
    comparison: ComparePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a second an epoch, the seconds left are the epochs left, whichever runs they belong to."""
    seconds = [0.0]
    monkeypatch.setattr("lt_core.sweeps.driving.time", SimpleNamespace(monotonic=lambda: seconds[0], sleep=sleep))
    sweep = open_sweep(replace(comparison, rates=(1e-3, 1e-2)), tmp_path / "s")
    left = 3 * 2 * 2 + 3 * 3 * 4  # losses by rates by tuning epochs, losses by seeds by epochs
    for entry in carry_out(sweep, InProcess(FAKE)):
        if entry["event"] == "trial_epoch":
            seconds[0] += 1
            left -= 1
        elif entry["event"] == "trial_finished":
            assert entry["seconds_left"] == pytest.approx(left)
    assert left == 0


def test_the_tables_of_a_search_hold_every_setting(search: Make, done: Carry) -> None:
    sweep, _ = done(search(trials=9, seeds=(0, 1), prune=True))
    table = settings_of(sweep)
    assert table["n"].tolist() == [2 if state == "finished" else 0 for state in table["state"]]
    assert table["value"].dropna().is_monotonic_decreasing
    places = parallel_table(sweep)
    assert len(places) == 9 * 3
    assert places["place"].dropna().between(0, 1).all()


@pytest.mark.parametrize("options", [{"search": "tpe"}, {"prune": True}], ids=["tpe", "pruning"])
def test_trials_of_one_generation_know_nothing_of_each_other(
    search: Make, done: Carry, options: dict[str, object]
) -> None:
    plan = search(trials=9, at_once=3, startup=2, **options)
    results = {result.key: result for result in done(plan)[0].done()}
    before = [results[key] for key in sorted(results)[:6]]
    together = plan.generation(before)
    assert [trial.number for trial in together] == [6, 7, 8]
    for late in together:  # the other two are done already
        others = [results[trial.key] for trial in together if trial.key != late.key]
        assert plan.generation([*before, *others]) == [late]


def test_a_pruned_or_failed_trial_is_not_gone_on_with(search: Make, done: Carry) -> None:
    rates = (0.01, 0.011, 0.012, 1.0, *(0.0001 + i * 1e-6 for i in range(6)))
    plan = search(Axis("learning_rate", values=rates), search="grid", trials=0, prune=True, startup=1)
    sweep, _ = done(plan)
    states = sweep.table().set_index("key")["state"]
    assert {"pruned", "failed"} <= set(states)
    (sweep.path / "trials.jsonl").unlink()
    before = {run.path.name: len(run.events()) for run in sweep.runs()}
    list(carry_out(sweep, InProcess(FAKE)))
    assert {run.path.name: len(run.events()) for run in sweep.runs()} == before
    assert sweep.table().set_index("key")["state"].to_dict() == states.to_dict()
