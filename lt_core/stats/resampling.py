"""What if, resampled: which images an epoch holds under the schemes of the field. Label sets in, label sets out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Invalid, Unknown
from lt_core.stats.imbalance import irlbl, mean_ir, scumble
from lt_core.stats.label_sets import LabelSets, distinct
from lt_core.stats.what_if import WhatIf, rounded

Numbers = NDArray[np.float64]
_STEPS = 200
"""Parts in which ML-ROS adds its images; after each one the classes still in need are found again."""


def class_aware(sets: LabelSets, *, power: float = 0.0) -> Numbers:
    """Return how often one image of each label set is drawn in an epoch as long as the data set, (S,).

    A class is drawn with chance proportional to n_c ** ``power``, then one of its images: 0 is class-aware sampling
    (Shen et al., ECCV 2016), 0.5 square-root sampling (Kang et al., ICLR 2020), 1 would be the images with labels as
    they are, by label. Images without a label are never drawn.
    """
    counts = sets.positives().astype(np.float64)
    chance = np.where(counts > 0, np.maximum(counts, 1.0) ** power, 0.0)
    if not chance.sum():
        return np.zeros(len(sets))
    per_image = np.divide(chance / chance.sum(), counts, out=np.zeros_like(counts), where=counts > 0)
    weights = np.bincount(sets.owner, weights=per_image[sets.classes], minlength=len(sets))
    return np.asarray(weights * sets.n.sum())


def repeat_factors(sets: LabelSets, *, threshold: float) -> Numbers:
    """Return the repeat factor of each label set, (S,) >= 1: the largest max(1, sqrt(t / f_c)) of its classes.

    f_c is the share of images with the class (Gupta et al., LVIS, CVPR 2019, section 5.1).
    """
    if not 0 < threshold <= 1:
        raise Invalid(f"the threshold of repeat-factor sampling must be in (0, 1], got {threshold:g}")
    counts = sets.positives()
    share = np.maximum(counts, 1) / max(int(sets.n.sum()), 1)
    of_class = np.maximum(1.0, np.sqrt(threshold / share))
    factors = np.ones(len(sets))
    labelled = sets.sizes > 0
    if labelled.any():
        factors[labelled] = np.maximum.reduceat(of_class[sets.classes], sets.indptr[:-1][labelled])
    return factors


def minority(positives: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return which classes are minority labels, (C,): those with IRLbl above MeanIR (Charte et al. 2015)."""
    ratios = irlbl(positives)
    return np.asarray(np.where(np.isnan(ratios), 0.0, ratios) > mean_ir(positives))


def ml_ros(sets: LabelSets, *, percent: float) -> Numbers:
    """Return how often one image of each label set is there after random oversampling, (S,) >= 1.

    Images of minority labels are cloned, as many of each label, until the set has grown by ``percent`` or no label
    has IRLbl above the first MeanIR: ML-ROS of Charte et al. 2015, in expectation instead of by drawing.
    """
    n = sets.n.astype(np.float64)
    start, budget = mean_ir(sets.positives()), percent / 100 * float(n.sum())
    bags = minority(sets.positives())
    counts: NDArray[np.generic] = sets.positives()
    step, weights = budget / _STEPS, n.copy()
    for _ in range(_STEPS):
        if not bags.any():
            break
        each = np.where(bags, step / bags.sum() / np.maximum(sets.positives(), 1), 0.0)
        weights += np.bincount(sets.owner, weights=each[sets.classes], minlength=len(sets)) * n
        counts = np.bincount(sets.classes, weights=weights[sets.owner], minlength=sets.n_classes)
        bags &= np.nan_to_num(irlbl(counts)) > start
    return np.asarray(weights / n)


