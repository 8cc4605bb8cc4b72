"""What several tests of maps need: a run as training leaves it, and a network whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lt_core.datasets import Source, assign_parts, load
from lt_core.evaluation import Predictions
from lt_core.models import build
from lt_core.training import Run, RunConfig
from lt_core.training.folder.store import write_json
from lt_core.training.weights import save


class Known(nn.Module):
    """Class 0 scores by how bright an image is, class 1 by how dark, class 2 by neither: right by construction.

    Features are the bright part, the dark part and a constant, each at every pixel.
    """

    def __init__(self) -> None:
        super().__init__()
        self.split = nn.Conv2d(1, 3, 1)
        self.act = nn.ReLU()
        self.head = nn.Linear(3, 3)
        with torch.no_grad():
            self.split.weight.copy_(torch.tensor([1.0, -1.0, 0.0]).view(3, 1, 1, 1))
            self.split.bias.copy_(torch.tensor([0.0, 0.0, 0.5]))
            self.head.weight.copy_(torch.tensor([[4.0, 0, 0], [0, 4.0, 0], [0, 0, 0]]))
            self.head.bias.copy_(torch.tensor([0.25, 0.25, 0.25]))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.act(self.split(x)).mean(dim=(2, 3)))


def spots(n: int = 3, side: int = 16) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Return n images (n, 1, S, S) of a bright and a dark square each, and where those are, (n, S, S)."""
    images = torch.zeros(n, 1, side, side)
    bright, dark = np.zeros((n, side, side), bool), np.zeros((n, side, side), bool)
    for i in range(n):
        bright[i, i + 1 : i + 4, 2:6], dark[i, 9:13, 8 + i : 11 + i] = True, True
    images[:, 0][torch.from_numpy(bright)] = 1.0
    images[:, 0][torch.from_numpy(dark)] = -1.0
    return images, bright, dark


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run folder as training leaves it, of an untrained network on 40 small grey images."""
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 20), ("val", 8), ("test", 12)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (n, 32, 32), dtype=np.uint8)
        arrays[f"{part}_labels"] = (np.arange(n) % 3)[:, None].astype(np.uint8)
    np.savez(folder / "set.npz", **arrays)
    config = RunConfig(data=Source(str(folder / "set.npz")), loss="ce", model="test_resnet", seed=3)
    data = assign_parts(load(config.data), seed=3)
    card = {
        "title": data.title,
        "kind": "single",
        "synthetic": False,
        "class_names": list(data.class_names),
        "positives_per_class": [7, 7, 6],
        "n_train": 20,
        "groups": ["head"] * 3,
        "parts": {"train": 20, "val": 8, "test": 12},
        "shape": [32, 32, 1],
        "mean": [0.4],
        "std": [0.25],
    }
    path = folder / "runs" / "one"
    path.mkdir(parents=True)
    write_json(path / "config.json", config.as_json())
    write_json(path / "dataset.json", card)
    torch.manual_seed(0)
    save(build("test_resnet", n_classes=3, in_chans=1), path / "best.safetensors")
    rows = data.rows("test")
    ids = data.ids[rows] if data.ids is not None else rows.astype(np.str_)
    logits = rng.normal(size=(len(rows), 3)).astype(np.float32)
    Predictions(data.class_names, logits, data.labels[rows], rows.astype(np.int64), ids, "single", "test").save(
        path / "predictions-test.npz"
    )
    return Run(path)
