"""How a saved set has its images: inside the file, in the folder they were in, or from where they came."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lt_core.datasets.arrow_images import ArrowImages, Shard, cell_of, opened
from lt_core.datasets.boxes import Boxes
from lt_core.datasets.files import FileImages
from lt_core.datasets.images import ArrayImages, ImageStore, NoImages, Pixels
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.home import cache_dir
from lt_core.problems import Problem

EMBEDDED_BYTES = 1 << 30
"""Images in memory up to this size go into the file unasked: there is no folder that keeps them."""


@dataclass(frozen=True, eq=False, repr=False)
class SavedMasks:
    """Masks inside a saved file: lists of pairs of class number and PNG, one list an image; a ``MaskStore``."""

    shard: Shard

    def read(self, index: int, class_index: int) -> NDArray[np.bool_] | None:
        """Return the (H, W) mask of one class in one image, or None where none was saved."""
        cells = cell_of(self.shard, "masks", index)
        found = [cell["png"] for cell in cells or [] if cell["class"] == class_index]
        return np.asarray(Image.open(io.BytesIO(found[0]), formats=["PNG"]).convert("1")) if found else None


def how_kept(dataset: LabeledImages, folder: Path, *, with_images: bool) -> dict[str, Any]:
    """Return what the manifest says of the images: ``kind`` (none, embedded, folder, source) and where they are."""
    images = dataset.images
    if isinstance(images, NoImages):
        return {"kind": "none"}
    small = isinstance(images, ArrayImages) and images.array.nbytes <= EMBEDDED_BYTES
    if with_images or small:
        return {"kind": "embedded"}
    if isinstance(images, FileImages) and not images.root.is_relative_to(os.path.realpath(cache_dir())):
        near = os.path.relpath(images.root, os.path.realpath(folder))
        return {"kind": "folder", "folder": str(images.root), "relative": near}
    return {"kind": "source", "source": dataset.source.as_json()}


def image_cells(images: ImageStore, start: int, stop: int) -> tuple[list[bytes | None], int]:
    """Return the images of some rows as PNG, None where one is missing, and how many could not be read."""
    absent = set(images.missing()) if not isinstance(images, ArrayImages) else set()
    cells: list[bytes | None] = []
    broken = 0
    for row in range(start, stop):
        try:
            cells.append(None if row in absent else _png(images.read(row)))
        except Problem:
            cells.append(None)
            broken += 1
    return cells, broken


def mask_cells(dataset: LabeledImages, start: int, stop: int) -> list[list[dict[str, Any]]]:
    """Return the masks of the positive classes of some rows, as PNG by class number."""
    assert dataset.masks is not None
    cells = []
    for row, labels in enumerate(dataset.labels_of(np.arange(start, stop)), start):
        found = [(int(k), dataset.masks.read(row, int(k))) for k in np.flatnonzero(labels == 1)]
        cells.append([{"class": k, "png": _png(mask)} for k, mask in found if mask is not None])
    return cells


def keeps_masks(dataset: LabeledImages) -> bool:
    """Return whether masks go into the file as pictures; boxes go as numbers."""
    return dataset.masks is not None and not isinstance(dataset.masks, Boxes)


def images_from(
    about: dict[str, Any], shard: Shard, names: list[str] | None, given: str | None
) -> tuple[ImageStore, list[str]]:
    """Return the images of a saved set, and what to tell about those that are not there any more."""
    if about["kind"] == "embedded":
        images = ArrowImages((shard,), "image", shard.path.parent)
        return images, []
    if about["kind"] == "none":
        return NoImages(shard.rows), []
    if about["kind"] == "source":
        return _of_source(Source.from_json(about["source"]), shard.rows)
    assert names is not None
    here = shard.path.parent
    places = [Path(given).expanduser()] if given else [Path(about["folder"]), here / about["relative"]]
    for place in places:
        if place.is_dir():
            return FileImages(place, names), []
    where = given or about["folder"]
    return NoImages(shard.rows), [f"the image folder {where} is not there any more: labels only; give its new place "
                                  "with --images"]  # fmt: skip


def names_of(images: ImageStore) -> list[str] | None:
    """Return what the file says of each image of a folder: the name in the table, in order."""
    return list(images.names) if isinstance(images, FileImages) else None


def _of_source(source: Source, rows: int) -> tuple[ImageStore, list[str]]:
    from lt_core.datasets.loading import load_images

    try:
        images = load_images(source).images
    except Problem as problem:
        return NoImages(rows), [f"the images cannot be had from where they were ({problem}): labels only"]
    if len(images) != rows:
        return NoImages(rows), [f"{Path(source.name).name} has {len(images):,} images now, not {rows:,}: labels only"]
    return images, []


def _png(pixels: Pixels | NDArray[np.bool_]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=3)
    return out.getvalue()


def rows_in(path: Path) -> Shard:
    """Return the Parquet file of a saved set, with its number of rows; raise ``Problem`` if it is damaged."""
    shard = Shard(path, "parquet")
    return Shard(path, "parquet", rows=int(opened(shard).metadata.num_rows))
