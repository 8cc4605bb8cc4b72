"""Whether a map can be trusted: held against maps at random and untrained networks, read as the run's own numbers."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
import torch

from lt_core.cli import main
from lt_core.explain import Explanation, deletion, explain_run, insertion, needed, pick_layer, sanity, untrained
from lt_core.explain.trust import input_of
from lt_core.problems import Invalid
from lt_core.training import Run
from lt_core.training.folder.store import write_json

SCALE = 12.0


@pytest.fixture
def scaled(run: Run, tmp_path: Path) -> Run:
    """The run as a loss with a scale leaves it."""
    copytree(run.path, tmp_path / "scaled")
    write_json(tmp_path / "scaled" / "dataset.json", run.dataset_card | {"logit_scale": SCALE})
    return Run(tmp_path / "scaled")


def explained(run: Run) -> Explanation:
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)
    found = [explain_run(run, pixels, column) for column in range(3)]
    return next(each for each in found if not each.cam.blank)


def test_every_curve_begins_and_ends_where_the_run_says(scaled: Run) -> None:
    """Deletion begins, and insertion ends, at the probability that Results and the map show."""
    found = explained(scaled)
    cam = found.cam
    held = needed(scaled, scaled.load_model(), found.shown, cam, n_random=3)
    own = {(row["test"], row["order"]): row["probability"] for row in held.as_json()["curves"]}
    chance = found.probabilities[cam.class_index]
    assert own["deletion", "strongest first"][0] == pytest.approx(chance, rel=1e-5)
    assert own["insertion", "strongest first"][-1] == pytest.approx(chance, rel=1e-5)
    with torch.no_grad():
        z = SCALE * scaled.load_model()(torch.zeros(1, 1, 32, 32))[0].double().numpy()
    flat = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    assert own["deletion", "strongest first"][-1] == pytest.approx(flat[cam.class_index], rel=1e-5)


def test_the_tests_are_those_of_the_core_beside_maps_at_random(scaled: Run) -> None:
    found = explained(scaled)
    cam, model = found.cam, scaled.load_model()
    held = needed(scaled, model, found.shown, cam, n_random=4, seed=3)
    rng = np.random.default_rng(3)
    maps = [cam.raw, *rng.normal(size=(4, *cam.raw.shape)).astype(np.float32)]
    image = input_of(scaled, found.shown)
    for name, curve, better in (("deletion (area)", deletion, np.less), ("insertion (area)", insertion, np.greater)):
        areas = [
            float(curve(model, image, each[None], cam.class_index, link="softmax", logit_scale=SCALE).auc[0])
            for each in maps
        ]
        row = next(row for row in held.as_json()["tests"] if row["test"] == name)
        assert row["value"] == pytest.approx(areas[0], rel=1e-5)
        assert row["random_mean"] == pytest.approx(np.mean(areas[1:]), rel=1e-5)
        assert (row["random_low"], row["random_high"]) == pytest.approx((min(areas[1:]), max(areas[1:])), rel=1e-5)
        assert row["beaten"] == sum(better(areas[0], areas[1:]))
    again = needed(scaled, model, found.shown, cam, n_random=4, seed=3)
    assert again.as_json() == held.as_json()


def test_untrained_networks_are_those_of_the_sanity_check(run: Run) -> None:
    found = explained(run)
    cam, model = found.cam, run.load_model()
    held = untrained(run, model, found.shown, cam, networks=3, seed=5).as_json()
    wanted = [
        sanity(model, input_of(run, found.shown), cam.class_index, layer=cam.layer, seed=seed)[0] for seed in (5, 6, 7)
    ]
    assert held["n_networks"] == 3
    assert held["ssim"]["values"] == [float(each.ssim[0]) for each in wanted]
    known = [float(each.rank_correlation[0]) for each in wanted if not np.isnan(each.rank_correlation[0])]
    assert held["rank_correlation"]["median"] == (pytest.approx(np.median(known)) if known else None)
    layer = pick_layer(model, (1, 32, 32), "layer2", "channels-last")
    other = explain_run(
        run, found.shown, cam.class_index, layer="layer2", reshape="channels-last", method="eigencam"
    ).cam
    alike = untrained(run, model, found.shown, other, networks=1, seed=5).likeness[0]
    by_hand = sanity(model, input_of(run, found.shown), cam.class_index, layer=layer, method="eigencam", seed=5)[0]
    assert alike == by_hand.ssim[0], "untrained networks are read as the map was"


def test_nothing_is_held_against_nothing(run: Run) -> None:
    found = explained(run)
    with pytest.raises(Invalid, match="at least 1 map at random, got 0"):
        needed(run, run.load_model(), found.shown, found.cam, n_random=0)
    with pytest.raises(Invalid, match="at least 1 untrained network, got 0"):
        untrained(run, run.load_model(), found.shown, found.cam, networks=0)


def test_the_command_tests_maps_and_needs_no_picture(
    run: Run, scaled: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--index", "4", "--faithfulness", "--sanity", "--random-maps", "2", "--networks", "2"]

    def told(*words: str) -> Any:
        assert main(["explain", *words, *flags, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    one = told(str(scaled.path), "--class", "class 1")
    several = told(str(run.path), str(scaled.path), "--class", "class 1", "--class", "class 2")
    assert one["file"] is None
    assert several["files"] == []
    assert [(row["run"], row["class"]) for row in several["maps"]] == [
        (name, label) for label in ("class 1", "class 2") for name in ("one", "scaled")
    ]
    assert several["maps"][1]["faithfulness"] == one["faithfulness"], "the same map, alone or in a grid"
    for row in (one, *several["maps"]):
        if row["blank"]:
            assert row["faithfulness"] is row["sanity"] is None
            continue
        begin = next(curve["probability"][0] for curve in row["faithfulness"]["curves"] if curve["test"] == "deletion")
        assert begin == pytest.approx(row["probability"], rel=1e-5)
        assert row["sanity"]["n_networks"] == 2
    drawn = told(str(run.path), "--class", "class 1", "--out", str(tmp_path / "m.png"))
    assert drawn["file"] == str(tmp_path / "m.png")
    assert (tmp_path / "m.png").is_file()
    assert main(["explain", str(run.path), "--index", "4", "--class", "class 1"]) == 2
    assert "--faithfulness" in capsys.readouterr().err
