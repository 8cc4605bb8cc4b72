"""Charts of many runs draw every row they are given, and what is not defined not at 0."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from lt_core.charts import Figure
from lt_core.charts.sweeps import differences, importance, parallel_coordinates, seeds

NAN = math.nan


def drawn(chart: Figure, mark: str) -> list[dict[str, Any]]:
    """Return the rows behind every layer with this mark; Altair checks the schema."""
    spec = chart.to_dict()
    layers = [layer for panel in spec.get("hconcat", [spec]) for layer in panel.get("layer", [panel])]
    panels = {id(layer): panel for panel in spec.get("hconcat", [spec]) for layer in panel.get("layer", [panel])}
    found: list[dict[str, Any]] = []
    for layer in layers:
        if layer["mark"]["type"] == mark:
            data = layer.get("data") or panels[id(layer)].get("data") or spec["data"]
            rows = spec["datasets"][data["name"]]
            for step in layer.get("transform", []):
                wanted, column = not step["filter"].startswith("!"), step["filter"].split("datum.")[1].rstrip(")")
                rows = [row for row in rows if (row[column] is not None) == wanted]
            found += rows
    return found


def forest_table() -> pd.DataFrame:
    rows = [
        ("asl", "macro AP", 0.03, 0.01, 0.05, "better", 5, 0.01),
        ("db", "macro AP", NAN, NAN, NAN, "cannot tell", 0, NAN),
        ("lmf", "macro AP", -0.02, NAN, NAN, "cannot tell", 1, NAN),
        ("asl", "AP, tail", -0.03, -0.2, 0.1, "cannot tell", 5, 0.6),
    ]
    return pd.DataFrame(
        rows, columns=["candidate", "title", "difference", "low", "high", "verdict", "n_pairs", "p_holm"]
    )


def test_a_forest_has_a_panel_a_metric_and_a_dot_a_defined_difference() -> None:
    chart = differences(forest_table(), reference="bce")
    assert len(chart.to_dict()["hconcat"]) == 2
    assert [(row["candidate"], row["title"]) for row in drawn(chart, "point")] == [
        ("asl", "macro AP"), ("lmf", "macro AP"), ("asl", "AP, tail"),
    ]  # fmt: skip
    intervals = [row["candidate"] for row in drawn(chart, "rule") if "candidate" in row]
    assert intervals == ["asl", "asl"]


def test_zero_lies_in_the_middle_and_no_interval_is_cut() -> None:
    for panel in differences(forest_table(), reference="bce").to_dict()["hconcat"]:
        domains = [x["scale"]["domain"] for layer in panel["layer"] if "scale" in (x := layer["encoding"]["x"])]
        low, high = domains[0]
        assert low == -high
        assert all(domain == [low, high] for domain in domains)
    assert high > 0.2


def test_every_seed_is_a_dot() -> None:
    table = pd.DataFrame({"candidate": ["a", "a", "b"], "seed": [0, 1, 0], "value": [0.1, 0.2, NAN]})
    assert [row["value"] for row in drawn(seeds(table, title="macro AP"), "point")] == [0.1, 0.2]


def test_the_most_important_axis_comes_first() -> None:
    table = pd.DataFrame({"axis": ["a", "b", "c"], "share": [0.2, 0.7, 0.1]})
    spec = importance(table).to_dict()
    assert spec["layer"][0]["encoding"]["y"]["sort"] == ["b", "a", "c"]


def test_parallel_coordinates_keep_the_order_of_the_axes_and_say_their_ends() -> None:
    rows = [
        ("s0", 0.5, "rate", 0.2, "0.001"), ("s0", 0.5, "gamma", 1.0, "8"), ("s0", 0.5, "ap", 1.0, "0.5"),
        ("s1", NAN, "rate", 0.9, "0.5"), ("s1", NAN, "gamma", NAN, ""), ("s1", NAN, "ap", NAN, ""),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["setting", "value", "axis", "place", "said"])
    chart = parallel_coordinates(table, metric="macro AP")
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["sort"] == ["rate", "gamma", "ap"]
    assert len(drawn(chart, "line")) == 4
    assert {row["said"] for row in drawn(chart, "text") if row["axis"] == "rate"} == {"0.001", "0.5"}
