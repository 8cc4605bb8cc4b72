"""Maps of a run: the network and the input exactly as they were in training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lt_core.evaluation import probabilities_of
from lt_core.evaluation.predictions import Link
from lt_core.explain.cam import CamResult, grad_cam
from lt_core.explain.layers import Layer
from lt_core.explain.localisation import Localisation, localisation
from lt_core.explain.pictures import enlarged_mask
from lt_core.explain.reshaping import pick_layer
from lt_core.explain.sheet import save_overlay
from lt_core.problems import Invalid, Problem

if TYPE_CHECKING:
    import pandas as pd

    from lt_core.datasets import LabeledImages
    from lt_core.training import Run


@dataclass(frozen=True, eq=False)
class Explanation:
    """A map and what belongs beside it.

    ``shown`` (H, W, 1 or 3) uint8 is the image as the network saw it, at the map's size; ``probabilities`` (C,) are the
    model's; ``notes`` say what was done to the image and why a map is blank.
    """

    cam: CamResult
    shown: NDArray[np.uint8]
    probabilities: NDArray[np.float64]
    notes: tuple[str, ...]


def link_of(card: dict[str, Any]) -> Link:
    """Return how the logits of a run are read; runs of before it was recorded go by the kind of their data."""
    return (
        "sigmoid" if card.get("link", "sigmoid" if card["kind"] == "multi" else "softmax") == "sigmoid" else "softmax"
    )


def chances_of(logits: NDArray[np.floating], card: dict[str, Any]) -> NDArray[np.float64]:
    """Return the probabilities of ``logits`` (n, C) as the run's predictions have them, by its link and logit scale."""
    return probabilities_of(logits.astype(np.float64) * float(card.get("logit_scale", 1.0)), link_of(card))


def explain_run(
    run: Run,
    pixels: NDArray[np.uint8],
    class_index: int,
    *,
    model: nn.Module | None = None,
    layer: str | Layer | None = None,
    reshape: str | None = None,
    method: str = "gradcam",
) -> Explanation:
    """Return the map of ``class_index`` for an image of any size, (H, W), (H, W, 1) or (H, W, 3) uint8.

    The image is brought to the size and channels the run was trained with, by the same code, and ``notes`` says so.
    ``model`` is the run's model where the caller keeps it, else it is loaded. ``layer`` and ``reshape`` say where the
    map is read, and how; None: as ``pick_layer`` does by itself.
    """
    from lt_core.training.parts import normalised

    card = run.dataset_card
    shown, notes = fitted(pixels, card["shape"])
    image = normalised(torch.from_numpy(np.array(shown[None])), card)
    model = run.load_model() if model is None else model
    high, wide, channels = card["shape"]
    chosen = pick_layer(model, (channels, high, wide), layer, reshape)
    cam = grad_cam(model, image, class_index, layer=chosen, method=method)
    chances = chances_of(cam.logits[None], card)[0]
    return Explanation(cam, shown, chances, (*notes, *([cam.note] if cam.note else [])))


def fitted(pixels: NDArray[np.uint8], shape: list[int]) -> tuple[NDArray[np.uint8], list[str]]:
    """Return an image as (H, W, channels) of ``shape``, and a sentence about each thing that had to change."""
    from lt_core.datasets import ArrayImages, to_uint8_batch

    high, wide, channels = shape
    image = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    h, w = image.shape[:2]
    notes = []
    if (h, w) != (high, wide):
        notes.append(
            f"The image is {w} x {h} pixels and was brought to the {wide} x {high} the network was trained on."
        )
        if abs(h * wide / (w * high) - 1) > 0.02:
            notes.append("Its proportions were not kept: a square crop would be seen as it is.")
    if image.ndim == 3 and channels == 1:
        notes.append("It has colours; the network was trained on grey images, so it was turned to grey.")
    return to_uint8_batch(ArrayImages(image[None]), [0], size=(high, wide), channels=channels)[0], notes


def dataset_of_run(run: Run, loaded: LabeledImages | None = None) -> LabeledImages:
    """Return the run's data set with the parts the run had; raise ``Problem`` if it cannot be loaded or has changed.

    ``loaded`` is the set of ``run.config.data`` where the caller has it already.
    """
    from lt_core.datasets import assign_parts, load_images

    config = run.config
    data = assign_parts(loaded or load_images(config.data), seed=config.seed, method=config.split_method)
    if data.class_names != tuple(run.dataset_card["class_names"]):
        raise Problem(f"{data.title} has other classes than when {run.name} was trained: load the set as it was")
    for part in run.dataset_card["parts"]:
        if (run.path / f"predictions-{part}.npz").is_file():
            seen = run.predictions(part)
            if not np.array_equal(seen.ids, names_of(data, seen.rows)):
                raise Problem(
                    f"{data.title} holds other images than when {run.name} was trained: load the set as it was"
                )
    return data


