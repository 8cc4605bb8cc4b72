"""Predictions and a truth in another order, as frames and as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Frames = tuple[pd.DataFrame, pd.DataFrame]
CLASSES = ["Edema", "Hernia", "Infiltration", "Pleural_Thickening"]


def made_frames() -> Frames:
    """Predictions of 40 images in another order of rows and classes than the truth has."""
    rng = np.random.default_rng(3)
    names = [f"{k:08d}_000.png" for k in range(40)]
    truth = pd.DataFrame(rng.integers(0, 2, (40, 4)), columns=CLASSES)
    truth.insert(0, "image", names)
    truth["Patient ID"] = [f"p{k // 2}" for k in range(40)]
    truth["age"], truth["sex"] = rng.integers(20, 80, 40), rng.choice(["F", "M"], 40)
    order = rng.permutation(40)
    scores = pd.DataFrame({f"prob_{name}": rng.random(40) for name in reversed(CLASSES)})
    scores.insert(0, "id", names)
    return scores.iloc[order].reset_index(drop=True), truth


def written(frame: pd.DataFrame, path: Path, **how: Any) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in path.name else how.get("sep", ","))
    return path


def by_hand(frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    both = frames[1].merge(frames[0], left_on="image", right_on="id")
    return both[[f"prob_{name}" for name in CLASSES]].to_numpy(), both[CLASSES].to_numpy(float)
