"""What a reader found, as one ``LabeledImages``: the classes asked for, the warnings, the record of the reading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.boxes import Boxes
from lt_core.datasets.images import ImageStore
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.pictures import folder_of
from lt_core.datasets.reading import Change, Column, Reading
from lt_core.problems import Unknown


@dataclass(frozen=True, eq=False)
class Found:
    """The classes (C,), labels (N, C), names (N,) and images of a table, and what else it says.

    ``warnings`` are sentences beside those of ``changes``; ``images_notes`` come from the search for the images.
    """

    class_names: tuple[str, ...]
    labels: NDArray[np.float32]
    ids: NDArray[np.str_]
    images: ImageStore
    about: str
    columns: Sequence[Column] = ()
    changes: Sequence[Change] = ()
    warnings: Sequence[str] = ()
    kind: Literal["multi", "single"] = "multi"
    split: NDArray[np.str_] | None = None
    groups: NDArray[np.str_] | None = None
    masks: Boxes | None = None
    uncertain: NDArray[np.bool_] | None = None
    metadata: pd.DataFrame | None = None


def data_set(source: Source, reader: str, path: Path, found: Found, options: dict[str, Any]) -> LabeledImages:
    """Return the data set; of its classes only those in ``source.labels`` where that names some.

    Raises ``Unknown`` for a class that is not there.
    """
    found = _of_classes(found, source.labels)
    told = [str(change) for change in found.changes if change.kind in ("dropped", "unknown")]
    folder = folder_of(found.images)
    return LabeledImages(
        key=re.sub(r"[^a-z0-9]+", "-", path.name.split(".")[0].lower()).strip("-") or reader,
        title=path.name,
        class_names=found.class_names,
        matrix=found.labels,
        images=found.images,
        kind=found.kind,
        source=replace(source, images=source.images if folder is None else folder),
        ids=found.ids,
        split=None if found.split is None or not (found.split != "").any() else found.split,
        groups=found.groups,
        masks=found.masks,
        about=found.about,
        warnings=tuple(dict.fromkeys((*found.warnings, *told))),
        uncertain=found.uncertain,
        metadata=found.metadata,
        reading=Reading(reader, columns=tuple(found.columns), changes=tuple(found.changes),
                        options=tuple(options.items())),
    )  # fmt: skip


def unused(table_columns: Sequence[str], used: Sequence[Column], why: str = "") -> list[Column]:
    """Return a ``Column`` for every one of ``table_columns`` that has no role yet."""
    named = {column.name for column in used}
    return [Column(name, "unused", why) for name in table_columns if name not in named]


def _of_classes(found: Found, asked: Sequence[str]) -> Found:
    if not asked:
        return found
    by_lower = {name.lower(): k for k, name in enumerate(found.class_names)}
    for name in asked:
        if name.lower() not in by_lower:
            raise Unknown.of("class", name, list(found.class_names))
    picked = [by_lower[name.lower()] for name in dict.fromkeys(asked)]
    masks = found.masks
    if masks is not None:
        place = np.full(len(found.class_names), -1)
        place[picked] = np.arange(len(picked))
        kept = masks.where(place[masks.class_index] >= 0)
        masks = replace(kept, class_index=place[kept.class_index])
    return replace(
        found,
        class_names=tuple(found.class_names[k] for k in picked),
        labels=found.labels[:, picked],
        uncertain=None if found.uncertain is None else found.uncertain[:, picked],
        masks=masks,
        kind="multi" if len(picked) < len(found.class_names) else found.kind,
    )
