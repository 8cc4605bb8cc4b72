"""Propensities that a person gives reach the loss of a run, class by class, and nothing is guessed about them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from lt_core import cli, train_flags
from lt_core.problems import Invalid, Problem
from lt_core.sweeps.axes import Axis
from lt_core.sweeps.compare_plan import Candidate, ComparePlan
from lt_core.sweeps.plan import SweepPlan
from lt_core.training import RunConfig
from lt_core.training.checking import check_settings
from lt_core.training.job import prepare
from lt_core.training.labels_written import as_lines, from_lines, from_texts
from lt_core.training.reproduce import as_command

Make = Callable[..., RunConfig]


def _named(config: RunConfig, chances: list[float]) -> dict[str, float]:
    names = prepare(config).card["class_names"]
    return dict(zip(names, chances, strict=True))


def test_the_loss_of_a_run_divides_by_what_was_given(config: Make) -> None:
    """The law: -y / rho log p - (1 - y) log(1 - p), mean over cells; by numpy, whatever the order given."""
    chances = [0.9, 0.5, 0.25]
    named = _named(config(), chances)
    job = prepare(config(loss="propensity_bce", propensities=dict(reversed(named.items()))))
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(8, 3)), (rng.random((8, 3)) < 0.5).astype(float)
    p = 1 / (1 + np.exp(-logits))
    expected = np.mean(-y / np.array(chances) * np.log(p) - (1 - y) * np.log(1 - p))
    assert job.criterion(torch.tensor(logits), torch.tensor(y)).item() == pytest.approx(expected, rel=1e-6)
    plain = prepare(config(loss="propensity_bce")).criterion(torch.tensor(logits), torch.tensor(y)).item()
    assert plain != pytest.approx(expected, rel=1e-3)


def test_they_are_carried_to_json_commands_and_sweeps(config: Make) -> None:
    given = {"a=b": 0.5, "c d": 0.1 + 0.2, "-e": 1.0}
    run = config(loss="unbiased_bce", propensities=given)
    assert RunConfig.from_json(run.as_json()).propensities == given
    words = shlex.split(as_command(run))[3:]
    assert train_flags.config_of(cli._parser().parse_args(words)) == run
    assert from_lines(as_lines(given)) == given
    plan = SweepPlan(run, (Axis("loss", values=("bce", "propensity_bce")),))
    kept = {trial.config.loss: trial.config.propensities for trial in plan.generation([])}
    assert kept == {"bce": {}, "propensity_bce": given}
    compared = ComparePlan(run, (Candidate("bce"), Candidate("unbiased_bce")), seeds=(0,))
    kept = {trial.config.loss: trial.config.propensities for trial in compared.generation([])}
    assert kept == {"bce": {}, "unbiased_bce": given}


def test_files_and_lines_say_what_pairs_say(tmp_path: Path) -> None:
    expected = {"Hernia": 0.4, "Mass, left": 1.0}
    texts = {"a.json": '{"Hernia": 0.4, "Mass, left": 1}', "a.csv": 'class,p\nHernia,0.4\n"Mass, left",1\n',
             "a.tsv": "Hernia\t0.4\nMass, left\t1\n"}  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        assert from_texts([str(tmp_path / name)]) == expected
    assert from_texts(["Hernia=0.4", "Mass, left=1"]) == expected
    assert from_lines("Hernia = 0.4\n\nMass, left, 1\n") == expected


def test_what_cannot_be_meant_is_said_in_a_sentence(config: Make, tmp_path: Path) -> None:
    for value in (0, -0.1, 1.5, float("nan"), "half", True):
        with pytest.raises(Invalid, match="Hernia must be a number above 0 and at most 1"):
            config(propensities={"Hernia": value})
    (tmp_path / "twice.json").write_text('{"Hernia": 0.4, "Hernia": 0.5}')
    for texts in (["Hernia=0.4", "Hernia=0.5"], [str(tmp_path / "twice.json")]):
        with pytest.raises(Invalid, match="Hernia is given twice"):
            from_texts(texts)
    with pytest.raises(Invalid, match="neither CLASS=P"):
        from_texts(["Hernia"])
    with pytest.raises(Invalid, match="line 2 of the propensities"):
        from_lines("Hernia = 0.4\nMass")
    with pytest.raises(Problem, match=r"bce has no use for propensities.*propensity_bce"):
        check_settings(config(propensities={"Hernia": 0.5}))
    named = _named(config(), [0.5] * 3)
    first = next(iter(named))
    for given, said in (({**named, "Hernia": 1.0}, "name Hernia, no class"), ({first: 0.5}, "leave out")):
        with pytest.raises(Problem, match=said):
            prepare(config(loss="propensity_bce", propensities=given))
