"""Missed A, called B: what a model says instead, compared with images that have neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation.errors.shares import Share, equal_p, newcombe
from lt_core.evaluation.ratios import ratio
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.cells import Cells, cells_of
from lt_core.evaluation.uncertainty.closed import inflation
from lt_core.evaluation.uncertainty.multiple import adjusted
from lt_core.evaluation.uncertainty.ordered import summing
from lt_core.problems import Unknown

Numbers = NDArray[np.float64]
Given = Literal["others", "nothing"]
GIVEN: tuple[Given, ...] = ("others", "nothing")
MORE, LESS, UNDECIDED = "more often", "less often", "cannot tell"
_HASH = 20_260_000_029


@dataclass(frozen=True, eq=False, repr=False)
class Mistaken:
    """What ``missed_called`` found; ``pairs`` has one row for each ordered pair of classes.

    missed, called (the names A, B); n = images that have A, missed, and truly not B; n_called of them had B called;
    rate with low and high. n_alike = of these, the images that can be compared, and rate_alike their share; baseline
    with baseline_low and baseline_high = how often B is called in comparable images with neither A nor B, worth
    n_baseline images. difference = rate_alike - baseline with difference_low, difference_high, p, p_adjusted, verdict
    ("more often", "less often", "cannot tell") and note. NaN where not defined.
    """

    pairs: pd.DataFrame
    given: Given
    correction: str
    n: int
    n_patients: int | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        sure = int((self.pairs["verdict"] != UNDECIDED).sum())
        return f"Mistaken({len(self.pairs)} pairs, {sure} told apart from the baseline, given {self.given})"


def missed_called(
    scored: Scored, thresholds: ArrayLike = 0.5, *, given: str = "others", correction: str = "holm"
) -> Mistaken:
    """Return for each ordered pair of classes (A, B) how often B is called where A is missed and B is not there.

    The baseline are images with neither A nor B. ``given`` = "others" compares like with like: the baseline is
    standardised to the other classes that the missed images have (direct standardisation over the exact set of other
    labels; missed images whose set no baseline image has are left out and counted by ``n_alike``). It is worth
    1 / sum(w^2 / n) images, with w the share of the missed images and n the baseline's images in each set.
    "nothing" takes all images with neither. Images of unknown truth for A or B are left out; another class that is
    unknown counts as a label of its own. Single-label images have no other labels, so there it is always "nothing".

    Intervals are Wilson's, of differences Newcombe's, with counts divided by the design effect where patients have
    several images (Rao and Scott 1992); a patient on both sides makes the interval of the difference a little wide. p
    is Fisher's, corrected for all pairs that could be tested (``correction``: see ``multiple.adjusted``).
    """
    if given not in GIVEN:
        raise Unknown.of("baseline", given, list(GIVEN))
    cells = cells_of(scored, thresholds)
    way: Given = "nothing" if cells.single or given == "nothing" else "others"
    counter = _Counter(cells, way)
    pairs = pd.concat([counter.of(a) for a in range(cells.n_classes)], ignore_index=True)
    pairs["p_adjusted"] = adjusted(pairs["p"].to_numpy(), correction)
    sure = pairs["p_adjusted"] <= 0.05
    pairs["verdict"] = np.where(sure, np.where(pairs["difference"] > 0, MORE, LESS), UNDECIDED)
    pairs["note"] = [_note(*row) for row in zip(pairs["n"], pairs["n_alike"], pairs["n_baseline"], strict=True)]
    return Mistaken(
        pairs, way, correction, len(cells), cells.n_units if scored.patients is not None else None,
        _assumed(scored, cells),
    )  # fmt: skip


class _Counter:
    """What is laid out once for all pairs."""

    def __init__(self, cells: Cells, given: Given) -> None:
        self.cells, self.given = cells, given
        self.states = np.where(~cells.known, 2, cells.truth).astype(np.int64)
        # a set of labels as one number: random multipliers modulo 2^64 tell any two sets apart but for chance of 2^-64
        self.multipliers = np.random.default_rng(_HASH).integers(1, 2**62, cells.n_classes)
        self.codes = self.states @ self.multipliers
        self.absent = cells.known & ~cells.truth
        order = np.argsort(cells.units, kind="stable").astype(np.int32)
        places = cells.units[order].astype(np.int32)
        self.by_patient = summing(places, order, cells.n_units, len(cells)) if cells.clustered else None

    def of(self, a: int) -> pd.DataFrame:
        """Return the pairs (a, b) for all other b."""
        cells = self.cells
        missed = (cells.truth[:, a] & ~cells.called[:, a])[:, None] & self.absent
        neither = self.absent[:, [a]] & self.absent
        n, k = self._counts(missed)
        rest_n, rest_k = self._counts(neither)
        effect, rest_effect = self._effect(missed), self._effect(neither)
        rate = Share.of(k, n, effect)
        if self.given == "nothing":
            alike, baseline, n_alike = rate, Share.of(rest_k, rest_n, rest_effect), np.where(rest_n > 0, n, 0.0)
        else:
            alike, baseline, n_alike = self._alike(a, missed, neither, effect, rest_effect)
        low, high = rate.ends
        base_low, base_high = baseline.ends
        gap, gap_low, gap_high = newcombe(alike, baseline)
        table: pd.DataFrame = pd.DataFrame(
            {
                "missed": cells.class_names[a], "called": list(cells.class_names),
                "n": n.astype(np.int64), "n_called": k.astype(np.int64), "rate": rate.value, "low": low, "high": high,
                "n_alike": n_alike.astype(np.int64), "rate_alike": alike.value,
                "baseline": baseline.value, "baseline_low": base_low, "baseline_high": base_high,
                "n_baseline": baseline.trials,
                "difference": gap, "difference_low": gap_low, "difference_high": gap_high,
                "p": equal_p(alike, baseline),
            }
        )  # fmt: skip
        return table.drop(index=a)

    def _counts(self, which: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
        return which.sum(axis=0).astype(np.float64), (which & self.cells.called).sum(axis=0).astype(np.float64)

    def _effect(self, which: NDArray[np.bool_]) -> Numbers:
        if self.by_patient is None:
            return np.ones(self.cells.n_classes)
        trials = self.by_patient @ which.astype(np.float64)
        return inflation(self.by_patient @ (which & self.cells.called).astype(np.float64), trials)

    def _alike(
        self, a: int, missed: NDArray[np.bool_], neither: NDArray[np.bool_], effect: Numbers, rest_effect: Numbers
    ) -> tuple[Share, Share, Numbers]:
        """Return the missed images that have a counterpart, and the baseline standardised to them."""
        codes = self.codes - self.states[:, a] * self.multipliers[a]
        # only sets of labels that some missed image has matter
        rows = np.flatnonzero(np.isin(codes, codes[missed.any(axis=1)]))
        sets, place = np.unique(codes[rows], return_inverse=True)
        order = np.argsort(place, kind="stable").astype(np.int32)
        total = summing(place[order].astype(np.int32), order, len(sets), len(rows))
        called = self.cells.called[rows]
        n, k, rest_n, rest_k = (
            total @ part.astype(np.float64)
            for part in (missed[rows], missed[rows] & called, neither[rows], neither[rows] & called)
        )
        n, k = np.where(rest_n > 0, n, 0.0), np.where(rest_n > 0, k, 0.0)
        weight = ratio(n, n.sum(axis=0))
        value = (weight * np.nan_to_num(ratio(rest_k, rest_n))).sum(axis=0)
        worth = ratio(1.0, (weight**2 / np.maximum(rest_n, 1.0)).sum(axis=0))
        baseline = Share(value, np.nan_to_num(worth) / rest_effect)
        return Share.of(k.sum(axis=0), n.sum(axis=0), effect), baseline, n.sum(axis=0)


def _note(n: int, n_alike: int, n_baseline: float) -> str:
    if n == 0:
        return "no image has A missed and B absent"
    if n_alike == 0:
        return "no image without A and B has the same other labels"
    if n_alike < n:
        return f"{n - n_alike:,} of {n:,} images have other labels that no image without A and B has"
    return "fewer than five images to compare with" if n_baseline < 5 else ""


def _assumed(scored: Scored, cells: Cells) -> tuple[str, ...]:
    if scored.patients is None:
        return ("Patients are not known: every image is taken to be of another patient.",)
    if not cells.clustered:
        return ()
    return (
        f"{len(cells):,} images of {cells.n_units:,} patients: images of one patient are alike, so counts are divided "
        "by the design effect for intervals and tests.",
    )
