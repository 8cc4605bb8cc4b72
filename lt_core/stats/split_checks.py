"""What can be wrong with train, validation and test parts, each with its count, a sentence and the images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import PARTS, LabeledImages
from lt_core.datasets.notes import counted, some
from lt_core.datasets.splits.leaks import in_several_parts, leak_sentence
from lt_core.problems import Problem
from lt_core.stats.part_shares import part_shares

Kind = Literal["patients", "images", "near-duplicates", "missing", "few", "prevalence", "outside"]
Pairs = tuple[NDArray[np.integer], NDArray[np.integer]]

MIN_POSITIVES = 10
"""A part with fewer positives of a class measures it hardly at all: at 9, the interval of recall is 0.5 wide or so."""
MIN_RATIO = 1.25
ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class SplitFinding:
    """One thing found: ``count`` patients, images, pairs or classes, and the ``rows`` (n,) of the data set concerned.

    ``serious`` where results on the test part would be wrong, not only unsure. ``class_name`` and ``part`` where it is
    about one. ``pairs`` (m, 2) are rows of two images each, for near-duplicates.
    """

    kind: Kind
    sentence: str
    count: int
    rows: NDArray[np.intp]
    serious: bool = False
    class_name: str | None = None
    part: str | None = None
    pairs: NDArray[np.intp] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the finding without its rows."""
        entry = {"kind": self.kind, "count": self.count, "n_rows": len(self.rows), "serious": self.serious}
        return entry | {"class": self.class_name, "part": self.part, "sentence": self.sentence}


