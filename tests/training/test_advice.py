"""What papers trained with: declared beside each loss, in settings that exist, and compared with a run's."""

from __future__ import annotations

import pytest

from lt_core.datasets import Source
from lt_core.losses import LossSpec, Recipe, all_losses, get_loss
from lt_core.params import Value
from lt_core.training import SETTINGS, RunConfig
from lt_core.training.advice import Advice, advice

SPECS = all_losses()
DECLARED = [(spec, recipe) for spec in SPECS for recipe in spec.trained_with]


def _config(loss: str, values: dict[str, Value] | None = None, **settings: Value) -> RunConfig:
    return RunConfig(Source("chest-phantom"), loss, values or {}, **settings)


@pytest.mark.parametrize(("spec", "recipe"), DECLARED, ids=lambda e: getattr(e, "key", ""))
def test_every_named_setting_exists_and_takes_the_value(spec: LossSpec, recipe: Recipe) -> None:
    domains = {param.name: param.domain for param in (*SETTINGS, *spec.params)}
    assert recipe.settings
    for name, value in recipe.settings.items():
        assert name in domains, f"{spec.key}: no setting is called {name}"
        assert domains[name].check(name, value) == value


@pytest.mark.parametrize(("spec", "recipe"), DECLARED, ids=lambda e: getattr(e, "key", ""))
def test_every_recipe_says_why_and_from_where(spec: LossSpec, recipe: Recipe) -> None:
    assert recipe.why.endswith(".")
    assert recipe.source
    assert recipe.ours == recipe.source.startswith("our advice")


def test_no_two_recipes_of_a_loss_speak_of_the_same_setting() -> None:
    for spec in SPECS:
        names = [name for recipe in spec.trained_with for name in recipe.settings]
        assert len(names) == len(set(names)), spec.key


def test_what_the_papers_are_known_for_is_declared() -> None:
    said = {spec.key: {k: v for r in spec.trained_with for k, v in r.settings.items()} for spec in SPECS}
    assert said["db"]["sampler"] == "class-aware"
    for key in ("ldam", "ldam_multilabel"):
        assert said[key].items() >= {"stages": "drw", "deferred_from": 0.8, "head": "cosine"}.items()
    assert said["asl"]["ema"] == 0.9997
    lmf = {name: recipe.ours for recipe in get_loss("lmf").trained_with for name in recipe.settings}
    assert lmf == {"optimizer": False, "schedule": False, "head": True}  # the cosine head is our idea, and says so


def test_a_recipe_is_part_of_the_description() -> None:
    entry = get_loss("ldam").describe()["trained_with"][0]
    assert entry["settings"] == {"stages": "drw", "deferred_from": 0.8, "deferred_beta": 0.9999}
    assert entry["ours"] is False


def test_advice_compares_setting_by_setting() -> None:
    found = {entry.setting: entry for entry in advice(_config("ldam", head="cosine", deferred_from=0.5))}
    assert set(found) == {
        *("stages", "deferred_from", "deferred_beta", "head", "optimizer", "momentum", "weight_decay", "warmup"),
        "reduction",
    }
    assert {name for name, entry in found.items() if entry.deviates} == {
        *("stages", "deferred_from", "optimizer", "weight_decay", "warmup"),
    }
    stages = found["stages"]
    assert stages == Advice("stages", "drw", "one", stages.why, stages.source, deviates=True)
    assert "Algorithm 1" in stages.source


def test_following_the_advice_leaves_nothing_to_say() -> None:
    for spec in SPECS:
        given = [(name, value) for recipe in spec.trained_with for name, value in recipe.settings.items()]
        values = {name: value for name, value in given if name in spec.defaults}
        settings = {name: value for name, value in given if name not in values}
        assert not [entry for entry in advice(_config(spec.key, values, **settings)) if entry.deviates], spec.key


def test_a_hyper_parameter_of_the_loss_is_compared_too() -> None:
    for values, deviates in (({}, False), ({"change_epoch": 3}, True)):
        entry = next(e for e in advice(_config("splc", values)) if e.setting == "change_epoch")
        assert (entry.yours, entry.deviates) == (values.get("change_epoch", 1), deviates)


def test_another_reduction_than_the_authors_is_a_deviation() -> None:
    entry = advice(_config("asl", reduction="mean"))[-1]
    assert (entry.setting, entry.suggested, entry.yours, entry.deviates) == ("reduction", "authors", "mean", True)
    assert "sum over cells" in entry.why
    assert not advice(_config("asl"))[-1].deviates


def test_our_own_advice_comes_last_and_is_marked() -> None:
    found = advice(_config("lmf"))
    assert [entry.setting for entry in found] == ["optimizer", "schedule", "head", "reduction"]
    assert [entry.ours for entry in found] == [False, False, True, False]
