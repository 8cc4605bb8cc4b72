"""The model that a command is about: a run, or predictions of any model from a file, and where its thresholds are."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.calibrate_flags import add_calibrate, calibrated, part_of_file
from lt_core.data_commands import pairs_of, source_of
from lt_core.problems import Invalid, Problem

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from lt_core.evaluation.recalibrated import Recalibrated
    from lt_core.evaluation.scored import Scored
    from lt_core.evaluation.thresholds import Thresholds
    from lt_core.training import Run

METHODS = (
    "f1, youden, sensitivity:0.9, specificity:0.9, precision:0.5, prevalence (as many called as are positive), prior "
    "(the probability is cut at the class's prevalence)"
)


def add_model(sub: Any, source_options: Callable[[Any], None]) -> None:
    """Add what says which model, on which images: a run or a file with its truth, a part, groups."""
    sub.add_argument("run", nargs="?", metavar="RUN", help="a run; or give --predictions")
    sub.add_argument("--predictions", type=Path, metavar="FILE", help="a table or .npz of any model's answers")
    add_reading(sub, "the data set with the labels (default: beside the predictions)")
    sub.add_argument("--split", help="train, val or test (default: test of a run, everything of a file)")
    sub.add_argument("--validation", type=Path, metavar="FILE", help="predictions to tune on, of the same truth")
    sub.add_argument("--groups", default="relative", metavar="RULE", help="head, medium, tail of a file's classes")
    add_calibrate(sub)
    source_options(sub)


def add_reading(sub: Any, truth: str) -> None:
    """Add how files of predictions are read: their truth, columns, names and scale."""
    sub.add_argument("--truth", metavar="SOURCE", help=truth)
    sub.add_argument("--id", dest="id_column", metavar="COLUMN", help="the column of the predictions that names images")
    sub.add_argument("--truth-id", metavar="COLUMN", help="the column of --truth that names images")
    sub.add_argument("--alias", action="append", default=[], metavar="name=class", help="what a class is called there")
    sub.add_argument("--scale", default="auto", help="auto, probabilities, logits, or scores that only rank")


def reading_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return what ``add_reading`` says of files but the truth, as ``read_scored_file`` takes it."""
    return {"scale": args.scale, "id_column": args.id_column, "aliases": pairs_of("--alias", args.alias)}


def truth_of(args: argparse.Namespace) -> Any:
    """Return the data set that ``--truth`` names; None where the labels stand beside the predictions."""
    from lt_core.datasets import load_images

    if args.truth is None:
        return None
    args.source = args.truth
    wanted = source_of(args)
    if args.truth_id:
        wanted = replace(wanted, options={**wanted.options, "image": args.truth_id})
    return load_images(wanted)


def add_correction(sub: Any) -> None:
    """Add how p-values are corrected for their number."""
    sub.add_argument(
        "--correction", default="holm", type=lambda name: {"bh": "benjamini-hochberg"}.get(name, name),
        metavar="NAME", help="of p-values for how many they are: holm (default), bh (benjamini-hochberg) or none",
    )  # fmt: skip


def add_beta(sub: Any) -> None:
    """Add the beta of F-beta."""
    sub.add_argument(
        "--beta", type=float, default=2.0, help="of F-beta: recall counts beta^2 times precision (default: 2)"
    )


def add_thresholds(sub: Any) -> None:
    """Add where an answer becomes yes, and the draws of intervals."""
    sub.add_argument("--threshold", type=float, default=0.5, help="for every class (default: 0.5)")
    sub.add_argument("--thresholds", metavar="METHOD", help=f"tune them instead: {METHODS}")
    sub.add_argument("--one-for-all", action="store_true", help="tune one threshold instead of one a class")
    add_draws(sub)


def add_draws(sub: Any) -> None:
    """Add how the bootstrap draws."""
    sub.add_argument("--draws", type=int, default=1000, help="bootstrap draws of patients (default: 1000)")
    sub.add_argument("--seed", type=int, default=0, help="of the draws")


@dataclass(frozen=True, eq=False)
class Asked:
    """What a command is about: predictions, those that tune thresholds (None: these), groups, what there is to say.

    ``about`` goes into the JSON object as it is. ``run``, and the ``rows`` (n,) of its set, are None for predictions
    from a file. ``calibrated`` says how the probabilities were calibrated, None where they are the model's.
    """

    scored: Scored
    validation: Scored | None
    groups: list[str]
    about: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    run: Run | None = None
    rows: NDArray[np.int64] | None = None
    calibrated: Recalibrated | None = None

    def not_nested(self, *, per_class: bool = True) -> str:
        """Return what the estimate of how much tuning flatters leaves out, "" where nothing."""
        return "" if self.calibrated is None else self.calibrated.not_nested(per_class=per_class)

    def head(self) -> dict[str, Any]:
        """Return what every answer begins with: whose predictions, which part, how many images and patients."""
        scored = self.scored
        return self.about | {"part": scored.part, "n": len(scored), "n_patients": patients_of(scored)}

    def said(self, tuned: Thresholds | None, *more: str) -> list[str]:
        """Return what has to be said of the predictions and their thresholds, each sentence once."""
        found = [*self.scored.notes, *self.notes, *(tuned.notes if tuned else ()), *more]
        if tuned is not None and self.validation is None:
            found.append("Thresholds were tuned on the images they are scored on, which flatters.")
        return list(dict.fromkeys(found))

    @property
    def columns(self) -> pd.DataFrame:
        """What is known of each image beside its labels, (n rows); raise ``Problem`` where nothing is."""
        if self.scored.columns is not None and len(self.scored.columns.columns):
            return self.scored.columns
        if self.run is None or self.rows is None:
            raise Problem(
                "the truth of these predictions has labels only: a --truth with columns such as age, sex, view or site "
                "gives slices"
            )
        from lt_core.explain.of_run import known_of_run

        return known_of_run(self.run, self.rows)


