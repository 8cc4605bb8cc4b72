"""What the images of a set are like, one row an image: size, channels, brightness; and what stands out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from lt_core.datasets.decode import FORMATS, to_grey
from lt_core.datasets.images import ImageStore, NoImages, Pixels
from lt_core.datasets.near_duplicates import SIDE, perceptual_hash
from lt_core.datasets.reading import Change
from lt_core.datasets.thumbnails import reduced
from lt_core.problems import Problem

SAMPLE = 2_000
"""Images that are looked at in a larger set, unless all are asked for."""
OUTLIER = 3.5
"""Robust z-score beyond which brightness or contrast stands out (Iglewicz and Hoaglin 1993)."""
FEWEST = 10
"""Images below which nothing stands out: the spread of a few says little."""
ODD_SHAPE = 1.5
"""Factor between an image's width / height and the median one from which its shape is odd."""
_MISSING: dict[str, Any] = {
    "width": 0, "height": 0, "channels": 0, "mean": np.nan, "std": np.nan, "low": np.nan, "high": np.nan,
    "dark": np.nan, "bright": np.nan, "blank": False, "grey_as_rgb": False, "mode": "", "unreadable": "",
}  # fmt: skip
COLUMNS = ("index", *_MISSING)
Names = Sequence[str] | NDArray[np.str_]
Progress = Callable[[int, int], object]
"""Called with how many of how many are done; what it raises stops the work."""


def sample_of(rows: Sequence[int] | NDArray[np.integer], n: int = SAMPLE, seed: int = 0) -> NDArray[np.intp]:
    """Return ``n`` of the rows, drawn without replacement by ``seed``, ascending; all of them where they are fewer."""
    every = np.asarray(rows, np.intp)
    return every if len(every) <= n else np.sort(np.random.default_rng(seed).choice(every, n, replace=False))


