"""What a model said about images, beside the truth: of a run of ours, or from anywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.evaluation.predictions import Link, Predictions
from lt_core.problems import Invalid


@dataclass(frozen=True, eq=False, repr=False)
class Scored:
    """Scores, probabilities and truth, row by row, for n images and C classes.

    ``scores`` (n, C) float64 rank the images within a class: logits, probabilities or any number that grows with the
    finding. ``probabilities`` (n, C) float64 in [0, 1] are None where the scores are no probabilities and have no link
    that makes some of them. ``targets`` (n, C) float32 are in {0, 1, NaN = unknown}. ``ids`` (n,) name the images,
    ``patients`` (n,) who they are of (None: every image stands for itself); ``columns`` (n rows) hold what else is
    known of each image, for slices. ``kind`` is "single" where every image has exactly one class, and then the answer
    is the largest score. ``notes`` say in sentences what had to be assumed, left out or changed.
    """

    class_names: tuple[str, ...]
    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None
    targets: NDArray[np.float32]
    ids: NDArray[np.str_]
    kind: Literal["multi", "single"] = "multi"
    link: Link | None = None
    patients: NDArray[np.str_] | None = None
    columns: pd.DataFrame | None = None
    part: str = ""
    title: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n, c = len(self.ids), len(self.class_names)
        for name in ("scores", "probabilities", "targets"):
            values = getattr(self, name)
            if values is not None and values.shape != (n, c):
                raise Invalid(f"{name} must be {n} images by {c} classes, got {values.shape}")
        for name in ("patients", "columns"):
            rows = getattr(self, name)
            if rows is not None and len(rows) != n:
                raise Invalid(f"{name} must have a row for each of {n} images, got {len(rows)}")

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        said = f"{len(self)} images, {len(self.class_names)} classes, {self.kind}-label"
        return f"Scored({self.title or self.part or 'predictions'}: {said})"

    @classmethod
    def of(
        cls,
        predictions: Predictions,
        *,
        patients: NDArray[np.str_] | None = None,
        columns: pd.DataFrame | None = None,
        title: str = "",
    ) -> Scored:
        """Return the predictions of a run: its logits times their scale, and the sigmoid or softmax of these.

        Sigmoids are ranked by their logits, for rounding makes ties of large ones; softmaxes by the probabilities, for
        there a logit alone says nothing about the other classes. ``patients`` are the run's where none are given.
        """
        probabilities = predictions.probabilities
        sigmoid = predictions.link == "sigmoid"
        return cls(
            class_names=predictions.class_names,
            scores=predictions.scaled.astype(np.float64) if sigmoid else probabilities,
            probabilities=probabilities,
            targets=predictions.targets,
            ids=predictions.ids,
            kind=predictions.kind,
            link=predictions.link,
            patients=predictions.patients if patients is None else patients,
            columns=columns,
            part=predictions.part,
            title=title,
        )

    @property
    def units(self) -> NDArray[np.int64]:
        """The number of each image's patient, (n,) from 0 in order of appearance; of the image where none are known."""
        if self.patients is None:
            return np.arange(len(self), dtype=np.int64)
        return np.asarray(pd.factorize(self.patients)[0], dtype=np.int64)

    def only(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> Scored:
        """Return the images ``rows``, a mask (n,) or numbers of rows."""
        return replace(
            self,
            scores=self.scores[rows],
            probabilities=None if self.probabilities is None else self.probabilities[rows],
            targets=self.targets[rows],
            ids=self.ids[rows],
            patients=None if self.patients is None else self.patients[rows],
            columns=None if self.columns is None else self.columns.iloc[np.arange(len(self))[rows]],
        )
