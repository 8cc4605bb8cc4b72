"""Probe one map: does the network need what it shows, and would an untrained network give the same? Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lt_core.charts.maps import AT_RANDOM, THIS_MAP
from lt_core.explain import Curve, deletion, insertion, model_lock, road, sanity
from lt_core.explain.of_run import link_of
from lt_core.training import Run
from pages.ui import cam_cases
from pages.ui.cam_cases import Cell

RANDOM_MAPS = 20
"""Maps at random that a map is held against, made as coarse as it is."""

NETWORKS = 5
"""Networks with weights drawn anew."""


@dataclass(frozen=True)
class Probed:
    """What was found: one row a test in ``tests``, the curves behind it, and the maps of untrained networks.

    ``tests`` has the columns test, this map, at random (mean), lowest, highest (of the maps at random), beaten (how
    many of them this map is better than) and what is good. ``correlations`` and ``likeness`` hold one number an
    untrained network, ``untrained`` (H, W) in [0, 1] is the map of the first.
    """

    tests: pd.DataFrame
    curves: pd.DataFrame
    untrained: NDArray[np.float32]
    correlations: tuple[float, ...]
    likeness: tuple[float, ...]


class _Scaled(nn.Module):
    """A network whose logits are multiplied as its loss did, so that their link gives the run's probabilities."""

    def __init__(self, model: nn.Module, factor: float) -> None:
        super().__init__()
        self.model, self.factor = model, factor

    def forward(self, images: Tensor) -> Tensor:
        return self.factor * self.model(images)


def probed(cell: Cell) -> Probed:
    """Return what was found about a map, computed once."""
    cam, run = cell.found.cam, cell.side.run
    return _probed(
        str(run.path), cam_cases.stamp(run), cell.found.shown, cam.class_index, cam.layer, cam.method, cam.raw
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _probed(
    path: str,
    changed: float,  # noqa: ARG001 - part of the key
    shown: NDArray[np.uint8],
    column: int,
    layer: str,
    method: str,
    raw: NDArray[np.float32],
) -> Probed:
    from lt_core.training.parts import normalised

    run = Run(Path(path))
    model = cam_cases.model_of(run)
    image = normalised(torch.from_numpy(np.array(shown[None])), run.dataset_card)
    tests, curves = _needed(run, model, image, raw, column)
    found = [
        sanity(model, image, column, method=method, layer=layer, how="full", seed=seed)[0] for seed in range(NETWORKS)
    ]
    heat = found[0].maps.heat()[0]
    return Probed(
        tests,
        curves,
        np.asarray(heat / heat.max() if heat.max() > 0 else heat, dtype=np.float32),
        tuple(float(each.rank_correlation[0]) for each in found),
        tuple(float(each.ssim[0]) for each in found),
    )


def _needed(
    run: Run, model: nn.Module, image: Tensor, raw: NDArray[np.float32], column: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tests in which pixels are changed, this map first and then maps at random."""
    card = run.dataset_card
    rng = np.random.default_rng(0)
    maps = np.concatenate([raw[None], rng.normal(size=(RANDOM_MAPS, *raw.shape)).astype(np.float32)])
    images = image.expand(len(maps), -1, -1, -1)
    link = link_of(card)
    with model_lock(model):
        scaled = _Scaled(model, float(card.get("logit_scale", 1.0))).train(model.training)
        gone = deletion(scaled, images, maps, column, link=link)
        back = insertion(scaled, images, maps, column, link=link)
        filled = road(scaled, images, maps, column, link=link)
    tests = pd.DataFrame(
        [
            _test("deletion (area)", gone.auc, "low", lower=True),
            _test("insertion (area)", back.auc, "high", lower=False),
            _test("ROAD (score)", filled.score, "high, above 0", lower=False),
        ]
    )
    drawn = [
        _lines("deletion", "strongest first", gone),
        _lines("insertion", "strongest first", back),
        _lines("ROAD", "strongest first", filled.most_first),
        _lines("ROAD", "weakest first", filled.least_first),
    ]
    return tests, pd.concat(drawn, ignore_index=True)


def _test(name: str, values: NDArray[np.float64], good: str, *, lower: bool) -> dict[str, object]:
    own, others = float(values[0]), values[1:]
    beaten = int((others > own).sum() if lower else (others < own).sum())
    return {
        "test": name,
        "this map": own,
        "at random (mean)": float(others.mean()),
        "lowest": float(others.min()),
        "highest": float(others.max()),
        "beaten": beaten,
        "good is": good,
    }


def _lines(test: str, order: str, curve: Curve) -> pd.DataFrame:
    n, steps = curve.probabilities.shape
    return pd.DataFrame(
        {
            "test": test,
            "order": order,
            "of": np.repeat([THIS_MAP] + [AT_RANDOM] * (n - 1), steps),
            "number": np.repeat(np.arange(n), steps),
            "share": np.tile(curve.shares, n),
            "probability": curve.probabilities.ravel(),
        }
    )
