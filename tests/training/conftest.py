"""A data set small enough to train on in a second: every class lights up its own corner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from lt_core.datasets import Source
from lt_core.training import RunConfig

COUNTS = {"train": 96, "val": 40, "test": 40}
RATES = (0.5, 0.3, 0.12)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_corners(path: Path, *, single: bool = False, seed: int = 0, size: int = 16) -> Path:
    """Write a MedMNIST-layout file of three classes, one bright corner each, and return its path."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for part, count in COUNTS.items():
        labels = (rng.random((count, 3)) < RATES).astype(np.uint8)
        if single:
            labels = np.eye(3, dtype=np.uint8)[rng.choice(3, count, p=(0.6, 0.3, 0.1))]
        images = rng.integers(0, 90, (count, size, size))
        half = size // 2
        for c, corner in enumerate((np.s_[:half, :half], np.s_[:half, half:], np.s_[half:, :half])):
            images[(slice(None), *corner)] += 120 * labels[:, c, None, None]
        arrays[f"{part}_images"] = images.astype(np.uint8)
        arrays[f"{part}_labels"] = labels.argmax(1)[:, None] if single else labels
    np.savez(path, **arrays)
    return path


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., RunConfig]:
    """Return a maker of configs on the corner data; what is given replaces the small defaults."""
    path = write_corners(tmp_path / "corners.npz")

    def make(**given: object) -> RunConfig:
        start = {"data": Source(str(path)), "loss": "bce", "epochs": 2, "batch_size": 16, "device": "cpu"}
        return RunConfig(**{**start, **given})

    return make
