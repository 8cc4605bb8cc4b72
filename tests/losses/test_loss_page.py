"""The Losses page as the server sees it: every declared knob is sent, links are answered, nothing breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lt_core.charts.curves import Line, lines_of, loss_lines
from lt_core.charts.palette import GROUP_COLOURS, SERIES
from lt_core.losses import all_losses, get_loss
from lt_core.params import Integer, Real

APP = Path(__file__).resolve().parents[2] / "app.py"
Open = Callable[..., Any]


@pytest.fixture
def opened() -> Open:
    """Return ``open(**query)``: the Losses page over published class counts, after its first run."""

    def open_page(**query: str) -> Any:
        page = AppTest.from_file(str(APP), default_timeout=120)
        for name, value in ({"data": "nih"} | query).items():
            page.query_params[name] = value
        page.switch_page("pages/losses.py")
        page.run()
        assert [entry.value for entry in page.exception] == []
        return page

    return open_page


def sent(page: Any) -> dict[str, Any]:
    """Return what the browser is told to draw."""
    (explorer,) = page.get("bidi_component")
    data: dict[str, Any] = json.loads(explorer.proto.json)
    return data


def test_the_page_draws_the_usual_losses(opened: Open) -> None:
    page = opened()
    assert page.multiselect(key="losses").value == ["bce", "asl", "ral", "db"]
    data = sent(page)
    assert [entry["id"] for entry in data["entries"]] == ["bce", "asl", "ral", "db"]
    assert [line["name"] for line in data["lines"]][:3] == ["BCE", "ASL", "RAL"]
    assert [line["group"] for line in data["lines"]][3:] == ["head", "medium", "tail"]
    assert not page.error


@pytest.mark.parametrize("key", [spec.key for spec in all_losses()])
def test_every_knob_is_there_with_the_declared_range(opened: Open, key: str) -> None:
    spec = get_loss(key)
    page = opened(data="nih" if spec.labels == "multi" else "ham10000", losses=key)
    assert not page.error
    (entry,) = sent(page)["entries"]
    assert entry["values"] == spec.defaults
    for param, knob in zip(spec.params, entry["params"], strict=True):
        assert (knob["name"], knob["default"], knob["help"]) == (param.name, param.default, param.domain.help)
        if isinstance(param.domain, Real | Integer):
            assert (knob["low"], knob["high"], knob["step"]) == (
                param.domain.low,
                param.domain.high,
                param.domain.step,
            )


def test_a_link_sets_the_knobs_and_is_checked(opened: Open) -> None:
    page = opened(losses="asl,asl@2", **{"asl@2.gamma_neg": "1", "asl.clip": "7"})
    first, second = sent(page)["entries"]
    assert (first["values"]["clip"], second["values"]["gamma_neg"]) == (0.05, 1.0)
    assert any("asl.clip must be in [0, 0.3], got 7" in toast.value for toast in page.toast)


def test_unknown_losses_of_a_link_are_named(opened: Open) -> None:
    page = opened(losses="asl,nosuch")
    assert page.multiselect(key="losses").value == ["asl"]
    assert "nosuch" in page.toast[0].value


def test_no_loss_is_no_dead_end(opened: Open) -> None:
    page = opened(losses="bce")
    page.multiselect(key="losses").set_value([]).run()
    assert not page.get("bidi_component")
    next(button for button in page.button if button.label == "Show the usual ones").click().run()
    assert len(sent(page)["entries"]) == 4


def test_a_loss_that_looks_at_other_labels_asks_for_them(opened: Open) -> None:
    page = opened(losses="db")
    before = sent(page)["readings"]["db"]
    page.multiselect(key="with").set_value(["Effusion", "Edema"]).run()
    after = sent(page)["readings"]["db"]
    assert [r.get("targets") for r in before] != [r.get("targets") for r in after]
    assert {box.key for box in opened(losses="bce").multiselect} == {"losses"}


def test_one_loss_takes_the_colours_of_its_classes() -> None:
    db = [("DB head", "db", "head"), ("DB tail", "db", "tail")]
    assert [line.colour for line in lines_of(db)] == [GROUP_COLOURS["head"], GROUP_COLOURS["tail"]]
    both = [*db, ("BCE", "bce", "")]
    assert [line.colour for line in lines_of(both)] == [SERIES[0], SERIES[0], SERIES[1]]
    assert len({line.dash for line in lines_of(db)}) == 2


def test_the_chart_names_its_data_and_its_curves() -> None:
    lines = [Line("BCE", SERIES[0], (1, 0)), Line("ASL", SERIES[1], (1, 0))]
    chart = loss_lines(lines, measure="gradient", title="t", subtitle="s", x_title=None, x_domain=(-8, 8)).to_dict()
    assert chart["data"] == {"name": "curves"}
    assert chart["layer"][0]["encoding"]["color"]["scale"]["domain"] == ["BCE", "ASL"]


@pytest.mark.parametrize("key", ["lmf_multilabel", "sampled_bce"])
def test_what_is_not_from_the_paper_is_said(opened: Open, key: str) -> None:
    said = " ".join(entry.value for entry in opened(losses=key).markdown)
    assert get_loss(key).extension in said
