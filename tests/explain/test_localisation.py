"""Where a map points, on maps whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from lt_core.explain import CamResult, localisation, place_of
from lt_core.problems import Invalid

MASK = np.zeros((8, 8), dtype=bool)
MASK[2:4, 2:6] = True


def test_a_map_that_is_the_mask_is_all_inside() -> None:
    assert localisation(MASK.astype(np.float32), MASK) == (True, 1.0, 8 / 64)


def test_a_map_without_preference_has_the_share_of_the_area() -> None:
    assert localisation(np.ones((8, 8)), MASK).inside == pytest.approx(8 / 64)


def test_the_strongest_place_decides_the_hit_and_the_sum_the_share() -> None:
    heat = np.zeros((8, 8))
    heat[3, 3], heat[7, 7] = 0.6, 0.9
    assert localisation(heat, MASK) == (False, pytest.approx(0.4), 8 / 64)


def test_a_blank_map_has_no_place_and_an_empty_mask_is_refused() -> None:
    assert localisation(np.zeros((8, 8)), MASK) == (None, None, 8 / 64)
    with pytest.raises(Invalid, match="the mask is empty"):
        localisation(np.ones((8, 8)), np.zeros((8, 8), dtype=bool))
    with pytest.raises(Invalid, match="bring them to one size"):
        localisation(np.ones((4, 4)), MASK)


def test_a_mask_of_another_size_is_brought_to_the_map() -> None:
    heat = np.repeat(np.repeat(MASK, 2, axis=0), 2, axis=1).astype(np.float32)
    assert place_of(CamResult(heat, 1.0, "layer4"), MASK) == (True, 1.0, 8 / 64)
    assert place_of(CamResult(heat, 1.0, "layer4"), None) is None
    assert place_of(CamResult(heat, 1.0, "layer4"), np.zeros((8, 8), dtype=bool)) is None
