"""The charts of errors draw what their tables say, and nothing where it is not defined."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lt_core.charts.errors import mistaken_map, slice_map, two_sides
from lt_core.evaluation.errors import by_slice, missed_called
from lt_core.evaluation.scored import Scored


def _scored() -> Scored:
    random = np.random.default_rng(0)
    scores = random.random((120, 3))
    truth = (random.random((120, 3)) < 0.3).astype(np.float32)
    columns = pd.DataFrame({"sex": random.choice(["F", "M"], 120)})
    return Scored(("A", "B", "C"), scores, scores, truth, np.arange(120).astype(str), columns=columns)


def test_the_map_of_pairs_has_a_cell_a_pair_and_its_rate_in_it() -> None:
    pairs = missed_called(_scored()).pairs
    drawn = mistaken_map(pairs, ["C", "A"]).to_dict()
    cells = next(iter(drawn["datasets"].values()))
    assert [(cell["y"], cell["x"]) for cell in cells] == [("A", "C"), ("C", "A")]
    rate = pairs.set_index(["missed", "called"]).loc[("A", "C"), "rate"]
    assert cells[0]["print"] == f"{100 * rate:.0f}%"
    assert drawn["layer"][0]["encoding"]["y"]["sort"] == ["C", "A"]


def test_a_map_of_nothing_defined_is_still_a_map() -> None:
    pairs = missed_called(_scored(), 0.0).pairs
    assert pairs["difference"].isna().all()
    drawn = mistaken_map(pairs, ["A", "B", "C"]).to_dict()
    assert drawn["layer"][0]["encoding"]["color"]["scale"]["domain"] == [-0.05, 0, 0.05]
    assert {cell["strength"] for cell in next(iter(drawn["datasets"].values()))} == {0.0}


def test_slices_too_small_to_judge_are_faint() -> None:
    table = by_slice(_scored(), "sex").table
    table.loc[0, "note"] = "fewer than 5 patients with positives on one side"
    cells = next(
        iter(slice_map(table, ["F", "M"], ["A", "B", "C"], metric="F1", ink="#000").to_dict()["datasets"].values())
    )
    assert cells[0]["strength"] < min(cell["strength"] for cell in cells[1:])
    assert [cell["print"] for cell in cells] == [f"{value:.2f}" for value in table["value"]]


def test_what_is_not_defined_is_written_and_not_drawn_at_zero() -> None:
    rows = [
        {"row": name, "side": side, "value": value, "low": value, "high": value, "n_positive": 3, "n": 9,
         "verdict": "cannot tell", "note": ""}
        for name, values in (("x", (0.5, np.nan)), ("y", (0.2, 0.3)))
        for side, value in zip(("with", "without"), values, strict=True)
    ]  # fmt: skip
    drawn = two_sides(pd.DataFrame(rows), title="F1", sides=("with", "without")).to_dict()
    spans, dots, missing = drawn["layer"]
    data = {name: drawn["datasets"][layer["data"]["name"]] for name, layer in (("dots", dots), ("missing", missing))}
    assert len(data["dots"]) == 3
    assert [(row["row"], row["side"]) for row in data["missing"]] == [("x", "without")]
    assert missing["encoding"]["text"]["value"] == "not defined"
    assert spans["encoding"]["x2"]["field"] == "high"
