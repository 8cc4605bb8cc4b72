"""Real handwritten digits with a long tail of our making."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.images import ArrayImages
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.params import Choice, Integer

KEY = "digits"
TITLE = "Digits, long-tailed"
KIND: Literal["multi", "single"] = "single"
TEST_PER_CLASS, VAL_PER_CLASS = 40, 12
ABOUT = (
    "Real handwriting: scikit-learn's copy of the UCI optical digits (Alpaydin and Kaynak, 1998), 8 x 8 pixels, "
    "enlarged bilinearly. Training images are thinned out exponentially from 0 (most) to 9 (fewest); validation has "
    f"{VAL_PER_CLASS} and test {TEST_PER_CLASS} of each digit. The writers are not named in the source, so one "
    "hand may occur in several parts."
)


def training_counts(imbalance_ratio: int, available: int) -> NDArray[np.int64]:
    """Return the training images of the ten digits, (10,): n_max ratio^(-c / 9) (Cui et al., CVPR 2019, section 5.1).

    The smallest class is the largest whole number at which ``available`` suffices, so that the ratio is met exactly.
    """
    smallest = max(available // imbalance_ratio, 1)
    steps = np.arange(10) / 9
    return np.rint(smallest * imbalance_ratio ** (1 - steps)).astype(np.int64)


def load(
    *,
    imbalance_ratio: Annotated[
        int, Integer(1, 100, help="Training images of the digit 0 for every one of the digit 9.")
    ] = 40,
    size: Annotated[
        str,
        Choice(("8", "16", "32", "64"), help="Side in pixels; 8 is native, most backbones want 32 or more."),
    ] = "32",
    seed: Annotated[int, Integer(0, 9999, help="Which images are kept, and which part each belongs to.")] = 0,
) -> LabeledImages:
    """Return the digits, (N, size, size) uint8, one label each, with an exponentially thinned training part."""
    from sklearn.datasets import load_digits

    source = load_digits()
    rows, parts = _choose(np.asarray(source.target), imbalance_ratio, seed)
    digit = np.asarray(source.target)[rows]
    counts = np.bincount(digit[parts == "train"], minlength=10)
    return LabeledImages(
        key=KEY,
        title=TITLE,
        class_names=tuple(str(c) for c in range(10)),
        matrix=np.eye(10, dtype=np.float32)[digit],
        images=ArrayImages(_enlarged(np.asarray(source.images)[rows], int(size))),
        kind=KIND,
        source=Source(KEY, options={"imbalance_ratio": imbalance_ratio, "size": size, "seed": seed}),
        ids=np.array([f"digit-{row:04d}" for row in rows]),
        split=parts,
        about=f"{ABOUT} Here: {counts.max()} training images of 0, {counts.min()} of 9, "
        f"imbalance ratio {counts.max() / counts.min():g}.",
    )


def _choose(digit: NDArray[np.int64], imbalance_ratio: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.str_]]:
    """Return the rows that are kept, in the order of the source, and the part of each."""
    random = np.random.default_rng(seed)
    held_out = TEST_PER_CLASS + VAL_PER_CLASS
    counts = training_counts(imbalance_ratio, int(np.bincount(digit).min()) - held_out)
    part = np.full(len(digit), "", dtype="<U5")
    for c, count in enumerate(counts):
        own = random.permutation(np.flatnonzero(digit == c))
        part[own[:TEST_PER_CLASS]] = "test"
        part[own[TEST_PER_CLASS:held_out]] = "val"
        part[own[held_out : held_out + count]] = "train"
    rows = np.flatnonzero(part != "")
    return rows, part[rows]


def _enlarged(images: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Return images (n, 8, 8) with values 0 to 16 as (n, size, size) uint8, bilinear between pixel centres."""
    where = np.clip((np.arange(size) + 0.5) / size * 8 - 0.5, 0, 7)
    weights = np.maximum(1 - np.abs(where[:, None] - np.arange(8)), 0)
    return np.asarray(np.rint(weights @ images @ weights.T * (255 / 16)), dtype=np.uint8)
