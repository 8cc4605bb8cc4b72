"""How well maps point, class by class: means with intervals, and runs compared on the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.evaluation.uncertainty.closed import proportion
from lt_core.evaluation.uncertainty.resampled import expanded, percentile
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.stats.intervals import wilson

SCORES = ("hit", "inside", "iou")
CHANCE = {"hit": "chance_hit", "inside": "area", "iou": "area"}
"""What each score is for a map that knows nothing: a place at random, and a map equally strong everywhere."""

ALL = "all classes"
DRAWS = 1000
LEAST = 5
"""Patients below which there is no verdict."""
FEW = f"fewer than {LEAST} patients"
Array = NDArray[np.float64]


class _Sums(NamedTuple):
    """Sums and numbers of values, (P, C): by patient and class."""

    totals: Array
    counts: Array

    def means(self, weights: Array) -> Array:
        """Return the mean of every class, (R, C), each patient counted ``weights`` (R, P) times; NaN where none is."""
        n = weights @ self.counts
        means: Array = np.divide(weights @ self.totals, n, out=np.full(n.shape, np.nan), where=n > 0)
        return means


def localisation_table(
    rows: pd.DataFrame, class_names: Sequence[str] | None = None, *, draws: int = DRAWS, seed: int = 0
) -> pd.DataFrame:
    """Return one row a class and a last one, "all classes": the plain mean of the classes.

    ``rows`` are those of ``localise_run``. A blank map points nowhere: it counts as a miss, with nothing inside and an
    IoU of 0, and ``blank`` says how many there are. Columns: class, n (images), patients, blank, and for each of hit
    (pointing game), inside (energy) and iou: the mean, its 95 % interval (_low, _high) and what chance gives (_chance).
    The interval of a class's hit is Wilson's, counts over Rao and Scott's design effect of patients; all others are
    percentiles of ``draws`` resamples of patients at levels widened for their number (``expanded``). NaN where not
    defined: no image of a class, fewer than two patients, or the same value for every patient. With fewer than about
    ten patients such an interval is too narrow all the same: of five it held 91 % in simulation.
    ``class_names`` sets the rows and their order, classes without an image included.
    """
    names = list(dict.fromkeys(rows["class"])) if class_names is None else list(class_names)
    code = pd.Index(names).get_indexer(pd.Index(rows["class"]))
    if (code < 0).any():
        raise Unknown.of("class", str(rows["class"][code < 0].iloc[0]), names)
    patient, patients = pd.factorize(rows["patient"])
    weights = _weights(len(patients), draws, seed)
    counts = np.bincount(code, minlength=len(names))
    of_class = pd.Series(code)
    held: dict[str, Any] = {
        "class": [*names, ALL],
        "n": [*counts, len(rows)],
        "patients": [*(len(np.unique(patient[of_class == c])) for c in range(len(names))), len(patients)],
        "blank": [*np.bincount(code, rows["blank"].to_numpy(float), len(names)).astype(int), int(rows["blank"].sum())],
    }
    for score in SCORES:
        values = rows[score].fillna(0.0).to_numpy(float)
        sums = _sums(values, patient, code, len(patients), len(names))
        low, high = _interval(sums, weights)
        if score == "hit":
            low[:-1], high[:-1] = _share(sums)
        chance = _point(_sums(rows[CHANCE[score]].to_numpy(float), patient, code, len(patients), len(names)))
        held |= {score: _point(sums), f"{score}_low": low, f"{score}_high": high, f"{score}_chance": chance}
    return pd.DataFrame(held)


def localisation_differences(
    runs: Mapping[str, pd.DataFrame],
    baseline: str,
    class_names: Sequence[str] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how every other run differs from ``baseline`` on the very same images and classes.

    ``runs`` maps a name to the rows of ``localise_run``. Columns: run, class ("all classes" last), score, n (pairs),
    patients, difference (run minus baseline), low, high (95 %, percentiles of ``draws`` resamples of patients, the
    same for all), and verdict: "better", "worse" or "cannot tell" (the interval holds 0, there is none, or fewer than
    ``LEAST`` patients have the class, which ``note`` says), each class on its own: with many classes some intervals
    miss 0 by chance. Raises ``Problem`` where two runs share no image.
    """
    if baseline not in runs:
        raise Unknown.of("run", baseline, list(runs))
    first, key = runs[baseline], ["row", "class"]
    made = []
    for name, rows in runs.items():
        if name == baseline:
            continue
        both = first.merge(rows, on=key, suffixes=("", "_of_run"), validate="one_to_one")
        if both.empty:
            raise Problem(f"{name} and {baseline} were not scored on any image in common: use the same part")
        names = list(dict.fromkeys(both["class"])) if class_names is None else list(class_names)
        made.append(_differences(both, names, draws, seed).assign(run=name))
    if not made:
        raise Invalid("one run has nothing to be compared with: give at least two")
    table = pd.concat(made, ignore_index=True)
    return table[["run", "class", "score", "n", "patients", "difference", "low", "high", "verdict", "note"]]


