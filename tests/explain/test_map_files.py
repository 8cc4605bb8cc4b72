"""Several classes and runs of one image: one colour scale, a picture and the values behind it, and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lt_core.cli import main
from lt_core.explain import (
    CamResult,
    Mapped,
    common_max,
    explain_runs,
    grad_cam,
    on_scale,
    over_split,
    save_maps,
    target_layers,
)
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.training import Run
from tests.explain.conftest import Known, spots


def result(most: float, class_index: int, method: str = "gradcam") -> CamResult:
    heat = np.array([[0.0, 1.0 if most else 0.0]], dtype=np.float32)
    return CamResult(heat, most, "layer4", class_index=class_index, method=method, raw=heat * most)


MAPS = [result(2.0, 0), result(8.0, 0), result(0.0, 1), result(3.0, 1)]


def test_maps_share_a_maximum_by_class_or_altogether() -> None:
    np.testing.assert_array_equal(common_max(MAPS), [8, 8, 3, 3])
    np.testing.assert_array_equal(common_max(MAPS, per="all"), [8, 8, 8, 8])
    np.testing.assert_array_equal(common_max(MAPS, per="own"), [2, 8, 0, 3])
    np.testing.assert_allclose(on_scale(MAPS[0], 8.0), [[0, 0.25]])
    assert not on_scale(MAPS[2], 0.0).any()
    with pytest.raises(Invalid, match="gradcam and layercam are in different units"):
        common_max([*MAPS, result(1.0, 0, "layercam")])
    with pytest.raises(Unknown, match="known are class, all, own"):
        common_max(MAPS, per="classes")  # type: ignore[arg-type]


def test_the_values_come_back_as_they_were(tmp_path: Path) -> None:
    image = np.full((16, 16), 7, np.uint8)
    made = [grad_cam(Known(), spots()[0][0], column, layer="act", method="hirescam") for column in (0, 1, 2)]
    maps = [Mapped(each, "bce", f"class {c}", 0.25) for c, each in enumerate(made)]
    path = tmp_path / "deep" / "maps.npz"
    save_maps(path, image, maps, scale="all")
    with np.load(path, allow_pickle=False) as held:
        assert list(held["class"]) == ["class 0", "class 1", "class 2"]
        assert set(held["run"]) == {"bce"}
        assert set(held["method"]) == {"hirescam"}
        assert set(held["layer"]) == {"act"}
        np.testing.assert_allclose(held["raw_max"], [each.raw_max for each in made])
        np.testing.assert_array_equal(held["scale_max"], held["raw_max"].max())
        np.testing.assert_array_equal(held["raw_1"], made[1].raw)
        np.testing.assert_array_equal(held["image"], image)
        assert float(held["shown_0"].max()) == pytest.approx(1)
        assert held["note"][2].startswith("The map is blank")


def test_the_picture_has_a_row_a_class_and_a_column_a_run(tmp_path: Path) -> None:
    image = np.full((32, 32), 90, np.uint8)
    mask = np.zeros((32, 32), bool)
    mask[4:12, 4:12] = True
    heat = np.zeros((32, 32), np.float32)
    heat[20:, 20:] = 1

    def drawn(runs: int, classes: int) -> Any:
        one = CamResult(heat, 2.0, "layer4")
        maps = [
            Mapped(replace(one, class_index=c), f"run {r}", f"class {c}", 0.5, mask)
            for c in range(classes)
            for r in range(runs)
        ]
        save_maps(tmp_path / "x.png", image, maps)
        with Image.open(tmp_path / "x.png") as picture:
            return picture.convert("RGB").copy()

    small, wide, tall = drawn(1, 1), drawn(3, 1), drawn(1, 2)
    assert wide.height <= small.height
    assert wide.width - small.width == 2 * (288 + 16)
    assert tall.height > small.height + 288
    assert wide.getpixel((16 + 304 + 280, 16 + 21 + 280)) == wide.getpixel((16 + 3 * 304 + 280, 16 + 21 + 280))
    assert wide.getpixel((16 + 304 + 280, 16 + 21 + 280)) != wide.getpixel((16 + 280, 16 + 21 + 280)), "image, then map"
    with pytest.raises(Problem, match=r"must end in \.png for a picture or in \.npz"):
        save_maps(tmp_path / "x.jpg", image, [Mapped(MAPS[0], "a", "b")])
    with pytest.raises(Invalid, match="no map"):
        save_maps(tmp_path / "x.png", image, [])


def test_every_run_explains_the_same_image_by_the_name_of_the_class(run: Run) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 32), dtype=np.uint8)
    found = explain_runs([run, run], pixels, ["class 2", "class 0"], method="layercam", layer="layer2")
    assert [(each.class_name, each.result.class_index) for each in found.maps] == [
        ("class 2", 2),
        ("class 2", 2),
        ("class 0", 0),
        ("class 0", 0),
    ]
    np.testing.assert_array_equal(found.maps[0].result.raw, found.maps[1].result.raw)
    assert {(each.result.method, each.result.layer) for each in found.maps} == {("layercam", "layer2")}
    assert len(found.notes) == 2, "the image was resized and its proportions were not kept: said once"
    with pytest.raises(Unknown, match="unknown class of one 'klass 1': did you mean 'class 1'"):
        explain_runs([run], pixels, ["klass 1"])


def command(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    assert main([*arguments, "--json"] if status == 0 else list(arguments)) == status
    out, err = capsys.readouterr()
    return json.loads(out) if status == 0 else err


def test_the_command_takes_a_method_a_layer_several_classes_and_an_image_of_ones_own(
    capsys: pytest.CaptureFixture[str], run: Run, tmp_path: Path
) -> None:
    own, out, raw = tmp_path / "own.png", tmp_path / "map.png", tmp_path / "map.npz"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)).save(own)
    options = ["--class", "class 1", "--class", "class 2", "--method", "HiResCAM", "--layer", "layer3"]
    options += ["--reshape", "channels-last"]
    entry = command(
        capsys, "explain", str(run.path), "--image", str(own), *options, "--out", str(out), "--values", str(raw)
    )
    assert entry["files"] == [str(out), str(raw)]
    assert [(each["class"], each["method"], each["layer"]) for each in entry["maps"]] == [
        ("class 1", "hirescam", "layer3"),
        ("class 2", "hirescam", "layer3"),
    ]
    assert {each["reshape"] for each in entry["maps"]} == {"channels-last"}
    with np.load(raw, allow_pickle=False) as held:
        assert held["raw_max"][0] == pytest.approx(entry["maps"][0]["raw_max"])
        assert held["reshape"].tolist() == ["channels-last"] * 2
        channels, _, width = target_layers(run.load_model(), (1, 32, 32))[-2].output
        assert held["raw_0"].shape == (channels, width), "channels taken for rows, as was asked"
    one = command(
        capsys,
        "explain",
        str(run.path),
        "--index",
        "0",
        "--class",
        "class 1",
        "--method",
        "xgradcam",
        "--reshape",
        "channels-last",
        "--out",
        str(out),
    )
    assert (one["method"], one["class"], one["file"]) == ("xgradcam", "class 1", str(out))
    assert one["reshape"] == "channels-last"
    assert "say which image" in command(capsys, "explain", str(run.path), "--class", "a", "--out", str(out), status=2)
    assert "name the class" in command(capsys, "explain", str(run.path), "--index", "0", "--out", str(out), status=2)


def test_the_command_scores_a_part(
    capsys: pytest.CaptureFixture[str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "has no masks or boxes" in command(capsys, "explain", str(run.path), "--localise", status=2)
    data = over_split.dataset_of_run(run)

    class Everywhere:
        def read(self, index: int, class_index: int) -> Any:
            return np.ones((32, 32), bool)

    monkeypatch.setattr(over_split, "dataset_of_run", lambda _: replace(data, masks=Everywhere()))
    out = tmp_path / "rows.csv"
    flags = ["--reshape", "channels-last", "--draws", "50", "--out", str(out)]
    entry = command(capsys, "explain", str(run.path), "--localise", "--part", "val", *flags)
    assert entry["reshape"] == "channels-last"
    assert set(pd.read_csv(out)["reshape"]) == {"channels-last"}
    assert [each["class"] for each in entry["classes"]] == ["class 0", "class 1", "class 2"]
    assert sum(each["n"] for each in entry["classes"]) == entry["n"] == entry["n_present"] == 8
    for each in entry["classes"]:
        assert each["inside_chance"] == 1
        assert each["hit"] == pytest.approx(1 - each["blank"] / each["n"]), "a mask of the whole image is never missed"
    assert (entry["method"], entry["tolerance"], entry["iou_at"]) == ("gradcam", 0, 0.5)
    assert len(out.read_text().splitlines()) == 9
