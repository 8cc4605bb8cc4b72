"""The command ``evaluate``: a run, or predictions of any model from a file, class by class with intervals."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.data_commands import pairs_of, show, source_of
from lt_core.problems import Invalid, Problem

if TYPE_CHECKING:
    from lt_core.evaluation.scored import Scored
    from lt_core.evaluation.thresholds import Thresholds
    from lt_core.evaluation.uncertainty import Evaluation

METHODS = "f1, youden, sensitivity:0.9, specificity:0.9, precision:0.5, prevalence"


def register(command: Any, source_options: Callable[[Any], None]) -> None:
    """Add the command to the command line; ``command(name, run, text)`` returns a parser."""
    sub = command("evaluate", evaluate, "Every measure of every class with its interval, of a run or of any model.")
    sub.add_argument("run", nargs="?", metavar="RUN", help="a run; or give --predictions")
    sub.add_argument("--predictions", type=Path, metavar="FILE", help="a table or .npz of any model's answers")
    sub.add_argument("--truth", metavar="SOURCE", help="the data set with the labels (default: beside the predictions)")
    sub.add_argument("--id", dest="id_column", metavar="COLUMN", help="the column of --predictions that names images")
    sub.add_argument("--truth-id", metavar="COLUMN", help="the column of --truth that names images")
    sub.add_argument("--alias", action="append", default=[], metavar="name=class", help="what a class is called there")
    sub.add_argument("--scale", default="auto", help="auto, probabilities, logits, or scores that only rank")
    sub.add_argument("--split", help="train, val or test (default: test of a run, everything of a file)")
    sub.add_argument("--threshold", type=float, default=0.5, help="for every class (default: 0.5)")
    sub.add_argument("--thresholds", metavar="METHOD", help=f"tune them instead: {METHODS}")
    sub.add_argument("--one-for-all", action="store_true", help="tune one threshold instead of one a class")
    sub.add_argument("--validation", type=Path, metavar="FILE", help="predictions to tune on, of the same truth")
    sub.add_argument("--groups", default="relative", metavar="RULE", help="head, medium, tail of a file's classes")
    sub.add_argument("--draws", type=int, default=1000, help="bootstrap draws of patients (default: 1000)")
    sub.add_argument("--seed", type=int, default=0, help="of the draws")
    for flag, suffix in (("csv", "csv"), ("latex", "tex"), ("markdown", "md")):
        sub.add_argument(f"--{flag}", type=Path, metavar=f"FILE.{suffix}", help=f"write the table as {flag}")
    source_options(sub)


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be evaluated: predictions, those that tune thresholds (None: these), groups, what there is to say."""

    scored: Scored
    validation: Scored | None
    groups: list[str]
    about: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def evaluate(args: argparse.Namespace) -> object:
    """Evaluate, write the files asked for, print for a person, and return the JSON object."""
    from lt_core.evaluation.uncertainty import evaluate as evaluated

    if (args.run is None) == (args.predictions is None):
        raise Invalid("evaluate takes a RUN, or --predictions FILE with --truth SOURCE")
    asked = _of_run(args) if args.run is not None else _of_file(args)
    tuned, told = _thresholds(asked, args)
    at = args.threshold if tuned is None else tuned.for_classes(asked.scored.class_names)
    found = evaluated(asked.scored, thresholds=at, groups=asked.groups, draws=args.draws, seed=args.seed)
    found = replace(found, notes=(*found.notes, *asked.notes, *(() if tuned is None else tuned.notes)))
    _written(found, args)
    entry = _json(found) | asked.about | told
    if not args.json:
        _shown(entry, found)
    return entry


def _of_run(args: argparse.Namespace) -> Asked:
    from lt_core.evaluation.scored import Scored
    from lt_core.training import find_run
    from lt_core.training.predicting import predictions_of

    for flag in ("truth", "id_column", "truth_id", "validation"):
        if getattr(args, flag) is not None:
            raise Invalid(f"--{flag.replace('_column', '').replace('_', '-')} is for --predictions: a run has its own")
    run = find_run(args.run)
    part = args.split or "test"
    found = Scored.of(predictions_of(run, part), title=run.name)
    wanted = args.thresholds is not None and part != "val"
    validation = Scored.of(predictions_of(run, "val"), title=run.name) if wanted else None
    return Asked(found, validation, list(run.dataset_card["groups"]), {"run": str(run.path)})


