"""Localisation scores by hand, class tables against scipy, and whole parts against a network known by construction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap, norm, t

from lt_core.datasets import ArrayImages, LabeledImages, load_images
from lt_core.datasets.boxes import Boxes
from lt_core.evaluation.uncertainty.closed import inflation
from lt_core.explain import (
    dataset_of_run,
    iou_curve,
    localisation_differences,
    localisation_table,
    localise_run,
    localising,
    placed,
)
from lt_core.models import build
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.training import Run
from tests.explain.conftest import Known

HEAT = np.array([[0.0, 1.0, 2.0], [0.0, 4.0, 3.0], [0.0, 0.0, 0.0]])
MASK = np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]], bool)


def test_scores_by_hand() -> None:
    found = placed(HEAT[None], MASK[None])
    assert found.hit[0] == 0, "the strongest place, 4, is beside the mask"
    assert found.inside[0] == pytest.approx(6 / 10)
    assert found.area[0] == found.chance_hit[0] == pytest.approx(3 / 9)
    assert found.iou[0] == pytest.approx(2 / 4), "2, 4 and 3 are shown at half of 4; two of them are in the mask of 3"


def test_a_tolerance_is_a_distance_in_pixels_and_raises_chance_too() -> None:
    found = placed(HEAT[None], MASK[None], tolerance=1)
    assert found.hit[0] == 1
    assert found.chance_hit[0] == pytest.approx(6 / 9), "three more pixels touch the mask by an edge"
    far = np.zeros((1, 5, 5), bool)
    far[0, 0, 0] = True
    heat = np.zeros((1, 5, 5))
    heat[0, 3, 4] = 1.0
    assert placed(heat, far, tolerance=4.9).hit[0] == 0
    assert placed(heat, far, tolerance=5).hit[0] == 1, "3 down and 4 across are 5 away"


def test_the_iou_curve_by_hand() -> None:
    curve = iou_curve(HEAT[None], MASK[None], (0.1, 0.5, 0.6, 0.75, 1.0))[0]
    np.testing.assert_allclose(curve, [3 / 4, 2 / 4, 1 / 4, 1 / 4, 0 / 4])


def test_a_blank_map_has_no_scores_and_bad_input_is_refused() -> None:
    found = placed(np.zeros((1, 3, 3)), MASK[None])
    assert np.isnan([found.hit[0], found.inside[0], found.iou[0]]).all()
    assert found.area[0] == pytest.approx(1 / 3)
    with pytest.raises(Invalid, match="a mask is empty"):
        placed(np.stack([HEAT, HEAT]), np.stack([MASK, np.zeros_like(MASK)]))
    with pytest.raises(Invalid, match=r"must be in \(0, 1\], got 0"):
        placed(HEAT[None], MASK[None], iou_at=0)
    with pytest.raises(Invalid, match="must not be negative, got -1 pixels"):
        placed(HEAT[None], MASK[None], tolerance=-1)


def rows_of(n: int = 40, seed: int = 0, patients: int | None = None) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    who = np.arange(n) if patients is None else rng.integers(0, patients, n)
    return pd.DataFrame(
        {
            "row": np.arange(n),
            "patient": [f"p{w}" for w in who],
            "class": np.where(np.arange(n) % 4 == 0, "b", "a"),
            "blank": False,
            "hit": (rng.random(n) < 0.6).astype(float),
            "chance_hit": 0.1,
            "inside": rng.random(n),
            "area": rng.random(n) / 10,
            "iou": rng.random(n) / 2,
        }
    )


def test_the_table_is_scipys() -> None:
    rows = rows_of(60)
    table = localisation_table(rows, ["b", "a"], draws=4000).set_index("class")
    for name in "ab":
        mine = rows[rows["class"] == name]
        exact = binomtest(int(mine["hit"].sum()), len(mine)).proportion_ci(method="wilson")
        assert tuple(table.loc[name, ["hit", "hit_low", "hit_high"]]) == pytest.approx(
            (mine["hit"].mean(), exact.low, exact.high)
        )
        n = len(mine)
        level = 1 - 2 * norm.cdf(t.ppf(0.025, n - 1) * np.sqrt(n / (n - 1)))  # Hesterberg 2015, section 4
        drawn = bootstrap((mine["inside"],), np.mean, confidence_level=level, method="percentile", rng=0)
        low, high = drawn.confidence_interval
        assert tuple(table.loc[name, ["inside", "inside_low", "inside_high"]]) == pytest.approx(
            (mine["inside"].mean(), low, high), abs=0.02
        )
        assert table.loc[name, "inside_chance"] == pytest.approx(mine["area"].mean())
        assert table.loc[name, "n"] == len(mine)
    everything = table.loc["all classes"]
    assert everything["iou"] == pytest.approx((table.loc["a", "iou"] + table.loc["b", "iou"]) / 2)
    assert everything["iou_low"] < everything["iou"] < everything["iou_high"]


def test_patients_are_resampled_not_images() -> None:
    once = rows_of(40)
    again = pd.concat([once, once], ignore_index=True)
    a, b = localisation_table(once), localisation_table(again)
    for column in ("inside_low", "inside_high", "iou_low", "iou_high"):
        np.testing.assert_allclose(a[column], b[column], err_msg="the same patients twice say nothing new")
    assert b["hit_low"].iloc[0] == pytest.approx(a["hit_low"].iloc[0], abs=0.02), "nor of a share"
    assert list(b["n"]) == [60, 20, 80] if b["class"].iloc[0] == "a" else [20, 60, 80]
    assert list(a["patients"]) == list(b["patients"])


def test_a_share_of_patients_with_several_images_is_wilsons_of_the_effective_number() -> None:
    hits, images = np.array([4, 4, 3, 0, 0, 1]), np.full(6, 4)
    rows = rows_of(24).assign(**{"class": "a"})
    rows["patient"] = np.repeat([f"p{k}" for k in range(6)], 4)
    rows["hit"] = np.concatenate([np.arange(4) < k for k in hits]).astype(float)
    share = hits.sum() / 24
    spread = np.sum((hits - share * images) ** 2) * 6 / 5 / 24**2
    effect = spread / (share * (1 - share) / 24)  # Rao and Scott 1992
    (widened,) = inflation(hits[:, None].astype(float), images[:, None].astype(float))  # by t, for few patients
    assert widened > effect > 2
    effect = widened
    n, z = 24 / effect, norm.ppf(0.975)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    arm = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    found = localisation_table(rows, ["a"]).iloc[0]
    assert (found["hit_low"], found["hit_high"]) == pytest.approx((middle - arm, middle + arm))


def test_fewer_than_five_patients_have_no_verdict_however_alike_they_are() -> None:
    for n, said, note in ((2, "cannot tell", "fewer than 5 patients"), (4, "cannot tell", "fewer than 5 patients"),
                          (5, "better", "")):  # fmt: skip
        first = rows_of(n).assign(**{"class": "a"})
        gain = first.assign(inside=first["inside"] + np.linspace(0.1, 0.3, n))
        table = localisation_differences({"bce": first, "db": gain}, "bce", ["a"])
        mine = table[table["score"] == "inside"]
        assert (mine["low"] > 0.09).all(), "the interval leaves out 0 with any number of patients"
        assert set(mine["verdict"]) == {said}, n
        assert set(mine["note"]) == {note}


def test_a_blank_map_is_a_miss_and_a_class_without_images_is_not_defined() -> None:
    rows = rows_of(8)
    rows.loc[rows["class"] == "b", ["hit", "inside", "iou"]] = np.nan
    rows.loc[rows["class"] == "b", "blank"] = True
    table = localisation_table(rows, ["a", "b", "c"]).set_index("class")
    assert tuple(table.loc["b", ["hit", "inside", "iou", "blank", "n"]]) == (0, 0, 0, 2, 2)
    assert table.loc["b", "hit_high"] > 0.5, "two misses of two are little evidence"
    assert table.loc["b", ["inside_low", "inside_high"]].isna().all(), "no width would be no doubt"
    assert table.loc["c", ["hit", "hit_low", "inside", "inside_low", "iou_high", "hit_chance"]].isna().all()
    assert table.loc["all classes", "hit"] == pytest.approx(table.loc["a", "hit"] / 2), "of the classes that have one"
    with pytest.raises(Unknown, match="'b'"):
        localisation_table(rows, ["a"])


def test_runs_are_compared_on_the_same_images() -> None:
    first = rows_of(60, patients=30)
    more = 0.1 + np.linspace(-0.02, 0.02, 60)
    better = first.assign(inside=first["inside"] + more, iou=first["iou"] - 2 * more).sample(frac=1, random_state=1)
    table = localisation_differences({"bce": first, "same": first, "db": better.iloc[:50]}, "bce", ["a", "b"])
    same = table[table["run"] == "same"]
    assert (same["difference"] == 0).all()
    assert same[same["class"] != "all classes"][["low", "high"]].isna().all(axis=None), "resampling zeros says nothing"
    assert set(same["verdict"]) == {"cannot tell"}
    other = table[table["run"] == "db"].set_index(["score", "class"])
    assert other.loc[("inside", "a"), "difference"] == pytest.approx(0.1, abs=0.02)
    assert set(other.loc["inside", "verdict"]) == {"better"}
    assert set(other.loc["iou", "verdict"]) == {"worse"}
    assert other.loc[("hit", "all classes"), "n"] == 50
    with pytest.raises(Problem, match="not scored on any image in common"):
        localisation_differences({"a": first, "b": first.assign(row=first["row"] + 100)}, "a")
    with pytest.raises(Invalid, match="give at least two"):
        localisation_differences({"a": first}, "a")


class Places:
    """Masks of a set of bright and dark squares; class 2 is nowhere."""

    def __init__(self, masks: NDArray[np.bool_]) -> None:
        self.masks = masks

    def read(self, index: int, class_index: int) -> NDArray[np.bool_] | None:
        return self.masks[class_index, index] if class_index < 2 else None


@pytest.fixture(scope="module")
def squares(run: Run) -> LabeledImages:
    """The run's set with other pixels: every image has a bright square and a dark one of 8 x 8 pixels."""
    data = dataset_of_run(run)
    rng = np.random.default_rng(0)
    pixels = np.full((len(data), 32, 32), 102, np.uint8)  # the run's mean: features of 0
    masks = np.zeros((2, len(data), 32, 32), bool)
    for i in range(len(data)):
        x, y = rng.integers(0, 24, 2)
        for c in (0, 1):
            left = (x + 16 * c) % 24 if c else x
            masks[c, i, y : y + 8, left : left + 8] = True
        masks[1, i] &= ~masks[0, i]
        pixels[i][masks[0, i]], pixels[i][masks[1, i]] = 250, 0
    labels = np.zeros((len(data), 3), np.float32)
    labels[:, 0], labels[::2, 1], labels[1::4, 1], labels[::3, 2] = 1, 1, np.nan, 1
    return replace(data, images=ArrayImages(pixels), matrix=labels, kind="multi", masks=Places(masks))