def known_of_run(run: Run, rows: NDArray[np.integer]) -> pd.DataFrame:
    """Return what is known of ``rows`` of the run's set beside their labels (age, sex, view ...), (n rows).

    Raises ``Problem`` where the set cannot be loaded, has changed, or says nothing but labels.
    """
    data = dataset_of_run(run)
    if data.metadata is None or not len(data.metadata.columns):
        raise Problem(
            f"{data.title} says nothing of its images but their labels: a table with columns such as age, sex, view or "
            "site gives slices"
        )
    return data.metadata.iloc[rows].reset_index(drop=True)


def names_of(data: LabeledImages, rows: NDArray[np.integer]) -> NDArray[np.str_]:
    """Return what predictions call these rows: the ids of the set, else the row numbers; "" beyond its end."""
    there = rows < len(data)
    ids = data.ids[rows[there]] if data.ids is not None else rows[there].astype(np.str_)
    found = np.full(len(rows), "", dtype=ids.dtype)
    found[there] = ids
    return found


def row_of(run: Run, data: LabeledImages, index: int, part: str | None) -> int:
    """Return the row of image ``index``, from 0, of ``part`` (None: the whole set), in the order of the predictions."""
    rows = data.rows(part)
    if part is not None and (run.path / f"predictions-{part}.npz").is_file():
        rows = run.predictions(part).rows.astype(np.intp)
    if not 0 <= index < len(rows):
        where = f"the {part} part" if part else data.title
        raise Invalid(f"index must be in [0, {len(rows) - 1}] for {where}, got {index}")
    return int(rows[index])


def place_of(cam: CamResult, mask: NDArray[np.bool_] | None) -> Localisation | None:
    """Return how the map lies on a mask of any size, or None where no place is known."""
    if mask is None or not mask.any():
        return None
    fitting = enlarged_mask(mask, (cam.heatmap.shape[0], cam.heatmap.shape[1]))
    return localisation(cam.heatmap, fitting) if fitting.any() else None


def explain_to_file(
    run: Run,
    index: int,
    class_name: str,
    path: Path | None,
    *,
    part: str | None = "test",
    opacity: float = 0.6,
    method: str = "gradcam",
    layer: str | None = None,
    reshape: str | None = None,
    dataset: LabeledImages | None = None,
) -> dict[str, Any]:
    """Write the map of ``class_name`` on image ``index`` of ``part`` as a PNG and return what it shows, for JSON.

    ``path`` None writes nothing. ``dataset`` is ``dataset_of_run`` where the caller has it.

    Keys: file, index, row, id, part, class, probability, truth (1, 0 or None = unknown), method, layer, reshape,
    raw_max, blank, notes, and where a mask is known mask_hit, mask_inside and mask_area (see ``Localisation``), else
    None.
    """
    dataset = dataset_of_run(run) if dataset is None else dataset
    row = row_of(run, dataset, index, part)
    column = dataset.class_index(class_name)
    found = explain_run(run, dataset.images.read(row), column, method=method, layer=layer, reshape=reshape)
    mask = dataset.masks.read(row, column) if dataset.masks is not None else None
    entry = {
        "file": None if path is None else str(path),
        "index": index,
        "row": row,
        "id": None if dataset.ids is None else str(dataset.ids[row]),
        "part": part,
        "class": class_name,
        **_found(found, column, float(dataset.labels[row, column]), mask),
    }
    what_was_done = found.notes[: len(found.notes) - bool(found.cam.note)]  # the sheet adds the map's own note
    caption = [*_caption(entry, run.name, synthetic=dataset.synthetic), *what_was_done]
    if path is not None:
        save_overlay(path, found.shown, found.cam, mask=mask, caption=caption, opacity=opacity)
    return entry


def _found(found: Explanation, column: int, truth: float, mask: NDArray[np.bool_] | None) -> dict[str, Any]:
    """Return what the map shows, for JSON."""
    hit, inside, area = place_of(found.cam, mask) or (None, None, None)
    return {
        "probability": float(found.probabilities[column]),
        "truth": None if np.isnan(truth) else int(truth),
        "method": found.cam.method,
        "layer": found.cam.layer,
        "reshape": found.cam.reshape,
        "raw_max": found.cam.raw_max,
        "blank": found.cam.blank,
        "mask_hit": hit,
        "mask_inside": inside,
        "mask_area": area,
        "notes": list(found.notes),
    }


def _caption(entry: dict[str, Any], run_name: str, *, synthetic: bool) -> list[str]:
    """Return the lines under a map."""
    truth = {None: "unknown", 0: "absent", 1: "present"}[entry["truth"]]
    who = f" ({entry['id']})" if entry["id"] is not None else ""
    lines = [
        f"{entry['class']}: probability {entry['probability']:.3f}, truth {truth}. "
        f"Image {entry['index']} of {entry['part'] or 'all'}{who}, {run_name}."
    ]
    if entry["mask_inside"] is not None:
        where = "inside" if entry["mask_hit"] else "beside"
        lines.append(
            f"The strongest place is {where} the outline; {entry['mask_inside']:.0%} of the map lies in it, "
            f"and it covers {entry['mask_area']:.0%} of the image."
        )
    return [*lines, f"{'Synthetic image. ' if synthetic else ''}Not for diagnosis."]