def _of_file(args: argparse.Namespace) -> Asked:
    from lt_core.datasets import load_images
    from lt_core.evaluation.scored_file import read_scored_file
    from lt_core.stats import groups_of

    truth: Any = None
    if args.truth is not None:
        args.source = args.truth
        wanted = source_of(args)
        if args.truth_id:
            wanted = replace(wanted, options={**wanted.options, "image": args.truth_id})
        truth = load_images(wanted)
    given = {"scale": args.scale, "id_column": args.id_column, "aliases": pairs_of("--alias", args.alias)}
    found = read_scored_file(args.predictions, truth, part=args.split, **given)
    validation = None
    if args.validation is not None:
        validation = read_scored_file(args.validation, truth, **given).scored
    elif args.thresholds is not None and args.split not in (None, "val"):
        validation = read_scored_file(args.predictions, truth, part="val", **given).scored
    groups = groups_of(found.positives, scheme=args.groups, class_names=found.scored.class_names)
    note = f"Head, medium and tail by the counts of {found.counted}."
    about = {key: value for key, value in found.as_json().items() if key != "notes"}
    return Asked(found.scored, validation, list(groups), {"predictions": str(args.predictions), **about}, (note,))


def _thresholds(asked: Asked, args: argparse.Namespace) -> tuple[Thresholds | None, dict[str, Any]]:
    """Return tuned thresholds where they are asked for, and what is said of them: where, and how much it flatters."""
    from lt_core.evaluation.optimism import optimism
    from lt_core.evaluation.thresholds import method_of, tune

    if args.thresholds is None:
        return None, {}
    method, target = method_of(args.thresholds)
    on = asked.scored if asked.validation is None else asked.validation
    found = tune(on, method, target=target, per_class=not args.one_for_all)
    told: dict[str, Any] = {"thresholds": found.as_json()}
    if not args.one_for_all:
        nested = optimism(on, method, target=target, seed=args.seed)
        told["optimism"] = nested.as_json()
    if asked.validation is None:
        gap = told.get("optimism", {}).get("macro", {}).get("optimism")
        by = f", by about {gap:.3f} in macro F1 here" if gap is not None else ""
        note = f"Thresholds were tuned on the images they are scored on, which flatters{by}: give --validation."
        found = replace(found, notes=(*found.notes, note))
    return found, told


def _json(found: Evaluation) -> dict[str, Any]:
    """Return the JSON object of an evaluation; a group also says how many classes and positives it has."""
    entry = found.as_json()
    table = found.classes
    for name, values in entry["groups"].items():
        mine = table[table["group"] == name]
        values |= {"n_classes": len(mine), "n_positive": int(mine["n_positive"].sum())}
    return entry


def _written(found: Evaluation, args: argparse.Namespace) -> None:
    from lt_core import review
    from lt_core.datasets.csv_text import as_csv

    makers: dict[str, Callable[[], str]] = {
        "csv": lambda: as_csv(found.classes),
        "latex": lambda: review.latex(found),
        "markdown": lambda: review.markdown(found),
    }
    for name, make in makers.items():
        path: Path | None = getattr(args, name)
        if path is None:
            continue
        try:
            path.write_text(make(), encoding="utf-8")
        except OSError as error:
            raise Problem(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from None


def _shown(entry: dict[str, Any], found: Evaluation) -> None:
    from lt_core.evaluation.result_table import caption, result_table

    if "matches" in entry:
        show(entry["matches"], ("class", "column", "how"))
        print()
    table = result_table(found)
    show([dict(zip(table.columns, row, strict=True)) for row in table.to_numpy().tolist()], tuple(table.columns))
    means = [{"mean": name, **entry[name]} for name in ("macro", "weighted", "micro")]
    show(means, ("mean", "f1", "ap", "auroc"))
    if "accuracy" in entry:
        print(f"accuracy {entry['accuracy']:.4f}, each image being called the class with its largest score")
    print(caption(found))
    for note in found.notes:
        print(f"note: {note}")