def test_a_whole_part_is_scored_where_the_class_is_present_and_placed(run: Run, squares: LabeledImages) -> None:
    steps = list(localising(run, "test", data=squares, model=Known(), layer="act", batch=5))
    rows = pd.concat([step.rows for step in steps], ignore_index=True)
    test = squares.rows("test")
    present = [(int(r), c) for r in test for c in (0, 1) if squares.labels[r, c] == 1]
    names = squares.class_names
    assert list(zip(rows["row"], rows["class"], strict=True)) == [(r, names[c]) for r, c in present]
    assert steps[-1].of == int((squares.labels[test] == 1).sum())
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert (rows["hit"] == 1).all()
    np.testing.assert_allclose(rows["inside"], 1)
    np.testing.assert_allclose(rows["iou"], 1)
    areas = [squares.masks.read(r, c).mean() for r, c in present]  # type: ignore[union-attr]
    np.testing.assert_allclose(rows["area"], areas)
    pixels = torch.from_numpy((squares.images.read(present[0][0])[None, None].astype(np.float32) / 255 - 0.4) / 0.25)
    with torch.no_grad():
        chance = Known()(pixels).softmax(1)[0, present[0][1]]
    assert rows["probability"][0] == pytest.approx(float(chance), rel=1e-4)


def test_a_network_that_looks_the_other_way_never_hits(run: Run, squares: LabeledImages) -> None:
    model = Known()
    with torch.no_grad():
        model.head.weight.copy_(model.head.weight[[1, 0, 2]])
    rows = localise_run(run, "test", data=squares, model=model, layer="act")
    assert (rows["hit"] == 0).all()
    assert (rows["inside"] == 0).all()
    assert rows.attrs["n_present"] == int((squares.labels[squares.rows("test")] == 1).sum())


