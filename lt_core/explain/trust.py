"""Can a map be trusted? Pixels changed in its order, held against maps at random, and maps of untrained networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lt_core.charts.maps import AT_RANDOM, THIS_MAP
from lt_core.evaluation.ratios import or_none
from lt_core.explain.borrowing import model_lock
from lt_core.explain.cam import CamResult
from lt_core.explain.faithfulness import Curve, deletion, insertion
from lt_core.explain.of_run import link_of
from lt_core.explain.reshaping import pick_layer
from lt_core.explain.road import road
from lt_core.explain.sanity import sanity
from lt_core.problems import Invalid

if TYPE_CHECKING:
    from lt_core.training import Run

RANDOM_MAPS = 20
"""Maps at random that a map is held against, made as coarse as it is."""
NETWORKS = 5
"""Networks with weights drawn anew."""
GOOD = {"deletion (area)": "low", "insertion (area)": "high", "ROAD (score)": "high, above 0"}
"""The tests, and what is good in each."""


@dataclass(frozen=True, eq=False)
class Needed:
    """Does the network need what the map shows? ``tests`` has one row a test of ``GOOD``, ``curves`` what is behind.

    Columns of ``tests``: test, this map, at random (mean), lowest, highest (of the maps at random), beaten (how many of
    them this map is better than), good is. Of ``curves``: test, order ("strongest first", "weakest first"), of (this
    map or maps at random), number (which), share (of pixels changed) and probability, both in [0, 1].
    """

    tests: pd.DataFrame
    curves: pd.DataFrame
    n_random: int

    def as_json(self) -> dict[str, Any]:
        """Return the tests, and this map's curves, as a JSON object."""
        own = self.curves[self.curves["of"] == THIS_MAP].groupby(["test", "order"], sort=False)
        curves = [
            {"test": test, "order": order, "share": part["share"].tolist(), "probability": part["probability"].tolist()}
            for (test, order), part in own
        ]
        rows = [
            {
                "test": row["test"], "value": row["this map"], "random_mean": row["at random (mean)"],
                "random_low": row["lowest"], "random_high": row["highest"], "beaten": int(row["beaten"]),
                "good": row["good is"],
            }
            for row in self.tests.to_dict("records")
        ]  # fmt: skip
        return {"n_random": self.n_random, "tests": rows, "curves": curves}


@dataclass(frozen=True, eq=False)
class Untrained:
    """Would untrained networks give the same map? One number a network, see ``Randomised``.

    ``first`` (H, W) in [0, 1] is the map of the first of them, scaled to its own maximum.
    """

    correlations: tuple[float, ...]
    likeness: tuple[float, ...]
    first: NDArray[np.float32]

    def as_json(self) -> dict[str, Any]:
        """Return the numbers, with median, lowest and highest, as a JSON object; None = not defined."""
        found: dict[str, Any] = {"n_networks": len(self.correlations)}
        for name, values in (("rank_correlation", self.correlations), ("ssim", self.likeness)):
            known = np.array([value for value in values if not np.isnan(value)])
            found[name] = {
                "median": float(np.median(known)) if len(known) else None,
                "low": float(known.min()) if len(known) else None,
                "high": float(known.max()) if len(known) else None,
                "values": [or_none(value) for value in values],
            }
        return found


def input_of(run: Run, shown: NDArray[np.uint8]) -> Tensor:
    """Return an image as the network of ``run`` takes it, (1, C, H, W), from ``Explanation.shown``."""
    from lt_core.training.parts import normalised

    return normalised(torch.from_numpy(np.array(shown[None])), run.dataset_card)


def needed(
    run: Run,
    model: nn.Module,
    shown: NDArray[np.uint8],
    cam: CamResult,
    *,
    n_random: int = RANDOM_MAPS,
    seed: int = 0,
) -> Needed:
    """Return deletion, insertion and ROAD of the map ``cam`` of an image ``shown``, and of ``n_random`` random maps.

    Maps at random are of independent normal numbers at the places of the layer. Probabilities are those of the run's
    predictions: its link of its scale times the logits.
    """
    if n_random < 1:
        raise Invalid(f"a map is held against at least 1 map at random, got {n_random}")
    card, rng = run.dataset_card, np.random.default_rng(seed)
    maps = np.concatenate([cam.raw[None], rng.normal(size=(n_random, *cam.raw.shape)).astype(np.float32)])
    images = input_of(run, shown).expand(len(maps), -1, -1, -1)
    read: dict[str, Any] = {"link": link_of(card), "logit_scale": float(card.get("logit_scale", 1.0))}
    with model_lock(model):
        gone = deletion(model, images, maps, cam.class_index, **read)
        back = insertion(model, images, maps, cam.class_index, **read)
        filled = road(model, images, maps, cam.class_index, seed=seed, **read)
    values = (-gone.auc, back.auc, filled.score)
    tests = [_test(name, found, sign) for name, found, sign in zip(GOOD, values, (-1, 1, 1), strict=True)]
    drawn = [
        _lines("deletion", "strongest first", gone),
        _lines("insertion", "strongest first", back),
        _lines("ROAD", "strongest first", filled.most_first),
        _lines("ROAD", "weakest first", filled.least_first),
    ]
    return Needed(pd.DataFrame(tests), pd.concat(drawn, ignore_index=True), n_random)


def untrained(
    run: Run, model: nn.Module, shown: NDArray[np.uint8], cam: CamResult, *, networks: int = NETWORKS, seed: int = 0
) -> Untrained:
    """Return how much ``cam`` is like the maps of ``networks`` networks, all weights drawn anew; see ``sanity``."""
    if networks < 1:
        raise Invalid(f"a map is held against at least 1 untrained network, got {networks}")
    image = input_of(run, shown)
    layer = pick_layer(model, (image.shape[1], image.shape[2], image.shape[3]), cam.layer, cam.reshape)
    found = [
        sanity(model, image, cam.class_index, method=cam.method, layer=layer, how="full", seed=seed + k)[0]
        for k in range(networks)
    ]
    heat = found[0].maps.heat()[0]
    return Untrained(
        tuple(float(each.rank_correlation[0]) for each in found),
        tuple(float(each.ssim[0]) for each in found),
        np.asarray(heat / heat.max() if heat.max() > 0 else heat, dtype=np.float32),
    )


def _test(name: str, merits: NDArray[np.float64], sign: int) -> dict[str, object]:
    """Return one row of ``Needed.tests``; ``merits`` grow with how good a map is, and times ``sign`` are the values."""
    values = sign * merits
    return {
        "test": name,
        "this map": float(values[0]),
        "at random (mean)": float(values[1:].mean()),
        "lowest": float(values[1:].min()),
        "highest": float(values[1:].max()),
        "beaten": int((merits[1:] < merits[0]).sum()),
        "good is": GOOD[name],
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