def _differences(both: pd.DataFrame, names: list[str], draws: int, seed: int) -> pd.DataFrame:
    code = pd.Index(names).get_indexer(pd.Index(both["class"]))
    if (code < 0).any():
        raise Unknown.of("class", str(both["class"][code < 0].iloc[0]), names)
    patient, patients = pd.factorize(both["patient"])
    weights = _weights(len(patients), draws, seed)
    n = [*np.bincount(code, minlength=len(names)), len(both)]
    people = [*(len(np.unique(patient[code == c])) for c in range(len(names))), len(patients)]
    enough = np.array(people) >= LEAST
    note = np.where(enough, "", FEW)
    made = []
    for score in SCORES:
        values = (both[f"{score}_of_run"].fillna(0.0) - both[score].fillna(0.0)).to_numpy(float)
        sums = _sums(values, patient, code, len(patients), len(names))
        low, high = _interval(sums, weights)
        entry = {"class": [*names, ALL], "score": score, "n": n, "patients": people}
        verdict = np.select([enough & (low > 0), enough & (high < 0)], ["better", "worse"], "cannot tell")
        found = {"difference": _point(sums), "low": low, "high": high, "verdict": verdict, "note": note}
        made.append(pd.DataFrame(entry | found))
    return pd.concat(made, ignore_index=True)


def _sums(values: Array, patient: NDArray[np.intp], code: NDArray[Any], n_patients: int, n_classes: int) -> _Sums:
    cell = patient * n_classes + code
    size = n_patients * n_classes
    shape = (n_patients, n_classes)
    return _Sums(
        np.asarray(np.bincount(cell, values, size).reshape(shape), np.float64),
        np.bincount(cell, minlength=size).reshape(shape).astype(np.float64),
    )


def _point(sums: _Sums) -> Array:
    """Return the mean of every class and, last, the mean of those that have one, (C + 1,)."""
    return np.asarray(_with_mean(sums.means(np.ones((1, len(sums.counts)))))[0])


def _interval(sums: _Sums, weights: Array) -> tuple[Array, Array]:
    """Return 95 % intervals from resamples, (C + 1,) each end; NaN where resampling can say nothing.

    That is a class of fewer than two patients, or one whose values are all the same: an interval of no width would
    claim a certainty that three misses of three do not give.
    """
    found = _with_mean(sums.means(weights))
    with np.errstate(invalid="ignore"):
        own = np.where(sums.counts > 0, sums.totals / sums.counts, np.nan)
    same = np.fmax.reduce(own, axis=0) == np.fmin.reduce(own, axis=0)
    patients = np.append((sums.counts > 0).sum(0), (sums.counts.sum(1) > 0).sum())
    # A resample may miss a rare class altogether: it says nothing about it.
    low, high = percentile(found, np.where(np.append(same, False), np.nan, expanded(patients)))
    return low, high


def _share(sums: _Sums) -> tuple[Array, Array]:
    """Return Wilson's intervals of shares, (C,) each end; of effective counts where a patient has several images."""
    plain, of_patients = wilson(sums.totals.sum(0), sums.counts.sum(0)), proportion(sums.totals, sums.counts)
    several = sums.counts.max(0, initial=0) > 1
    return np.where(several, of_patients[0], plain[0]), np.where(several, of_patients[1], plain[1])


def _with_mean(means: Array) -> Array:
    known = ~np.isnan(means)
    n = known.sum(1)
    mean = np.divide(np.where(known, means, 0.0).sum(1), n, out=np.full(len(means), np.nan), where=n > 0)
    return np.column_stack([means, mean])


def _weights(n_patients: int, draws: int, seed: int) -> Array:
    """Return how often each of P patients is in each of R resamples, (R, P)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_patients, np.full(n_patients, 1 / n_patients), size=draws).astype(np.float64)
