"""Colours that can be trusted, overlays that touch only what they should, outlines that close."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lt_core.explain import CamResult, colour_scale, outline, outlined, overlay, save_overlay
from lt_core.explain.pictures import OUTLINE
from lt_core.problems import Invalid, Problem

# Severity 1.0 of Machado, Oliveira and Fernandes (2009), on linear sRGB.
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)


def linear(scale: NDArray[np.uint8]) -> NDArray[np.float64]:
    part = scale / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def luminance(light: NDArray[np.float64]) -> NDArray[np.float64]:
    return light @ np.array([0.2126, 0.7152, 0.0722])


def lab(scale: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return CIELAB (D65), a colour space the scale was not built in."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear(scale) @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def test_more_is_lighter_for_everyone() -> None:
    scale = colour_scale()
    light = linear(scale)
    assert (np.diff(lab(scale)[::8, 0]) > 0).all()
    for seen in (light @ DEUTERANOPIA.T, light @ PROTANOPIA.T, light):
        assert (np.diff(luminance(np.clip(seen, 0, 1))[::8]) > 0).all()


def test_equal_steps_of_value_are_steps_of_equal_lightness_within_a_factor_of_two() -> None:
    steps = np.diff(lab(colour_scale())[::32, 0])
    assert steps.max() / steps.min() < 2


def test_opacity_zero_and_an_empty_map_leave_the_image() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    heat = np.linspace(0, 1, 72).reshape(8, 9)
    np.testing.assert_array_equal(overlay(image, heat, 0), image)
    np.testing.assert_array_equal(overlay(image, np.zeros((8, 9)), 1), image)


def test_full_opacity_at_the_maximum_is_the_top_of_the_scale() -> None:
    shown = overlay(np.zeros((2, 2), dtype=np.uint8), np.ones((2, 2)), 1)
    np.testing.assert_array_equal(shown[0, 0], colour_scale()[255])


def test_wrong_sizes_and_opacities_are_refused() -> None:
    with pytest.raises(Invalid, match=r"the map is \(4, 4\) but the image \(8, 8\)"):
        overlay(np.zeros((8, 8), dtype=np.uint8), np.zeros((4, 4)))
    with pytest.raises(Invalid, match=r"opacity must be in \[0, 1\], got 2"):
        overlay(np.zeros((8, 8), dtype=np.uint8), np.zeros((8, 8)), 2)


def test_the_outline_is_the_mask_less_its_inside() -> None:
    mask = np.zeros((7, 7), dtype=bool)
    mask[1:6, 1:6] = True
    inside = np.zeros((7, 7), dtype=bool)
    inside[2:5, 2:5] = True
    np.testing.assert_array_equal(outline(mask), mask & ~inside)
    assert outline(mask, 3).sum() == mask.sum()


def test_a_mask_at_the_edge_is_closed_and_an_empty_one_has_no_outline() -> None:
    assert outline(np.ones((4, 5), dtype=bool)).sum() == 14
    assert not outline(np.zeros((4, 5), dtype=bool)).any()


def test_the_outline_is_drawn_and_the_rest_is_kept() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[5:15, 5:15] = True
    image = np.full((20, 20), 200, dtype=np.uint8)
    shown = outlined(image, mask, 2)
    assert (shown[5, 5:15] == OUTLINE).all()
    assert (shown[9:11, 9:11] == 200).all()
    assert (shown[0] == 200).all()
    assert (image == 200).all()


def test_a_sheet_is_a_png_that_shows_map_and_mask(tmp_path: Path) -> None:
    heat = np.zeros((32, 32), dtype=np.float32)
    heat[8:16, 8:16] = 1
    result = CamResult(heat, 2.0, "layer2")
    mask = heat > 0
    path = tmp_path / "new folder" / "map.png"
    save_overlay(path, np.full((32, 32), 90, dtype=np.uint8), result, mask=mask, caption=["Mass, image 3"], opacity=1)
    with Image.open(path) as sheet:
        assert sheet.format == "PNG"
        pixels = np.asarray(sheet).reshape(-1, 3)
    assert (pixels == OUTLINE).all(axis=1).sum() > 400
    assert (pixels == colour_scale()[255]).all(axis=1).sum() > 400


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CamResult(np.zeros((4, 4), dtype=np.float32), 0.0, "layer1", "blank")
    with pytest.raises(Problem, match=r"map\.png cannot be written"):
        save_overlay(tmp_path / "file" / "map.png", np.zeros((4, 4), dtype=np.uint8), result)
