"""A link says exactly what is set, and nothing a browser or a link says goes in unchecked."""

from __future__ import annotations

import random

import pytest

from lt_core.losses import all_losses, get_loss
from lt_core.params import Choice, Integer, Real, Value
from lt_core.problems import Problem
from pages.ui.explorer.settings import VIEW, Settings, from_query, to_query
from pages.ui.explorer.symbols import symbol_html

SPECS = {spec.key: spec for spec in all_losses()}


def somewhere(key: str, chance: random.Random) -> dict[str, Value]:
    """Return every knob of a loss at a place its slider can stand at."""
    values: dict[str, Value] = {}
    for param in SPECS[key].params:
        match param.domain:
            case Real(low, high, step):
                values[param.name] = min(high, low + step * chance.randint(0, int((high - low) / step)))
            case Integer(low, high):
                values[param.name] = chance.randint(low, high)
            case Choice(options):
                values[param.name] = chance.choice(options)
            case _:
                values[param.name] = chance.random() < 0.5
    return values


@pytest.mark.parametrize("key", list(SPECS))
def test_a_link_opens_exactly_that_figure(key: str) -> None:
    chance = random.Random(key)
    settings = Settings(view={name: options[-1] for name, options in VIEW.items()}, counts={"Hernia": 12})
    settings.copies.append(f"{key}@2")
    settings.values = {key: somewhere(key, chance), f"{key}@2": somewhere(key, chance)}
    shown = settings.entries([SPECS[key]])
    link = to_query(settings, shown) | {"losses": ",".join(entry.id for entry in shown)}
    again, wrong = from_query(link, SPECS)
    assert wrong == []
    assert again.view == settings.view
    assert again.counts == settings.counts
    for here, there in zip(shown, again.entries([SPECS[key]]), strict=True):
        assert here.id == there.id
        assert here.values.keys() == there.values.keys()
        for name, value in here.values.items():
            numeric = isinstance(value, float)
            assert there.values[name] == (pytest.approx(value, rel=1e-9) if numeric else value)


def test_what_is_as_at_first_is_not_in_the_link() -> None:
    settings = Settings()
    assert to_query(settings, settings.entries([SPECS["asl"], SPECS["db"]])) == {}


def test_a_link_that_asks_for_too_much_is_answered_by_name() -> None:
    settings, wrong = from_query({"losses": "asl", "asl.gamma_neg": "99", "asl.clip": "0.1", "scale": "huge"}, SPECS)
    assert wrong == ["scale must be one of linear, log, even, got 'huge'", "asl.gamma_neg must be in [0, 8], got 99"]
    entry = settings.entries([SPECS["asl"]])[0]
    assert (entry.values["gamma_neg"], entry.values["clip"]) == (4.0, 0.1)
    assert settings.view["scale"] == "linear"


def told(**more: object) -> dict[str, object]:
    values = {**get_loss("asl").defaults, "gamma_neg": 2}
    return {"version": 1, "entries": [{"id": "asl", "key": "asl", "values": values}], "view": {}, "counts": {}, **more}


def test_what_the_browser_tells_is_checked() -> None:
    settings = Settings()
    settings.take(told(counts={"Hernia": 5000, "Mass": -3}), SPECS, n_samples=1000)
    assert settings.entries([SPECS["asl"]])[0].values["gamma_neg"] == 2.0
    assert settings.counts == {"Hernia": 1000, "Mass": 0}
    bad = told()
    bad["entries"][0]["values"]["gamma_neg"] = 9  # type: ignore[index]
    with pytest.raises(Problem, match=r"asl\.gamma_neg must be in"):
        settings.take(bad, SPECS, n_samples=1000)
    assert settings.entries([SPECS["asl"]])[0].values["gamma_neg"] == 2.0


def test_a_second_setting_begins_where_the_first_is_and_can_go_again() -> None:
    settings = Settings()
    settings.take(told(copy="asl"), SPECS, n_samples=10)
    first, second = settings.entries([SPECS["asl"]])
    assert (second.id, settings.active) == ("asl@2", "asl@2")
    assert first.values == second.values
    settings.take(told(version=2, remove="asl@2"), SPECS, n_samples=10)
    assert [entry.id for entry in settings.entries([SPECS["asl"]])] == ["asl"]


@pytest.mark.parametrize("text", ["²", "-4", "1e3", "9" * 5000, ""])
def test_a_count_of_a_link_is_a_number_of_images(text: str) -> None:
    settings, wrong = from_query({"count.Hernia": text}, SPECS)
    assert settings.counts == {}
    assert wrong[0].startswith("count.Hernia must be a number of images")


def test_further_settings_of_a_link_are_checked() -> None:
    settings, wrong = from_query({"losses": "asl,asl@2,asl@2,asl@x,asl@,nosuch@2"}, SPECS)
    assert settings.copies == ["asl@2"]
    assert len(wrong) == 3


def test_counts_belong_to_one_data_set() -> None:
    settings = Settings(counts={"Hernia": 5000, "Nope": 3})
    assert settings.keep_counts("nih", ["Hernia", "Mass"], 1000) == ["Nope"]
    assert settings.counts == {"Hernia": 1000}
    assert settings.keep_counts("nih", ["Hernia", "Mass"], 1000) == []
    assert settings.keep_counts("chest-phantom", ["Hernia"], 4000) == []
    assert settings.counts == {}


def test_a_view_below_can_put_its_losses_into_the_figure() -> None:
    settings = Settings(copies=["bce@2"])
    keys = settings.replace([("asl", {"gamma_neg": 0.0}), ("asl", {"gamma_neg": 2.0}), ("bce", {})])
    assert keys == ["asl", "bce"]
    shown = settings.entries([SPECS[key] for key in keys])
    assert [(e.id, e.values.get("gamma_neg")) for e in shown] == [("asl", 0.0), ("asl@2", 2.0), ("bce", None)]


@pytest.mark.parametrize(
    ("tex", "html"),
    [
        (r"\gamma_-", "γ<sub>−</sub>"),
        (r"\varepsilon_1", "ε<sub>1</sub>"),
        (r"m_{\max}", 'm<sub><span style="font-style:normal">max</span></sub>'),
        (r"w^+_c", "w<sup>+</sup><sub>c</sub>"),
        ("s", "s"),
        ("", ""),
        (r"\frac{a}{b}", ""),
    ],
)
def test_symbols(tex: str, html: str) -> None:
    assert symbol_html(tex) == html


def test_every_symbol_of_every_knob_can_be_shown() -> None:
    for spec in SPECS.values():
        for param in spec.params:
            if param.domain.tex:
                assert symbol_html(param.domain.tex), f"{spec.key}.{param.name}: {param.domain.tex}"
