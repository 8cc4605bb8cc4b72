"""MedMNIST-layout ``.npz``: ``{train,val,test}_images`` and ``_labels``, flat or volumes, without pickles."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.images import ArrayImages
from lt_core.datasets.kinds import as_asked, kind_asked
from lt_core.datasets.labeled_images import PARTS, LabeledImages, Source
from lt_core.datasets.medmnist_names import names_for
from lt_core.datasets.npz import Declared, arrays_in, blocks_of, read_array
from lt_core.datasets.npz_names import Named, names_beside, names_inside
from lt_core.datasets.options import KIND, options_of
from lt_core.datasets.reading import Change, Column, Reading
from lt_core.params import Choice, Param
from lt_core.problems import Problem

SLICE = Param("slice", "middle", Choice(
    ("middle", "max"),
    ("the slice in the middle of the first axis", "the largest value along the first axis"),
    help="What a volume (3D sets) is shown and trained as: one flat image."))  # fmt: skip
_LEAST_EDGE = 8
"""Edge of the smallest volume: below it, a fourth axis is channels that nobody can name."""


_NAMELESS = (
    "the file does not name its classes: they are called by their numbers; give the names with --labels, or one a line "
    "in a file classes.txt beside it"
)


class MedMnistReader:
    """Images and labels of up to three parts in one ``.npz``."""

    key = "medmnist"
    title = "MedMNIST-layout .npz"
    priority = 0
    options = (KIND, SLICE)
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason by name; whether the file is what it is called, reading says."""
        return "the name ends in .npz" if path.is_file() and path.suffix.lower() == ".npz" else None

    def read(self, source: Source) -> LabeledImages:
        """Return the parts one after the other; ``Source.labels`` are class names, in the order of the labels.

        Labels of shape (n, 1) or (n,) are class numbers: single-label, as are one-hot rows with exactly one 1 each.
        Other (n, C) labels of 0 and 1 are multi-label. The number of classes comes from all parts together.
        Classes are named by ``Source.labels``, the set the file is named after, or what ``npz_names`` finds.
        Volumes (n, D, H, W) become (n, H, W) images, as the option ``slice`` says.
        """
        path = Path(source.name)
        if source.images is not None:
            raise Problem(f"{path.name} holds its images itself: leave --images out")
        values, _ = options_of(source, self.options)
        try:
            with zipfile.ZipFile(path) as archive:
                return _read(archive, path, source, values)
        except PermissionError:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
            raise Problem(f"{path.name} is not a .npz file, or is damaged or cut short: fetch it again") from None


READER = MedMnistReader()


def _read(archive: zipfile.ZipFile, path: Path, source: Source, options: dict[str, Any]) -> LabeledImages:
    found = arrays_in(archive, path.name)
    parts = _parts(found, path.name)
    labels_of = {
        part: _two_dimensional(read_array(archive, f"{part}_labels", path.name), part, path.name) for part in parts
    }
    if len({labels.shape[1] for labels in labels_of.values()}) > 1:
        widths = ", ".join(f"{part} {labels.shape[1]}" for part, labels in labels_of.items())
        raise Problem(f"the parts of {path.name} have different numbers of label columns: {widths}")
    counts = {part: len(labels) for part, labels in labels_of.items()}
    images, deep = _images(archive, found, counts, path.name, options["slice"])
    values = np.concatenate([labels_of[part] for part in parts])
    names, labels, kind = _matrix(values, path, source.labels)
    named = None
    if not source.labels and not names_for(path.stem):
        named = names_inside(archive, found, len(names), path.name) or names_beside(path, labels, counts)
        names = named.names if named else names
    about = f"{len(labels):,} images of {' x '.join(map(str, images.shape[1:]))} pixels in one .npz, " + (
        "class numbers as labels" if values.shape[1] == 1 else f"{values.shape[1]} label columns"
    )
    sliced = "their middle slice" if options["slice"] == "middle" else "their largest value along the first axis"
    unknown = int(np.isnan(labels).sum())
    changes = (
        *([Change("repaired", len(labels), f"volumes are shown and trained on as {sliced}")] if deep else []),
        *([Change("unknown", unknown, "label cells are not a number")] if unknown else []),
    )
    return LabeledImages(
        key=re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "npz",
        title=path.name,
        class_names=names,
        matrix=labels,
        images=ArrayImages(images),
        kind=as_asked(kind, kind_asked(options), labels, path.name),
        source=source,
        ids=np.array([f"{part}{k}" for part, n in counts.items() for k in range(n)], dtype=np.str_),
        split=np.repeat(np.array(parts, dtype="U5"), list(counts.values())),
        about="; ".join(
            [about, *([f"volumes as {sliced} (option slice)"] if deep else []), *([named.why] if named else [])]
        ),
        warnings=() if named or source.labels or names_for(path.stem) else (_NAMELESS,),
        reading=Reading(
            "medmnist", columns=_columns(found, parts, named), changes=changes, options=tuple(options.items())
        ),
    )


def _parts(found: dict[str, Declared], name: str) -> list[str]:
    """The parts that are there, each with images and labels."""
    for part in PARTS:
        if (f"{part}_images" in found) != (f"{part}_labels" in found) and len(found) > 1:
            raise Problem(f"{name} has only one of {part}_images and {part}_labels: both are needed")
    parts = [str(part) for part in PARTS if f"{part}_images" in found and f"{part}_labels" in found]
    if not parts:
        there = ", ".join(key[:40] for key in sorted(found)[:8]) or "no arrays"
        raise Problem(f"{name} is not in the MedMNIST layout: it has {there}, expected train_images, train_labels "
                      "and so on")  # fmt: skip
    return parts


