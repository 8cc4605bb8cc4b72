"""Charts of maps: every row is drawn where it belongs, and what is not defined is not drawn at 0."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lt_core.charts.maps import AT_RANDOM, THIS_MAP, changed_pixels, pointing_differences


def test_the_map_stands_before_grey_maps_at_random() -> None:
    table = pd.DataFrame(
        {
            "order": "strongest first",
            "of": [THIS_MAP, THIS_MAP, AT_RANDOM, AT_RANDOM],
            "number": [0, 0, 1, 1],
            "share": [0.0, 1.0, 0.0, 1.0],
            "probability": [0.9, 0.1, 0.9, 0.1],
        }
    )
    spec = changed_pixels(table, title="taken away").to_dict()
    grey, own = spec["layer"]
    assert "maps at random" in str(grey["transform"])
    assert "this map" in str(own["transform"])
    assert "color" not in grey["encoding"]
    assert [field["field"] for field in grey["encoding"]["detail"]] == ["number", "order"]
    assert own["encoding"]["y"]["scale"] == {"domain": [0, 1]}


def test_a_difference_that_is_not_defined_is_left_out_and_the_axis_is_symmetric() -> None:
    table = pd.DataFrame(
        {
            "row": ["a · 3", "b · 2", "a · 3", "b · 2"],
            "run": ["B", "B", "C", "C"],
            "difference": [0.2, np.nan, -0.4, 0.0],
            "low": [0.1, np.nan, -0.5, np.nan],
            "high": [0.3, np.nan, -0.3, np.nan],
            "n": [3, 2, 3, 2],
            "verdict": ["better", "cannot tell", "worse", "cannot tell"],
        }
    )
    spec = pointing_differences(table, title="pointing game, minus that of A").to_dict()
    _, span, dots = spec["layer"]
    drawn = next(rows for rows in spec["datasets"].values() if len(rows) == 3)
    assert [(row["row"], row["run"]) for row in drawn] == [("a · 3", "B"), ("a · 3", "C"), ("b · 2", "C")]
    assert "isValid" in str(span["transform"])
    low, high = dots["encoding"]["x"]["scale"]["domain"]
    assert low == -high
    assert high >= 0.5
    assert dots["encoding"]["shape"]["field"] == "run"
    alone = pointing_differences(table[table["run"] == "B"], title="").to_dict()
    assert alone["layer"][2]["encoding"]["shape"]["field"] == "verdict"
