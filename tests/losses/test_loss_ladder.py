"""Each step of a ladder contains the one before, names the knobs that carry the change, and shows it in colour."""

from __future__ import annotations

import itertools
import re

import pytest

from lt_core.losses import get_loss
from lt_core.losses.identities import check
from lt_core.losses.ladder import COLOUR, LADDERS, Ladder, Step
from lt_core.stats import ClassPrior

RUNGS = [(before, step) for ladder in LADDERS for before, step in itertools.pairwise(ladder.steps)]
rungs = pytest.mark.parametrize(("before", "step"), RUNGS, ids=[step.name for _, step in RUNGS])


def test_the_two_ladders() -> None:
    names = [[step.name for step in ladder.steps] for ladder in LADDERS]
    assert names == [["BCE", "Focal", "ASL", "APL", "RAL"], ["CE", "LDAM", "LMF"]]


@rungs
def test_a_step_turns_back_into_the_one_before(before: Step, step: Step, prior: ClassPrior) -> None:
    identity = step.contains
    assert identity is not None
    assert (identity.left, identity.right) == (step.key, before.key)
    result = check(get_loss(step.key), identity, prior=prior, points=101)
    assert result.holds, result.text


@rungs
def test_only_the_named_knobs_change(before: Step, step: Step) -> None:
    """Whatever both losses have and no knob of the step carries stays as it was: the picture shows one change."""
    spec, earlier = get_loss(step.key), get_loss(before.key)
    now, then = spec.checked(step.settings), earlier.checked(before.settings)
    for name in set(now) & set(then) - set(step.knobs):
        assert now[name] == then[name], name
    assert set(step.knobs) <= set(now)


@rungs
def test_the_step_is_a_change(before: Step, step: Step) -> None:
    """With its own values the step must differ from the values at which it is the one before."""
    assert step.contains is not None
    own = get_loss(step.key).checked(step.settings)
    assert any(own[name] != value for name, value in step.contains.at.items() if name in step.knobs)


@pytest.mark.parametrize("ladder", LADDERS, ids=lambda ladder: ladder.key)
def test_what_is_new_is_coloured_and_braces_match(ladder: Ladder) -> None:
    for number, step in enumerate(ladder.steps):
        assert (COLOUR in step.formula) == (number > 0)
        assert step.formula.count("{") == step.formula.count("}")
        assert len(re.findall(r"\\big\[", step.formula)) == len(re.findall(r"\\big\]", step.formula))
        assert step.changed.endswith(".")
        assert len(step.changed.split()) < 25


@rungs
def test_each_knob_of_a_step_is_in_its_formula(before: Step, step: Step) -> None:
    symbols = {param.name: param.domain.tex for param in get_loss(step.key).params}
    for name in step.knobs:
        if symbols[name]:
            assert symbols[name] in step.formula, name
