"""Logits and truth from a file of any origin: ``.npz``, one table, or a table of predictions beside one of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets import LabeledImages
from lt_core.evaluation.logit_tables import from_tables
from lt_core.evaluation.predictions import Link
from lt_core.evaluation.reading.raw import LOGITS, PROBABILITIES, TARGETS, arrays_of
from lt_core.problems import Invalid, Problem

CLIP = 1e-7
"""Probabilities nearer to 0 or 1 than this, float32's resolution at 1, are moved to it: a logit of -16.1 or 16.1."""


@dataclass(frozen=True, eq=False, repr=False)
class LabeledLogits:
    """Logits beside the truth, whoever made them: ``logits`` (n, C) float64, ``targets`` (n, C) in {0, 1, NaN}.

    ``link`` is how the logits are to be read. ``notes`` say in sentences what had to be assumed or changed.
    """

    class_names: tuple[str, ...]
    logits: NDArray[np.float64]
    targets: NDArray[np.float64]
    link: Link
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.logits)

    def __repr__(self) -> str:
        return f"LabeledLogits({len(self)} images, {len(self.class_names)} classes, {self.link})"

    @property
    def kind(self) -> Literal["multi", "single"]:
        """Single if each image of which anything is known has exactly one label."""
        return "single" if _one_label_each(self.targets) else "multi"


def read_logits(paths: Sequence[Path], *, truth: LabeledImages | None = None) -> LabeledLogits:
    """Return what one ``.npz``, one table (CSV, TSV, compressed or not), or two tables hold.

    ``.npz``: ``logits`` or ``probabilities`` (n, C); ``targets`` (n, C) in {0, 1, NaN} or class indices (n,), -1 for
    unknown; optionally ``class_names`` (C,) and ``link`` (sigmoid or softmax). No pickled objects.

    One table: ``logit_<class>``, ``prob_<class>`` or ``<class>`` beside ``label_<class>``, ``true_<class>``,
    ``<class>`` or one column that names the labels. Two tables: the labels are any table the app reads as a data set,
    joined with the predictions on the column that names the images. A table of predictions alone is joined with
    ``truth`` where that is given.

    Numbers that all lie in [0, 1] are probabilities unless their columns are called ``logit_``; they are turned back
    into logits and that is said. Raises ``Problem`` in one sentence for what does not fit.
    """
    archives = [path for path in paths if path.suffix.lower() == ".npz"]
    if not paths or len(paths) > 2 or (archives and len(paths) > 1):
        raise Invalid(
            f"one .npz file, one table, or two tables (predictions and labels) are read, got {len(paths)} files"
        )
    if archives:
        return _from_archive(archives[0])
    found = from_tables(paths, truth)
    return labeled_logits(
        found.scores, found.labels, found.class_names, surely_logits=found.surely_logits, notes=found.notes
    )


def labeled_logits(
    scores: NDArray[Any],
    targets: NDArray[Any],
    class_names: Sequence[str],
    *,
    surely_logits: bool = False,
    link: Link | None = None,
    notes: Sequence[str] = (),
) -> LabeledLogits:
    """Return ``scores`` (n, C), logits or probabilities, and ``targets`` checked and made uniform."""
    z, y = np.asarray(scores, np.float64), np.asarray(targets, np.float64)
    _check(z, y, class_names)
    said = list(notes)
    single = _one_label_each(y)
    if not surely_logits and z.any() and z.min() >= 0 and z.max() <= 1:
        sums_to_one = bool(np.allclose(z.sum(axis=1), 1.0, atol=1e-2))
        link = link or ("softmax" if single and sums_to_one else "sigmoid")
        z, note = _as_logits(z, link)
        said.append(note)
    elif link is None:
        link = "softmax" if single else "sigmoid"
        if single:
            said.append("Each image has exactly one label, so the logits are read through a softmax.")
    return LabeledLogits(tuple(class_names), z, y, link, tuple(said))


def _one_label_each(targets: NDArray[Any]) -> bool:
    known = ~np.isnan(targets).all(axis=1)
    return targets.shape[1] > 1 and bool(known.any() and ((targets == 1).sum(axis=1) == 1)[known].all())


