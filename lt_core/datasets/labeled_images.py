"""One data set: names, labels, images, groups, masks and parts, in one frozen record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.images import ImageStore
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

    ``labels`` is (N, C) float32 in {0, 1, NaN}, NaN = unknown. Single-label sets hold one 1 per row.
    ``split`` is (N,) of "train", "val", "test" where the source has parts, else None; ``groups`` is (N,) of
    patient or lesion names where known; ``ids`` is (N,) of what a table or file calls each image.
    """

    key: str
    title: str
    class_names: tuple[str, ...]
    labels: NDArray[np.float32]
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

    def __post_init__(self) -> None:
        n, c = self.labels.shape
        if c != len(self.class_names):
            raise Invalid(f"{self.title}: {c} label columns but {len(self.class_names)} class names")
        columns = {"images": self.images, "ids": self.ids, "split": self.split, "groups": self.groups}
        for what, column in columns.items():
            if column is not None and len(column) != n:
                raise Invalid(f"{self.title}: {n} rows of labels but {len(column)} {what}")

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        parts = "" if self.split is None else ", " + ", ".join(f"{p} {int((self.split == p).sum())}" for p in PARTS)
        c = len(self.class_names)
        return f"LabeledImages({self.key}: {len(self)} images, {c} classes, {self.kind}-label{parts})"

    @property
    def n_classes(self) -> int:
        """Number of classes C."""
        return len(self.class_names)

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
