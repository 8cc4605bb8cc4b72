"""Two models on the same images: matched by id and by class name, never by place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.cells import checked_thresholds
from lt_core.problems import Invalid


@dataclass(frozen=True, eq=False, repr=False)
class Pair:
    """Two records with the same images, classes and truth, row by row and column by column.

    ``thresholds_a`` and ``thresholds_b`` (C,) follow the classes kept; ``kept_classes`` (C,) are their places in the
    first record. ``notes`` say what was left out.
    """

    a: Scored
    b: Scored
    thresholds_a: NDArray[np.float64]
    thresholds_b: NDArray[np.float64]
    kept_classes: NDArray[np.int64]
    notes: tuple[str, ...]


def paired(a: Scored, b: Scored, thresholds_a: ArrayLike = 0.5, thresholds_b: ArrayLike = 0.5) -> Pair:
    """Return the images and classes that are in both ``a`` and ``b``, in the order of ``a``.

    Patients are those of ``a``, or of ``b`` where ``a`` knows none. Raises ``Invalid`` for ids that occur twice, for no
    image or class in common, and for truth that differs: such models answered different questions.
    """
    for one in (a, b):
        twice = len(one) - len(np.unique(one.ids))
        if twice:
            raise Invalid(
                f"{_name(one)} has {twice:,} images more than once: models are paired by id, keep one row each"
            )
    _, rows_a, rows_b = np.intersect1d(a.ids, b.ids, return_indices=True)
    order = np.argsort(rows_a)
    rows_a, rows_b = rows_a[order], rows_b[order]
    places = {name: k for k, name in enumerate(b.class_names)}
    kept = np.array([k for k, name in enumerate(a.class_names) if name in places], dtype=np.int64)
    if not len(rows_a) or not len(kept):
        what = "image" if not len(rows_a) else "class"
        raise Invalid(f"{_name(a)} and {_name(b)} have no {what} in common: only models of the same images compare")
    columns_b = np.array([places[a.class_names[k]] for k in kept])
    at_a = checked_thresholds(thresholds_a, len(a.class_names), scale=a.probabilities is not None)[kept]
    at_b = checked_thresholds(thresholds_b, len(b.class_names), scale=b.probabilities is not None)[columns_b]
    one, other = _cut(a, rows_a, kept), _cut(b, rows_b, columns_b)
    unlike = int(((one.targets != other.targets) & ~(np.isnan(one.targets) & np.isnan(other.targets))).sum())
    if unlike:
        raise Invalid(
            f"{_name(a)} and {_name(b)} disagree about the truth in {unlike:,} cells of {one.targets.size:,}: "
            "give both the same table of truth"
        )
    patients = one.patients if one.patients is not None else other.patients
    one, other = replace(one, patients=patients), replace(other, patients=patients)
    return Pair(one, other, at_a, at_b, kept, _left_out(a, b, len(one), [a.class_names[k] for k in kept]))


def _cut(scored: Scored, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Scored:
    return of_classes(scored.only(rows), [scored.class_names[k] for k in columns])


def of_classes(scored: Scored, names: Sequence[str]) -> Scored:
    """Return ``scored`` with the classes ``names``, which it has, in this order.

    Raises ``Invalid`` where images have one class each and one would be left out: the largest score answers which.
    """
    if tuple(names) == scored.class_names:
        return scored
    if scored.kind == "single" and len(names) < len(scored.class_names):
        alone = ", ".join(name for name in scored.class_names if name not in names)
        raise Invalid(
            f"{_name(scored)} chooses one class for each image, also among {alone}, which the other does not know: "
            "such answers do not compare, choose models of the same classes"
        )
    at = [scored.class_names.index(name) for name in names]
    return replace(
        scored,
        class_names=tuple(names),
        scores=scored.scores[:, at],
        probabilities=None if scored.probabilities is None else scored.probabilities[:, at],
        targets=scored.targets[:, at],
    )


def _left_out(a: Scored, b: Scored, n: int, classes: list[str]) -> tuple[str, ...]:
    notes = []
    for one in (a, b):
        if len(one) > n:
            notes.append(f"{len(one) - n:,} images of {_name(one)} are not in the other and were left out.")
        notes += alone(one, classes)
    return tuple(notes)


def alone(scored: Scored, classes: Sequence[str]) -> list[str]:
    """Say which classes of ``scored`` are not in ``classes``, if any."""
    names = [name for name in scored.class_names if name not in classes]
    return [f"Classes of {_name(scored)} alone were left out: {', '.join(names)}."] if names else []


def _name(scored: Scored) -> str:
    return scored.title or scored.part or "the predictions"