def measures(
    images: ImageStore, rows: Sequence[int] | NDArray[np.integer], *, hashed: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the measures of one image after the other, so that whoever draws them can stop.

    ``hashed`` adds ``hash``, as ``near_duplicates.hashes`` gives it, for which the image need not be read twice.
    """
    for row in rows:
        entry = {"index": int(row), **_MISSING, **({"hash": 0} if hashed else {})}
        try:
            pixels = images.read(int(row))
            found = _of_pixels(pixels)
            mode = _mode(images, int(row))
            found["grey_as_rgb"] |= found["channels"] == 1 and mode in ("RGB", "RGBA", "RGBX", "P", "CMYK", "YCbCr")
            entry |= found | {"mode": mode}
            if hashed and not found["blank"]:
                entry["hash"] = perceptual_hash(reduced(pixels, SIDE))
        except Problem as problem:
            entry["unreadable"] = str(problem)
        yield entry


def check(
    images: ImageStore, rows: Sequence[int] | NDArray[np.integer] | None = None, progress: Progress | None = None
) -> pd.DataFrame:
    """Return one row an image: ``index``, ``width``, ``height``, ``channels`` (1 or 3), and of its grey values

    ``mean``, ``std``, ``low`` and ``high`` (1st and 99th percentile), ``dark`` and ``bright`` (shares at most 5 and at
    least 250), ``blank`` (all one value); ``grey_as_rgb`` (equal channels stored as colour), ``mode`` (Pillow's name of
    how the file stores pixels, "DICOM", or empty) and ``unreadable`` (why, or empty; then the measures are NaN and 0).
    ``rows`` are all by default. Raises ``Problem`` for a set without images.
    """
    if isinstance(images, NoImages):
        raise Problem("this data set has labels only: there are no images to check")
    wanted = range(len(images)) if rows is None else rows
    entries = []
    for entry in measures(images, wanted):
        entries.append(entry)
        if progress is not None:
            progress(len(entries), len(wanted))
    return as_table(entries)


def as_table(entries: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return the measures as a table, with ``z_mean`` and ``z_std`` (robust z-scores) and ``outlier``."""
    table = pd.DataFrame(list(entries), columns=list(COLUMNS))
    usable = (table["unreadable"] == "") & ~table["blank"].astype(bool)
    for measure in ("mean", "std"):
        scores = np.full(len(table), np.nan)
        few = usable.sum() < FEWEST
        scores[usable] = 0.0 if few else robust_z(table.loc[usable, measure].to_numpy(np.float64))
        table[f"z_{measure}"] = scores
    table["outlier"] = (table[["z_mean", "z_std"]].abs() > OUTLIER).any(axis=1)
    return table


def robust_z(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 0.6745 (x - median) / MAD (Iglewicz and Hoaglin 1993); 0 for every value where the MAD is 0."""
    if not len(values):
        return values
    apart = values - np.median(values)
    spread = float(np.median(np.abs(apart)))
    return np.asarray(0.6745 * apart / spread) if spread > 0 else np.zeros_like(values)


def findings(table: pd.DataFrame, total: int, names: Names | None = None) -> list[Change]:
    """Return what to know, each a sentence with its count and examples: the image's name, if known, and its row.

    Rows count from 1. ``names`` are those of all images of the set (``LabeledImages.ids``), ``total`` is how many they
    are; a smaller table is a sample, which is said first.
    """
    read = table[table["unreadable"] == ""]
    said = []
    if len(table) < total:
        looked = f"{len(table):,} of {total:,} drawn at random are"
        said.append(Change("unknown", total - len(table), f"images were not looked at: {looked}"))
    for which, what in (
        (table["unreadable"] != "", "images cannot be read"),
        (table["blank"].astype(bool), "images are blank, all of one value"),
        (table["outlier"].astype(bool), f"images stand out by brightness or contrast (robust z above {OUTLIER:g})"),
        (table["grey_as_rgb"].astype(bool), "images are grey but stored in colour"),
    ):
        if which.any():
            said.append(Change("unknown", int(which.sum()), what, _examples(table[which], names)))
    return said + _of_shapes(read, names)


def _of_shapes(read: pd.DataFrame, names: Names | None) -> list[Change]:
    """What to know of sizes, shapes and channels, among images that could be read."""
    if read.empty:
        return []
    said = []
    sizes = read.groupby(["width", "height"]).size().sort_values(ascending=False)
    width, height = sizes.index[0]
    other = read[(read["width"] != width) | (read["height"] != height)]
    if 2 * len(other) > len(read):
        wide, high = (f"{read[edge].min()} to {read[edge].max()}" for edge in ("width", "height"))
        said.append(Change("unknown", len(sizes), f"sizes occur, {wide} wide and {high} high: choose one for training"))
    elif len(other):
        what = f"images are not {width} x {height} as the most are: choose one size for training"
        said.append(Change("unknown", len(other), what, _examples(other, names)))
    aspect = pd.Series(np.log(read["width"] / read["height"]), read.index)
    odd = read[(aspect - aspect.median()).abs() > np.log(ODD_SHAPE)]
    if len(odd):
        what = f"images are {ODD_SHAPE:g} times wider or taller in shape than the median"
        said.append(Change("unknown", len(odd), what, _examples(odd, names)))
    common = read["channels"].mode()[0]
    rare = read[read["channels"] != common]
    if len(rare):
        what = f"images are {'in colour' if common == 1 else 'grey'}, unlike the most"
        said.append(Change("unknown", len(rare), what, _examples(rare, names)))
    return said


def _examples(table: pd.DataFrame, names: Names | None) -> tuple[str, ...]:
    rows = table["index"].head(4).tolist()
    return tuple(f"row {row + 1}" if names is None else f"{names[row]} in row {row + 1}" for row in rows)


def _of_pixels(pixels: Pixels) -> dict[str, Any]:
    grey = to_grey(pixels)
    counts = np.bincount(grey.ravel(), minlength=256)
    share = counts / max(grey.size, 1)
    levels = np.arange(256)
    mean = float(share @ levels)
    below = np.cumsum(share)
    return {
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "channels": 1 if pixels.ndim == 2 else 3,
        "mean": mean,
        "std": float(np.sqrt(share @ (levels - mean) ** 2)),
        "low": float(np.searchsorted(below, 0.01)),
        "high": float(np.searchsorted(below, 0.99)),
        "dark": float(share[:6].sum()),
        "bright": float(share[250:].sum()),
        "blank": bool(
            np.ptp(pixels.reshape(-1, pixels.shape[2] if pixels.ndim == 3 else 1), axis=0).max(initial=0) == 0
        ),
        "grey_as_rgb": bool(pixels.ndim == 3 and (pixels == pixels[..., :1]).all()),
    }


def _mode(images: ImageStore, row: int) -> str:
    """How the file stores its pixels: only its header is read, after the store has agreed to open it."""
    path = images.path(row)
    if path is None:
        return ""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.mode
    except OSError:
        return "DICOM"
    except Image.DecompressionBombError:
        return ""
