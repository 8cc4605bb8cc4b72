"""A source, built-in or file, to a data set."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from lt_core.datasets.builtin import BuiltIn, builtins
from lt_core.datasets.class_counts import ClassCounts
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.notes import without_positives
from lt_core.datasets.openable import check_openable
from lt_core.datasets.readers import reader_for
from lt_core.datasets.reading import Reading
from lt_core.params import checked
from lt_core.problems import Problem, Unknown


def load(source: Source | str | Path) -> LabeledImages | ClassCounts:
    """Return the data set that ``source`` names: a built-in's key, or the path of a file or folder.

    Presets, which have published counts only, give ``ClassCounts``. The ``source`` of the result loads it again: its
    path is absolute, and it names the reader that was chosen and the image folder that was found. A file that is
    called like a built-in is given as ``./name`` or as a ``Path``. Raises ``Unknown`` for a name that is neither, and
    ``Problem`` for whatever is wrong with the file.
    """
    wanted = source if isinstance(source, Source) else Source(name=str(source))
    by_key = {entry.key: entry for entry in builtins()}
    if wanted.name in by_key and not isinstance(source, Path):
        return _built_in(by_key[wanted.name], wanted)
    path = Path(wanted.name).expanduser()
    try:
        there = wanted.name.strip() != "" and path.exists()
    except (OSError, ValueError):
        there = False
    if not there:
        raise _not_there(wanted.name, list(by_key))
    try:
        check_openable(path)
        reader, reason = reader_for(path, wanted.reader)
        dataset = reader.read(replace(wanted, name=str(path.absolute()), reader=reader.key))
    except PermissionError:
        raise Problem(f"{path.name} may not be read: change its permissions or copy it") from None
    empty = without_positives(dataset.class_names, dataset.positives())
    about = dataset.about if wanted.reader else f"{dataset.about}; read as {reader.key} because {reason}"
    reading = dataset.reading or Reading(reader.key)
    reading = replace(reading, reason=reading.reason or reason)
    return replace(dataset, about=about, reading=reading, warnings=tuple(dict.fromkeys((*dataset.warnings, *empty))))


def load_images(source: Source | str | Path) -> LabeledImages:
    """Return the same as ``load``, or raise ``Problem`` for a preset, which has counts and no images to work on."""
    dataset = load(source)
    if isinstance(dataset, ClassCounts):
        raise Problem(f"{dataset.title} has published class counts only, no images: choose a data set with images")
    return dataset


def _built_in(entry: BuiltIn, source: Source) -> LabeledImages | ClassCounts:
    for what, value in (("--images", source.images), ("--labels", source.labels), ("--reader", source.reader)):
        if value:
            raise Problem(f"{what} is for files: the built-in set {entry.key!r} has its own")
    values = checked(entry.key, entry.params, source.options)
    dataset = entry.load(**values)
    if isinstance(dataset, ClassCounts):
        return dataset
    return replace(dataset, source=Source(name=entry.key, options=dict(values)))


def _not_there(name: str, keys: list[str]) -> Problem:
    near = get_close_matches(name, keys, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return Unknown(
        f"no built-in data set and no file or folder is called {name!r}: {hint}built in are {', '.join(keys)}"
    )
