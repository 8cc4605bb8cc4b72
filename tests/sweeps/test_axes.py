"""An axis takes what its setting declares, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lt_core.losses import get_loss
from lt_core.problems import Problem
from lt_core.sweeps import Axis, SweepPlan
from lt_core.sweeps.space import Space, applied
from lt_core.training import RunConfig

Make = Callable[..., SweepPlan]


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        (Axis("learning_rat"), "did you mean 'learning_rate'"),
        (Axis("learning_rate", values=(2.0,)), "learning_rate must be in"),
        (Axis("loss.gamma_neg", low=-1.0), "loss.gamma_neg must be in"),
        (Axis("loss.gamma_neg", high=99.0), "loss.gamma_neg must be in"),
        (Axis("loss.gamma"), "unknown parameter of asl 'gamma'"),
        (Axis("focal.gamma"), "does not train with a loss focal"),
        (Axis("sampler", values=("sometimes",)), "sampler must be one of"),
        (Axis("sampler", low=1.0), "not a range"),
        (Axis("learning_rate", low=0.1, high=0.1), "low must be below high"),
        (Axis("loss.gamma_neg", log=True), "must begin above 0"),
        (Axis("learning_rate", values=(0.1,), low=0.01), "not both"),
        (Axis("model", values=("resnet_seventeen",)), "unknown backbone"),
        (Axis("model"), "give the names of backbones"),
        (Axis("seed", values=(1, 2)), "unknown axis 'seed'"),
        (Axis("image_size", values=(4,)), "image_size must be in"),
    ],
)
def test_what_is_not_declared_is_refused_by_name(search: Make, axis: Axis, words: str) -> None:
    with pytest.raises(Problem, match=words.replace("[", r"\[")):
        search(axis)


def test_an_axis_without_a_range_has_the_declared_one(search: Make) -> None:
    declared = next(param.domain for param in get_loss("asl").params if param.name == "gamma_neg")
    axis = search(Axis("loss.gamma_neg")).axes[0]
    assert axis.ends == (declared.low, declared.high)  # type: ignore[union-attr]
    assert axis.log is False
    assert search(Axis("learning_rate")).axes[0].log is True


def test_values_drawn_stay_in_range_and_fill_it() -> None:
    rng = np.random.default_rng(0)
    base = RunConfig.from_json({"data": {"name": "digits"}, "loss": "asl"})
    space = Space.of(base, (Axis("learning_rate", low=1e-4, high=1e-1), Axis("batch_size", low=2, high=4, log=False)))
    drawn = [space.drawn(rng) for _ in range(3000)]
    rates = np.array([math.log10(float(point["learning_rate"])) for point in drawn])
    assert rates.min() >= -4 - 1e-6
    assert rates.max() <= -1 + 1e-6
    # every order of magnitude as often: 1000 each, standard deviation 26
    assert all(abs(count - 1000) < 130 for count in np.histogram(rates, bins=[-4, -3, -2, -1])[0])
    sizes = [point["batch_size"] for point in drawn]
    assert all(type(size) is int for size in sizes)
    assert all(abs(sizes.count(size) - 1000) < 130 for size in (2, 3, 4))


def test_a_grid_spaces_its_points_evenly() -> None:
    base = RunConfig.from_json({"data": {"name": "digits"}, "loss": "asl"})
    axes = (Axis("learning_rate", low=1e-4, high=1e-1, points=4), Axis("loss.gamma_neg", low=0, high=4, points=3))
    points = Space.of(base, axes).grid(np.random.default_rng(0))
    assert {point["learning_rate"] for point in points} == {1e-4, 1e-3, 1e-2, 1e-1}
    assert {point["loss.gamma_neg"] for point in points} == {0.0, 2.0, 4.0}
    assert len({tuple(point.items()) for point in points}) == len(points) == 12


def test_a_parameter_of_one_loss_says_nothing_where_another_is_used(search: Make) -> None:
    axes = (Axis("loss", values=("bce", "asl")), Axis("asl.gamma_neg", values=(0.0, 2.0, 4.0)))
    plan = search(*axes, search="grid")
    points = [plan.setting(number, ()) for number in range(plan.n_settings)]
    assert sorted(map(str, points)) == sorted(
        ["{'loss': 'bce'}", *(f"{{'loss': 'asl', 'asl.gamma_neg': {gamma}}}" for gamma in (0.0, 2.0, 4.0))]
    )


def test_a_setting_changes_the_run_and_nothing_else(base: RunConfig) -> None:
    config = applied(base, {"learning_rate": 0.01, "loss.gamma_neg": 1.5})
    assert (config.learning_rate, config.loss_values) == (0.01, {"gamma_neg": 1.5})
    assert applied(config, {"loss": "focal"}).loss_values == {}
    same = {**config.as_json(), "learning_rate": base.learning_rate, "loss_values": {}}
    assert same == base.as_json()


@pytest.mark.parametrize("axis", [Axis("a", values=(1, True, "x")), Axis("b", low=0.0, high=1.0, log=False, points=3)])
def test_an_axis_is_json_both_ways(axis: Axis) -> None:
    assert Axis.from_json(axis.as_json()) == axis


def test_a_place_along_an_axis_is_between_its_ends() -> None:
    assert Axis("a", low=1e-4, high=1e-2, log=True).place(1e-3) == pytest.approx(0.5)
    assert Axis("a", low=0.0, high=8.0, log=False).place(2.0) == pytest.approx(0.25)
    assert Axis("a", values=("x", "y", "z")).place("y") == pytest.approx(0.5)
    assert Axis("a", values=(1, 5, 2)).place(2) == pytest.approx(0.25)
