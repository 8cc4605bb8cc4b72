"""A finished run that another one learns from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.problems import Problem
from lt_core.training.folder.store import find_run

if TYPE_CHECKING:
    from lt_core.training.job import Job


class Teacher:
    """The reported model of the run that ``job.config.teacher`` names, frozen, on the device of ``job``.

    ``columns`` (C,) says which classes of the job it knows. Raises ``Problem`` where it has not finished, knows no
    class or every class of the job, other classes, or images of another shape.
    """

    def __init__(self, job: Job) -> None:
        run = find_run(Path(job.config.teacher) if Path(job.config.teacher).is_dir() else job.config.teacher)
        if run.state != "finished":
            raise Problem(f"the teacher {run.path.name} is {run.state}: train it to its end first")
        card, names = run.dataset_card, job.card["class_names"]
        self.columns, order = columns_of(card["class_names"], names, run.path.name)
        if card.get("link") != "sigmoid":
            raise Problem(f"the teacher {run.path.name} gives one class an image: choose one with a multi-label loss")
        if list(card["shape"]) != list(job.card["shape"]):
            sizes = " and ".join("x".join(map(str, c["shape"])) for c in (card, job.card))
            raise Problem(f"the teacher {run.path.name} and this run have images of different shapes: {sizes}")
        self._order = torch.from_numpy(order).to(job.device)
        self._model = run.load_model().to(job.device).requires_grad_(False).eval()
        self._gain, self._shift = (t.to(job.device) for t in _renormalised(job.card, card))

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return its logits (b, old classes) float32, in the order of the job's classes.

        ``images`` are normalised as the job's are, and brought to what the teacher was trained on.
        """
        found: Tensor = self._model(images * self._gain + self._shift)
        return found.float()[:, self._order]


def columns_of(own: list[str], names: list[str], title: str) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Return which of ``names`` are among ``own`` (C,), and for each of those its place in ``own``."""
    if strange := sorted(set(own) - set(names)):
        raise Problem(f"the teacher {title} knows classes that this data set does not have: {', '.join(strange[:3])}")
    columns = np.array([name in own for name in names])
    if columns.all():
        raise Problem(f"the teacher {title} knows every class of this data set: there is no new one to learn")
    return columns, np.array([own.index(name) for name in names if name in own], dtype=np.intp)


def _renormalised(card: dict[str, Any], other: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Return gain and shift (1, ch, 1, 1) from images normalised by ``card`` to images normalised by ``other``."""
    mean, deviation, mean_there, deviation_there = (
        torch.tensor(entry, dtype=torch.float64).view(1, -1, 1, 1)
        for entry in (card["mean"], card["std"], other["mean"], other["std"])
    )
    return (deviation / deviation_there).float(), ((mean - mean_there) / deviation_there).float()
