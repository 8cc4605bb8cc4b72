"""What is concluded follows from the numbers, and what is offered for comparison can be compared."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from lt_core.charts.paper_figure import means_svg
from lt_core.datasets import Source
from lt_core.losses import get_loss
from lt_core.sweeps import ComparePlan, paper
from lt_core.sweeps.candidates import FIRST, candidates_for
from lt_core.sweeps.conclusion import conclude
from lt_core.sweeps.results import MEASURES, compared
from lt_core.training import RunConfig

SHIFTS = {"better": 0.1, "worse": -0.1, "same": 0.0, "open": 0.0}
SPREAD = {"better": 0.001, "worse": 0.001, "same": 0.001, "open": 0.05}


def results(n: int) -> pd.DataFrame:
    """Four losses whose difference to the reference is known, over ``n`` seeds."""
    ups = np.resize([1.0, -1.0], n)
    rows = [{"candidate": "ref", "seed": s, **dict.fromkeys(MEASURES, 0.5)} for s in range(n)]
    for name, shift in SHIFTS.items():
        values = 0.5 + shift + SPREAD[name] * ups
        rows += [{"candidate": name, "seed": s, **dict.fromkeys(MEASURES, values[s])} for s in range(n)]
    return compared(pd.DataFrame(rows), "ref")


def test_each_loss_is_called_what_it_is() -> None:
    said = conclude(results(6), "ref")
    assert said.startswith("Macro AP against ref, 6 seeds: ")
    parts = dict(part.rsplit(": ", 1) for part in said.rstrip(".").partition("seeds: ")[2].split("; "))
    assert {key: re.findall(r"[a-z]+", value.partition("(")[0])[0] for key, value in parts.items()} == {
        "better": "better",
        "worse, so does not help": "worse",
        "no difference of 0.01 or more, so does not help": "same",
        "cannot tell": "open",
    }
    low, high = (float(x) for x in re.findall(r"[+-]\d\.\d+", parts["cannot tell"]))
    assert low < 0 < high


def test_one_seed_concludes_nothing() -> None:
    said = conclude(results(1), "ref", "f1_tail")
    assert "Nothing can be concluded on F1, tail from one seed" in said
    assert "better: " not in said


def test_a_group_without_classes_is_said_and_left_out_of_the_tables() -> None:
    table = results(4)
    empty = table["metric"].isin(["ap_tail", "f1_tail"])
    table.loc[empty, ["mean", "low", "high", "difference", "difference_low", "difference_high"]] = np.nan
    assert "AP, tail is not defined on these images" in conclude(table, "ref", "ap_tail")
    for shown in (paper.cells(table), paper.differences(table)):
        assert not [name for name in shown.columns if "tail" in name]
        assert "macro AP" in shown.columns
    assert paper.notes(table, "ref").endswith("Not defined for any loss, so left out: AP, tail, F1, tail.")


def test_no_difference_has_no_minus() -> None:
    table = results(4)
    table.loc[table["candidate"] == "same", "difference"] = -0.0002
    assert paper.differences(table).set_index("loss").loc["same", "macro AP"].startswith("+0.000 ")


def test_what_is_not_defined_is_said() -> None:
    table = results(4)
    table.loc[table["candidate"] == "open", ["difference", "difference_low", "difference_high"]] = np.nan
    assert "not defined: open" in conclude(table, "ref")


@pytest.mark.parametrize("kind", ["multi", "single"])
def test_all_that_is_offered_makes_a_plan(kind: Literal["multi", "single"]) -> None:
    offered = candidates_for(kind)
    plan = ComparePlan(RunConfig(Source("digits"), "bce", epochs=4), tuple(offered.values()))
    assert len(set(plan.labels)) == len(offered)
    assert set(FIRST[kind]) <= set(offered)
    for name, candidate in offered.items():
        spec = get_loss(candidate.loss)
        assert name.rstrip("+") == spec.key
        assert spec.labels in (kind, "multi")
        declared = {key: value for recipe in spec.trained_with for key, value in recipe.settings.items()}
        assert candidate.settings.items() <= declared.items()
    drw = offered["ldam+" if kind == "single" else "ldam_multilabel+"]
    assert drw.label == "LDAM-DRW"
    assert (drw.settings["stages"], drw.settings["head"]) == ("drw", "cosine")


def test_the_figure_for_a_paper_is_to_scale_and_complete() -> None:
    table = results(6)
    shown = table[table["metric"].str.startswith("ap_")].assign(group=lambda t: t["metric"].str.partition("_")[2])
    shown["candidate"] = shown["candidate"].replace("open", "a < b & c")
    tree = ET.fromstring(means_svg(shown, reference="ref", title="AP"))
    space = "{http://www.w3.org/2000/svg}"
    texts = [(float(t.get("x", "0")), t.text or "") for t in tree.iter(f"{space}text")]
    assert {"ref", "better", "worse", "same", "a < b & c"} <= {said for _, said in texts}
    ticks = [(float(said), x) for x, said in texts if re.fullmatch(r"\d\.\d+", said)]
    gain, shift = np.polyfit([value for value, _ in ticks], [x for _, x in ticks], 1)
    spans = [line for line in tree.iter(f"{space}line") if line.get("stroke-width") == "2"]
    drawn = sorted((float(line.get("x1", "0")), float(line.get("x2", "0"))) for line in spans)
    known = shown.dropna(subset="low")  # the reference is the same with every seed: a point without an interval
    assert set(shown["candidate"]) - set(known["candidate"]) == {"ref"}
    wanted = sorted(
        (gain * low + shift, gain * high + shift) for low, high in zip(known["low"], known["high"], strict=True)
    )
    np.testing.assert_allclose(drawn, wanted, atol=0.2)
    assert len(list(tree.iter(f"{space}path"))) == len(shown) + 4  # and the legend
