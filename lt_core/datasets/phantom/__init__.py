"""The chest phantom: drawn chest radiographs with 14 findings, NIH's long tail, and the truth about every pixel."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from lt_core.datasets.images import ArrayImages
from lt_core.datasets.labeled_images import PARTS, LabeledImages, Part, Source
from lt_core.datasets.phantom.labels import FACTOR, FINDINGS, LEAST_TEST_POSITIVES, TEST_FLOOR, prevalence
from lt_core.datasets.phantom.store import cached
from lt_core.params import Choice, Integer

__all__ = [
    "ABOUT",
    "FACTOR",
    "FINDINGS",
    "KEY",
    "KIND",
    "LEAST_TEST_POSITIVES",
    "TEST_FLOOR",
    "TITLE",
    "VAL_AND_TEST",
    "load",
    "prevalence",
]

KEY = "chest-phantom"
TITLE = "Chest phantom"
KIND: Literal["multi", "single"] = "multi"
VAL_AND_TEST: dict[Part, int] = {"val": 800, "test": 1200}
ABOUT = (
    "**Synthetic: drawn by a program, no patient was ever imaged. Not for diagnosis.** "
    "Schematic frontal chest radiographs with the 14 findings of NIH ChestX-ray14, each with its own sign and a "
    f"ground-truth mask. Training and validation prevalences are NIH's published ones times {FACTOR:g}, co-occurrence "
    "follows NIH's pair counts, and some patients have several images, all in one part. The test part of "
    f"{VAL_AND_TEST['test']:,} images is drawn apart, with the same prevalences but none below {TEST_FLOOR:.0%}, and "
    f"at least {LEAST_TEST_POSITIVES} positives of every finding: compare its precision and F1 with that in mind."
)


def load(
    *,
    size: Annotated[
        str, Choice(("64", "128"), ("64 x 64 pixels", "128 x 128 pixels: four times the work"), help="Image size.")
    ] = "64",
    train_images: Annotated[
        int, Integer(500, 20000, step=500, help="Training images; validation has 800 and test 1,200 besides.")
    ] = 4000,
    seed: Annotated[int, Integer(0, 9999, help="Another seed, other patients of the same kind.")] = 0,
) -> LabeledImages:
    """Return the chest phantom, (N, size, size) uint8 with 14 labels, made in seconds and then kept in the cache.

    The same settings give the same pixels; more training images add to the first ones without changing them.
    """
    counts: dict[Part, int] = {"train": train_images, **VAL_AND_TEST}
    made = cached(seed, counts, int(size))
    part = np.array(PARTS)[made.part]
    options = {"size": size, "train_images": train_images, "seed": seed}
    return LabeledImages(
        key=KEY,
        title=TITLE,
        class_names=FINDINGS,
        matrix=made.positive.astype(np.float32),
        images=ArrayImages(made.images),
        kind=KIND,
        source=Source(KEY, options=options),
        ids=np.array([f"{part[i]}-{i:05d}" for i in range(len(part))]),
        split=part,
        groups=np.array([f"{p}-patient-{n:04d}" for p, n in zip(part, made.patient, strict=True)]),
        masks=made.masks,
        about=ABOUT,
        synthetic=True,
    )
