"""What was done with a file of predictions, in sentences and in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from lt_core.evaluation.reading.joining import Join, listed
from lt_core.evaluation.reading.names import Match, family_of
from lt_core.evaluation.reading.raw import Columns
from lt_core.evaluation.reading.truth import Truth


def sentences(
    columns: Columns, truth: Truth, matches: list[Match], left: list[str], join: Join | None
) -> list[str]:  # fmt: skip
    """Return in sentences what was left out and how rows were joined."""
    said = []
    missing = [match.class_name for match in matches if not match.column]
    if missing:
        said.append(f"Classes of the truth without predictions, left out: {', '.join(missing)}.")
    called = [name for name in left if family_of(name)[0] or not _is_metadata(columns, name)]
    if called:
        said.append(f"Predictions of classes that {truth.name} does not have, left out: {', '.join(called)}.")
    if join is None:
        return said
    n = len(join.rows)
    said.append(f"Joined on {join.column!r} with {truth.name}, names {join.how}: {n:,} images have both.")
    said += join.notes
    if join.unpredicted:
        said.append(f"{len(join.unpredicted):,} images of {truth.name} have no prediction and are left out: "
                    f"{listed(join.unpredicted)}.")  # fmt: skip
    if join.unknown:
        said.append(f"{len(join.unknown):,} predictions are about images that {truth.name} does not list, left out: "
                    f"{listed(join.unknown)}.")  # fmt: skip
    return said


def _is_metadata(columns: Columns, name: str) -> bool:
    """Whether a column without a prefix holds anything but fractions in [0, 1]: an age, a number of a row."""
    numbers = columns.numbers(name)
    return not columns.is_fractional(name) or bool((np.abs(numbers[np.isfinite(numbers)]) > 50).any())


def counts_of(join: Join | None, truth: Truth, columns: Columns) -> dict[str, Any]:
    """Return how many rows were put together and which were not, as a JSON object; empty without a join."""
    if join is None:
        return {}
    return {
        "id_column": join.column,
        "names": join.how,
        "n": len(join.rows),
        "n_predictions": columns.n,
        "n_truth": len(truth.labels),
        "n_without_prediction": len(join.unpredicted),
        "n_without_truth": len(join.unknown),
        "without_prediction": list(join.unpredicted[:20]),
        "without_truth": list(join.unknown[:20]),
    }
