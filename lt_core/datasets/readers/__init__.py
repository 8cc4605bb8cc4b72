"""Readers of files people have: one module = one format; a module with a ``READER`` is found by being here."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol

from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.openable import is_readable_kind
from lt_core.params import Param
from lt_core.problems import Problem, Unknown


class Reader(Protocol):
    """One format: whether a path looks like it, and the data set in it.

    ``priority`` decides where several readers recognise a path: a published set's own layout (above 0) goes before
    a general format (0).

    A reader may also have ``companions(path) -> tuple[Path, ...]``: the other files beside the table ``path`` that it
    reads along with it (a list of boxes, a table of lesions, the validation table). In a folder or zip they do not
    count as further data sets. Two files may name each other.
    """

    @property
    def options(self) -> tuple[Param, ...]:
        """What ``Source.options`` may say beside columns: drawn by the page, taken by ``--option``."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The options that name a column (image, patient, split ...); empty where nothing can be corrected."""
        ...

    @property
    def key(self) -> str:
        """What ``--reader`` and a run's record call it."""
        ...

    @property
    def title(self) -> str:
        """What people call the format."""
        ...

    @property
    def priority(self) -> int:
        """The reader of highest priority that recognises a path reads it."""
        ...

    def sniff(self, path: Path) -> str | None:
        """Return why ``path``, a file or folder that exists, looks like this format, or None if it does not."""
        ...

    def read(self, source: Source) -> LabeledImages:
        """Return the data set at ``source.name``, a path; raise ``Problem`` for what is wrong with it."""
        ...


@lru_cache(maxsize=1)
def all_readers() -> tuple[Reader, ...]:
    """Return the reader of every module here, those of highest priority first."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    found: list[Reader] = [module.READER for module in modules if hasattr(module, "READER")]
    return tuple(sorted(found, key=lambda reader: (-reader.priority, reader.key)))


def recognise(path: Path) -> tuple[Reader, str] | None:
    """Return the reader of ``path`` and its reason, or None; raise ``Problem`` if two have an equal claim."""
    best: list[tuple[Reader, str]] = []
    if not is_readable_kind(path):
        return None
    for reader in all_readers():
        if best and reader.priority < best[0][0].priority:
            break
        if (reason := reader.sniff(path)) is not None:
            best.append((reader, reason))
    if not best:
        return None
    if len(best) > 1:
        reasons = "; ".join(f"{reader.key}: {reason}" for reader, reason in best)
        raise Problem(f"{path.name} can be read in several ways ({reasons}): say which with --reader")
    return best[0]


def reader_for(path: Path, key: str | None = None) -> tuple[Reader, str]:
    """Return the reader called ``key``, or the one that recognises ``path``, with the reason.

    Raises ``Unknown`` for a key that no reader has and ``Problem`` for a path that none recognises.
    """
    if key is not None:
        for reader in all_readers():
            if reader.key == key:
                return reader, "asked for"
        raise Unknown.of("reader", key, [reader.key for reader in all_readers()])
    found = recognise(path)
    if found is None:
        general = [reader.title for reader in all_readers() if reader.priority <= 5]
        more = len(all_readers()) - len(general)
        raise Problem(f"{path.name} is not in a format that is known here ({'; '.join(general)}; {more} published "
                      "layouts): convert it, or name a reader with --reader")  # fmt: skip
    return found
