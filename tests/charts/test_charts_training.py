"""Charts of a run: they hold what the history says, leave out what is not defined, and do not move while it grows."""

from __future__ import annotations

import math

import pandas as pd

from lt_core.charts.palette import GROUP_COLOURS
from lt_core.charts.training import groups_by_epoch, loss_by_epoch

HISTORY = pd.DataFrame(
    {
        "epoch": [1.0, 2.0],
        "train_loss": [0.5, 0.4],
        "val_loss": [0.6, math.nan],
        "f1_head": [0.1, 0.3],
        "f1_medium": [0.0, 0.1],
        "f1_tail": [math.nan, math.nan],
    }
)


def _rows(spec: dict) -> list[dict]:
    return next(iter(spec["datasets"].values()))


def test_groups_keep_their_colours_and_leave_out_what_is_not_defined() -> None:
    spec = groups_by_epoch(HISTORY, metric="f1", epochs=8).to_dict()
    assert {(row["epoch"], row["group"], row["value"]) for row in _rows(spec)} == {
        (1.0, "head", 0.1),
        (2.0, "head", 0.3),
        (1.0, "medium", 0.0),
        (2.0, "medium", 0.1),
    }
    encoding = spec["layer"][0]["encoding"]
    assert encoding["color"]["scale"] == {"domain": list(GROUP_COLOURS), "range": list(GROUP_COLOURS.values())}
    assert encoding["x"]["scale"]["domain"] == [1, 8]


def test_loss_is_told_by_part() -> None:
    rows = _rows(loss_by_epoch(HISTORY, epochs=2).to_dict())
    assert [(row["part"], row["loss"]) for row in rows] == [("training", 0.5), ("training", 0.4), ("validation", 0.6)]


def test_one_epoch_has_an_axis_with_a_length() -> None:
    spec = loss_by_epoch(HISTORY[:1], epochs=1).to_dict()
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0, 1]