def test_it_can_be_stopped_and_says_how_far_it_is(run: Run, squares: LabeledImages) -> None:
    heard: list[tuple[int, int]] = []

    def hear(done: int, of: int) -> None:
        heard.append((done, of))

    part = {"data": squares, "model": Known(), "layer": "act", "batch": 3}
    rows = localise_run(run, "test", progress=hear, should_stop=lambda: len(heard) == 2, **part)  # type: ignore[arg-type]
    assert len(rows) == 6
    assert rows.attrs["stopped"]
    assert heard[0][0] < heard[1][0] < heard[1][1] == rows.attrs["n_present"]
    assert not localise_run(run, "test", **part).attrs["stopped"]  # type: ignore[arg-type]


def test_boxes_in_another_frame_are_scaled_to_the_image(run: Run, squares: LabeledImages) -> None:
    rows = squares.rows("test")
    corner = np.array([[64.0, 96.0, 256.0, 256.0]])  # of a frame of 1024: (2, 3) to (10, 11) of 32 pixels
    boxes = Boxes(rows[:1], np.zeros(1, np.intp), corner, squares.images, (1024.0, 1024.0))
    pixels = np.full((len(squares), 32, 32), 102, np.uint8)
    pixels[:, 3:11, 2:10] = 250
    found = localise_run(
        run, "test", data=replace(squares, images=ArrayImages(pixels), masks=boxes), model=Known(), layer="act"
    )
    assert len(found) == 1
    assert tuple(found.loc[0, ["hit", "inside", "iou", "area"]]) == pytest.approx((1, 1, 1, 64 / 1024))


