"""What a whole run will take on this machine: the probe's steps, times the images of its parts."""

from __future__ import annotations

from typing import Any

from lt_core.datasets import LabeledImages, assign_parts, load
from lt_core.home import cache_dir
from lt_core.problems import Problem
from lt_core.training.config import RunConfig


def estimate(config: RunConfig) -> dict[str, Any]:
    """Return ``cost`` (of ``cost_probe``, with ``seconds`` of the whole run), ``n_train`` and ``n_val``, for JSON.

    The question is the one that the run will ask, so that its answer is kept for it. Raises ``Problem`` where it cannot
    be asked.
    """
    from lt_core.training.picking import pick_device, pick_precision
    from lt_core.training.probe.cost_probe import probe
    from lt_core.training.probe.payback import settled

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
    cost = settled(cost, n=train, epochs=config.epochs, compile=config.compile)
    untried = ("compiling was not tried: compile=auto tries it, and says when it is earned back",)
    return {
        "cost": {
            "images_per_second": cost.images_per_second,
            "peak_memory_bytes": cost.peak_memory_bytes,
            "memory_is_estimate": cost.memory_is_estimate,
            "chosen": cost.chosen,
            "measured": cost.measured,
            "notes": [*cost.notes, *(untried if config.compile == "off" else ())],
            "seconds": cost.seconds(train, config.epochs, val),
        },
        "n_train": train,
        "n_val": val,
    }


def in_words(found: dict[str, Any], epochs: int) -> list[str]:
    """Return what ``estimate`` found for a run of so many epochs, a sentence a line."""
    cost, chosen = found["cost"], found["cost"]["chosen"]
    compiled = "compiled" if chosen["compile"] else "not compiled"
    about = "about " if cost["memory_is_estimate"] else ""
    lines = [
        f"time: about {duration(cost['seconds'])} for {epochs:,} epochs of {found['n_train']:,} images "
        f"({duration(cost['seconds'] / epochs)} each, {cost['images_per_second']:,.0f} images/s)",
        f"memory: {about}{in_bytes(cost['peak_memory_bytes'])} for the network; PyTorch itself takes half a gigabyte "
        "more",
        f"computed in {chosen['precision']}, {str(chosen['layout']).replace('_', ' ')}, {compiled}",
    ]
    if len(cost["measured"]) > 1:
        lines.append("tried: " + "; ".join(f"{way} {speed:,.0f}/s" for way, speed in cost["measured"].items()))
    return [*lines, *cost["notes"]]


def duration(seconds: float) -> str:
    """Return a time as people say it: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 1 else "less than 1 s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def in_bytes(count: int) -> str:
    """Return an amount of memory as people say it: 312 MB, 1.4 GB."""
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count / 2**20:.0f} MB"
