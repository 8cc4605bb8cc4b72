"""What the page says of identities is measured: true ones are found equal, false ones are found out, and where."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lt_core.losses import ReducesTo, all_losses, get_loss
from lt_core.losses.identities import BESIDE, Identity, check, identities_of, worded
from lt_core.stats import ClassPrior

ALL = identities_of(all_losses())
KEYS = {spec.key for spec in all_losses()}


@pytest.mark.parametrize("identity", ALL, ids=[f"{i.left}-{i.right}-{n}" for n, i in enumerate(ALL)])
def test_every_identity_shown_holds(identity: Identity, prior: ClassPrior) -> None:
    result = check(get_loss(identity.left), identity, prior=prior, points=41)
    assert result.holds, result.text
    assert "qual" in result.text


def test_what_is_declared_is_shown() -> None:
    declared = {(spec.key, entry.key) for spec in all_losses() for entry in spec.reduces_to if entry.key in KEYS}
    assert declared <= {(identity.left, identity.right) for identity in ALL}


def test_identities_with_a_loss_that_is_not_registered_are_left_out() -> None:
    shown = [identity for identity in BESIDE if identity in ALL]
    assert shown == [identity for identity in BESIDE if {identity.left, identity.right} <= KEYS]
    ghost = dataclasses.replace(get_loss("asl"), reduces_to=(ReducesTo("no_such_loss"),))
    assert identities_of([ghost]) == []


def test_only_the_losses_asked_for() -> None:
    assert {identity.left for identity in identities_of([get_loss("asl")])} == {"asl"}
    assert identities_of([get_loss("bce")]) == []


def test_a_false_identity_is_found_out_and_its_place_is_right() -> None:
    """Focal at gamma 1 is BCE times (1 - p_t): for y = 1 they are (p) (-log p) apart, most at p = 1/e."""
    result = check(get_loss("focal"), ReducesTo("bce", at={"gamma": 1.0, "use_alpha": False}))
    assert not result.holds
    assert result.text.startswith("Not equal")
    p = 1 / (1 + np.exp(-np.linspace(-20, 20, 401)))
    value = (p * -np.log(p)).max()
    focal_slope, bce_slope = (1 - p) * (p * np.log(p) - (1 - p)), -(1 - p)
    slope = np.abs(focal_slope - bce_slope)
    assert result.value_difference == pytest.approx(value, rel=2e-2)
    assert result.gradient_difference == pytest.approx(slope.max(), rel=2e-2)


def test_a_difference_in_the_gradient_alone_is_seen() -> None:
    """ASL with its focus detached has focal loss's value, not its gradient."""
    at = {"gamma_neg": 2.0, "gamma_pos": 2.0, "clip": 0.0, "detach_focus": True}
    result = check(get_loss("asl"), ReducesTo("focal", at=at, to={"gamma": 2.0, "use_alpha": False}))
    assert result.value_difference < 1e-12
    assert result.gradient_difference > 0.1
    assert not result.holds


def test_a_knob_left_free_must_not_matter() -> None:
    """Focal at its default gamma 2 is ASL's with both exponents 2; left free, gamma moves, and they part."""
    at = {"gamma_neg": 2.0, "gamma_pos": 2.0, "clip": 0.0, "detach_focus": False}
    claim = Identity("focal", "asl", at={"use_alpha": False}, to=at)
    assert get_loss("focal").defaults["gamma"] == 2.0
    assert not check(get_loss("focal"), claim).holds


def test_one_target_only() -> None:
    """Hill's positives are BCE's at margin 0, gamma 0; its negatives are not."""
    hill = get_loss("hill")
    at = {"margin": 0.0, "gamma": 0.0}
    assert check(hill, Identity("hill", "bce", at=at, only=1)).holds
    assert not check(hill, Identity("hill", "bce", at=at, only=0)).holds
    assert not check(hill, Identity("hill", "bce", at=at)).holds


def test_a_wrong_factor_is_found_out(prior: ClassPrior) -> None:
    known = next(identity for identity in BESIDE if (identity.left, identity.right) == ("lmf", "ldam"))
    bare = Identity("lmf", "ldam", at=known.at)
    assert check(get_loss("lmf"), known, prior=prior).holds
    assert not check(get_loss("lmf"), bare, prior=prior).holds


def test_many_classes_and_classes_without_example_are_fine() -> None:
    prior = ClassPrior([*range(900, 0, -1), 0, 0], 1000)
    for key in ("db", "lmf"):
        for identity in identities_of([get_loss(key)]):
            assert check(get_loss(key), identity, prior=prior, points=11).holds


def test_both_sides_are_drawn_with_all_their_shared_values() -> None:
    declared = next(entry for entry in get_loss("asl").reduces_to if entry.key == "focal")
    left, right = Identity("asl", declared.key, declared.at, declared.to).settings()
    assert get_loss("asl").checked(left) == get_loss("asl").defaults | dict(declared.at)
    assert get_loss("focal").checked(right)["gamma"] == 2.0


def test_conditions_are_worded() -> None:
    assert worded({"gamma": 0.0, "use_alpha": False, "form": "apl"}) == "gamma = 0, use_alpha off, form = apl"
    assert Identity("a", "b", at={"m": 1.5}, condition="positives only").where == "m = 1.5; positives only"
    assert Identity("a", "b").where == "always"
