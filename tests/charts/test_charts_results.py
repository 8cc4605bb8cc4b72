"""Charts of results: every class is there, in order, and what is not defined says so instead of being drawn at 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lt_core.charts import Figure
from lt_core.charts.results import class_difference, class_metric, class_probabilities, group_means
from lt_core.charts.versus import differences

NAN = float("nan")


def layers(chart: Figure) -> list[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Return (kind of mark, its encoding, the rows it draws) of each layer; Altair checks the schema."""
    spec = chart.to_dict()
    found = []
    for layer in spec["layer"]:
        rows = spec["datasets"][layer.get("data", spec.get("data", {}))["name"]]
        for step in layer.get("transform", []):
            wanted = not step["filter"].startswith("!")
            column = step["filter"].split("datum.")[1].rstrip(")")
            rows = [row for row in rows if (row[column] is not None) == wanted]
        found.append((layer["mark"]["type"], layer["encoding"], rows))
    return found


def written(chart: Figure) -> list[str]:
    """Return what the text marks of the chart say."""
    return [
        encoding["text"]["value"] if "value" in encoding["text"] else row[encoding["text"]["field"]]
        for kind, encoding, rows in layers(chart)
        if kind == "text"
        for row in rows
    ]


def order_of_classes(chart: Figure, channel: str = "y") -> list[str]:
    return next(encoding[channel]["sort"] for _, encoding, _ in layers(chart) if "sort" in encoding.get(channel, {}))


def class_table(runs: str = "A") -> pd.DataFrame:
    rows = []
    for run in runs:
        for name, group, value in (("Zebra", "head", 0.7), ("Ant", "medium", NAN), ("Mule", "tail", 0.0)):
            low, high = (NAN, NAN) if np.isnan(value) else (max(0, value - 0.1), value + 0.1)
            rows.append((f"{name} · 12", name, group, run, f"run {run}", 12, value, low, high, 0.1))
    columns = ["row", "class", "group", "run", "run_name", "n_positive", "value", "low", "high", "chance"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize("runs", ["A", "AB"])
def test_classes_keep_the_order_of_the_table_and_the_undefined_is_said(runs: str) -> None:
    chart = class_metric(class_table(runs), title="F1")
    assert order_of_classes(chart) == ["Zebra · 12", "Ant · 12", "Mule · 12"]
    assert written(chart) == ["not defined"] * len(runs)


def test_a_value_of_zero_is_drawn_and_one_that_is_not_defined_is_not() -> None:
    for kind, _, rows in layers(class_metric(class_table(), title="F1")):
        assert [row["class"] for row in rows] == (["Ant"] if kind == "text" else ["Zebra", "Mule"])


def hovers(chart: Figure) -> set[tuple[str, str]]:
    """Return field and title of what hovering over any mark says."""
    told = [encoding.get("tooltip", []) for _, encoding, _ in layers(chart)]
    return {(entry["field"], entry.get("title", "")) for several in told for entry in several}


def test_hovering_says_how_an_interval_was_made_where_it_is_known() -> None:
    table = class_table().assign(method="Wilson")
    assert ("method", "interval") in hovers(class_metric(table, title="F1"))
    assert ("method", "interval") not in hovers(class_metric(class_table(), title="F1"))
    means = table.assign(metric="F1", n_classes=2)
    assert {("method", "interval"), ("ends", "95 %")} <= hovers(group_means(means))
    gaps = table.assign(difference=0.1, a=0.1, b=0.2, p_adjusted=0.5, smallest_detectable=0.3, verdict="cannot tell")
    assert ("method", "interval") in hovers(differences(gaps, title="F1"))


def test_nothing_defined_at_all_is_still_a_chart() -> None:
    table = class_table().assign(value=NAN, low=NAN, high=NAN)
    assert written(class_metric(table, title="F1")) == ["not defined"] * 3
    difference = table[["row", "class", "group"]].assign(a=NAN, b=NAN, difference=NAN)
    assert written(class_difference(difference, title="F1")) == ["not defined"] * 3


def test_a_difference_that_is_not_defined_is_said() -> None:
    table = pd.DataFrame(
        {
            "row": ["x · 3", "y · 2"],
            "class": ["x", "y"],
            "group": ["head", "tail"],
            "a": [0.2, NAN],
            "b": [0.5, 0.1],
            "difference": [0.3, NAN],
        }
    )
    bars, words, _ = layers(class_difference(table, title="AP"))
    assert [row["class"] for row in bars[2]] == ["x"]
    assert [row["class"] for row in words[2]] == ["y"]
    low, high = bars[1]["x"]["scale"]["domain"]
    assert -low == high > 0.3


@pytest.mark.parametrize("runs", ["A", "AB", "ABCDEF"])
def test_group_means_write_their_value_and_that_there_is_none(runs: str) -> None:
    table = pd.DataFrame(
        [
            {"metric": metric, "group": group, "run": run, "run_name": run, "value": value, "n_classes": 2}
            for run in runs
            for metric in ("F1", "AP")
            for group, value in (("head", 0.5), ("medium", 0.25), ("tail", NAN))
        ]
    )
    assert sorted(written(group_means(table))) == sorted(["0.50", "0.25", "not defined"] * 2 * len(runs))
    strengths = next(a for _, a, _ in layers(group_means(table)) if "opacity" in a)["opacity"]["scale"]["range"]
    assert strengths[-1] == 1.0, "alone, and as the last of several, a run is drawn in full"
    assert strengths == sorted(strengths)
    assert np.diff(strengths).min(initial=1.0) > 0.1, "the legend tells each run from the next"
    assert strengths[0] > 0.3, "and none from the page"


def test_probabilities_are_sorted_and_the_truth_is_marked() -> None:
    table = pd.DataFrame(
        {
            "class": ["a", "b", "c"],
            "group": ["head", "medium", "tail"],
            "probability": [0.1, 0.93, 0.5],
            "truth": ["present", "absent", "unknown"],
        }
    )
    chart = class_probabilities(table)
    assert order_of_classes(chart) == ["b", "c", "a"]
    assert written(chart) == ["0.10  ✓ true", "0.93", "0.50"]
