"""The flag ``--calibrate``: how probabilities are calibrated before a command looks at them, and on which images."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lt_core.evaluation.recalibrated import Recalibrated
    from lt_core.evaluation.scored import Scored
    from lt_core.training import Run


def add_calibrate(sub: Any) -> None:
    """Add how probabilities are calibrated before anything is measured."""
    sub.add_argument(
        "--calibrate", metavar="WAY", help="probabilities first: temperature, temperatures (one a class) or isotonic, "
        "fitted on validation, without one crosswise in folds of patients; or logit-adjustment by training counts",
    )  # fmt: skip


def calibrated(
    scored: Scored, validation: Scored | None, args: argparse.Namespace, run: Run | None = None
) -> Recalibrated | None:
    """Return predictions as ``--calibrate`` of ``args`` wants them, None where it does not say; ``--seed`` deals."""
    from lt_core.evaluation.recalibrated import recalibrated

    if args.calibrate is None:
        return None
    if run is None:
        return recalibrated(scored, validation, args.calibrate, seed=args.seed)
    from lt_core.training.recalibrating import recalibrated_run

    return recalibrated_run(run, scored, validation, args.calibrate, seed=args.seed)


def part_of_file(path: Path, truth: Any, part: str, given: dict[str, Any], *, must: bool) -> Scored | None:
    """Return the predictions of ``part`` in a file; without ``must`` None where the truth has no such images there."""
    from lt_core.evaluation.scored_file import read_scored_file

    if not must and (getattr(truth, "split", None) is None or part not in set(truth.split)):
        return None
    return read_scored_file(path, truth, part=part, **given).scored
