"""Training steps on noise: timed in one way of computing them, and weighed."""

from __future__ import annotations

import copy
import shutil
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from lt_core.problems import Problem

WARM_UP = 1
"""Steps that do not count: the first one also chooses algorithms and takes memory."""
FEWEST, MOST = 2, 20
"""Timed steps: at least two, so that one hiccup is seen; no more than are needed."""
SMALLEST = 4
"""Images a step where a machine is too slow for a batch."""

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class Timing(NamedTuple):
    """The fastest of a few steps: whatever else the machine does only makes a step slower."""

    seconds_per_step: float
    images_per_second: float
    begin: float = 0.0
    """Seconds that the first step took beyond another: of a compiled way, what compiling takes."""


@dataclass(frozen=True)
class Way:
    """One way of computing the same step."""

    layout: str = "contiguous"
    precision: str = "float32"
    compiled: bool = False

    def changed(self, **changes: Any) -> Way:
        """Return this way with some of its fields replaced."""
        return replace(self, **changes)

    def __str__(self) -> str:
        return f"{self.layout}, {self.precision}{', compiled' if self.compiled else ''}"


class Probing:
    """A network in training mode on its device, noise of the right shape, and an optimizer of the right kind.

    Each way works on a copy: the network handed over keeps its weights, its statistics and its layout.
    """

    def __init__(
        self, network: nn.Module, shape: tuple[int, ...], n_classes: int, place: torch.device, optimizer: str
    ) -> None:
        self._network, self._place, self._optimizer = network, place, optimizer
        self._batch = self._used = shape[0]
        self.hurried = False
        numbers = torch.Generator().manual_seed(0)
        self._images = torch.randn(shape, generator=numbers).to(place)
        self._targets = (torch.rand(shape[0], n_classes, generator=numbers) < 0.1).float().to(place)

    def shorten(self, way: Way, seconds: float) -> str:
        """Take fewer images a step where a slow machine needs more than ``seconds`` for a few; return a sentence or "".

        On a processor time grows with the images, so a few stand for the batch. A GPU always sees the whole batch.
        Where even ``SMALLEST`` images take longer, ``hurried`` is set: one step of them is all there is time for.
        """
        if self._place.type != "cpu" or self._batch <= SMALLEST:
            return ""
        self._used = SMALLEST
        step = self._step(way)
        self.hurried = self._timed(step) > seconds
        if not self.hurried:
            fitting = int(seconds / (WARM_UP + FEWEST + 1) / self._timed(step) * SMALLEST)
            self._used = min(self._batch, max(SMALLEST, fitting))
        return "" if self._used == self._batch else f"timed with {self._used} images a step, scaled to {self._batch}"

    def time(self, way: Way, seconds: float) -> Timing:
        """Return the fastest of as many steps as fit into ``seconds``, at least two; raise ``Problem`` if it fails."""
        step = self._step(way)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                first = self._timed(step)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            if not way.compiled:
                raise
            raise Problem(f"torch.compile is off: it failed here ({type(error).__name__})") from None
        if self.hurried:
            return self._timing(first)
        end, best = time.perf_counter() + seconds - (0 if way.compiled else first), float("inf")
        for count in range(MOST):
            if count >= FEWEST and time.perf_counter() > end:
                break
            best = min(best, self._timed(step))
        return self._timing(best)._replace(begin=max(0.0, first - best))

    def _timing(self, seconds: float) -> Timing:
        return Timing(seconds * self._batch / self._used, self._used / seconds)

    def memory(self, way: Way) -> tuple[int, bool]:
        """Return the peak bytes of a step and whether they are an estimate (anywhere but on CUDA)."""
        if self._place.type == "cuda":
            torch.cuda.synchronize(self._place)
            before = torch.cuda.memory_allocated(self._place)
            torch.cuda.reset_peak_memory_stats(self._place)
            step = self._step(way.changed(compiled=False))
            step()
            step()
            torch.cuda.synchronize(self._place)
            return int(torch.cuda.max_memory_allocated(self._place)) - before + self._images.nbytes, False
        return self._estimated(way), True

    def _estimated(self, way: Way) -> int:
        """Weights, gradients and moments by their sizes; activations as autograd keeps them, each storage once.

        Activations are weighed for two small batches; what does not grow between them is counted once.
        """
        network = copy.deepcopy(self._network)
        learned = sum(p.nbytes for p in network.parameters())
        fixed = sum(b.nbytes for b in network.buffers())
        moments = {"adamw": 2, "sgd": 1}.get(self._optimizer, 2)
        few, more = min(self._batch, SMALLEST // 2), min(self._batch, SMALLEST)
        kept = self._activations(network, way, more)
        if self._batch > more:
            kept += (kept - self._activations(network, way, few)) * (self._batch - more) // (more - few)
        return learned * (2 + moments) + fixed + kept

    def _activations(self, network: nn.Module, way: Way, n: int) -> int:
        """Return the bytes of the batch of ``n`` images and of what its forward pass keeps, beside the weights."""
        weights = {t.untyped_storage().data_ptr() for t in (*network.parameters(), *network.buffers())}
        images = self._images[:n].contiguous(memory_format=LAYOUTS[way.layout]).clone()
        kept: dict[int, Tensor] = {images.untyped_storage().data_ptr(): images}

        def pack(tensor: Tensor) -> Tensor:
            if (address := tensor.untyped_storage().data_ptr()) not in weights:
                kept[address] = tensor  # held here, or its address would be given out again
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), self._cast(way):
            loss = self._loss(network, images)
        size = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
        del loss
        return size

    def _step(self, way: Way) -> Callable[[], None]:
        network = copy.deepcopy(self._network).to(memory_format=LAYOUTS[way.layout])
        images = self._batch_in(way)
        optimizer = self._made(network)
        run = cast(nn.Module, torch.compile(network)) if way.compiled else network

        def step() -> None:
            with self._cast(way):
                loss = self._loss(run, images)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()

        return step

    def _made(self, network: nn.Module) -> torch.optim.Optimizer:
        if self._optimizer == "sgd":
            return torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)
        return torch.optim.AdamW(network.parameters(), lr=1e-4)

    def _loss(self, network: nn.Module, images: Tensor) -> Tensor:
        """Binary cross-entropy stands for any loss: over (B, C) logits they all cost nothing beside the network."""
        logits = network(images).float()
        return nn.functional.binary_cross_entropy_with_logits(logits, self._targets[: len(images)])

    def _batch_in(self, way: Way) -> Tensor:
        return self._images[: self._used].contiguous(memory_format=LAYOUTS[way.layout])

    def _cast(self, way: Way) -> AbstractContextManager[object]:
        half = DTYPES.get(way.precision)
        return nullcontext() if half is None else torch.autocast(self._place.type, dtype=half)

    def _timed(self, step: Callable[[], None]) -> float:
        self._settle()
        start = time.perf_counter()
        step()
        self._settle()
        return time.perf_counter() - start

    def _settle(self) -> None:
        if self._place.type == "cuda":
            torch.cuda.synchronize(self._place)
        elif self._place.type == "mps":
            torch.mps.synchronize()


def no_compiler(place: torch.device) -> str:
    """Return why ``torch.compile`` cannot work on this device, or nothing where it may."""
    if place.type == "cpu":
        from torch._inductor import config

        wanted = config.cpp.cxx[1] if isinstance(config.cpp.cxx, tuple | list) else config.cpp.cxx
        if not any(name and shutil.which(name) for name in (wanted, "g++", "clang++", "c++", "cl")):
            return "there is no C++ compiler on this machine"
    elif place.type == "cuda":
        from importlib.util import find_spec

        if find_spec("triton") is None:
            return "the package triton is not installed"
        if torch.cuda.get_device_capability(place)[0] < 7:
            return "this GPU is older than triton supports"
    else:
        return f"it is not used on {place.type}"
    return ""
