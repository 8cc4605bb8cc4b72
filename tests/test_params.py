"""A hyper-parameter is declared once; everything reads the declaration."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pytest

from lt_core.params import Choice, Integer, Real, Toggle, checked, declared, parsed
from lt_core.problems import Invalid, Unknown


def toy(
    data: int,
    *,
    prior: object = None,
    gamma: Annotated[float, Real(0, 8, step=0.5, help="focus")] = 4.0,
    steps: Annotated[int, Integer(1, 9)] = 2,
    form: Annotated[str, Choice(("code", "paper"))] = "code",
    detach: Annotated[bool, Toggle()] = True,
) -> float:
    return 0.0


PARAMS = declared(toy)


def test_keyword_only_arguments_with_a_domain_are_the_parameters_in_order() -> None:
    assert [p.name for p in PARAMS] == ["gamma", "steps", "form", "detach"]
    assert [p.default for p in PARAMS] == [4.0, 2, "code", True]


def test_descriptions_are_what_the_command_line_promises() -> None:
    assert PARAMS[0].describe() == {"name": "gamma", "default": 4.0, "low": 0, "high": 8}
    assert PARAMS[2].describe() == {"name": "form", "default": "code", "options": ["code", "paper"]}
    assert PARAMS[3].describe() == {"name": "detach", "default": True, "options": [True, False]}


def test_given_values_replace_defaults_and_only_those() -> None:
    assert checked("toy", PARAMS, {"gamma": 8}) == {"gamma": 8.0, "steps": 2, "form": "code", "detach": True}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("gamma", 99, "toy.gamma must be in [0, 8], got 99"),
        ("gamma", -0.1, "toy.gamma must be in [0, 8], got -0.1"),
        ("gamma", float("nan"), "toy.gamma must be in [0, 8], got nan"),
        ("gamma", True, "toy.gamma must be a number in [0, 8], got True"),
        ("gamma", "4", "toy.gamma must be a number in [0, 8], got '4'"),
        ("steps", 1.5, "toy.steps must be a whole number in [1, 9], got 1.5"),
        ("steps", 10, "toy.steps must be in [1, 9], got 10"),
        ("form", "papr", "toy.form must be one of code, paper, got 'papr'"),
        ("detach", 1, "toy.detach must be true or false, got 1"),
    ],
)
def test_a_value_outside_its_domain_is_refused_by_name(name: str, value: object, sentence: str) -> None:
    with pytest.raises(Invalid) as error:
        checked("toy", PARAMS, {name: value})
    assert str(error.value) == sentence


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        Unknown, match=r"unknown parameter of toy 'gama': did you mean 'gamma'\? known are gamma, steps"
    ):
        checked("toy", PARAMS, {"gama": 1})


def test_texts_are_read_by_the_same_declaration() -> None:
    texts = {"gamma": "0.5", "steps": "3", "form": "paper", "detach": "false"}
    assert parsed("toy", PARAMS, texts) == {"gamma": 0.5, "steps": 3, "form": "paper", "detach": False}
    for name, text in (("gamma", "x"), ("steps", "2.5"), ("detach", "0")):
        with pytest.raises(Invalid, match=f"toy.{name} must be"):
            parsed("toy", PARAMS, {name: text})


def test_a_default_outside_its_own_domain_is_found_at_declaration() -> None:
    def wrong(*, gamma: Annotated[float, Real(0, 1)] = 2.0) -> None: ...

    with pytest.raises(Invalid, match=r"wrong\.gamma must be in"):
        declared(wrong)


def test_numbers_of_numpy_are_numbers() -> None:
    values = {"gamma": np.float32(2), "steps": np.int64(3), "detach": np.bool_(False)}
    assert checked("toy", PARAMS, values) == {"gamma": 2.0, "steps": 3, "form": "code", "detach": False}
    with pytest.raises(Invalid, match=r"toy\.gamma must be in \[0, 8\], got 9"):
        checked("toy", PARAMS, {"gamma": np.int64(9)})


def test_every_domain_has_ends_or_options() -> None:
    for param in PARAMS:
        assert hasattr(param.domain, "options") != (hasattr(param.domain, "low") and hasattr(param.domain, "high"))
