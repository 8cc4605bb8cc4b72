"""Maps, chords and networks of pairs: the marks hold the numbers they stand for."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lt_core.charts.chord import chord_arcs, chord_diagram, ribbon
from lt_core.charts.network import class_network, network_layout
from lt_core.charts.together import CLICKED, MEASURES, pair_map
from lt_core.stats import label_stats
from lt_core.stats.pairs import counts_among, pair_table
from lt_core.stats.pairs_cells import pair_cells

NAMES = ("often", "a.b [c]", "<b>bold</b>", "seldom", "never")


@pytest.fixture
def labels() -> np.ndarray:
    rng = np.random.default_rng(0)
    drawn = (rng.random((300, 5)) < [0.6, 0.3, 0.3, 0.05, 0.0]).astype(np.float32)
    drawn[:, 2] = np.maximum(drawn[:, 2], drawn[:, 1] * (rng.random(300) < 0.5))
    return drawn


def cells_of(labels: np.ndarray) -> pd.DataFrame:
    cells = pair_cells(label_stats(labels, NAMES), range(5))
    return cells.assign(weight=np.linspace(0.1, 1.1, len(cells)), ratio=0.5)


def drawn_rows(spec: dict[str, Any], layer: int = 0) -> pd.DataFrame:
    data = spec["layer"][layer].get("data", spec.get("data"))
    return pd.DataFrame(spec["datasets"][data["name"]])


@pytest.mark.parametrize("measure", MEASURES)
def test_a_map_has_one_cell_for_each_two_different_classes(labels: np.ndarray, measure: str) -> None:
    spec = pair_map(cells_of(labels), list(NAMES), measure=measure).to_dict()
    rows = drawn_rows(spec)
    assert len(rows) == 5 * 4
    assert (rows["a"] != rows["b"]).all()
    assert spec["params"][0]["name"] == CLICKED
    assert spec["params"][0]["select"]["fields"] == ["a", "b"]


def test_the_counts_printed_are_the_counts(labels: np.ndarray) -> None:
    rows = drawn_rows(pair_map(cells_of(labels), list(NAMES)).to_dict())
    both = labels.T @ labels
    for row in rows.itertuples():
        assert row.print == f"{both[NAMES.index(row.a), NAMES.index(row.b)]:,.0f}"


def test_a_lift_that_may_be_chance_is_faded(labels: np.ndarray) -> None:
    rows = drawn_rows(pair_map(cells_of(labels), list(NAMES), measure="lift").to_dict())
    held = (rows["lift_low"] <= 1) & (rows["lift_high"] >= 1)
    assert held.any()
    assert (~held & rows["lift"].notna()).any()
    assert (rows.loc[held, "strength"] < 0.5).all()
    assert (rows.loc[~held & rows["lift"].notna(), "strength"] == 1).all()
    assert (rows.loc[rows["lift"].isna(), "strength"] == 0).all(), "a class without positives has no colour"


def test_twice_and_half_as_often_are_equally_far_from_chance(labels: np.ndarray) -> None:
    cells = cells_of(labels)
    cells.loc[cells["a"] != cells["b"], "lift"] = np.tile([2.0, 0.5], 10)
    rows = drawn_rows(pair_map(cells, list(NAMES), measure="lift").to_dict())
    assert sorted(set(rows["level"])) == [-1.0, 1.0]


def test_the_chosen_cell_is_framed_and_large_maps_print_no_numbers(labels: np.ndarray) -> None:
    spec = pair_map(cells_of(labels), list(NAMES), chosen=(NAMES[1], NAMES[2])).to_dict()
    rows = drawn_rows(spec)
    assert rows.loc[rows["chosen"], ["a", "b"]].to_numpy().tolist() == [[NAMES[1], NAMES[2]]]
    names = [f"c{i}" for i in range(30)]
    many = label_stats(np.random.default_rng(0).random((200, 30)) < 0.2, names)
    spec = pair_map(pair_cells(many, range(30)), names).to_dict()
    assert {layer["mark"]["type"] for layer in spec["layer"]} == {"rect"}


def test_arcs_share_out_the_circle_by_the_counts(labels: np.ndarray) -> None:
    counts = counts_among(label_stats(labels, NAMES), range(4))
    arcs = chord_arcs(counts)
    width = arcs[..., 1] - arcs[..., 0]
    np.testing.assert_allclose(width, width.T, atol=1e-12)
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(width[off] / width[off].sum(), counts[off] / counts[off].sum())
    assert width[off].sum() == pytest.approx(2 * np.pi - 4 * 0.03)
    ends = sorted(map(tuple, arcs[off].tolist()))
    assert all(end <= start + 1e-9 for (_, end), (start, _) in itertools.pairwise(ends)), "arcs overlap"


def places_of(path: str) -> np.ndarray:
    """Where the pen goes, (n, 2), y upwards: the last two numbers of every command of an SVG path."""
    steps = re.findall(r"[MLAQ][^MLAQZ]*", path)
    return np.array([[float(number) for number in step[1:].split()[-2:]] for step in steps]) * [1, -1]


def test_a_ribbon_begins_and_ends_on_its_two_arcs_and_stays_in_the_circle() -> None:
    path = ribbon((0.1, 0.4), (2.0, 5.5))
    places = places_of(path)
    radius = np.hypot(*places.T)
    assert radius.max() < 1
    np.testing.assert_allclose(radius, radius[0], atol=1e-5)
    angles = np.arctan2(places[:, 0], places[:, 1]) % (2 * np.pi)
    np.testing.assert_allclose(angles, [0.1, 0.4, 2.0, 5.5, 0.1], atol=1e-4)
    assert path.count("Q0 0 ") == 2, "both curves bend towards the centre"
    arcs = re.findall(r"A(\S+) (\S+) 0 (\d) (\d)", path)
    assert [(large, sweep) for _, _, large, sweep in arcs] == [("0", "1"), ("1", "1")], "clockwise, the second over pi"
    np.testing.assert_allclose(np.array(arcs, float)[:, :2], radius[0], atol=1e-5)


def test_a_chord_diagram_has_a_ribbon_for_each_pair(labels: np.ndarray) -> None:
    stats = label_stats(labels, NAMES)
    spec = chord_diagram(counts_among(stats, range(5)), stats.table()).to_dict()
    ribbons = drawn_rows(spec)
    pairs = pair_table(stats)
    assert set(zip(ribbons["a"], ribbons["b"], ribbons["n"], strict=True)) == set(
        zip(pairs["a"], pairs["b"], pairs["n"], strict=True)
    )
    rings = drawn_rows(spec, 1)
    assert set(rings["class"]) == set(NAMES[:4]), "a class without a pair has no arc"
    for path, positives in zip(rings["path"], rings["positives"], strict=True):
        assert np.hypot(*places_of(path).T).max() == pytest.approx(1, abs=1e-4)
        assert positives > 0
    assert set(rings["group"]) <= {"head", "medium", "tail"}


def test_without_pairs_the_diagrams_are_empty_and_do_not_fail() -> None:
    stats = label_stats(np.eye(5, dtype=np.float32), NAMES)
    chord_diagram(counts_among(stats, range(5)), stats.table()).to_dict()
    class_network(pair_table(stats), stats.table()).to_dict()


def test_the_layout_is_the_same_each_time_and_brings_linked_classes_together() -> None:
    weights = np.zeros((12, 12))
    for block in (range(0, 12, 2), range(1, 12, 2)):
        for i in block:
            for j in block:
                weights[i, j] = i != j
    places = network_layout(weights)
    np.testing.assert_array_equal(places, network_layout(weights))
    assert places.min() == 0
    assert places.max() == 1
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    linked = weights > 0
    assert apart[linked].mean() < 0.7 * apart[~linked & ~np.eye(12, dtype=bool)].mean()
    assert apart[~np.eye(12, dtype=bool)].min() > 0.02, "no two classes on top of each other"


def test_a_network_has_a_line_for_each_pair_between_its_classes(labels: np.ndarray) -> None:
    stats = label_stats(labels, NAMES)
    pairs = pair_table(stats)
    spec = class_network(pairs, stats.table()).to_dict()
    lines, points = drawn_rows(spec), drawn_rows(spec, 1).set_index("class")
    assert set(points.index) == set(NAMES[:4])
    assert lines["n"].tolist() == pairs["n"].tolist()
    np.testing.assert_allclose(lines[["x", "y"]], points.loc[lines["a"], ["x", "y"]])
    np.testing.assert_allclose(lines[["x2", "y2"]], points.loc[lines["b"], ["x", "y"]])