def test_a_set_without_places_is_a_sentence(run: Run, squares: LabeledImages) -> None:
    with pytest.raises(Problem, match="has no masks or boxes"):
        localise_run(run, "test", data=replace(squares, masks=None), model=Known())
    nowhere = replace(squares, masks=Places(np.zeros((2, len(squares), 32, 32), bool)))
    with pytest.raises(Problem, match="no finding of the test part of one has a known place"):
        localise_run(run, "test", data=nowhere, model=Known())
    with pytest.raises(Unknown, match="did you mean 'gradcam'"):
        localise_run(run, "test", data=squares, model=Known(), method="grdcam")


def test_the_boxes_of_nih_are_in_a_frame_of_1024_pixels(run: Run, shared: Path) -> None:
    data = load_images(shared / "data/nih/nih_starter_Data_Entry.csv")
    table = pd.read_csv(shared / "data/nih/nih_starter_bbox.csv").iloc[:, :6]
    table.columns = pd.Index(["id", "class", "x", "y", "w", "h"])
    table["class"] = table["class"].replace("Infiltrate", "Infiltration")  # as the boxes file says it
    data = replace(data, split=np.full(len(data), "test"))
    rows = localise_run(run, "test", data=data, model=build("test_resnet", n_classes=data.n_classes, in_chans=1))
    both = rows.merge(table, on=["id", "class"], suffixes=("", "_of_file"))
    assert len(both) == len(rows) == len(table) == 12
    np.testing.assert_allclose(both["area"], both["w"] * both["h"] / 1024**2, atol=0.02)
    assert rows.attrs["n_present"] == int((data.labels == 1).sum())
