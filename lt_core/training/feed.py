"""Batches from 8-bit pixels, wherever they lie, to what a model takes; the next ones are fetched while it works."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.training.augmenting.apply import Augment
from lt_core.training.pixels.rows import PixelRows

Layout = Literal["channels_last", "contiguous"]
Rows = NDArray[np.integer]
Parcel = tuple[Tensor, "torch.cuda.Event | None"]
"""Pixels (b, H, W, ch) uint8 on the device, and what to wait for before they are there."""
Entry = tuple[Parcel, int, int | None] | BaseException | None
"""A batch on its way with the number of its images and its seed, what went wrong, or the end."""
DEPTH = 2


class Feed:
    """Images of one part as batches on a device: normalised, and augmented where ``augment`` is given.

    ``pixels`` are (n, H, W, ch) uint8 in memory or mapped; ``mean`` and ``std`` have one value a channel, for pixels in
    [0, 1]. ``share`` says which of the n rows of a batch are fetched (all, if not given): they are changed as they
    would be were the whole batch here. A thread fetches pixels (and on CUDA copies them, from pinned memory, on a
    stream of its own); everything with numbers in it happens on the device in the caller's thread, so that results do
    not depend on timing.
    """

    def __init__(
        self,
        pixels: PixelRows | NDArray[np.uint8],
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device | str = "cpu",
        augment: Augment | None = None,
        layout: Layout = "channels_last",
        share: Callable[[int], slice] = slice,
    ) -> None:
        self.pixels = pixels if isinstance(pixels, PixelRows) else PixelRows(pixels, np.arange(len(pixels)))
        self.device = torch.device(device)
        self.augment = None if augment is None or augment.preset.changes_nothing else augment
        self.layout: torch.memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        self._share = share
        self._mean = torch.tensor(mean, device=self.device).view(1, -1, 1, 1)
        self._std = torch.tensor(std, device=self.device).view(1, -1, 1, 1)
        cuda = self.device.type == "cuda"
        self._stream = torch.cuda.Stream(self.device) if cuda else None  # type: ignore[no-untyped-call]

    def batch(self, rows: Rows, generator: torch.Generator | None = None) -> Tensor:
        """Return images ``rows`` (b, ch, H, W) float32 on the device; augmented if a ``generator`` (CPU) is given."""
        return self._finished(self._fetched(rows), len(rows), generator)

    def batches(self, order: Iterable[Rows], seeds: Iterable[int] | None = None) -> Generator[Tensor, None, None]:
        """Yield the batch of every array of rows in ``order``, in order, two fetched ahead.

        Batch k is augmented with a generator seeded with the k-th of ``seeds`` (one a batch), and so always the same;
        not at all for None. What goes wrong while fetching is raised here. Closing the generator ends its thread.
        """
        ready: queue.Queue[Entry] = queue.Queue(DEPTH)
        closed = threading.Event()
        pairs = ((rows, None) for rows in order) if seeds is None else zip(order, seeds, strict=True)
        thread = threading.Thread(target=self._fetch, args=(pairs, ready, closed), name="feed", daemon=True)
        thread.start()
        try:
            while (entry := ready.get()) is not None:
                if isinstance(entry, BaseException):
                    raise entry
                parcel, count, seed = entry
                yield self._finished(parcel, count, None if seed is None else torch.Generator().manual_seed(seed))
                del entry, parcel  # one batch less in memory while the next is waited for
        finally:
            closed.set()
            while thread.is_alive():
                _emptied(ready)
                thread.join(0.05)

    def _fetch(
        self, pairs: Iterable[tuple[Rows, int | None]], ready: queue.Queue[Entry], closed: threading.Event
    ) -> None:
        try:
            for rows, seed in pairs:
                if closed.is_set():
                    return
                ready.put((self._fetched(rows), len(rows), seed))
        except BaseException as error:  # raised where the batch is asked for
            ready.put(error)
        else:
            ready.put(None)

    def _fetched(self, rows: Rows) -> Parcel:
        pixels = torch.from_numpy(self.pixels.gather(rows[self._share(len(rows))]))
        if self._stream is None:
            return pixels.to(self.device), None
        with torch.cuda.stream(self._stream):
            there = pixels.pin_memory().to(self.device, non_blocking=True)
            done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            done.record(self._stream)
        return there, done

    def _finished(self, parcel: Parcel, count: int, generator: torch.Generator | None) -> Tensor:
        pixels, done = parcel
        if done is not None:
            stream = torch.cuda.current_stream(self.device)
            stream.wait_event(done)
            pixels.record_stream(stream)  # its memory is not given to another batch before this stream is done with it
        if self.augment is None or generator is None:
            images = _floats(pixels, self.layout).div_(255)
        else:
            images = _floats(pixels, torch.contiguous_format).div_(255)
            own = self._share(count)
            drawn = {name: values[own] for name, values in self.augment.draw(count, generator).items()}
            images = self.augment.apply(images, drawn).contiguous(memory_format=self.layout)
        return images.sub_(self._mean).div_(self._std)


def _floats(pixels: Tensor, layout: torch.memory_format) -> Tensor:
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=layout)


def _emptied(ready: queue.Queue[Entry]) -> None:
    """Make room, so that a thread that waits for some can end."""
    try:
        while True:
            ready.get_nowait()
    except queue.Empty:
        return
