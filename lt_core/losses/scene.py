"""The image behind a curve: its labels, its other logits, and what stands for the rest of the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.losses.inputs import Entry, data_of, shown, whole_batch
from lt_core.losses.probe import needed_columns
from lt_core.losses.spec import LossSpec
from lt_core.params import Value
from lt_core.problems import Invalid
from lt_core.stats.prior import ClassPrior

MOST_COLUMNS = 40
"""How many classes a live curve keeps."""


@dataclass(frozen=True, eq=False)
class Scene:
    """The image (and the rest of its batch) in which one logit moves.

    ``column``, the one that moves, is an index into the scene's own columns, which stand for the classes ``columns``
    of the data set. ``logits`` and ``targets`` are (R, K); row 0 is the image drawn, and the entry [0, column] of
    ``logits``, 0 here, is what moves. ``data`` is what the function wants beside: numbers, and arrays (K,).
    """

    spec: LossSpec
    column: int
    y: int
    columns: tuple[int, ...]
    logits: NDArray[np.float64]
    targets: NDArray[np.float64]
    data: dict[str, Entry]


def scene(
    spec: LossSpec,
    prior: ClassPrior | None,
    *,
    class_index: int = 0,
    y: int = 1,
    present: tuple[int, ...] | None = None,
    epoch: int = 0,
    whole: bool = False,
) -> Scene:
    """Return the image in which the logit of ``class_index``, with the label ``y``, moves; all other logits are 0.

    ``present`` says which other classes the image has; by default none for y = 1 and the most frequent other one for
    y = 0. One class an image: for y = 1 the class is the right one, for y = 0 the first of ``present`` is, and a
    second row of an enormous weight stands for the rest of a batch with the class shares of ``prior``. Without
    ``prior`` there are two classes, or as many as ``class_index`` needs.

    The class drawn is the first column. A loss whose cell depends on its own class alone gets no other. Beyond 40
    classes, other losses get those of the image, the rarest and the most frequent one where the cell depends on no
    more; sampled cells that depend on every count keep all of them. A loss of a whole row or batch gets the
    classes of the image and the most frequent of the others, up to 40, which changes its curve: with ``whole`` all
    classes stay.
    """
    n_classes = prior.n_classes if prior else max(2, class_index + 1)
    counts = prior.counts if prior else np.ones(n_classes)
    others = _others(counts, class_index) if present is None else present
    _check(spec, n_classes, class_index, others, y)
    labels = others if y == 0 or present is not None else ()
    if spec.labels == "single":
        labels = others[:1] if y == 0 else ()
    every = tuple(c for c in range(n_classes) if c != class_index)
    kept = every if whole else _kept(spec, counts, class_index, labels)
    columns = (class_index, *kept)
    targets = np.array([[float(y), *(float(c in labels) for c in kept)]])
    if spec.labels == "single" and prior is not None:
        targets = np.concatenate([targets, whole_batch(counts[list(columns)]).numpy()])
    data = data_of(spec, prior, columns, epoch)
    return Scene(spec, 0, y, columns, np.zeros_like(targets), targets, data)


def _others(counts: NDArray[np.float64], class_index: int) -> tuple[int, ...]:
    """Return the most frequent class other than ``class_index``; none where there is no other."""
    return tuple(c for c in _by_count(counts) if c != class_index)[:1]


def _by_count(counts: NDArray[np.float64]) -> list[int]:
    return [int(c) for c in np.argsort(-counts, kind="stable")]


def _kept(spec: LossSpec, counts: NDArray[np.float64], class_index: int, labels: tuple[int, ...]) -> tuple[int, ...]:
    """Return the other classes a live curve needs, in the order of the data set."""
    order = [c for c in _by_count(counts) if c != class_index]
    need = needed_columns(spec)
    if need == "own":
        return ()
    if len(order) < MOST_COLUMNS or (need == "all" and spec.gives == "cells"):
        return tuple(sorted(order))
    if need == "ends":
        return tuple(sorted({*labels, order[0], order[-1]}))
    first = [*dict.fromkeys([*labels, *order])]
    return tuple(sorted(first[: max(MOST_COLUMNS - 1, len(labels))]))


def _check(spec: LossSpec, n_classes: int, class_index: int, others: tuple[int, ...], y: int) -> None:
    if not 0 <= class_index < n_classes:
        raise Invalid(f"class_index must be in 0..{n_classes - 1}, got {class_index}")
    if any(not 0 <= c < n_classes or c == class_index for c in others):
        raise Invalid(f"present must name other classes in 0..{n_classes - 1} than {class_index}, got {others}")
    if spec.labels == "single" and not others:
        raise Invalid(f"present must name the right class for y = 0: {spec.key} is for one class an image")
    if y not in (0, 1):
        raise Invalid(f"y must be 0 or 1, got {y}")


def along(
    image: Scene, values: Mapping[str, Value], logit: NDArray[np.float64], **draws: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return value and gradient (P,) of the loss of ``image`` as its logit runs over ``logit`` (P,).

    ``values`` are all hyper-parameters, checked. A random loss is the mean over its draws, unless ``draws`` gives
    them by name, (R, K).
    """
    given = {name: torch.as_tensor(entry, dtype=torch.float64) for name, entry in (image.data | draws).items()}
    logits, targets = torch.as_tensor(image.logits), torch.as_tensor(image.targets)
    moves = torch.zeros_like(logits, dtype=torch.bool)
    moves[0, image.column] = True

    def value(x: Tensor) -> Tensor:
        return shown(image.spec, torch.where(moves, x, logits), targets, given | dict(values), image.column)

    slope, height = torch.func.vmap(torch.func.grad_and_value(value))(torch.as_tensor(logit))
    return height.detach().numpy() + 0.0, slope.numpy() + 0.0  # + 0 makes -0 a 0
