"""Maps of a run against every known place of a whole part, in batches, with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from lt_core.explain.batches import cam_batch
from lt_core.explain.layers import Layer
from lt_core.explain.localisation import IOU_AT, placed
from lt_core.explain.methods import method_of
from lt_core.explain.of_run import chances_of, dataset_of_run, names_of
from lt_core.explain.pictures import enlarged_mask
from lt_core.explain.reshaping import pick_layer
from lt_core.problems import Problem

if TYPE_CHECKING:
    from lt_core.datasets import LabeledImages
    from lt_core.training import Run

BATCH = 64
SEARCHED = 500
"""After so many pairs without a known place the caller hears of it, so that it can stop the search."""


class Progress(NamedTuple):
    """Where the work is: images with a class done so far, how many there are, and the rows since the last time."""

    done: int
    of: int
    rows: pd.DataFrame


class _Cell(NamedTuple):
    row: int
    column: int
    mask: NDArray[np.bool_]


def localising(
    run: Run,
    part: str = "val",
    *,
    method: str = "gradcam",
    layer: str | Layer | None = None,
    reshape: str | None = None,
    tolerance: float = 0.0,
    iou_at: float = IOU_AT,
    data: LabeledImages | None = None,
    model: nn.Module | None = None,
    batch: int = BATCH,
) -> Iterator[Progress]:
    """Yield the scores of a part after every batch; leaving the loop stops the work.

    A row is an image and a class that is present and whose place is known: columns run, part, row, id, patient, class,
    method, layer, reshape, probability, raw_max, blank, and those of ``Placed`` (NaN for a blank map). Absent and
    unknown classes have no place and make no row; present ones without a known place count in ``Progress.of`` only.
    Masks and boxes are brought to the size of training. Raises ``Problem`` for a set without masks or boxes.
    """
    method_of(method)
    data = dataset_of_run(run) if data is None else data
    if data.masks is None:
        raise Problem(f"{data.title} has no masks or boxes, so there is no place to compare a map with")
    model = run.load_model() if model is None else model
    high, wide, channels = run.dataset_card["shape"]
    chosen = pick_layer(model, (channels, high, wide), layer, reshape)
    wanted = np.argwhere(data.labels_of(rows := data.rows(part)) == 1)
    waiting: list[_Cell] = []
    for done, (place, column) in enumerate(wanted, start=1):
        mask = data.masks.read(int(rows[place]), int(column))
        fitted = None if mask is None else enlarged_mask(mask, (high, wide))
        if fitted is not None and fitted.any():
            waiting.append(_Cell(int(rows[place]), int(column), fitted))
        if len(waiting) == batch or (waiting and done == len(wanted)):
            made = _scores(run, data, model, waiting, method, chosen, tolerance, iou_at)
            yield Progress(done, len(wanted), made.assign(run=run.name, part=part))
            waiting = []
        elif done % SEARCHED == 0:
            yield Progress(done, len(wanted), pd.DataFrame())


def localise_run(
    run: Run,
    part: str = "val",
    *,
    method: str = "gradcam",
    layer: str | Layer | None = None,
    reshape: str | None = None,
    tolerance: float = 0.0,
    iou_at: float = IOU_AT,
    data: LabeledImages | None = None,
    model: nn.Module | None = None,
    batch: int = BATCH,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> pd.DataFrame:
    """Return the rows of ``localising`` for a whole part, as one table; what was done so far where it was stopped.

    ``progress(done, of)`` hears after every batch, ``should_stop()`` is asked as often. ``attrs`` of the table hold
    method, layer, tolerance, iou_at, n_present (image and class pairs that are present) and stopped. Raises ``Problem``
    where no place of any present class is known.
    """
    made, seen, stopped = [], 0, False
    total = 0
    steps = localising(
        run,
        part,
        method=method,
        layer=layer,
        reshape=reshape,
        tolerance=tolerance,
        iou_at=iou_at,
        data=data,
        model=model,
        batch=batch,
    )
    for step in steps:
        if len(step.rows):
            made.append(step.rows)
        seen, total = step.done, step.of
        if progress is not None:
            progress(seen, total)
        if should_stop is not None and should_stop():
            stopped = seen < total
            break
    if not made:
        raise Problem(f"no finding of the {part} part of {run.name} has a known place: nothing to compare maps with")
    table = pd.concat(made, ignore_index=True)
    table.attrs = {"tolerance": tolerance, "iou_at": iou_at, "n_present": total, "stopped": stopped}
    return table


def _scores(
    run: Run,
    data: LabeledImages,
    model: nn.Module,
    cells: list[_Cell],
    method: str,
    layer: Layer,
    tolerance: float,
    iou_at: float,
) -> pd.DataFrame:
    """Return the rows of one batch of image and class pairs."""
    from lt_core.datasets import to_uint8_batch
    from lt_core.training.parts import normalised

    card = run.dataset_card
    rows, columns = np.array([cell.row for cell in cells]), np.array([cell.column for cell in cells])
    high, wide, channels = card["shape"]
    pixels = to_uint8_batch(data.images, rows, size=(high, wide), channels=channels)
    found = cam_batch(model, normalised(torch.from_numpy(pixels), card), columns, method=method, layer=layer)
    scores = placed(found.heat(), np.stack([cell.mask for cell in cells]), tolerance=tolerance, iou_at=iou_at)
    chances = chances_of(found.logits, card)[np.arange(len(cells)), columns]
    names = names_of(data, rows)
    return pd.DataFrame(
        {
            "run": run.name,
            "part": "",
            "row": rows,
            "id": names,
            "patient": names if data.groups is None else data.groups[rows],
            "class": np.asarray(data.class_names)[columns],
            "method": found.method.key,
            "layer": layer.name,
            "reshape": layer.reshape,
            "probability": chances,
            "raw_max": found.raw_max,
            "blank": found.blank,
            **scores._asdict(),
        }
    )
