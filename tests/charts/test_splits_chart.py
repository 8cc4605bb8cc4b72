"""The charts of a split draw what the tables say, and stand when there is little."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lt_core.charts import splits as charts
from lt_core.datasets import LabeledImages, NoImages, Source, assign_parts
from lt_core.stats.power import power_table
from lt_core.stats.split_checks import check_split


def table(n: int = 600) -> pd.DataFrame:
    labels = np.random.default_rng(0).random((n, 3)) < [0.5, 0.2, 0.02]
    data = LabeledImages(
        key="t", title="t", class_names=("a", "b", "c: d"), matrix=labels.astype(np.float32), images=NoImages(n),
        kind="multi", source=Source("t"),
    )  # fmt: skip
    return check_split(assign_parts(data, method="iterative")).table


def rows_of(layer: dict[str, object], chart: dict[str, object]) -> list[dict[str, object]]:
    name = (layer.get("data") or chart["data"])["name"]  # type: ignore[index]
    return chart["datasets"][name]  # type: ignore[index,no-any-return]


def test_shares_have_a_dot_a_stem_and_a_target_for_each_class_and_part() -> None:
    chart = charts.class_shares(table(), ["a", "c: d"]).to_dict()
    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["rule", "tick", "point"]
    for layer in chart["layer"]:
        assert {(row["class"], row["part"]) for row in rows_of(layer, chart)} == {
            (name, part) for name in ("a", "c: d") for part in ("train", "val", "test")
        }


def test_the_shift_leaves_out_the_part_compared_with() -> None:
    chart = charts.prevalence_shift(table(), ["a", "b", "c: d"]).to_dict()
    assert {row["part"] for row in rows_of(chart["layer"][2], chart)} == {"val", "test"}


def test_few_positives_are_outlined_and_a_cell_can_be_clicked() -> None:
    chart = charts.part_counts(table(), ["a", "b", "c: d"], few=7).to_dict()
    assert {param["name"] for param in chart["params"]} == {charts.CLICKED_CELL}
    assert chart["layer"][1]["transform"] == [{"filter": "datum.positives < 7"}]
    assert len(rows_of(chart["layer"][0], chart)) == 9


def test_the_power_curve_names_classes_that_have_room() -> None:
    classes = power_table([3, 4, 40, 41, 400], precision=0.5, recall=0.5)
    classes.insert(0, "class", list("abcde"))
    chart = charts.power_curve(power_table(np.arange(1, 500), precision=0.5, recall=0.5), classes).to_dict()
    assert [row["class"] for row in rows_of(chart["layer"][2], chart)] == ["a", "c", "e"]
    assert len(rows_of(chart["layer"][1], chart)) == 5


@pytest.mark.parametrize("draw", [charts.class_shares, charts.prevalence_shift, charts.part_counts])
def test_no_class_is_an_empty_chart(draw: object) -> None:
    assert draw(table(), []).to_dict()["layer"]  # type: ignore[operator]
