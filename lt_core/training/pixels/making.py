"""Making a pixel cache: decode everything in order, on disk where there is room, else in memory."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets import LabeledImages
from lt_core.problems import Problem
from lt_core.training.pixels import folder as pixel_folder
from lt_core.training.pixels.decoding import decode
from lt_core.training.pixels.digest import digest_of
from lt_core.training.pixels.folder import Kept
from lt_core.training.pixels.locks import Lock
from lt_core.training.pixels.rows import sums_of
from lt_core.training.pixels.writing import FileSink, MemorySink, NoRoom, Sink

Progress = Callable[[int, int], None]
Made = tuple[NDArray[np.intp], Kept, str]
"""The rows a cache is of, the cache, and a note."""
NAMED = 5
"""Unreadable images a message names."""
SMALLEST_SHARE = 0.25
"""Of the images that are there: if fewer are asked for, only those are decoded, else all, for other splits too."""


class DecodingStopped(Problem):
    """Decoding ended because it was asked to; nothing of it is kept."""


class Apart(Exception):
    """Images of different sizes, which one array cannot hold."""


@dataclass(frozen=True, eq=False)
class Making:
    """What is asked of one data set, whichever rows of it."""

    data: LabeledImages
    size: int | None
    channels: int | None
    progress: Progress | None
    should_stop: Callable[[], bool]

    def scope(self, wanted: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the rows to decode, ascending: all that are there, or those ``wanted`` where they are few."""
        there = np.setdiff1d(np.arange(len(self.data.images)), np.asarray(list(self.data.images.missing()), np.intp))
        asked = np.unique(wanted)
        if not np.isin(asked, there).all():
            return asked
        many = len(asked) >= SMALLEST_SHARE * len(there)
        return there if many or (pixel_folder.root() / self.digest(there)).is_dir() else asked

    def digest(self, scope: NDArray[np.intp]) -> str:
        return digest_of(self.data.images, scope, self.size, self.channels)

    def kept(self, scope: NDArray[np.intp], wanted: NDArray[np.intp]) -> Made:
        """Return the cache of the rows ``scope``, made if it is not there.

        Where it cannot be on disk, that of the rows ``wanted`` in memory, and a note that says why. Raises ``Apart``
        for images of different sizes.
        """
        digest = self.digest(scope)
        found = self._found(digest, scope)
        if found is not None:
            return scope, found, ""
        waiting = pixel_folder.root() / f"{digest}.lock"
        lock = Lock.waited_for(waiting, self._check)
        try:
            found = self._found(digest, scope)  # another process may have made it meanwhile
            made = found or self._on_disk(digest, scope)
        finally:
            if lock is not None:
                waiting.unlink(missing_ok=True)
                lock.close()
        if isinstance(made, Kept):
            return scope, made, ""
        few = np.unique(wanted)
        return few, self._in_memory(few, made), f"the decoded images are kept in memory, not on disk: {made}"

    def _found(self, digest: str, scope: NDArray[np.intp]) -> Kept | None:
        """Return the cache unless an image that could not be read then can be now."""
        kept = pixel_folder.open_cache(digest)
        if kept is None or not kept.bad:
            return kept
        again = decode(self.data.images, scope[list(kept.bad)], size=self.size, channels=self.channels)
        if all(isinstance(image, Problem) for image in again):
            return kept
        if kept.lock is not None:
            kept.lock.close()
        pixel_folder.remove(pixel_folder.root() / digest)
        return None

    def _on_disk(self, digest: str, scope: NDArray[np.intp]) -> Kept | str:
        """Return the cache, written now, or in words why it cannot be."""
        try:
            with pixel_folder.fresh_folder() as folder:
                sink = FileSink(folder / "pixels.npy", pixel_folder.make_room)
                try:
                    index, bad = self._filled(sink, scope)
                finally:
                    sink.close()
                if self.digest(scope) != digest:
                    raise Problem(f"the images of {self.data.title} changed while they were decoded: try again")
                about = {"title": self.data.title, "shape": [len(index["positions"]), *sink.shape], "bad": bad}
                pixel_folder.publish(folder, digest, about, index)
                return pixel_folder.open_cache(digest) or "it was removed again while it was made"
        except NoRoom as error:
            return str(error)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return f"the disk of {pixel_folder.root()} is full"
            return f"{pixel_folder.root()} cannot be written ({(error.strerror or str(error)).lower()})"

    def _in_memory(self, scope: NDArray[np.intp], why: str) -> Kept:
        memory = MemorySink(why)
        index, bad = self._filled(memory, scope)
        return Kept(memory.pixels, index["positions"], index["coloured"], index["sums"], bad, None)

    def _check(self) -> None:
        if self.should_stop():
            raise DecodingStopped("stopped while the images were being decoded")

    def _filled(self, sink: Sink, scope: NDArray[np.intp]) -> tuple[dict[str, NDArray[Any]], dict[int, str]]:
        """Decode everything into ``sink``; return the index of what came and the sentences of what did not."""
        shape: tuple[int, ...] | None = None
        positions, coloured, sums, bad = [], [], [], {}
        decoding = decode(self.data.images, scope, size=self.size, channels=self.channels)
        try:
            for position, image in enumerate(decoding):
                self._check()
                if isinstance(image, Problem):
                    bad[position] = str(image)
                else:
                    shape = _taken(sink, image, shape, len(scope))
                    positions.append(position)
                    coloured.append(image.shape[3] == 3)
                    sums.append(np.broadcast_to(sums_of(image)[0], (2, 3)))
                if self.progress is not None:
                    self.progress(position + 1, len(scope))
        finally:
            decoding.close()
        if shape is None:
            raise Problem(refusal(self.data, {int(scope[k]): sentence for k, sentence in bad.items()}, len(scope)))
        sink.finish(len(positions))
        index = {
            "positions": np.array(positions, np.int64),
            "coloured": np.array(coloured, np.bool_),
            "sums": np.stack(sums)[..., : shape[2]],
        }
        return index, bad


def _taken(sink: Sink, image: NDArray[np.uint8], shape: tuple[int, ...] | None, count: int) -> tuple[int, ...]:
    """Give an image to the sink; return the shape (H, W, ch) that all have so far."""
    new = image.shape[1:]
    if shape is None:
        sink.begin(count, (new[0], new[1], new[2]))
        shape = new
    if new[:2] != shape[:2]:
        raise Apart(
            f"the images differ in size ({shape[0]} x {shape[1]} and {new[0]} x {new[1]} pixels, for instance): "
            "choose one image size for all"
        )
    if new[2] > shape[2]:
        sink.widen()
        shape = new
    sink.add(np.repeat(image, 3, axis=3) if new[2] < shape[2] else image)
    return shape


def refusal(data: LabeledImages, bad: dict[int, str], count: int) -> str:
    """Name the first few, with the whole sentence of the first only where there is one."""
    names = [str(data.ids[row]) if data.ids is not None else f"row {row}" for row in list(bad)[:NAMED]]
    first = next(iter(bad.values()))
    way = "; mend or remove {}, or leave {} out (--bad-images leave-out)"
    if len(bad) == 1:
        return f"{data.title}: image {names[0]} cannot be read ({first}){way.format('it', 'it')}"
    more = f" and {len(bad) - NAMED:,} more" if len(bad) > NAMED else ""
    return (
        f"{data.title}: {len(bad):,} of {count:,} images cannot be read: {', '.join(names)}{more} (the first: {first})"
        f"{way.format('them', 'them')}"
    )
