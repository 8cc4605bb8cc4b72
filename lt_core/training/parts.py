"""The parts of a data set as training reads them: uint8 pixels beside labels, and the card that describes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.datasets import LabeledImages
from lt_core.problems import Problem
from lt_core.stats import groups_of
from lt_core.stats.groups import Grouping
from lt_core.training.config import RunConfig
from lt_core.training.pixels import PixelRows, Progress, decode_once
from lt_core.training.pixels.cache import OnBad

NAMED = 5
"""Images that are left out and named in a note."""


@dataclass(frozen=True, eq=False)
class Part:
    """One part: pixels (n, H, W, ch) uint8 in memory or mapped, labels (n, C), their rows and ids in the data set."""

    pixels: PixelRows
    labels: NDArray[np.float32]
    rows: NDArray[np.intp]
    ids: NDArray[np.str_]
    note: str = ""
    """What there is to say of where its pixels are."""
    patients: NDArray[np.str_] | None = None
    """Who each image is of, (n,); None where the data set does not say."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Images that cannot be read, by their ids, and why; only where the config says to leave them out."""


def normalised(pixels: Tensor, card: dict[str, Any]) -> Tensor:
    """Return (b, ch, H, W) float32 from (b, H, W, ch) uint8, with the mean and deviation in ``card``."""
    mean = torch.tensor(card["mean"], device=pixels.device).view(1, -1, 1, 1)
    deviation = torch.tensor(card["std"], device=pixels.device).view(1, -1, 1, 1)
    result: Tensor = (pixels.permute(0, 3, 1, 2).float() / 255 - mean) / deviation
    return result


def part_of(
    data: LabeledImages,
    name: str,
    config: RunConfig,
    shape: tuple[int, ...] | None = None,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Part:
    """Return one part at the config's image size and channels; ``shape`` (H, W, ch) is the training part's.

    Images in files are decoded once, into the cache on disk. Rows without any known label are left out, and so are
    images that cannot be read where the config says so. Raises ``Problem`` where images are missing, cannot be read or
    differ in size, or fewer than two can be trained on.
    """
    rows = data.rows(name) if data.split is not None and (data.split == name).any() else np.zeros(0, np.intp)
    rows = rows[~np.isnan(data.labels[rows]).all(axis=1)]
    if name == "train" and len(rows) < 2:
        raise Problem(f"{data.title} has {len(rows)} labelled training images: at least 2 are needed")
    part = part_at(data, rows, name, config, shape, progress=progress, should_stop=should_stop)
    if name == "train" and len(part.rows) < 2:
        raise Problem(f"{data.title} has {len(part.rows)} training images that can be read: at least 2 are needed")
    return part


def part_at(
    data: LabeledImages,
    rows: NDArray[np.intp],
    name: str,
    config: RunConfig,
    shape: tuple[int, ...] | None = None,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Part:
    """Return the part of these ``rows`` of the data set, called ``name``; the rest is as ``part_of`` says."""
    missing = np.intersect1d(rows, np.asarray(list(data.images.missing()), dtype=np.intp))
    if len(missing):
        first = data.ids[missing[0]] if data.ids is not None else f"row {missing[0]}"
        raise Problem(
            f"{data.title}: {len(missing):,} of {len(rows):,} {name} images are missing, the first is {first}: "
            "name their folder (--images), or remove those rows from the table"
        )
    if shape is not None and not len(rows):
        nothing = PixelRows(np.zeros((0, *shape), np.uint8), np.zeros(0, np.intp))
        return Part(nothing, data.labels[rows], rows, rows.astype(np.str_))
    channels = shape[2] if shape else int(config.channels) if config.channels != "images" else None
    decoded = decode_once(
        data,
        rows,
        size=config.image_size,
        channels=channels,
        on_bad=cast(OnBad, config.bad_images),
        progress=progress,
        should_stop=should_stop,
    )
    pixels, rows = decoded.pixels, decoded.rows
    if shape is not None and pixels.shape[1:] != shape:
        raise Problem(
            f"the {name} images of {data.title} are {pixels.shape[1]} x {pixels.shape[2]} pixels, the training images "
            f"{shape[0]} x {shape[1]}: choose one image size for all"
        )
    ids = data.ids[rows] if data.ids is not None else rows.astype(np.str_)
    patients = None if data.groups is None else np.asarray(data.groups[rows], dtype=np.str_)
    named = {str(data.ids[row]) if data.ids is not None else str(row): why for row, why in decoded.left_out.items()}
    return Part(pixels, data.labels[rows], rows, ids, decoded.note, patients, named)


def left_out_note(parts: dict[str, Part]) -> str:
    """Return in a sentence how many images of which part are left out, with the first names; empty where none is."""
    found = {name: list(part.left_out) for name, part in parts.items() if part.left_out}
    each = [
        f"{len(ids):,} of {len(ids) + len(parts[name].rows):,} {name} images ({', '.join(ids[:NAMED])}"
        f"{' ...' if len(ids) > NAMED else ''})"
        for name, ids in found.items()
    ]
    return f"left out, as they cannot be read: {', '.join(each)}; dataset.json names all and says why" if each else ""


def card_of(
    data: LabeledImages, parts: dict[str, Part], positives: NDArray[np.float64], groups: str = "relative"
) -> dict[str, Any]:
    """Return what a run says about its data: classes, training counts, groups, parts, shape, mean and deviation."""
    pixels = parts["train"].pixels
    mean, deviation = pixels.moments()
    return {
        "key": data.key,
        "title": data.title,
        "kind": data.kind,
        "synthetic": data.synthetic,
        "class_names": list(data.class_names),
        "positives_per_class": [int(n) for n in positives],
        "n_train": len(parts["train"].rows),
        "group_scheme": str(Grouping.of(groups)),
        "groups": list(groups_of(positives, scheme=groups, class_names=data.class_names)),
        "parts": {name: len(part.rows) for name, part in parts.items()},
        "shape": [int(n) for n in pixels.shape[1:]],
        "mean": mean,
        "std": [max(entry, 1e-3) for entry in deviation],
        "left_out": {name: part.left_out for name, part in parts.items() if part.left_out},
    }