def _as_logits(p: NDArray[np.float64], link: Link) -> tuple[NDArray[np.float64], str]:
    """Return logits whose sigmoid (or softmax) is ``p``, and what to say about it."""
    inside = np.clip(p, CLIP, 1 - CLIP)
    clipped = int(((p < CLIP) | (p > 1 - CLIP)).sum())
    z = np.log(inside) if link == "softmax" else np.log(inside) - np.log1p(-inside)
    how = "log p" if link == "softmax" else "log p / (1 - p)"
    edge = f"; {clipped:,} of {p.size:,} lie within {CLIP:g} of 0 or 1 and were moved there" if clipped else ""
    return z, f"All numbers lie in [0, 1], so they are probabilities and were turned back into logits, {how}{edge}."


def _check(z: NDArray[np.float64], y: NDArray[np.float64], class_names: Sequence[str]) -> None:
    if z.ndim != 2 or not z.size or y.shape != z.shape or len(class_names) != z.shape[1]:
        raise Invalid(
            f"logits and targets must have one shape (images, classes) with a name for each class, got {z.shape}, "
            f"{y.shape} and {len(class_names)} names"
        )
    bad = np.argwhere(~np.isfinite(z))
    if len(bad):
        row, column = bad[0]
        raise Invalid(
            f"{len(bad):,} predictions are missing or infinite, the first in row {row + 1} of "
            f"{class_names[column]!r}: every image needs a finite number for every class"
        )
    odd = y[~np.isnan(y) & (y != 0) & (y != 1)]
    if odd.size:
        raise Invalid(f"labels must be 0, 1 or empty (unknown), got {odd[0]:g}")
    if np.isnan(y).all():
        raise Invalid("no label is known, so there is nothing to pull or push: give the truth beside the predictions")


def _from_archive(path: Path) -> LabeledLogits:
    arrays = arrays_of(path, _WANTED)
    scores = next((name for name in (*LOGITS, *PROBABILITIES) if name in arrays), None)
    labels = next((name for name in TARGETS if name in arrays), None)
    if scores is None or labels is None:
        raise Problem(
            f"{path.name} holds {', '.join(arrays) or 'nothing'}: it needs the arrays logits (or probabilities) and "
            "targets, and may have class_names"
        )
    z, y = arrays[scores], arrays[labels]
    if z.dtype.kind not in "fiu" or y.dtype.kind not in "fiub":
        raise Problem(f"{path.name}: {scores} and {labels} must hold numbers, got {z.dtype} and {y.dtype}")
    if z.ndim == 2 and y.shape in ((len(z),), (len(z), 1)) and z.shape[1] > 1:
        y = _one_hot(y.reshape(-1), z.shape[1], path.name)
    n = z.shape[-1] if z.ndim else 0
    names = [str(name) for name in arrays["class_names"].ravel()] if "class_names" in arrays else []
    notes = [] if names else ["The file names no classes: they are numbered from 0."]
    said = str(arrays["link"]) if "link" in arrays else ""
    link: Link | None = "sigmoid" if said == "sigmoid" else "softmax" if said == "softmax" else None
    return labeled_logits(z, y, names or [f"class {k}" for k in range(n)], link=link, notes=notes,
                          surely_logits=link is not None)  # fmt: skip


def _one_hot(classes: NDArray[Any], n_classes: int, name: str) -> NDArray[np.float64]:
    known = classes[~np.isnan(classes)] if classes.dtype.kind == "f" else classes
    if ((known < -1) | (known >= n_classes) | (known != np.floor(known))).any():
        raise Invalid(f"{name}: targets of one column are class numbers from 0 to {n_classes - 1}, or -1 for unknown")
    index = np.where(np.isnan(classes), -1, classes) if classes.dtype.kind == "f" else classes
    hot: NDArray[np.float64] = (index[:, None] == np.arange(n_classes)).astype(np.float64)
    hot[index == -1] = np.nan
    return hot


_WANTED = (*LOGITS, *PROBABILITIES, *TARGETS, "class_names", "link")
