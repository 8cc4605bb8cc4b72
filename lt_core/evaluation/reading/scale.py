"""What the numbers of a file are: probabilities, logits, or scores that only rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.notes import counted
from lt_core.evaluation.reading.joining import listed
from lt_core.evaluation.reading.names import Family
from lt_core.problems import Invalid, Unknown

Scale = Literal["auto", "probabilities", "logits", "scores"]
SCALES: tuple[Scale, ...] = ("auto", "probabilities", "logits", "scores")


def scale_of(
    values: NDArray[np.float64],
    class_names: Sequence[str],
    said: Family,
    wanted: str,
    *,
    where: str,
    whole: Mapping[str, NDArray[np.float64]] | None = None,
) -> tuple[Literal["probabilities", "logits", "scores"], list[str]]:
    """Return what ``values`` (n, C) are, and what to tell about it.

    ``said`` is what the columns are called, ``wanted`` one of ``SCALES``. With ``auto`` columns called logits are
    logits, and everything else must lie in [0, 1]. Raises ``Invalid`` naming all classes whose values do not and how
    many of these there are in ``whole``, the columns of the file by class (None: ``values`` are all there is).
    """
    if wanted not in SCALES:
        raise Unknown.of("scale", wanted, list(SCALES))
    if wanted == "scores":
        return wanted, [_ranks(values)]
    if wanted == "logits":
        return wanted, []
    inside = bool(((values >= 0) & (values <= 1)).all())
    if wanted == "auto" and said == "logits":
        hint = " although all lie in [0, 1]: say probabilities if they are" if inside and values.size else ""
        return "logits", [f"The columns are called logits and are read as such{hint}."]
    if not inside:
        raise Invalid(_outside(whole or dict(zip(class_names, values.T, strict=True)), where))
    if values.size and bool(((values == 0) | (values == 1)).all()):
        return "probabilities", [_CALLS]
    if said == "probabilities" or wanted == "probabilities":
        return "probabilities", []
    return "probabilities", ["All numbers lie in [0, 1] and are read as probabilities."]


_CALLS = (
    "Every prediction is 0 or 1: these are calls, not probabilities. Precision, recall and F1 are theirs; AP and AUROC "
    "say only how good the calls are, and Brier and ECE are of no use."
)


def _ranks(values: NDArray[np.float64]) -> str:
    ends = f", from {values.min():g} to {values.max():g}" if values.size else ""
    return (
        "The numbers only rank the images: Brier and ECE are not defined, and a threshold is one of these numbers"
        f"{ends}, so 0.5 means nothing by itself: tune it."
    )


def _outside(columns: Mapping[str, NDArray[np.float64]], where: str) -> str:
    said = []
    for name, column in columns.items():
        parts = [f"{counted(n, 'values')} {side}" for n, side in
                 ((int((column > 1).sum()), "above 1"), (int((column < 0).sum()), "below 0")) if n]  # fmt: skip
        if parts:
            said.append(f"{name} has {' and '.join(parts)}")
    values = np.concatenate(list(columns.values()))
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    many = bool(((values < 0) | (values > 1)).mean() > 0.05)
    like = "logits" if low < 0 else "percentages (divide them by 100) or scores" if many and high <= 100 else "scores"
    few = "" if many else "; nearly all the others are probabilities, so mend these values if they are mistakes"
    return (
        f"{where} does not hold probabilities: {', '.join(said)} (from {low:g} to {high:.9g}); these look like "
        f"{like}: say --scale logits if a sigmoid makes them probabilities, or --scale scores if they only rank the "
        f"images{few}"
    )


def refuse_not_finite(
    values: NDArray[np.float64], class_names: Sequence[str], ids: Sequence[str], rows: NDArray[np.intp], *, where: str
) -> None:
    """Raise ``Invalid`` naming class, row of the file and image where a prediction is missing or infinite."""
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    counts = bad.sum(axis=0)
    said = [f"{name} {int(n):,}" for name, n in zip(class_names, counts, strict=True) if n]
    first = [f"{class_names[column]} in row {int(rows[row]) + 1} ({ids[row]})" for row, column in np.argwhere(bad)[:5]]
    raise Invalid(
        f"{where}: {counted(int(counts.sum()), 'values are missing, infinite or no number')} "
        f"({listed(said, 30)}), the first {listed(first)}: give a finite number for every class, or leave those rows "
        "out"
    )