def ml_rus(sets: LabelSets, *, percent: float) -> Numbers:
    """Return the share of each label set's images that random undersampling keeps, (S,), in [0, 1].

    ``percent`` of all images are deleted, at random among those without a minority label: ML-RUS of Charte et al.
    2015, in expectation, without its stop when a majority label becomes rare.
    """
    rare = minority(sets.positives())
    has_rare = np.bincount(sets.owner, weights=rare[sets.classes], minlength=len(sets)) > 0
    candidates = float(sets.n[~has_rare].sum())
    rate = 1 - min(1.0, percent / 100 * float(sets.n.sum()) / candidates) if candidates else 1.0
    return np.where(has_rare, 1.0, rate)


def remedial(sets: LabelSets, class_names: Sequence[str]) -> WhatIf:
    """Return the set with every image whose SCUMBLE is above the mean made two: its minority and its majority labels.

    REMEDIAL, Charte et al., HAIS 2015 and Neurocomputing 2019. No image is lost, and no label is counted twice.
    """
    found = scumble(sets)
    rare = minority(sets.positives())
    split = found.of_set > found.mean
    owner, images = sets.owner, int(sets.n[split].sum())
    second = rare[sets.classes] & split[owner]
    row = owner + np.where(second, len(sets), 0)
    order = np.argsort(row, kind="stable")
    sizes = np.bincount(row, minlength=2 * len(sets))
    there = np.concatenate([np.ones(len(sets), np.bool_), split])
    indptr = np.concatenate(([0], np.cumsum(sizes[there]))).astype(np.int64)
    n = np.concatenate([sets.n, sets.n])[there]
    after = distinct(indptr, sets.classes[order], sets.n_classes, n)
    said = (
        f"{images:,} of {int(sets.n.sum()):,} images have a SCUMBLE above the mean ({found.mean:.4g}): each became "
        f"two, one with its {int(rare.sum())} minority classes only, one with the others"
    )
    return WhatIf(after, tuple(class_names), said)


@dataclass(frozen=True)
class Scheme:
    """A resampling scheme: its title, what it does in one sentence, and how often it takes an image of each set."""

    title: str
    text: str
    weights: Callable[[LabelSets, float], Numbers]


SCHEMES: dict[str, Scheme] = {
    "class-aware": Scheme(
        "class-aware", "A class at random, then one of its images (Shen et al. 2016).", lambda s, _: class_aware(s)
    ),
    "square-root": Scheme(
        "square root", "A class with chance proportional to the root of its count, then one of its images.",
        lambda s, _: class_aware(s, power=0.5),
    ),
    "repeat-factor": Scheme(
        "repeat factor", "Images of classes rarer than the threshold are repeated (LVIS, Gupta et al. 2019).",
        lambda s, t: repeat_factors(s, threshold=t),
    ),
    "ml-ros": Scheme(
        "ML-ROS", "Images of minority labels are cloned (Charte et al. 2015).", lambda s, p: ml_ros(s, percent=p)
    ),
    "ml-rus": Scheme(
        "ML-RUS", "Images without a minority label are left out (Charte et al. 2015).",
        lambda s, p: ml_rus(s, percent=p),
    ),
}  # fmt: skip
"""The schemes that take every image more or less often; REMEDIAL changes labels and stands apart."""


def resampled(sets: LabelSets, class_names: Sequence[str], key: str, *, strength: float, seed: int = 0) -> WhatIf:
    """Return an epoch under scheme ``key``, in expectation, fractions of an image drawn with ``seed``.

    ``strength`` is the threshold of ``repeat-factor``, the percentage of ``ml-ros`` and ``ml-rus``, else not used.
    """
    if key not in SCHEMES:
        raise Unknown.of("resampling scheme", key, list(SCHEMES))
    taken = rounded(SCHEMES[key].weights(sets, strength) * sets.n, seed)
    before, after = int(sets.n.sum()), int(taken.sum())
    said = f"{SCHEMES[key].text} An epoch of {after:,} images, from {before:,}."
    return WhatIf(sets.with_counts(taken), tuple(class_names), said)