def _columns(found: dict[str, Declared], parts: Sequence[str], named: Named | None) -> tuple[Column, ...]:
    said = f"; {named.why}" if named else ""
    roles: dict[str, Literal["image", "label"]] = {f"{part}_images": "image" for part in parts}
    roles |= {f"{part}_labels": "label" for part in parts}
    return tuple(
        Column(
            key, roles.get(key, "unused"), f"array of shape {declared.shape}{said if roles.get(key) == 'label' else ''}"
        )
        for key, declared in found.items()
    )


def _two_dimensional(labels: NDArray[np.generic], part: str, name: str) -> NDArray[np.float64]:
    if labels.ndim == 1:
        labels = labels[:, None]
    if labels.ndim != 2 or not labels.shape[1] or labels.dtype.kind not in "biuf":
        raise Problem(
            f"{part}_labels of {name} must be numbers of shape (n, 1) or (n, C), got {labels.dtype} {labels.shape}"
        )
    return labels.astype(np.float64)


def _images(
    archive: zipfile.ZipFile, found: dict[str, Declared], counts: dict[str, int], name: str, of_volume: str
) -> tuple[NDArray[np.uint8], bool]:
    """All parts in one (N, H, W) or (N, H, W, 3) array, filled a run of rows at a time, and whether they are volumes.

    Two copies never exist at once, and of volumes only what is shown is kept.
    """
    whole: NDArray[np.uint8] | None = None
    start = 0
    for part, count in counts.items():
        key = f"{part}_images"
        shape, deep = _shape_of(found[key], key, name)
        if shape[0] != count:
            raise Problem(f"{name} has {shape[0]} {key} but {count} {part}_labels")
        if whole is None:
            whole = np.empty((sum(counts.values()), *shape[1:]), np.uint8)
        if shape[1:] != whole.shape[1:]:
            raise Problem(f"the parts of {name} have images of different shapes: {whole.shape[1:]} and {shape[1:]}")
        for block in blocks_of(archive, key, found[key], name):
            if deep:
                block = block[:, block.shape[1] // 2] if of_volume == "middle" else block.max(axis=1)
            whole[start : start + len(block)] = block.reshape(len(block), *shape[1:])
            start += len(block)
    assert whole is not None
    return whole, deep


def _shape_of(declared: Declared, key: str, name: str) -> tuple[tuple[int, ...], bool]:
    """The shape an array of images is kept in, and whether it holds volumes; ``Problem`` for one that is no images."""
    shape = declared.shape
    deep = len(shape) == 4 and shape[3] not in (1, 3, 4) and min(shape[1:]) >= _LEAST_EDGE
    flat = len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3))
    if declared.dtype != np.uint8 or not (deep or flat):
        raise Problem(f"{key} of {name} must be uint8 of shape (n, H, W), (n, H, W, 3) or, for volumes, (n, D, H, W), "
                      f"got {declared.dtype} {shape}")  # fmt: skip
    if 0 in shape[1:]:
        raise Problem(f"{key} of {name} are {shape[1]} x {shape[2]} pixels: there is nothing in them")
    if deep:
        return (shape[0], *shape[2:]), True
    return (shape[:3] if shape[3:] == (1,) else shape), False


def _matrix(
    values: NDArray[np.float64], path: Path, given: tuple[str, ...]
) -> tuple[tuple[str, ...], NDArray[np.float32], Literal["multi", "single"]]:
    """Return class names, labels (N, C) and the kind."""
    if values.shape[1] > 1:
        known = values[~np.isnan(values)]
        if not np.isin(known, (0, 1)).all():
            raise Problem(
                f"the label columns of {path.name} must hold 0 and 1, got {known[~np.isin(known, (0, 1))][0]:g}"
            )
        names = _names(path, given, values.shape[1])
        exactly_one = not np.isnan(values).any() and bool((values.sum(axis=1) == 1).all())
        return names, values.astype(np.float32), "single" if exactly_one else "multi"
    numbers = values[:, 0]
    if not len(numbers):
        raise Problem(f"{path.name} has no images: there is nothing to load")
    if not (np.isfinite(numbers).all() and (numbers >= 0).all() and (numbers % 1 == 0).all() and numbers.max() < 65536):
        raise Problem(
            f"the labels of {path.name} must be class numbers from 0 up, got {numbers.min():g} to {numbers.max():g}"
        )
    names = _names(path, given, max(int(numbers.max()) + 1, 2))
    labels = np.zeros((len(numbers), len(names)), np.float32)
    labels[np.arange(len(numbers)), numbers.astype(np.intp)] = 1
    return names, labels, "single"


def _names(path: Path, given: tuple[str, ...], least: int) -> tuple[str, ...]:
    """Class names as given, or of the MedMNIST set the file is named after, or ``class 0`` and so on."""
    if given:
        if len(given) < least or len(set(given)) != len(given):
            raise Problem(f"{path.name} has {least} classes, but --labels gives {len(set(given))} different names: "
                          "give one for each, in the order of the labels")  # fmt: skip
        return given
    known = names_for(path.stem)
    return known if len(known) >= least else tuple(f"class {k}" for k in range(least))