@dataclass(frozen=True, eq=False)
class SplitReport:
    """The parts of a set and what was found.

    ``sizes`` has one row a part: part, images, patients (missing where not known), share of the images. ``table`` is
    that of ``part_shares``. ``checked_near`` says whether near-duplicate images were looked for.
    """

    title: str
    sizes: pd.DataFrame
    table: pd.DataFrame
    findings: tuple[SplitFinding, ...]
    checked_near: bool

    def of(self, *kinds: Kind) -> tuple[SplitFinding, ...]:
        """Return the findings of some kinds."""
        return tuple(finding for finding in self.findings if finding.kind in kinds)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """What was found, the serious first; empty where nothing was."""
        return tuple(finding.sentence for finding in sorted(self.findings, key=lambda f: not f.serious))

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object of the report; not known and not defined are None."""
        return {
            "title": self.title,
            "parts": _records(self.sizes),
            "findings": [finding.as_json() for finding in self.findings],
            "near_duplicates_checked": self.checked_near,
            "classes": _records(self.table),
        }


def check_split(
    dataset: LabeledImages,
    *,
    near: Pairs | None = None,
    min_positives: int = MIN_POSITIVES,
    min_ratio: float = MIN_RATIO,
    alpha: float = ALPHA,
) -> SplitReport:
    """Return what is wrong with the parts of ``dataset``; raise ``Problem`` where it has none.

    ``near``: rows of nearly equal images (m, 2) and their distances (m,), as from ``near_duplicates``; None = not
    looked for. ``min_positives``: a class with fewer in a part is named. A shift of prevalence against the training
    part is named only where it is both significant (Holm-adjusted p < ``alpha``) and large (one share at least
    ``min_ratio`` times the other).
    """
    if dataset.split is None:
        raise Problem(f"{dataset.title} has no parts to check: assign them first")
    table = part_shares(dataset, min_ratio=min_ratio, alpha=alpha)
    findings = [
        *_patients(dataset),
        *_same_image(dataset),
        *(() if near is None else _near(dataset, *near)),
        *_too_few(dataset, table, min_positives),
        *_shifted(dataset, table),
        *_outside(dataset),
    ]
    return SplitReport(dataset.title, part_sizes(dataset), table, tuple(findings), near is not None)


def part_sizes(dataset: LabeledImages) -> pd.DataFrame:
    """Return one row for each part there is: ``part, images, patients, share`` (of the images that are in a part)."""
    assert dataset.split is not None
    rows = []
    for part in PARTS:
        mine = dataset.split == part
        if mine.any():
            patients = None if dataset.groups is None else int(pd.Series(dataset.groups[mine]).nunique())
            rows.append({"part": part, "images": int(mine.sum()), "patients": patients})
    frame = pd.DataFrame(rows, columns=["part", "images", "patients"])
    return frame.assign(patients=frame["patients"].astype("Int64"), share=frame["images"] / frame["images"].sum())


def _patients(dataset: LabeledImages) -> list[SplitFinding]:
    if dataset.groups is None or dataset.split is None:
        return []
    across = in_several_parts(dataset.groups, dataset.split)
    if not len(across):
        return []
    rows = np.flatnonzero(pd.Series(dataset.groups).isin(across.tolist()).to_numpy() & np.isin(dataset.split, PARTS))
    return [SplitFinding("patients", leak_sentence(across), len(across), rows, serious=True)]


def _same_image(dataset: LabeledImages) -> list[SplitFinding]:
    if dataset.ids is None or dataset.split is None:
        return []
    across = in_several_parts(dataset.ids, dataset.split)
    if not len(across):
        return []
    rows = np.flatnonzero(pd.Series(dataset.ids).isin(across.tolist()).to_numpy())
    what = counted(len(across), f"images are in more than one part under the same name ({some(across.tolist())})")
    return [SplitFinding("images", what, len(across), rows, serious=True)]


def _near(dataset: LabeledImages, pairs: NDArray[np.integer], distances: NDArray[np.integer]) -> list[SplitFinding]:
    assert dataset.split is not None
    rows = np.asarray(pairs, np.intp).reshape(-1, 2)
    sides = dataset.split[rows]
    apart = (sides[:, 0] != sides[:, 1]) & np.isin(sides, PARTS).all(axis=1)
    rows = rows[apart][np.argsort(np.asarray(distances)[apart], kind="stable")]
    if not len(rows):
        return []
    same = 0 if dataset.groups is None else int((dataset.groups[rows[:, 0]] == dataset.groups[rows[:, 1]]).sum())
    whose = "" if dataset.groups is None else f", {same:,} of them of one patient or lesion"
    what = counted(len(rows), f"pairs of nearly equal images lie in different parts{whose}: look at them")
    return [SplitFinding("near-duplicates", what, len(rows), np.unique(rows), serious=True, pairs=rows)]


def _too_few(dataset: LabeledImages, table: pd.DataFrame, min_positives: int) -> list[SplitFinding]:
    somewhere = table.groupby("class", sort=False, observed=True)["positives"].transform("sum") > 0
    found = []
    for part in dict.fromkeys(table["part"]):
        mine = table[(table["part"] == part) & somewhere]
        none, few = mine[mine["positives"] == 0], mine[mine["positives"].between(1, min_positives - 1)]
        if len(none):
            what = f"no positive in the {part} part: {some(none['class'].tolist())}"
            found.append(SplitFinding("missing", what, len(none), np.zeros(0, np.intp), True, part=part))
        if len(few):
            named = [f"{name} ({n})" for name, n in zip(few["class"], few["positives"], strict=True)]
            what = f"fewer than {min_positives} positives in the {part} part: {some(named, 10)}"
            rows = [_rows_of(dataset, str(name), part) for name in few["class"].tolist()[:50]]
            found.append(SplitFinding("few", what, len(few), np.unique(np.concatenate(rows)), part=part))
    return found


def _shifted(dataset: LabeledImages, table: pd.DataFrame) -> list[SplitFinding]:
    found = []
    for row in table[table["flagged"]].to_dict("records"):
        name, part = str(row["class"]), str(row["part"])
        p = "p < 0.001" if row["p_holm"] < 0.001 else f"p = {row['p_holm']:.3f}"
        what = (
            f"{name} is in {row['prevalence']:.2%} of the {part} part and in {row['reference']:.2%} of the "
            f"{row['against']} part: difference {100 * row['difference']:+.2f} points, 95 % interval "
            f"{100 * row['difference_low']:+.2f} to {100 * row['difference_high']:+.2f}, Holm-adjusted {p}"
        )
        found.append(SplitFinding("prevalence", what, 1, _rows_of(dataset, name, part), class_name=name, part=part))
    return found


def _outside(dataset: LabeledImages) -> list[SplitFinding]:
    assert dataset.split is not None
    rows = np.flatnonzero(~np.isin(dataset.split, PARTS))
    if not len(rows):
        return []
    return [SplitFinding("outside", counted(len(rows), "images are in no part: not used by anything"), len(rows), rows)]


def _rows_of(dataset: LabeledImages, class_name: str, part: str) -> NDArray[np.intp]:
    assert dataset.split is not None
    rows = dataset.rows_with(dataset.class_names.index(class_name))
    mine: NDArray[np.intp] = rows[dataset.split[rows] == part]
    return mine


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as JSON objects, with None for what is missing, not a number or infinite."""

    def plain(value: Any) -> Any:
        if value is pd.NA or value is None:
            return None
        value = value.item() if isinstance(value, np.generic) else value
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [{str(key): plain(value) for key, value in row.items()} for row in frame.to_dict("records")]
