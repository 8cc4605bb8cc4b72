"""What a model said about one part of a data set, beside the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Invalid, Problem
from lt_core.whole import reason, whole

Link = Literal["sigmoid", "softmax"]
"""How logits become probabilities: each class apart, or all classes of an image together."""


def probabilities_of(logits: NDArray[np.floating], link: Link) -> NDArray[np.float64]:
    """Return the sigmoid or the softmax of ``logits`` (n, C), without overflow."""
    z = logits.astype(np.float64)
    if link == "sigmoid":
        tail = np.exp(-np.abs(z))
        return np.asarray(np.where(z >= 0, 1.0, tail) / (1.0 + tail))
    weights = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """Logits and truth, row by row: ``logits`` (n, C) float32, ``targets`` (n, C) float32 in {0, 1, NaN}.

    ``rows`` (n,) are row numbers of the data set the predictions were made on, ``ids`` (n,) its names for them, and
    ``patients`` (n,) who they are of, None where the data set does not say. ``link`` is how the logits were trained to
    be read; None takes it from the kind. A single-label set trained with a multi-label loss has sigmoids, and its
    answer is the arg-max all the same. ``logit_scale`` is the factor the loss put before the logits (LDAM's s): the
    network was trained so that the link of logit_scale * logits are probabilities.
    """

    class_names: tuple[str, ...]
    logits: NDArray[np.float32]
    targets: NDArray[np.float32]
    rows: NDArray[np.int64]
    ids: NDArray[np.str_]
    kind: Literal["multi", "single"]
    part: str
    link: Link | None = None
    patients: NDArray[np.str_] | None = None
    logit_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.link is None:
            object.__setattr__(self, "link", "sigmoid" if self.kind == "multi" else "softmax")
        n, c = len(self.rows), len(self.class_names)
        if self.logits.shape != (n, c) or self.targets.shape != (n, c) or len(self.ids) != n:
            raise Invalid(
                f"predictions must be {n} rows by {c} classes, got logits {self.logits.shape}, "
                f"targets {self.targets.shape} and {len(self.ids)} ids"
            )
        if self.patients is not None and len(self.patients) != n:
            raise Invalid(f"predictions have {n} rows but {len(self.patients)} patients")
        if not (np.isfinite(self.logit_scale) and self.logit_scale > 0):
            raise Invalid(f"the scale of logits must be positive and finite, got {self.logit_scale:g}")

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Predictions({self.part}: {len(self)} images, {len(self.class_names)} classes, {self.kind}-label)"

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Sigmoid or softmax of the logits times their scale, (n, C)."""
        return probabilities_of(self.scaled, cast(Link, self.link))

    @property
    def scaled(self) -> NDArray[np.floating]:
        """The logits as the link reads them, (n, C): times their scale."""
        return self.logits if self.logit_scale == 1.0 else self.logits.astype(np.float64) * self.logit_scale

    def save(self, path: Path) -> None:
        """Write one ``.npz`` without pickles, whole; raise ``Problem``, with the old file kept, where it cannot be."""
        arrays: dict[str, Any] = {
            "class_names": np.array(self.class_names, dtype=np.str_),
            "logits": self.logits,
            "targets": self.targets,
            "rows": self.rows,
            "ids": self.ids,
            "kind": np.array(self.kind),
            "part": np.array(self.part),
            "link": np.array(self.link),
            "logit_scale": np.array(self.logit_scale),
        }
        if self.patients is not None:
            arrays["patients"] = np.asarray(self.patients, dtype=np.str_)
        try:
            with whole(path) as partial, partial.open("wb") as file:
                np.savez_compressed(file, **arrays)
        except OSError as error:
            raise Problem(
                f"{path} could not be written ({reason(error)}): make room on the disk and resume the run"
            ) from None

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what ``save`` wrote; raise ``Problem`` for any other file."""
        try:
            # opened here, because NumPy leaves a file open that turns out to be broken
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                return cls(
                    class_names=tuple(str(name) for name in file["class_names"]),
                    logits=file["logits"],
                    targets=file["targets"],
                    rows=file["rows"],
                    ids=file["ids"],
                    kind="single" if str(file["kind"]) == "single" else "multi",
                    part=str(file["part"]),
                    link=_link(str(file["link"])) if "link" in file else None,
                    patients=file.get("patients"),
                    logit_scale=float(file["logit_scale"]) if "logit_scale" in file else 1.0,
                )
        except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as error:
            what = type(error).__name__
            raise Problem(f"{path} does not hold the predictions of a run ({what}): train again") from None


def _link(text: str) -> Link:
    return "sigmoid" if text == "sigmoid" else "softmax"
