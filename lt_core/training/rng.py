"""Random numbers of a run: seeded anew at every step, so that a run resumes exactly, and kept from everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor


class Rng:
    """torch's global generators, seeded by (seed, where) inside a ``with`` and put back after it.

    Nothing is remembered between two blocks: what a step draws depends on the seed and its place in the run only.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed = seed
        self._cuda = device.type == "cuda"

    @contextmanager
    def initial(self) -> Iterator[None]:
        """The block that draws the first weights: ``torch.manual_seed(seed)``, as anybody would write it."""
        with self._kept():
            torch.manual_seed(self._seed)
            yield

    @contextmanager
    def at(self, *where: int) -> Iterator[None]:
        """The block at one place of the run (epoch, step, piece)."""
        with self._kept():
            torch.manual_seed(self.seed_at(*where))
            yield

    def seed_at(self, *where: int) -> int:
        """Return a seed in [0, 2^63) for one place of the run; places are told apart as by ``numpy.SeedSequence``."""
        return int(np.random.SeedSequence([self._seed, *where]).generate_state(1, np.uint64)[0] >> np.uint64(1))

    def generator(self, *where: int) -> np.random.Generator:
        """Return numpy's generator for one place of the run."""
        return np.random.default_rng([self._seed, *where])

    @contextmanager
    def _kept(self) -> Iterator[None]:
        outside = self._states()
        try:
            yield
        finally:
            torch.set_rng_state(outside[0])
            if self._cuda:
                torch.cuda.set_rng_state(outside[1])

    def _states(self) -> list[Tensor]:
        return [torch.get_rng_state(), *([torch.cuda.get_rng_state()] if self._cuda else [])]
