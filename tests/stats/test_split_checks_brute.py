"""What is found wrong with a split is what plain loops over the images find, on many small sets drawn at random."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps

from lt_core.datasets import PARTS, ArrayImages, LabeledImages, NoImages, Source
from lt_core.datasets.near_duplicates import clusters, confirmed, hashes, near_pairs
from lt_core.stats.split_checks import SplitReport, check_split

NAMES = st.sampled_from(["", "a", "b", "c", "d", "e"])
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["train", "train", "val", "test", ""]),
        NAMES,
        NAMES,
        st.tuples(*[st.sampled_from([0.0, 0.0, 1.0, np.nan])] * 3),
    ),
    min_size=1,
    max_size=40,
)
Row = tuple[str, str, str, tuple[float, ...]]


def dataset(rows: list[Row], **without: None) -> LabeledImages:
    fields: dict[str, Any] = {
        "split": np.array([row[0] for row in rows], dtype="U5"),
        "groups": np.array([row[1] for row in rows], dtype="U5"),
        "ids": np.array([row[2] for row in rows], dtype="U5"),
    }
    labels = np.array([row[3] for row in rows], np.float32)
    return LabeledImages("t", "t", ("c0", "c1", "c2"), labels, NoImages(len(rows)), "multi", Source("t"),
                         **(fields | without))  # fmt: skip


def only(report: SplitReport, kind: Any) -> tuple[int, list[int]]:
    """The count and the rows of the one finding of a kind; 0 and none where there is no such finding."""
    found = report.of(kind)
    assert len(found) <= 1
    return (found[0].count, found[0].rows.tolist()) if found else (0, [])


def in_two_parts(rows: list[Row], column: int) -> tuple[set[str], list[int]]:
    leaking = set()
    for i, j in combinations(range(len(rows)), 2):
        sides = {rows[i][0], rows[j][0]}
        if rows[i][column] == rows[j][column] != "" and len(sides) == 2 and "" not in sides:
            leaking.add(rows[i][column])
    return leaking, [k for k, row in enumerate(rows) if row[column] in leaking]


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_leaks_are_those_of_every_pair_of_rows(rows: list[Row]) -> None:
    report = check_split(dataset(rows))
    patients, of_patients = in_two_parts(rows, 1)
    assert only(report, "patients") == (len(patients), [k for k in of_patients if rows[k][0] != ""])
    images, of_images = in_two_parts(rows, 2)
    assert only(report, "images") == (len(images), of_images)
    nowhere = [k for k, row in enumerate(rows) if row[0] == ""]
    assert only(report, "outside") == (len(nowhere), nowhere)
    assert all(finding.serious for finding in report.of("patients", "images"))
    bare = check_split(dataset(rows, groups=None, ids=None))
    assert not bare.of("patients", "images", "near-duplicates")


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(1, 12))
def test_missing_and_few_are_those_of_a_count(rows: list[Row], least: int) -> None:
    report = check_split(dataset(rows), min_positives=least)
    for part in [part for part in PARTS if any(row[0] == part for row in rows)]:
        count = {c: sum(row[3][c] == 1 for row in rows if row[0] == part) for c in range(3)}
        somewhere = [c for c in range(3) if any(row[3][c] == 1 and row[0] != "" for row in rows)]
        missing = [c for c in somewhere if count[c] == 0]
        few = [c for c in somewhere if 0 < count[c] < least]
        said = {(f.kind, f.part): f for f in report.of("missing", "few")}
        assert ("missing", part) in said or not missing
        if missing:
            assert said["missing", part].count == len(missing)
            assert all(f"c{c}" in said["missing", part].sentence for c in missing)
        assert (("few", part) in said) is bool(few)
        if few:
            assert all(f"c{c} ({count[c]})" in said["few", part].sentence for c in few)
            assert said["few", part].rows.tolist() == [
                k for k, row in enumerate(rows) if row[0] == part and any(row[3][c] == 1 for c in few)
            ]


@settings(max_examples=30, deadline=None)
@given(ROWS, st.data())
def test_near_duplicates_across_parts_are_those_of_a_loop(rows: list[Row], data: st.DataObject) -> None:
    every = list(combinations(range(len(rows)), 2))
    chosen = data.draw(st.lists(st.sampled_from(every), unique=True, max_size=12)) if every else []
    bits = data.draw(st.lists(st.integers(0, 9), min_size=len(chosen), max_size=len(chosen)))
    report = check_split(dataset(rows), near=(np.array(chosen, int).reshape(-1, 2), np.array(bits, int)))
    assert report.checked_near
    across = [
        (bit, pair)
        for bit, pair in zip(bits, chosen, strict=True)
        if "" not in (rows[pair[0]][0], rows[pair[1]][0]) and rows[pair[0]][0] != rows[pair[1]][0]
    ]
    expected = [list(pair) for _, pair in sorted(across, key=lambda entry: entry[0])]
    found = report.of("near-duplicates")
    assert len(found) == bool(across)
    if found:
        assert found[0].pairs is not None
        assert found[0].pairs.tolist() == expected
        assert found[0].rows.tolist() == sorted({row for pair in expected for row in pair})
        same = sum(rows[a][1] == rows[b][1] for a, b in expected)
        assert f"{same} of them of one patient" in found[0].sentence


def holm_by_hand(p: dict[Any, float]) -> dict[Any, float]:
    """Holm 1979: the k-th smallest of m times m - k + 1, never below the one before, at most 1."""
    adjusted, before = {}, 0.0
    for k, key in enumerate(sorted(p, key=lambda key: p[key])):
        before = max(before, p[key] * (len(p) - k))
        adjusted[key] = min(before, 1.0)
    return adjusted


@pytest.mark.parametrize("seed", range(12))
def test_shifts_are_those_of_scipy_and_holm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(40, 900))
    split = rng.choice(["train", "val", "test", ""], n, p=[0.5, 0.2, 0.25, 0.05])
    share = np.where((split == "train")[:, None], [0.3, 0.1, 0.02], rng.choice([0.3, 0.1, 0.02, 0.5], 3))
    labels = (rng.random((n, 3)) < share).astype(np.float32)
    labels[rng.random((n, 3)) < 0.1] = np.nan
    data = LabeledImages("t", "t", ("c0", "c1", "c2"), labels, NoImages(n), "multi", Source("t"), split=split)
    report = check_split(data)
    p, sizes = {}, {}
    for c in range(3):
        known = {part: labels[(split == part) & ~np.isnan(labels[:, c]), c] for part in PARTS}
        for part in ("val", "test"):
            table = np.array([[(v == 1).sum(), (v == 0).sum()] for v in (known[part], known["train"])])
            if (table.sum(axis=0) == 0).any():
                p[c, part] = 1.0
            elif sps.contingency.expected_freq(table).min() < 5:
                p[c, part] = sps.fisher_exact(table).pvalue
            else:
                p[c, part] = sps.chi2_contingency(table, correction=False).pvalue
            sizes[c, part] = sorted(float(v.mean()) for v in (known[part], known["train"]))
    adjusted = holm_by_hand(p)
    rows = {(int(row.klass[1]), row.part): row for row in report.table.rename(columns={"class": "klass"}).itertuples()}
    for key, value in adjusted.items():
        assert rows[key].p == pytest.approx(p[key], rel=1e-6)
        assert rows[key].p_holm == pytest.approx(value, rel=1e-6)
    flagged = {key for key, value in adjusted.items() if value < 0.05 and sizes[key][1] >= 1.25 * sizes[key][0]}
    assert {(int(str(f.class_name)[1]), f.part) for f in report.of("prevalence")} == flagged


def test_near_duplicates_from_pixels_to_finding() -> None:
    """Copies planted across parts, found by the hash, are the pairs that comparing every two hashes gives."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (30, 6, 6), dtype=np.uint8)
    pictures = np.kron(coarse, np.ones((1, 8, 8), np.uint8)).astype(np.uint8)
    pictures[20:25] = np.clip(pictures[:5].astype(int) + rng.integers(0, 2, (5, 48, 48)), 0, 255)
    store = ArrayImages(pictures)
    values = hashes(store, range(30))
    pairs, distances = near_pairs(values)
    every = [(i, j) for i, j in combinations(range(30), 2) if int(values[i] ^ values[j]).bit_count() <= 4]
    assert [tuple(pair) for pair in pairs.tolist()] == every
    assert distances.tolist() == [int(values[i] ^ values[j]).bit_count() for i, j in every]
    assert {(k, 20 + k) for k in range(5)} <= set(every)
    kept = confirmed(store, range(30), values)
    assert {(k, 20 + k) for k in range(5)} == set(zip(kept["first"], kept["second"], strict=True))
    assert [group.tolist() for group in clusters(30, kept[["first", "second"]].to_numpy())] == [
        [k, 20 + k] for k in range(5)
    ]
    split = np.array(["train"] * 20 + ["test"] * 10)
    data = LabeledImages("t", "t", ("a",), np.ones((30, 1), np.float32), store, "multi", Source("t"), split=split)
    report = check_split(data, near=(kept[["first", "second"]].to_numpy(), kept["bits"].to_numpy()))
    assert only(report, "near-duplicates") == (5, [*range(5), *range(20, 25)])
