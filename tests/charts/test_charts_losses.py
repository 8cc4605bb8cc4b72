"""Charts that look closer at losses: a step over the one before, and the map of verdicts."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from lt_core.charts.ladder import BEFORE, NOW, step_lines
from lt_core.charts.palette import PULL
from lt_core.charts.soundness import MARKS, ROOM, VERDICT_COLOURS, gradient_lines, spans, verdict_map
from lt_core.losses.soundness import VERDICTS

CURVE = pd.DataFrame({"logit": [-2.0, 0.0, 2.0], "value": [2.1, 0.7, 0.1], "gradient": [-0.9, -0.5, -0.1]})


def _rows(spec: dict) -> list[dict]:
    return max(spec["datasets"].values(), key=len)


def test_a_step_is_drawn_over_the_one_before() -> None:
    spec = step_lines(CURVE, CURVE * 2, measure="gradient", colour=PULL, title="Gradient").to_dict()
    assert [(row["step"], row["gradient"]) for row in _rows(spec)] == [
        *((NOW, value) for value in (-0.9, -0.5, -0.1)),
        *((BEFORE, value) for value in (-1.8, -1.0, -0.2)),
    ]
    dashed, solid = spec["layer"][1], spec["layer"][2]
    assert dashed["mark"]["strokeDash"] == [7, 4]
    assert "strokeDash" not in solid["mark"]
    assert solid["mark"]["color"] == PULL
    assert solid["encoding"]["x"]["scale"]["domain"] == [-2.0, 2.0]
    assert solid["encoding"]["y"]["field"] == "gradient"


def test_the_lowest_step_stands_alone_and_an_axis_may_be_left_unnamed() -> None:
    spec = step_lines(CURVE, None, measure="value", colour=PULL, title="Loss", x_title=False).to_dict()
    assert {row["step"] for row in _rows(spec)} == {NOW}
    assert spec["layer"][2]["encoding"]["x"]["title"] is None


def _table(verdicts: list[str], **columns: object) -> pd.DataFrame:
    logit = [float(10 * k) for k in range(len(verdicts))]
    return pd.DataFrame({"y": 1, "form": "ours", "dtype": "float32", "logit": logit, "verdict": verdicts} | columns)


def test_stretches_meet_half_way_and_cover_the_axis() -> None:
    table = spans(_table(["infinite", "infinite", "off", "sound", "sound"]))
    assert table[["verdict", "start", "end"]].to_numpy().tolist() == [
        ["infinite", 0.0, 15.0],
        ["off", 15.0, 25.0],
        ["sound", 25.0, 40.0],
    ]


def test_curves_do_not_run_into_each_other() -> None:
    other = _table(["sound", "sound"]).assign(dtype="float16")
    table = spans(pd.concat([_table(["sound", "sound"]), other], ignore_index=True))
    assert table["dtype"].tolist() == ["float32", "float16"]
    assert table["end"].tolist() == [10.0, 10.0]


def test_every_verdict_has_its_colour_and_its_mark() -> None:
    assert tuple(VERDICT_COLOURS) == tuple(MARKS) == VERDICTS
    assert len(set(VERDICT_COLOURS.values())) == len(VERDICTS)


def _lightness(colour: str) -> float:
    """Return CIE L* of an sRGB colour."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * y ** (1 / 3) - 16


@pytest.mark.parametrize("verdict", VERDICTS[2:])
def test_what_is_broken_is_told_from_what_is_sound_by_lightness_alone(verdict: str) -> None:
    assert _lightness(VERDICT_COLOURS["sound"]) - _lightness(VERDICT_COLOURS[verdict]) > 15


def test_the_map_names_its_wide_stretches_and_keeps_the_order_of_formats() -> None:
    stretches = spans(_table(["not a number"] * 3 + ["off"] + ["sound"] * 3))
    spec = verdict_map(stretches, title="This app, y = 1", formats=["float64", "float32"]).to_dict()
    marks = {row["verdict"]: row["mark"] for row in _rows(spec)}
    assert marks == {"not a number": "NaN", "off": "", "sound": "sound"}
    assert stretches["end"].iloc[1] - stretches["start"].iloc[1] < ROOM
    bars = spec["layer"][0]["encoding"]
    assert bars["y"]["sort"] == ["float64", "float32"]
    assert bars["color"]["scale"] == {"domain": list(VERDICT_COLOURS), "range": list(VERDICT_COLOURS.values())}


def test_gradients_leave_gaps_where_they_are_not_finite() -> None:
    table = _table(
        ["sound"] * 4, gradient=[-1.0, math.nan, math.inf, -0.1], reference_gradient=[-1.0, -0.9, -0.5, -0.1]
    )
    spec = gradient_lines(table, title="Gradient", colour=PULL).to_dict()
    exact, own = (spec["datasets"][layer["data"]["name"]] for layer in spec["layer"])
    assert [row["reference_gradient"] for row in exact] == [-1.0, -0.9, -0.5, -0.1]
    drawn = [row["gradient"] for row in own]
    assert drawn == [-1.0, None, None, -0.1]
