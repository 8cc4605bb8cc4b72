"""Runs of a sweep are runs like any other: found by name, in a tidy order, one of each loss side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lt_core.datasets import Source
from lt_core.problems import Problem, Unknown
from lt_core.sweeps import Axis, Candidate, ComparePlan, InProcess, Plan, Sweep, SweepPlan, carry_out, open_sweep
from lt_core.sweeps.openable import has_openable, one_each, seeds_of, trial_runs
from lt_core.training import Run, RunConfig, find_run, runs
from lt_core.training.folder.manage import delete, rename
from tests.sweeps.fake_training import FAKE

BASE = RunConfig(Source("digits"), "bce", epochs=3)
LOSSES = (Candidate("bce"), Candidate("asl"), Candidate("focal", label="focal loss"))
PLAN = ComparePlan(BASE, LOSSES, seeds=(0, 1, 2), rates=(1e-3, 1e-2), tune_epochs=2, tune_seed=1, reference="asl")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    return tmp_path / "runs"


def made(root: Path, plan: Plan, name: str = "some") -> Sweep:
    sweep = open_sweep(plan, root / name)
    for _ in carry_out(sweep, InProcess(FAKE)):
        pass
    return sweep


def test_every_way_to_name_a_run_of_a_sweep_leads_to_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = made(root, PLAN)
    monkeypatch.chdir(root.parent)
    folder = sweep.path / "trials" / "02-focal-s1"
    ways = ("some/02-focal-s1", "some/focal loss seed 1", "some/trials/02-focal-s1", "runs/some/trials/02-focal-s1")
    for way in (*ways, folder, sweep.path / folder.name):
        assert find_run(way).path.resolve() == folder
    for run in sweep.runs():
        assert find_run(run.key) == run
    assert Run(folder).key == "some/02-focal-s1"
    assert Run(root / "alone").key == "alone"
    assert runs() == [], "the lists of runs do not show them"


def test_what_is_no_run_of_the_sweep_is_said(root: Path) -> None:
    made(root, PLAN)
    with pytest.raises(Problem, match="some is a sweep: say which of its runs, as some/00-bce-s0"):
        find_run("some")
    with pytest.raises(Unknown, match="no run in some/nothing"):
        find_run("some/nothing")
    with pytest.raises(Unknown, match="no run in other/00-bce-s0"):
        find_run("other/00-bce-s0")


def test_two_runs_of_one_name_are_told_apart_by_their_folders(root: Path) -> None:
    sweep = made(root, PLAN)
    for key in ("00-bce-s0", "01-asl-s0"):
        rename(Run(sweep.folder_of(key)), "the one")
    with pytest.raises(Problem, match=r"say which by its folder, 0\d-.*-s0, 0\d-.*-s0"):
        find_run("some/the one")


def test_a_run_that_a_result_rests_on_is_not_deleted_alone(root: Path) -> None:
    sweep = made(root, PLAN)
    with pytest.raises(Problem, match="some/00-bce-s0 is a run of a sweep"):
        delete(Run(sweep.folder_of("00-bce-s0")))
    assert sweep.folder_of("00-bce-s0").is_dir()


def test_runs_that_count_come_first_seed_by_seed_and_tuning_runs_last(root: Path) -> None:
    sweep = made(root, PLAN)
    found = trial_runs(sweep)
    names = [entry.run.path.name for entry in found]
    keys = ("00-bce", "01-asl", "02-focal")
    assert names[:9] == [f"{key}-s{seed}" for seed in PLAN.seeds for key in keys]
    assert [entry.tuning for entry in found] == [False] * 9 + [True] * 6
    assert seeds_of(found) == [0, 1, 2]


def test_one_of_each_loss_has_one_seed_and_the_reference_is_first(root: Path) -> None:
    sweep = made(root, PLAN)
    for seed in PLAN.seeds:
        each = one_each(sweep, trial_runs(sweep), seed)
        assert list(each) == ["asl", "bce", "focal loss"]
        assert {run.config.seed for run in each.values()} == {seed}
        assert [run.config.loss for run in each.values()] == ["asl", "bce", "focal"]


def test_the_best_of_each_loss_is_the_best_that_a_loop_finds(root: Path) -> None:
    sweep = made(root, PLAN)
    for label, run in one_each(sweep, trial_runs(sweep)).items():
        values = {
            done.key: done.value for done in sweep.done() if done.step == "seeds" and done.setting["candidate"] == label
        }
        assert values[run.path.name] == max(values.values())
        assert len(values) == 3


@pytest.mark.parametrize("metric", ["ap_macro", "val_loss"])
def test_of_a_search_the_best_comes_first(root: Path, metric: str) -> None:
    axes = (Axis("learning_rate", values=(1e-4, 1e-2, 1e-1)),)
    sweep = made(root, SweepPlan(BASE, axes, search="grid", seeds=(0, 1), metric=metric))
    found = [entry.run.path.name for entry in trial_runs(sweep)]
    assert sorted(found) == sorted(sweep.table()["key"])
    if metric == "ap_macro":
        assert [entry.result.value for entry in trial_runs(sweep)] == sweep.table()["value"].tolist()
    with pytest.raises(Problem, match="a search, not a comparison"):
        one_each(sweep, trial_runs(sweep), 0)


def test_a_run_without_predictions_cannot_be_opened_and_the_others_can(root: Path) -> None:
    sweep = made(root, replace(PLAN, rates=(1e-2,)))
    for file in sweep.folder_of("01-asl-s0").glob("predictions-*.npz"):
        file.unlink()
    found = trial_runs(sweep)
    assert "01-asl-s0" not in [entry.run.path.name for entry in found]
    assert list(one_each(sweep, found, 0)) == ["bce", "focal loss"]
    assert seeds_of(found) == [1, 2, 0], "seeds that more losses have come first"
    assert has_openable(sweep)
    for run in sweep.runs():
        for file in run.path.glob("predictions-*.npz"):
            file.unlink()
    assert not has_openable(sweep)
    assert trial_runs(sweep) == []
