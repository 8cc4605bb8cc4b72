"""The images behind predictions from a file, found by name in a folder, an ``.npz`` or a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets import ArrayImages, FileImages, ImageStore, LabeledImages, MaskStore, NoImages
from lt_core.datasets.files import FolderIndex
from lt_core.datasets.notes import counted
from lt_core.evaluation.reading.joining import RULES
from lt_core.evaluation.reading.names import bare_label, plain
from lt_core.evaluation.reading.raw import arrays_of, words_of
from lt_core.evaluation.scored import Scored
from lt_core.problems import Problem

_NAMES = ("ids", "names", "image_ids", "filenames", "image", "images_names", "files", "paths")
"""Ends of the names of arrays that name images; the only text of the right length will do too."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Image ``rows[k]`` of ``images`` is that of prediction k, -1 where there is none, (n,); ``where`` they are from.

    ``how`` the names were compared. ``masks`` are those of the same rows, of ``class_names``. ``n_other`` images have
    other labels ``where`` they are from than the predictions' truth has.
    """

    images: ImageStore
    rows: NDArray[np.int64]
    where: str
    how: str
    masks: MaskStore | None = None
    class_names: tuple[str, ...] = ()
    n_other: int = 0

    def sentence(self) -> str:
        """Return where the images are from, how many there are, and how they were found."""
        found, n = int((self.rows >= 0).sum()), len(self.rows)
        many = f"all {n:,}" if found == n else f"{found:,} of {n:,}"
        other = ""
        if self.n_other:
            other = f" {counted(self.n_other, 'images have')} other labels there: are they the same images?"
        return f"Images from {self.where}: {many} found by name, names {self.how}.{other}"


def same_names(wanted: Sequence[str], known: Sequence[str]) -> tuple[NDArray[np.int64], str]:
    """Return for each of ``wanted`` its place in ``known``, -1 where it is not there, and how names were compared.

    The first of the rules of ``joining`` by which most are found is taken. A name that several images have by that
    rule is found nowhere, for it cannot be told which is meant.
    """
    best, said = np.full(len(wanted), -1, dtype=np.int64), RULES[0][0]
    for how, key in RULES:
        place: dict[str, int] = {}
        for k, name in enumerate(known):
            place[key(name)] = -1 if key(name) in place else k
        place.pop("", None)
        found = np.array([place.get(key(name), -1) for name in wanted], dtype=np.int64)
        if (found >= 0).sum() > (best >= 0).sum():
            best, said = found, how
        if (best >= 0).all():
            break
    return best, said


def pictures_of(scored: Scored, data: LabeledImages) -> Pictures:
    """Return the images of a data set that have the names of the predictions.

    Raises ``Problem`` where it has none of them; where it has, but most of their labels are others than the truth's;
    and where the names are bare numbers, which any set may have, and no class is in both, so that nothing confirms it.
    """
    if isinstance(data.images, NoImages):
        raise Problem(f"{data.title} has labels only, no images")
    if data.ids is None:
        raise Problem(f"{data.title} does not name its images")
    rows, how = same_names(scored.ids.tolist(), data.ids.tolist())
    _refuse_none(scored, rows, data.title, str(data.ids[0]) if len(data.ids) else "")
    compared, other = _labels_differ(scored, data, rows)
    if 2 * other > compared or (not compared and all(name.isdigit() for name in scored.ids[rows >= 0].tolist())):
        raise Problem(f"{data.title} has images of the same names, but its labels are others: its images are not shown")
    return Pictures(data.images, rows, data.title, how, data.masks, data.class_names, other)


def pictures_in(scored: Scored, path: Path) -> Pictures:
    """Return the images in a folder or an ``.npz`` that have the names of the predictions.

    An ``.npz`` needs images (N, H, W) or (N, H, W, 3) and an array of N names beside them, such as ``ids``; with parts
    ``test_images`` and ``test_ids``. Raises ``Problem`` where there are none, or none of those names.
    """
    if path.is_dir():
        index = FolderIndex.of(path)
        files = list(index.paths)
        rows, how = same_names(scored.ids.tolist(), files)
        _refuse_none(scored, rows, path.name, files[0] if files else "")
        return Pictures(FileImages(path, files, index), rows, path.name, how)
    arrays = arrays_of(path)
    parts = [(name, named) for name in arrays if _is_images(arrays[name]) and (named := _names_of(arrays, name))]
    if not parts:
        raise Problem(
            f"{path.name} does not name its images, and images are never matched by place: add an array ids with a "
            "name for each beside images"
        )
    best = max(
        ((*same_names(scored.ids.tolist(), words_of(arrays[named])), name, named) for name, named in parts),
        key=lambda found: int((found[0] >= 0).sum()),
    )
    rows, how, name, named = best
    _refuse_none(scored, rows, path.name, words_of(arrays[named])[0])
    return Pictures(ArrayImages(_as_bytes(arrays[name], path.name, name)), rows, path.name, how)


def _refuse_none(scored: Scored, rows: NDArray[np.int64], where: str, there: str) -> None:
    if not (rows >= 0).any():
        here = str(scored.ids[0]) if len(scored) else ""
        raise Problem(f"{where} has no image with a name of the predictions: {there!r} there, {here!r} here")


def _labels_differ(scored: Scored, data: LabeledImages, rows: NDArray[np.int64]) -> tuple[int, int]:
    """How many images can be compared in a class that both know, and how many of them have other labels there."""
    theirs = {plain(bare_label(name)): k for k, name in enumerate(data.class_names)}
    both = [(c, theirs[key]) for c, name in enumerate(scored.class_names) if (key := plain(bare_label(name))) in theirs]
    have = np.flatnonzero(rows >= 0)
    if not both:
        return 0, 0
    mine, other = np.array(both).T
    a, b = scored.targets[have][:, mine], data.labels_of(rows[have])[:, other]
    known = ~(np.isnan(a) | np.isnan(b))
    return int(known.any(axis=1).sum()), int((known & (a != b)).any(axis=1).sum())


def _is_images(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "uif" and (array.ndim == 3 or (array.ndim == 4 and array.shape[-1] in (1, 3)))


def _names_of(arrays: dict[str, NDArray[Any]], images: str) -> str:
    """The array that names the rows of ``images``: of the same part and called so, else the only one that can be."""
    start = images.removesuffix("images").removesuffix("x")
    fitting = [
        name for name, values in arrays.items()
        if values.ndim == 1 and values.dtype.kind in "USiu" and len(values) == len(arrays[images])
    ]  # fmt: skip
    called = [name for name in fitting if name in {f"{start}{end}" for end in _NAMES}]
    text = [name for name in fitting if arrays[name].dtype.kind in "US"]
    return called[0] if called else text[0] if len(text) == 1 else ""


def _as_bytes(array: NDArray[Any], where: str, name: str) -> NDArray[np.uint8]:
    """Pixels as 0 to 255, (N, H, W) or (N, H, W, 3); numbers in [0, 1] are stretched."""
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.dtype == np.uint8:
        return array
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 255 or not np.isfinite([low, high]).all():
        raise Problem(f"{name} in {where} must hold pixels from 0 to 255 or 0 to 1, it goes from {low:g} to {high:g}")
    return np.round(array * (255.0 if high <= 1 and array.dtype.kind == "f" else 1.0)).astype(np.uint8)
