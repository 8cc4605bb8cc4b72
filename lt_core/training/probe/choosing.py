"""Which way of computing the same numbers is fastest here: memory layout and compiling, by a short probe, kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

import torch

from lt_core.home import cache_dir
from lt_core.problems import Problem
from lt_core.training.config import RunConfig
from lt_core.training.probe.cost_probe import probe
from lt_core.training.probe.payback import settled

PROBE = "LONGTAIL_LAB_PROBE"
"""Environment variable: ``off`` asks nothing of the machine, and ``auto`` is channels last without compiling."""
Layout = Literal["channels_last", "contiguous"]


def choose(
    config: RunConfig,
    device: torch.device,
    half: torch.dtype | None,
    *,
    n_classes: int,
    shape: tuple[int, ...],
    before: Mapping[str, Any] | None = None,
    n_train: int = 0,
) -> dict[str, Any]:
    """Return ``layout``, ``compile`` (bool) and ``why`` for a run on images of ``shape`` (H, W, ch).

    What the config names is taken. ``auto`` is what a probe of at most three seconds finds fastest; its answer is kept
    for this machine, backbone, size and batch, so that the same config gives the same run here. ``before`` is what a
    run that is resumed had chosen: it stays. Without a probe ``auto`` is channels last, not compiled. Compiling is
    chosen only where the run, of ``n_train`` images an epoch, is long enough to earn back what it takes.
    """
    if before is not None:
        return dict(before)
    asked: dict[str, Any] = {"layout": config.layout, "compile": config.compile}
    if "auto" not in asked.values() and config.compile == "off":
        return {"layout": config.layout, "compile": False, "why": "as the config says"}
    plain = {"layout": "contiguous" if config.layout == "contiguous" else "channels_last", "compile": False}
    if os.environ.get(PROBE, "").lower() == "off":
        return plain | {"why": "not probed"}
    try:
        cost = probe(
            config.model,
            n_classes=n_classes,
            in_chans=shape[2],
            image_size=max(shape[:2]),
            batch_size=config.batch_size,
            device=device,
            precision="float32" if half is None else str(half).removeprefix("torch."),
            optimizer=config.optimizer,
            cache_dir=cache_dir() / "costs",
            **asked,
        )
    except Problem as problem:
        return plain | {"why": f"the probe failed: {problem}"}
    cost = settled(cost, n=n_train, epochs=config.epochs, compile=config.compile)
    tried = ", ".join(f"{way}: {speed:,.0f} images/s" for way, speed in cost.measured.items())
    why = "; ".join([f"fastest of {tried}" if len(cost.measured) > 1 else tried, *cost.notes])
    return {"layout": cost.chosen["layout"], "compile": bool(cost.chosen["compile"]), "why": why}
