"""Do intervals hold 95 % where patients have several images? ``python -m benchmarks.coverage_patients [SIMULATIONS]``.

2,000 simulations where nothing else is said; METRIC ... after it narrows the table. As in ``benchmarks.coverage``, but
the images are those of patients: one or more each (geometric), three on average. Whether an image is positive and how
high it scores depend on the patient, by normal latent variables with the correlations given; the share of positives and
the distribution of the scores stay what they were, so that the true values do too. The second interval is what one
would get by taking each image for a patient of its own. One core, about six minutes.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from benchmarks.coverage import DRAWS, WIDE, Tally, probability, truth
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.cells import Cells, cells_of
from lt_core.evaluation.uncertainty.drawing import METRICS, draw
from lt_core.evaluation.uncertainty.evaluating import point_values
from lt_core.evaluation.uncertainty.intervals import intervals_of

IMAGES_EACH = 3
SETTINGS = (  # positive images, images, d, recall at the threshold, correlation of labels, of scores
    (30, 1500, 1.5, 0.6, 0.5, 0.5),
    (30, 1500, 1.5, 0.6, 0.9, 0.5),
    (60, 2500, 1.5, 0.6, 0.9, 0.5),
    (100, 3000, 1.5, 0.6, 0.9, 0.5),
    (500, 5000, 1.0, 0.5, 0.9, 0.5),
)
Setting = tuple[int, int, float, float, float, float]


def patients(n: int, random: np.random.Generator) -> np.ndarray:
    """Return whose each of ``n`` images is, (n,) numbers from 0."""
    sizes = random.geometric(1 / IMAGES_EACH, size=n)
    return np.repeat(np.arange(n), sizes)[:n]


def shared(whose: np.ndarray, correlation: float, random: np.random.Generator) -> np.ndarray:
    """Return standard normal numbers (n, WIDE) that correlate by so much between the images of a patient."""
    own, of_patient = (random.normal(size=(len(whose), WIDE)) for _ in range(2))
    return np.sqrt(correlation) * of_patient[whose] + np.sqrt(1 - correlation) * own


def one_setting(setting: Setting, simulations: int, metrics: tuple[str, ...]) -> dict[tuple[str, str], Tally]:
    """Return the tallies of each of ``metrics``: by patients, and by images."""
    positives, n, d, recall, of_labels, of_scores = setting
    rate, at = positives / n, d - ndtri(recall)
    true, random = truth(rate, d, at, 1.0), np.random.default_rng(positives)
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    names, ids = tuple(map(str, range(WIDE))), np.arange(n).astype(str)
    for seed in range(max(simulations // WIDE, 1)):
        whose = patients(n, random)
        y = shared(whose, of_labels, random) < ndtri(rate)
        z = shared(whose, of_scores, random) + d * y
        scored = Scored(names, z, probability(z, rate, d, 1.0), y.astype(np.float32), ids, patients=whose.astype(str))
        threshold = float(probability(np.array(at), rate, d, 1.0))
        for what, each in (("by patients", scored), ("by images", replace(scored, patients=None))):
            cells = cells_of(each, threshold)
            for name, ends in _ends(cells, metrics, seed).items():
                tallies[name, what].add(*ends, true[name])
    return tallies


def _ends(cells: Cells, metrics: tuple[str, ...], seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    draws = draw(cells, metrics, n_draws=DRAWS, seed=seed, pooled=False)
    found = intervals_of(cells, point_values(cells), draws, metrics=metrics)
    return {name: (interval.low, interval.high) for name, interval in found.items()}


def main() -> None:
    """Print a table for each setting."""
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    metrics = tuple(name for name in METRICS if name in sys.argv[2:]) or METRICS
    for setting in SETTINGS:
        positives, n, d, recall, of_labels, of_scores = setting
        said = f"{positives} positive of {n:,} images, about {n // IMAGES_EACH:,} patients"
        print(f"\n{said}, d {d}, recall {recall}, correlation of labels {of_labels}, of scores {of_scores}")
        print(f"{'measure':19}{'interval':14}{'tried':>7}{'held %':>8}{'above':>8}{'below':>8}{'width':>9}", flush=True)
        tallies = one_setting(setting, simulations, metrics)
        for name in metrics:
            for what in ("by patients", "by images"):
                print(f"{name:19}{what:14}{tallies[name, what]}", flush=True)


if __name__ == "__main__":
    main()
