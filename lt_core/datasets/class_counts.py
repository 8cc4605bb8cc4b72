"""What is known of a data set of which only class counts were published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Invalid, Unknown


@dataclass(frozen=True, eq=False, repr=False)
class ClassCounts:
    """Published class counts: enough for statistics and losses, and no image or label row invented to go with them.

    ``positives`` is (C,) int64 among ``n_samples`` images. ``pairs`` is (C, C) int64, symmetric with ``positives`` on
    the diagonal, where co-occurrences were published too, else None. Single-label sets have one class per image, so
    their ``positives`` sum to ``n_samples``. ``citation``, ``url`` and ``about`` say where the counts come from and
    which part of the data they cover.
    """

    key: str
    title: str
    kind: Literal["multi", "single"]
    class_names: tuple[str, ...]
    positives: NDArray[np.int64]
    n_samples: int
    citation: str = ""
    url: str = ""
    about: str = ""
    pairs: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        c = len(self.class_names)
        if len(set(self.class_names)) != c:
            raise Invalid(f"{self.title}: two classes have the same name")
        if self.positives.shape != (c,):
            raise Invalid(f"{self.title}: {c} class names but counts of shape {self.positives.shape}")
        if (self.positives < 0).any() or (self.positives > self.n_samples).any():
            raise Invalid(f"{self.title}: every class count must be in [0, {self.n_samples}]")
        if self.kind == "single" and int(self.positives.sum()) != self.n_samples:
            raise Invalid(f"{self.title}: the counts of a single-label set must sum to {self.n_samples}")
        if self.pairs is not None and self.pairs.shape != (c, c):
            raise Invalid(f"{self.title}: {c} classes but pair counts of shape {self.pairs.shape}")

    def __len__(self) -> int:
        return self.n_samples

    def __repr__(self) -> str:
        c = len(self.class_names)
        return f"ClassCounts({self.key}: {self.n_samples} images, {c} classes, {self.kind}-label, counts only)"

    @property
    def n_classes(self) -> int:
        """Number of classes C."""
        return len(self.class_names)

    def class_index(self, name: str) -> int:
        """Return the position of class ``name``, or raise ``Unknown``."""
        if name not in self.class_names:
            raise Unknown.of("class", name, list(self.class_names))
        return self.class_names.index(name)
