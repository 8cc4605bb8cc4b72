"""A plan says all there is to say about a sweep, in a file people can write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lt_core.problems import Problem
from lt_core.sweeps import Axis, Candidate, ComparePlan, SweepPlan, plan_from_json, read_plan
from lt_core.training import RunConfig

Make = Callable[..., SweepPlan]


def test_plans_are_json_both_ways(search: Make, comparison: ComparePlan) -> None:
    for plan in (search(), search(search="tpe", prune=True, seeds=(3, 4), name="x"), comparison):
        assert plan_from_json(json.loads(json.dumps(plan.as_json()))) == plan


def test_a_person_writes_little_in_json_or_in_toml(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '{"base": {"data": "digits", "loss": "asl"}, "epochs": 3, "search": "tpe", "trials": 5,'
        ' "axes": [{"name": "learning_rate"}, {"name": "loss.gamma_neg", "low": 1, "high": 4}]}'
    )
    (tmp_path / "a.toml").write_text(
        'epochs = 3\nsearch = "tpe"\ntrials = 5\n[base]\ndata = "digits"\nloss = "asl"\n'
        '[[axes]]\nname = "learning_rate"\n[[axes]]\nname = "loss.gamma_neg"\nlow = 1\nhigh = 4\n'
    )
    plan = read_plan(tmp_path / "a.json")
    assert plan == read_plan(tmp_path / "a.toml")
    assert isinstance(plan, SweepPlan)
    assert plan.base.epochs == 3
    assert plan.base.split_method == RunConfig(plan.base.data, "asl").split_method


def test_a_comparison_in_a_file_may_name_its_losses_only(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(
        '{"kind": "compare", "base": {"data": "digits"}, "losses": ["ce", "balanced_softmax"]}'
    )
    plan = read_plan(tmp_path / "c.json")
    assert isinstance(plan, ComparePlan)
    assert plan.labels == ("ce", "balanced_softmax")
    assert plan.reference == "ce"
    assert plan.total == 10  # five seeds each, nothing to tune


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"kind": "swep"}, "did you mean 'sweep'"),
        ({"axes": []}, 'needs "base"'),
        ({"base": {"data": "digits"}}, 'needs a "loss"'),
        ({"base": {"data": "digits", "loss": "asl"}}, "at least one axis"),
        ({"base": {"data": "digits", "loss": "asl"}, "axis": []}, "did you mean 'axes'"),
        ({"base": {"data": "digits", "loss": "asl", "batchsize": 3}, "axes": [{"name": "ema"}]}, "batchsize"),
        ({"base": {"data": "digits", "loss": "asl"}, "axes": [{"nam": "ema"}]}, "entry of an axis"),
        ({"base": {"data": "digits", "loss": "asl"}, "axes": [{"name": "ema"}]}, "points of at least 2"),
        ({"base": {"data": "digits", "loss": "asl"}, "axes": [{"name": "ema"}], "search": "tpe"}, "sweep.trials"),
        ({"base": {"data": "digits", "loss": "asl"}, "axes": 7}, "does not hold a plan"),
        ({"kind": "compare", "base": {"data": "digits"}, "losses": ["bce"]}, "at least two losses"),
        ({"kind": "compare", "base": {"data": "digits"}, "losses": ["bce", "asl"], "reference": "ce"}, "reference"),
        ({"kind": "compare", "base": {"data": "digits"}, "losses": ["bce", "asl"], "rates": [3.0]}, "compare.rates"),
        ({"kind": "compare", "base": {"data": "digits"}, "losses": ["bce", "asl"], "seeds": [1, 1]}, "seeds must be"),
    ],
)
def test_a_mistake_in_a_plan_is_one_sentence(tmp_path: Path, entry: dict[str, object], words: str) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(entry))
    with pytest.raises(Problem, match=words):
        read_plan(tmp_path / "plan.json")


def test_a_plan_that_is_not_there_or_not_toml_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("a = = 1")
    for name in ("broken.toml", "no.json"):
        with pytest.raises(Problem):
            read_plan(tmp_path / name)


@pytest.mark.parametrize("axis", [Axis("loss", values=("bce", "asl")), Axis("loss.gamma_neg"), Axis("reduction")])
def test_losses_are_not_compared_by_their_own_value(search: Make, axis: Axis) -> None:
    with pytest.raises(Problem, match="val_loss cannot compare"):
        search(axis, metric="val_loss")


def test_what_a_comparison_shares_cannot_be_set_for_one_loss() -> None:
    with pytest.raises(Problem, match="learning_rate is shared"):
        Candidate("asl", settings={"learning_rate": 0.1})
    with pytest.raises(Problem, match="did you mean 'stages'"):
        Candidate("asl", settings={"stage": "drw"})
    with pytest.raises(Problem, match=r"asl.gamma_neg must be in"):
        Candidate("asl", {"gamma_neg": 99.0})


def test_the_metric_of_a_plan_also_selects_the_epoch(search: Make) -> None:
    plan = search(metric="f1_macro", epochs=7)
    trial = plan.generation(())[0]
    assert (trial.config.metric, trial.config.epochs) == ("f1_macro", 7)
