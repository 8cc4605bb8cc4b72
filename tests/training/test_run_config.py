"""A config says everything about a run, survives JSON, and refuses what it does not mean."""

from __future__ import annotations

import json

import pytest

from lt_core.datasets import Source
from lt_core.problems import Invalid, Problem
from lt_core.training import SETTINGS, RunConfig, quick_config


def test_json_round_trip() -> None:
    config = RunConfig(
        Source("x.csv", images="pngs", labels=("a", "b"), options={"n": 3}),
        "asl",
        {"gamma_neg": 2.0},
        epochs=3,
        sampler="class-aware",
        image_size=32,
        name="mine",
    )
    assert RunConfig.from_json(json.loads(json.dumps(config.as_json()))) == config


def test_declared_defaults_are_the_defaults() -> None:
    config = RunConfig(Source("digits"), "ce")
    for param in SETTINGS:
        assert getattr(config, param.name) == param.default


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"epochs": 0}, r"run.epochs must be in \[1, 1000\], got 0"),
        ({"learning_rate": float("nan")}, "run.learning_rate"),
        (
            {"sampler": "clever"},
            "run.sampler must be one of plain, class-aware, square-root, repeat-factor, got 'clever'",
        ),
        ({"select": "luckiest"}, "run.select"),
        ({"device": "tpu"}, "run.device"),
        ({"batch_size": 1}, "run.batch_size"),
        ({"image_size": 4}, "run.image_size"),
    ],
)
def test_values_out_of_range_are_refused_by_name(given: dict[str, object], words: str) -> None:
    with pytest.raises(Problem, match=words):
        RunConfig(Source("digits"), "ce", **given)


def test_settings_of_another_version_are_refused_by_name() -> None:
    with pytest.raises(Invalid, match="warp"):
        RunConfig.from_json({**RunConfig(Source("digits"), "ce").as_json(), "warp": 9})


def test_quick_run_is_a_valid_run_on_the_phantom() -> None:
    assert quick_config().data.name == "chest-phantom"
    assert quick_config().epochs < RunConfig(Source("chest-phantom"), "bce").epochs
