"""How likely a true label is to be written down, where it is known for some images what is true.

Without such images the propensities are a model's (``lt_core.losses.propensity``); with them they are counted, and go
into ``ClassPrior(..., propensities=...)`` for the losses that correct for missing labels (``unbiased_bce``,
``propensity_bce``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.problems import Invalid


def propensities_from_clean(observed: ArrayLike, true: ArrayLike, *, shrink: float = 1.0) -> NDArray[np.float64]:
    """Return rho_c = P(written down | true), (C,) in (0, 1], from images of which both labels are known.

    ``observed`` and ``true`` are (n, C) in {0, 1, NaN}; only cells that are known in both count. rho_c is
    (k_c + s r) / (n_c + s): of the n_c true positives k_c were written down, r is the same share over all classes, and
    ``shrink`` s >= 0 says how many images r is worth; a class without a true positive gets r. Raises ``Invalid`` for
    labels of other shapes or values, where no positive was written down at all, and where s = 0 leaves a class
    without a number above 0.
    """
    seen, truth = np.asarray(observed, dtype=np.float64), np.asarray(true, dtype=np.float64)
    if seen.ndim != 2 or seen.shape != truth.shape:
        raise Invalid(f"observed and true labels must both be (images, classes), got {seen.shape} and {truth.shape}")
    for name, labels in {"observed": seen, "true": truth}.items():
        if not np.isin(labels[~np.isnan(labels)], (0, 1)).all():
            raise Invalid(f"{name} labels must be 0, 1 or unknown (NaN)")
    if shrink < 0:
        raise Invalid(f"shrink must be at least 0, got {shrink:g}")
    positives = (truth == 1) & ~np.isnan(seen)
    n, k = positives.sum(axis=0), (positives & (seen == 1)).sum(axis=0)
    if not k.sum():
        raise Invalid("no true positive of the clean images was written down: nothing can be estimated from them")
    with np.errstate(invalid="ignore"):
        found = (k + shrink * k.sum() / n.sum()) / (n + shrink)
    if not (found > 0).all():
        raise Invalid(f"classes {np.flatnonzero(~(found > 0)).tolist()} have no positive written down: set shrink to 1")
    return np.asarray(found, dtype=np.float64)
