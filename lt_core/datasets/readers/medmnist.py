"""MedMNIST-layout ``.npz``: ``{train,val,test}_images`` and ``_labels``, without pickles."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.images import ArrayImages
from lt_core.datasets.kinds import as_asked, kind_asked
from lt_core.datasets.labeled_images import PARTS, LabeledImages, Source
from lt_core.datasets.medmnist_names import names_for
from lt_core.datasets.npz import arrays_in, read_array
from lt_core.datasets.options import KIND, options_of
from lt_core.problems import Problem


class MedMnistReader:
    """Images and labels of up to three parts in one ``.npz``."""

    key = "medmnist"
    title = "MedMNIST-layout .npz"
    priority = 0
    options = (KIND,)
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason by name; whether the file is what it is called, reading says."""
        return "the name ends in .npz" if path.is_file() and path.suffix.lower() == ".npz" else None

    def read(self, source: Source) -> LabeledImages:
        """Return the parts one after the other; ``Source.labels`` are class names, in the order of the labels.

        Labels of shape (n, 1) or (n,) are class numbers: single-label, as are one-hot rows with exactly one 1 each.
        Other (n, C) labels of 0 and 1 are multi-label. The number of classes comes from all parts together.
        """
        path = Path(source.name)
        if source.images is not None:
            raise Problem(f"{path.name} holds its images itself: leave --images out")
        options_of(source, self.options)
        try:
            with zipfile.ZipFile(path) as archive:
                return _read(archive, path, source)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
            raise Problem(f"{path.name} is not a .npz file, or is damaged or cut short: fetch it again") from None


READER = MedMnistReader()


def _read(archive: zipfile.ZipFile, path: Path, source: Source) -> LabeledImages:
    shapes = arrays_in(archive, path.name)
    parts = [p for p in PARTS if f"{p}_images" in shapes and f"{p}_labels" in shapes]
    if not parts:
        there = ", ".join(sorted(shapes)[:8]) or "no arrays"
        raise Problem(f"{path.name} is not in the MedMNIST layout: it has {there}, expected train_images, train_labels "
                      "and so on")  # fmt: skip
    for part in PARTS:
        if (f"{part}_images" in shapes) != (f"{part}_labels" in shapes):
            raise Problem(f"{path.name} has only one of {part}_images and {part}_labels: both are needed")
    labels_of = {
        part: _two_dimensional(read_array(archive, f"{part}_labels", path.name), part, path.name) for part in parts
    }
    if len({labels.shape[1] for labels in labels_of.values()}) > 1:
        widths = ", ".join(f"{part} {labels.shape[1]}" for part, labels in labels_of.items())
        raise Problem(f"the parts of {path.name} have different numbers of label columns: {widths}")
    images = _images(archive, parts, {part: len(labels) for part, labels in labels_of.items()}, path.name)
    values = np.concatenate([labels_of[part] for part in parts])
    names, labels, kind = _matrix(values, path, source.labels)
    counts = [len(labels_of[part]) for part in parts]
    return LabeledImages(
        key=re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "npz",
        title=path.name,
        class_names=names,
        matrix=labels,
        images=ArrayImages(images),
        kind=as_asked(kind, kind_asked(source.options), labels, path.name),
        source=source,
        ids=np.array([f"{part}{k}" for part, n in zip(parts, counts, strict=True) for k in range(n)], dtype=np.str_),
        split=np.repeat(np.array(parts, dtype="U5"), counts),
        about=f"{len(labels):,} images of {' x '.join(map(str, images.shape[1:]))} pixels in one .npz, "
        + ("class numbers as labels" if values.shape[1] == 1 else f"{values.shape[1]} label columns"),
    )


def _two_dimensional(labels: NDArray[np.generic], part: str, name: str) -> NDArray[np.float64]:
    if labels.ndim == 1:
        labels = labels[:, None]
    if labels.ndim != 2 or not labels.shape[1] or labels.dtype.kind not in "biuf":
        raise Problem(
            f"{part}_labels of {name} must be numbers of shape (n, 1) or (n, C), got {labels.dtype} {labels.shape}"
        )
    return labels.astype(np.float64)


def _images(archive: zipfile.ZipFile, parts: Sequence[str], counts: dict[str, int], name: str) -> NDArray[np.uint8]:
    """All parts in one (N, H, W) or (N, H, W, 3) array, filled part by part so that two copies never exist at once."""
    whole: NDArray[np.uint8] | None = None
    start = 0
    for part in parts:
        array = read_array(archive, f"{part}_images", name)
        if array.ndim == 4 and array.shape[3] == 1:
            array = array[..., 0]
        if array.dtype != np.uint8 or not (array.ndim == 3 or (array.ndim == 4 and array.shape[3] == 3)):
            raise Problem(f"{part}_images of {name} must be uint8 of shape (n, H, W) or (n, H, W, 3), got "
                          f"{array.dtype} {array.shape}")  # fmt: skip
        if 0 in array.shape[1:]:
            raise Problem(
                f"{part}_images of {name} are {array.shape[1]} x {array.shape[2]} pixels: there is nothing in them"
            )
        if len(array) != counts[part]:
            raise Problem(f"{name} has {len(array)} {part}_images but {counts[part]} {part}_labels")
        if whole is None:
            whole = np.empty((sum(counts.values()), *array.shape[1:]), np.uint8)
        if array.shape[1:] != whole.shape[1:]:
            raise Problem(
                f"the parts of {name} have images of different shapes: {whole.shape[1:]} and {array.shape[1:]}"
            )
        whole[start : start + len(array)] = array
        start += len(array)
    assert whole is not None
    return whole


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
