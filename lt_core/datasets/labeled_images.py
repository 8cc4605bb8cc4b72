"""One data set: names, labels, images, groups, masks and parts, in one frozen record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.images import ImageStore
from lt_core.datasets.reading import Reading
from lt_core.datasets.sparse import SparseLabels
from lt_core.problems import Invalid, Unknown

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")


class MaskStore(Protocol):
    """Ground truth of where a finding is."""

    def read(self, index: int, class_index: int) -> NDArray[np.bool_] | None:
        """Return the (H, W) mask of one class in one image, or None where no place is known."""
        ...


@dataclass(frozen=True)
class Source:
    """How to load a data set again: what the user gave, and what sniffing could not know."""

    name: str
    images: str | None = None
    labels: tuple[str, ...] = ()
    reader: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object that ``Source(**entry)`` turns back into this source."""
        return {
            "name": self.name,
            "images": self.images,
            "labels": list(self.labels),
            "reader": self.reader,
            "options": dict(self.options),
        }

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> Source:
        """Return the source that ``as_json`` wrote."""
        return cls(**{**entry, "labels": tuple(entry.get("labels", ()))})


@dataclass(frozen=True, eq=False, repr=False)
class LabeledImages:
    """Images with labels for C classes; frozen, printable in one line.

    ``matrix`` is (N, C) float32 in {0, 1, NaN}, NaN = unknown, or ``SparseLabels`` where C is large. Single-label sets
    hold one 1 per row. ``split`` is (N,) of "train", "val", "test" where the source has parts, else None; ``groups``
    is (N,) of patient or lesion names where known; ``ids`` is (N,) of what a table or file calls each image.
    ``uncertain`` is (N, C), true where the source says "uncertain" (-1), whatever the labels were then made of it.
    ``metadata`` has one row an image: columns such as age, sex or view that say who or what was imaged and name
    nobody. ``reading`` says what the reader made of the file. ``n_inputs`` is the number of input attributes of an
    image or row where all have the same.
    """

    key: str
    title: str
    class_names: tuple[str, ...]
    matrix: NDArray[np.float32] | SparseLabels
    images: ImageStore
    kind: Literal["multi", "single"]
    source: Source
    ids: NDArray[np.str_] | None = None
    split: NDArray[np.str_] | None = None
    groups: NDArray[np.str_] | None = None
    masks: MaskStore | None = None
    about: str = ""
    synthetic: bool = False
    warnings: tuple[str, ...] = ()
    uncertain: NDArray[np.bool_] | None = None
    metadata: pd.DataFrame | None = None
    reading: Reading | None = None
    n_inputs: int | None = None

    def __post_init__(self) -> None:
        n, c = self.matrix.shape
        if c != len(self.class_names):
            raise Invalid(f"{self.title}: {c} label columns but {len(self.class_names)} class names")
        columns = {
            "images": self.images,
            "ids": self.ids,
            "split": self.split,
            "groups": self.groups,
            "marks of uncertain labels": self.uncertain,
            "rows of metadata": self.metadata,
        }
        for what, column in columns.items():
            if column is not None and len(column) != n:
                raise Invalid(f"{self.title}: {n} rows of labels but {len(column)} {what}")

    def __len__(self) -> int:
        return len(self.matrix)

    def __repr__(self) -> str:
        parts = "" if self.split is None else ", " + ", ".join(f"{p} {int((self.split == p).sum())}" for p in PARTS)
        c = len(self.class_names)
        return f"LabeledImages({self.key}: {len(self)} images, {c} classes, {self.kind}-label{parts})"

    @property
    def n_classes(self) -> int:
        """Number of classes C."""
        return len(self.class_names)

    @cached_property
    def labels(self) -> NDArray[np.float32]:
        """Labels (N, C) in {0, 1, NaN}; raise ``Invalid`` where that matrix would be too large to make."""
        return self.matrix.dense() if isinstance(self.matrix, SparseLabels) else self.matrix

    def labels_of(self, rows: Sequence[int] | NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the labels of a few rows, (n, C) in {0, 1, NaN}, however large the set is."""
        if isinstance(self.matrix, SparseLabels):
            return self.matrix.take(rows).dense()
        return self.matrix[np.asarray(rows, np.intp)]

    def rows_with(self, class_index: int) -> NDArray[np.intp]:
        """Return the rows that are positive in a class, ascending, however large the set is."""
        if isinstance(self.matrix, SparseLabels):
            return self.matrix.rows_with(class_index)
        return np.flatnonzero(self.matrix[:, class_index] == 1)

    def positives(self, rows: NDArray[np.intp] | None = None) -> NDArray[np.int64]:
        """Return the number of positives of every class, (C,), among ``rows`` (None = all)."""
        if isinstance(self.matrix, SparseLabels):
            return (self.matrix if rows is None else self.matrix.take(rows)).positives()
        picked = self.matrix if rows is None else self.matrix[rows]
        return np.asarray((picked == 1).sum(axis=0), np.int64)

    def class_index(self, name: str) -> int:
        """Return the column of class ``name``, or raise ``Unknown``."""
        if name not in self.class_names:
            raise Unknown.of("class", name, list(self.class_names))
        return self.class_names.index(name)

    def rows(self, part: str | None) -> NDArray[np.intp]:
        """Return the row numbers of one part, or of everything for None; raise ``Unknown`` for a part not there."""
        if part is None:
            return np.arange(len(self))
        if self.split is None or part not in set(self.split.tolist()):
            have = "no parts" if self.split is None else ", ".join(p for p in PARTS if (self.split == p).any())
            raise Unknown(f"{self.title} has no part {part!r}: it has {have}")
        return np.flatnonzero(self.split == part)

    def with_split(self, split: NDArray[np.str_]) -> LabeledImages:
        """Return the same set with every row assigned to a part."""
        return replace(self, split=split)
