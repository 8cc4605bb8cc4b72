"""Objects on images as a data set: a class is in an image or not, in a dense matrix or a sparse one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.boxes import Boxes
from lt_core.datasets.images import ImageStore
from lt_core.datasets.kinds import Kind, as_asked, kind_asked
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.reading import Change, Column, Reading
from lt_core.datasets.sparse import DENSE_CELLS, SparseLabels
from lt_core.problems import Unknown


@dataclass(frozen=True, eq=False)
class Objects:
    """N images with ``names`` and M objects: object m is of class ``category[m]`` on image ``row[m]``.

    ``unknown`` (N, C) marks cells of which nothing is known; ``folder`` is where the user said the images are.
    """

    names: NDArray[np.str_]
    categories: tuple[str, ...]
    row: NDArray[np.intp]
    category: NDArray[np.intp]
    images: ImageStore
    folder: str | None
    about: str
    split: NDArray[np.str_] | None = None
    masks: Boxes | None = None
    unknown: NDArray[np.bool_] | None = None
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()


def data_set_of(source: Source, reader: str, path: Path, objects: Objects, options: dict[str, Any]) -> LabeledImages:
    """Return the data set, of the classes in ``source.labels`` where that names some; raise ``Unknown`` for others."""
    objects = _of_classes(objects, source.labels)
    n, c = len(objects.names), len(objects.categories)
    matrix = _matrix(objects)
    kind: Kind = "multi"
    if isinstance(matrix, np.ndarray):
        kind = as_asked(kind, kind_asked(options), matrix, path.name)
    told = [str(change) for change in objects.changes if change.kind in ("dropped", "unknown")]
    split = objects.split if objects.split is not None and (objects.split != "").any() else None
    return LabeledImages(
        key=re.sub(r"[^a-z0-9]+", "-", path.name.split(".")[0].lower()).strip("-") or reader,
        title=path.name,
        class_names=objects.categories,
        matrix=matrix,
        images=objects.images,
        kind=kind,
        source=source if objects.folder is None else replace(source, images=objects.folder),
        ids=objects.names,
        split=split,
        masks=objects.masks,
        about=f"{objects.about}; {n:,} images by {c:,} classes",
        warnings=tuple(dict.fromkeys((*objects.warnings, *told))),
        reading=Reading(reader, columns=objects.columns, changes=objects.changes, options=tuple(options.items())),
    )


def _matrix(objects: Objects) -> NDArray[np.float32] | SparseLabels:
    shape = (len(objects.names), len(objects.categories))
    if shape[0] * shape[1] > DENSE_CELLS and objects.unknown is None:
        return SparseLabels.of(objects.row, objects.category, shape)
    labels = np.zeros(shape, np.float32)
    labels[objects.row, objects.category] = 1
    if objects.unknown is not None:
        labels[objects.unknown] = np.nan
    return labels


def _of_classes(objects: Objects, asked: tuple[str, ...]) -> Objects:
    if not asked:
        return objects
    for name in asked:
        if name not in objects.categories:
            raise Unknown.of("class", name, list(objects.categories))
    names = tuple(dict.fromkeys(asked))
    picked = [objects.categories.index(name) for name in names]
    place = np.full(len(objects.categories), -1, np.intp)
    place[picked] = np.arange(len(picked))
    kept = place[objects.category] >= 0
    masks = objects.masks
    if masks is not None:
        masks = masks.where(place[masks.class_index] >= 0)
        masks = replace(masks, class_index=place[masks.class_index]) if len(masks) else None
    return replace(
        objects,
        categories=names,
        row=objects.row[kept],
        category=place[objects.category[kept]],
        masks=masks,
        unknown=None if objects.unknown is None else objects.unknown[:, picked],
    )
