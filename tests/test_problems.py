"""Errors people can act on."""

from __future__ import annotations

from lt_core.problems import Problem, Unknown


def test_an_unknown_name_is_answered_with_the_nearest_and_all_known() -> None:
    error = Unknown.of("loss", "fokal", ["bce", "focal"])
    assert str(error) == "unknown loss 'fokal': did you mean 'focal'? known are bce, focal"
    assert isinstance(error, KeyError)
    assert isinstance(error, Problem)


def test_a_name_like_none_gets_no_guess() -> None:
    assert str(Unknown.of("loss", "zzzz", ["bce"])) == "unknown loss 'zzzz': known are bce"
