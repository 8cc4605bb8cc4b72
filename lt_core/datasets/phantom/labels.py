"""Who has which finding: a Gaussian copula whose margins and pair correlations are NIH ChestX-ray14's.

Every image has a latent normal vector, one entry per finding and one for the projection; a finding is present where its
entry exceeds the quantile of its prevalence. The correlation of two entries is the tetrachoric one: the value at which
the model's chance of both equals the published share of images with both. Margins are exact in expectation whatever
the correlations. Half of the latent variance belongs to the patient, so that follow-up images resemble each other.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.presets import load_preset
from lt_core.home import PRESETS

FINDINGS: tuple[str, ...] = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
"""The 14 findings, named and ordered as in Wang et al. (CVPR 2017) and Rajpurkar et al. (2017)."""

FACTOR = 2.0
"""Every training prevalence is this many times NIH's: 4,000 images then hold about 16 hernias, the rarest finding."""

TEST_FLOOR = 0.06
"""No finding is rarer than this in the test part: 72 of 1,200 images expected."""

LEAST_TEST_POSITIVES = 50
"""The test part has at least this many positives of every finding."""

PATIENT_SHARE = 0.5
"""Share of the latent variance that the images of one patient have in common."""

FloatArray = NDArray[np.float64]


def prevalence(part: str) -> FloatArray:
    """Return the stated prevalence of each finding in ``part``, (14,): NIH's times ``FACTOR``; in test at least 6 %."""
    nih = load_preset("nih")
    share = np.array([nih.positives[nih.class_index(name)] for name in FINDINGS]) / nih.n_samples * FACTOR
    return np.maximum(share, TEST_FLOOR) if part == "test" else share


def latent_to_labels(latent: FloatArray, part: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return labels (N, 14) and whether each image is an AP view (N,), from latent normals (N, 15).

    In the test part a finding that chance left short gets its threshold lowered to its 50th largest latent value.
    """
    share = np.append(prevalence(part), _projection_margin())
    thresholds = np.array([NormalDist().inv_cdf(1 - p) for p in share])
    if part == "test":
        kth = np.sort(latent[:, : len(FINDINGS)], axis=0)[-LEAST_TEST_POSITIVES]
        thresholds[: len(FINDINGS)] = np.minimum(thresholds[: len(FINDINGS)], kth)
    positive = latent >= thresholds
    return positive[:, : len(FINDINGS)], positive[:, len(FINDINGS)]


@lru_cache(maxsize=1)
def mixing() -> FloatArray:
    """Return the lower triangle L, (15, 15), with L Lᵀ the latent correlations of the findings and the AP view."""
    margin, joint = _published()
    n = len(margin)
    correlation = np.eye(n)
    for i in range(n):
        for j in range(i):
            correlation[i, j] = correlation[j, i] = _tetrachoric(margin[i], margin[j], joint[i, j])
    values, vectors = np.linalg.eigh(correlation)
    nearest = (vectors * np.maximum(values, 1e-3)) @ vectors.T
    scale = np.sqrt(np.diag(nearest))
    return np.linalg.cholesky(nearest / np.outer(scale, scale))


def _projection_rows() -> dict[str, tuple[int, int]]:
    with (PRESETS / "nih-projection.csv").open(encoding="utf-8", newline="") as file:
        return {row["class"]: (int(row["positives"]), int(row["ap"])) for row in csv.DictReader(file)}


def _projection_margin() -> float:
    everyone, ap = _projection_rows()["(all images)"]
    return ap / everyone


def _published() -> tuple[FloatArray, FloatArray]:
    """Return NIH's shares (15,) and shares of both (15, 15) of the findings and the AP view."""
    nih, rows, c = load_preset("nih"), _projection_rows(), len(FINDINGS)
    order = [nih.class_index(name) for name in FINDINGS]
    joint = np.zeros((c + 1, c + 1))
    assert nih.pairs is not None
    joint[:c, :c] = nih.pairs[np.ix_(order, order)]
    joint[c, :c] = joint[:c, c] = [rows[name][1] for name in FINDINGS]
    joint[c, c] = rows["(all images)"][1]
    joint /= nih.n_samples
    return np.diag(joint).copy(), joint


def _both(a: float, b: float, rho: FloatArray) -> FloatArray:
    """Return P(X > a, Y > b) of a standard bivariate normal for every correlation in ``rho``.

    P(rho) = P(0) + the integral of the density at (a, b) over the correlation, 0 to rho (Plackett, 1954).
    """
    nodes, weights = np.polynomial.legendre.leggauss(40)
    r = rho[:, None] * (nodes + 1) / 2
    density = np.exp(-(a * a - 2 * r * a * b + b * b) / (2 * (1 - r * r))) / (2 * np.pi * np.sqrt(1 - r * r))
    independent = (1 - NormalDist().cdf(a)) * (1 - NormalDist().cdf(b))
    return np.asarray(independent + density @ weights * rho / 2)


def _tetrachoric(p: float, q: float, both: float) -> float:
    """Return the latent correlation at which two findings of shares ``p`` and ``q`` occur together in ``both``."""
    a, b = NormalDist().inv_cdf(1 - p), NormalDist().inv_cdf(1 - q)
    grid = np.linspace(-0.95, 0.95, 381)
    return float(np.interp(both, _both(a, b, grid), grid))
