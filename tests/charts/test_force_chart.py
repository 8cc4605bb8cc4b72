"""Charts of the force: every class is there in order, both directions start at 0, one colour a loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lt_core.charts.force import RATIOS, ledger_bars, over_logits, ratio_dots
from lt_core.charts.palette import GROUP_COLOURS, PULL, PUSH, QUIET

COLOURS = {"BCE": "#111111", "ASL": "#222222"}
NAN = float("nan")


def marks(chart: Any) -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return encoding and rows of each layer by the kind of its mark, nested ones too; Altair checks the schema."""
    spec = chart.to_dict()
    found: dict[str, Any] = {}

    def walk(part: dict[str, Any], data: dict[str, Any] | None) -> None:
        data = part.get("data", data)
        for layer in part.get("layer", []):
            walk(layer, data)
        if "mark" in part:
            mark = part["mark"] if isinstance(part["mark"], dict) else {"type": part["mark"]}
            name = mark["type"] + ("-strip" if part["encoding"].get("x", {}).get("value") == 0 else "")
            found[name] = (mark | part["encoding"], spec["datasets"][data["name"]] if data else [])

    walk(spec, None)
    return found


def bins() -> pd.DataFrame:
    rows = [
        (loss, k, -2.0 + k, -1.0 + k, -1.5 + k, 10 * (k + 1), -0.1 * k, -float(k), -0.1 * k)
        for loss in COLOURS
        for k in range(4)
    ]
    columns = ["loss", "bin", "low", "high", "logit", "n", "mean_gradient", "force", "height"]
    return pd.DataFrame(rows, columns=columns)


def ledger(n: int = 3) -> pd.DataFrame:
    groups = ["head"] + ["medium"] * (n - 2) + ["tail"]
    frames = [
        pd.DataFrame(
            {
                "loss": loss,
                "row": [f"class {k} · {100 - k}" for k in range(n)],
                "class": [f"class {k}" for k in range(n)],
                "group": groups,
                "n_positive": 100 - np.arange(n),
                "n_negative": 900,
                "pull": 5.0,
                "push": np.arange(n) * 2.0,
                "wrong_way": 0.0,
                "ratio": [NAN, *(5 / (2.0 * np.arange(1, n)))],
                "left": np.arange(n) * 2.0,
                "right": 5.0,
            }
        )
        for loss in COLOURS
    ]
    return pd.concat(frames, ignore_index=True)


def test_the_histogram_is_quiet_stands_on_zero_and_counts_each_cell_once() -> None:
    chart = over_logits(bins(), COLOURS, title="t", subtitle="s", height_title="h", histogram=True, x_domain=(-2, 2))
    encoding, rows = marks(chart)["bar"]
    assert encoding["color"] == QUIET
    assert encoding["y2"] == {"datum": 0}
    assert sum(row["n"] for row in rows) == 100
    line, drawn = marks(chart)["line"]
    assert line["color"]["scale"] == {"domain": list(COLOURS), "range": list(COLOURS.values())}
    assert len(drawn) == 8
    assert chart.to_dict()["resolve"]["scale"]["y"] == "independent"


def test_without_histogram_only_lines_and_the_zero_are_drawn() -> None:
    chart = over_logits(bins(), COLOURS, title="t", subtitle="s", height_title="h", histogram=False, x_domain=(-2, 2))
    assert set(marks(chart)) == {"line", "point", "rule"}


@pytest.mark.parametrize("n", [3, 14, 80])
def test_the_ledger_has_a_row_for_every_class_push_left_and_pull_right(n: int) -> None:
    own = ledger(n)[lambda table: table["loss"] == "BCE"]
    chart = ledger_bars(own, title="BCE", subtitle="s", x_title="x", reach=170, row_height=13)
    encoding, rows = marks(chart)["bar"]
    assert encoding["y"]["sort"] == own["row"].tolist()
    assert encoding["y"]["axis"]["labelOverlap"] is False
    assert encoding["x"]["scale"]["domain"] == [-170, 170]
    assert encoding["color"]["scale"] == {"domain": ["push", "pull"], "range": [PUSH, PULL]}
    assert all(row["x"] <= 0 for row in rows if row["way"] == "push")
    assert all(row["x"] >= 0 for row in rows if row["way"] == "pull")
    assert sum(abs(row["x"]) for row in rows) == pytest.approx(own["pull"].sum() + own["push"].sum())
    assert chart.to_dict()["height"] >= 13 * n


def test_groups_keep_their_colours_along_the_classes() -> None:
    own = ledger()[lambda table: table["loss"] == "BCE"]
    _, rows = marks(ledger_bars(own, title="t", subtitle="s", x_title="x", reach=9, row_height=20))["bar-strip"]
    assert [row["strip"] for row in rows] == [GROUP_COLOURS[group] for group in ("head", "medium", "tail")]


def test_ratios_are_on_a_log_axis_and_the_undefined_keep_their_row_without_a_point() -> None:
    table = ledger()
    table.loc[1, "ratio"] = 1e30
    table.loc[2, "ratio"] = 0.0
    chart = ratio_dots(table, COLOURS, title="t", subtitle="s", row_height=20)
    encoding, rows = marks(chart)["point"]
    assert encoding["x"]["scale"]["type"] == "log"
    assert encoding["y"]["sort"] == table["row"].drop_duplicates().tolist()
    assert len(rows) == 3
    assert max(row["x"] for row in rows) == RATIOS[1]
    assert max(row["ratio"] for row in rows) == 1e30
    assert "rim" in chart.to_dict()["title"]["subtitle"]
    assert 1.0 in encoding["x"]["axis"]["values"]


def test_a_ledger_without_any_ratio_still_draws() -> None:
    chart = ratio_dots(ledger().assign(ratio=NAN), COLOURS, title="t", subtitle="s", row_height=20)
    assert marks(chart)["point"][1] == []
