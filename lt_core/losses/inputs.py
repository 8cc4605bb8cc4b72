"""What a loss's own function is given beside logits and targets, and which of its numbers a curve shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.losses.parts import Reading
from lt_core.losses.spec import LossSpec
from lt_core.params import Value
from lt_core.stats.prior import ClassPrior

Entry: TypeAlias = NDArray[np.float64] | float

WHOLE_BATCH = 1e12
"""How many images stand behind the curve in a weighted mean: so many that the drawn one does not change it."""


def whole_batch(counts: NDArray[np.float64]) -> Tensor:
    """Return the target row (1, K) that stands for the rest of a batch with the class shares of ``counts`` (K,)."""
    return torch.as_tensor(WHOLE_BATCH * counts / counts.sum())[None]


def data_of(spec: LossSpec, prior: ClassPrior | None, columns: Sequence[int], epoch: int = 0) -> dict[str, Entry]:
    """Return the data of ``spec`` for the classes ``columns``: entries of the prior, epoch, a typical memory.

    Numbers are floats, the rest arrays (K,) in the order of ``columns``. A class without an example counts as 1.
    """
    chosen = list(columns)
    found: dict[str, Entry] = {"epoch": float(epoch)} if "epoch" in spec.data else {}
    if prior is None:
        return found
    counts = prior.counts[chosen]
    entries: dict[str, Entry] = {"counts": counts, "n_samples": float(prior.n_samples)}
    entries["positives"] = prior.positives[chosen]
    if prior.propensities is not None:
        entries["propensities"] = prior.propensities[chosen]
    found |= {name: entry for name, entry in entries.items() if name in spec.data}
    if spec.memory is not None:
        n_samples = torch.tensor(float(prior.n_samples), dtype=torch.float64)
        state = spec.memory.sketch(torch.as_tensor(counts), n_samples)
        found |= {name: entry.numpy() if entry.ndim else float(entry) for name, entry in state.items()}
    return found


def reading_values(
    spec: LossSpec,
    reading: Reading,
    values: Mapping[str, Value],
    prior: ClassPrior,
    targets: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the number of each class (C,) that ``reading`` gives with the hyper-parameters ``values``, all of them.

    ``targets`` (1, C) are the labels of the image, for a reading that asks for them.
    """
    given: dict[str, Any] = {"propensities": prior.propensities, "n_samples": float(prior.n_samples)}
    given |= {"counts": prior.counts, "positives": prior.positives, "targets": targets}
    given |= data_of(spec, prior, range(prior.n_classes))
    tensors = {name: None if entry is None else torch.as_tensor(entry).double() for name, entry in given.items()}
    every = tensors | dict(values)
    numbers = reading.function(**{name: every[name] for name in reading.asks})
    return np.array(np.broadcast_to(numbers.detach().numpy(), (prior.n_classes,)), np.float64)


def shown(spec: LossSpec, logits: Tensor, targets: Tensor, given: Mapping[str, Any], column: int) -> Tensor:
    """Return the number a curve shows (0-dim): the cell [0, column], the row 0, or the loss of the batch.

    ``given`` holds hyper-parameters and data by name; data the function does not take are left out.
    """
    named = {param.name for param in spec.params} | spec.data
    losses = spec.function(logits, targets, **{name: entry for name, entry in given.items() if name in named})
    if losses.ndim == 2:
        return losses[0, column]
    return losses[0] if losses.ndim == 1 else losses