def asked_of(args: argparse.Namespace, *, tune_on: str | None, must: bool = True) -> Asked:
    """Return what ``args`` of ``add_model`` say; ``tune_on`` is the part that tunes thresholds (None: nothing does).

    Without ``must`` that part of a file may be missing.
    """
    if (args.run is None) == (args.predictions is None):
        raise Invalid(f"{args.command_name} takes a RUN, or --predictions FILE with --truth SOURCE")
    asked = _of_run(args, tune_on) if args.run is not None else _of_file(args, tune_on, must)
    found = calibrated(asked.scored, asked.validation, args, asked.run)
    if found is None:
        return asked
    about = asked.about | {"calibration": found.as_json()}
    return replace(asked, scored=found.scored, validation=found.validation, about=about, calibrated=found)


def _of_run(args: argparse.Namespace, tune_on: str | None) -> Asked:
    from lt_core.evaluation.scored import Scored
    from lt_core.training import find_run
    from lt_core.training.predicting import predictions_of

    refuse_of_files(args)
    run = find_run(args.run)
    part = args.split or "test"
    said = predictions_of(run, part)
    found = Scored.of(said, title=run.name)
    wanted = tune_on not in (None, part)
    validation = Scored.of(predictions_of(run, str(tune_on)), title=run.name) if wanted else None
    return Asked(found, validation, list(run.dataset_card["groups"]), {"run": str(run.path)}, (), run, said.rows)


def _of_file(args: argparse.Namespace, tune_on: str | None, must: bool) -> Asked:
    from lt_core.evaluation.scored_file import read_scored_file
    from lt_core.stats import groups_of

    truth, given = truth_of(args), reading_of(args)
    found = read_scored_file(args.predictions, truth, part=args.split, **given)
    validation = None
    if args.validation is not None:
        validation = read_scored_file(args.validation, truth, **given).scored
    elif tune_on is not None and args.split not in (None, tune_on):
        validation = part_of_file(args.predictions, truth, tune_on, given, must=must)
    groups = groups_of(found.positives, scheme=args.groups, class_names=found.scored.class_names)
    note = f"Head, medium and tail by the counts of {found.counted}."
    about = {key: value for key, value in found.as_json().items() if key != "notes"}
    return Asked(found.scored, validation, list(groups), {"predictions": str(args.predictions), **about}, (note,))


def refuse_of_files(args: argparse.Namespace) -> None:
    """Raise ``Invalid`` where a run is given what only files of predictions need."""
    for flag in ("truth", "id_column", "truth_id", "validation"):
        if getattr(args, flag) is not None:
            raise Invalid(f"--{flag.replace('_column', '').replace('_', '-')} is for --predictions: a run has its own")


def cut_of(args: argparse.Namespace) -> tuple[Asked, Any, Thresholds | None]:
    """Return what ``args`` of ``add_model`` and ``add_thresholds`` are about, the thresholds, and how they were tuned.

    Thresholds are a number or (C,), on the scale of ``cuts.decision_values``.
    """
    from lt_core.evaluation.thresholds import method_of, tune

    if args.thresholds is None:
        return asked_of(args, tune_on="val" if args.calibrate else None, must=False), args.threshold, None
    method, target = method_of(args.thresholds)
    asked = asked_of(args, tune_on="val")
    on = asked.scored if asked.validation is None else asked.validation
    found = tune(on, method, target=target, per_class=not args.one_for_all)
    return asked, found.for_classes(asked.scored.class_names), found


def patients_of(scored: Scored) -> int | None:
    """Return how many patients the images are of, None where that is not known."""
    return None if scored.patients is None else int(scored.units.max(initial=-1)) + 1


def show_end(entry: dict[str, Any]) -> None:
    """Print what ends every table: how many images, what low and high are, and the notes."""
    who = "" if entry["n_patients"] is None else f" of {entry['n_patients']:,} patients"
    part = f"{entry['part']} part, " if entry["part"] else ""
    print(f"{part}{entry['n']:,} images{who}. Low and high are 95 % intervals.")
    for note in entry["notes"]:
        print(f"note: {note}")
