"""The process behind "Estimate time and memory": a config in on standard input, one line of JSON out."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from lt_core.datasets import LabeledImages, assign_parts, load
from lt_core.home import cache_dir
from lt_core.problems import Problem
from lt_core.training import RunConfig


def measured(config: RunConfig) -> dict[str, Any]:
    """Return what ``lt_core.training.probe.cost_probe`` finds for this config, with the images of the parts, for JSON.

    The question is the one that the run will ask, so that its answer is kept for it. Raises ``Problem`` where it cannot
    be asked.
    """
    from lt_core.training.job import pick_device, pick_precision
    from lt_core.training.probe.cost_probe import probe

    data = load(config.data)
    if not isinstance(data, LabeledImages):
        raise Problem(f"{data.title} has class counts only, no images: choose a data set with images to train on")
    data = assign_parts(data, seed=config.seed, method=config.split_method)
    device = pick_device(config.device)
    half = pick_precision(config.precision, device)
    train, val = (len(data.rows(part)) for part in ("train", "val"))
    first = data.images.read(int(data.rows("train")[0]))
    cost = probe(
        config.model,
        n_classes=data.n_classes,
        in_chans=(1 if first.ndim == 2 else 3) if config.channels == "images" else int(config.channels),
        image_size=config.image_size or max(first.shape[:2]),
        batch_size=config.batch_size,
        device=device,
        precision="float32" if half is None else str(half).removeprefix("torch."),
        layout=config.layout,
        compile=config.compile,
        optimizer=config.optimizer,
        cache_dir=cache_dir() / "costs",
    )
    return {
        "cost": {
            "images_per_second": cost.images_per_second,
            "peak_memory_bytes": cost.peak_memory_bytes,
            "memory_is_estimate": cost.memory_is_estimate,
            "chosen": cost.chosen,
            "measured": cost.measured,
            "notes": list(cost.notes),
            "seconds": cost.seconds(train, config.epochs, val),
        },
        "n_train": train,
        "n_val": val,
    }


def main() -> None:
    """Answer the question on standard input."""
    import torch

    torch.set_num_threads(os.cpu_count() or 1)  # as the process of a run does
    try:
        answer = measured(RunConfig.from_json(json.load(sys.stdin)))
    except Problem as problem:
        answer = {"error": str(problem)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
