"""The Losses page: every declared knob is there, nothing breaks, and the chart changes only its data."""

from __future__ import annotations

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
        page = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in ({"data": "nih"} | query).items():
            page.query_params[name] = value
        page.switch_page("pages/losses.py")
        page.run()
        assert [entry.value for entry in page.exception] == []
        return page

    return open_page


def test_the_page_draws_four_panels(opened: Open) -> None:
    page = opened()
    assert page.multiselect(key="losses").value == ["bce", "asl", "ral", "db"]
    assert len(page.get("vega_lite_chart")) == 4
    assert not page.error


@pytest.mark.parametrize("key", [spec.key for spec in all_losses()])
def test_every_knob_has_its_widget_with_the_declared_range(opened: Open, key: str) -> None:
    page = opened(losses=key)
    for param in get_loss(key).params:
        name = f"{key}.{param.name}"
        if isinstance(param.domain, Real | Integer):
            slider = page.slider(key=name)
            assert (slider.min, slider.max, slider.value) == (param.domain.low, param.domain.high, param.default)
            slider.set_value(param.domain.high)
    page.run()
    assert not page.exception
    assert not page.error


def test_unknown_losses_of_a_link_are_named(opened: Open) -> None:
    page = opened(losses="asl,nosuch")
    assert page.multiselect(key="losses").value == ["asl"]
    assert "nosuch" in page.toast[0].value


def test_no_loss_is_no_dead_end(opened: Open) -> None:
    page = opened(losses="bce")
    page.multiselect(key="losses").set_value([]).run()
    assert not page.get("vega_lite_chart")
    next(button for button in page.button if button.label == "Show the usual ones").click().run()
    assert len(page.get("vega_lite_chart")) == 4


def test_moving_a_knob_leaves_the_specification_alone(opened: Open) -> None:
    page = opened(losses="asl")
    before = [chart.proto.spec for chart in page.get("vega_lite_chart")]
    data = [chart.proto.data.data for chart in page.get("vega_lite_chart")]
    page.slider(key="asl.gamma_neg").set_value(1.0).run()
    assert [chart.proto.spec for chart in page.get("vega_lite_chart")] == before
    assert [chart.proto.data.data for chart in page.get("vega_lite_chart")] != data


def test_back_to_the_defaults(opened: Open) -> None:
    page = opened(losses="asl", **{"asl.gamma_neg": "1"})
    assert page.slider(key="asl.gamma_neg").value == 1.0
    page.button(key="reset-asl").click().run()
    assert page.slider(key="asl.gamma_neg").value == 4.0


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
