"""The command ``report``: a model card of runs, or of predictions from a file, as one HTML file and as tables."""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.calibrate_flags import add_calibrate, calibrated, part_of_file
from lt_core.data_commands import pairs_of
from lt_core.model_flags import add_beta, add_correction, add_reading, reading_of, refuse_of_files, truth_of
from lt_core.problems import Invalid, Problem

if TYPE_CHECKING:
    import pandas as pd

    from lt_core.evaluation.errors import Sliced
    from lt_core.evaluation.recalibrated import Recalibrated
    from lt_core.evaluation.scored import Scored
    from lt_core.evaluation.thresholds import Thresholds
    from lt_core.evaluation.uncertainty import Comparison, Evaluation
    from lt_core.training import Run


def register(command: Any, source_options: Callable[[Any], None]) -> None:
    """Add the command to the command line; ``command(name, run, text)`` returns a parser."""
    sub = command("report", report, "Write a report on runs, or on predictions of any model, as one HTML file.")
    sub.add_argument("runs", nargs="*", metavar="RUN", help="one run or several; or give --predictions")
    sub.add_argument("--predictions", type=Path, metavar="FILE", help="a table or .npz of any model's answers")
    add_reading(sub, "the data set with the labels (default: beside the predictions)")
    sub.add_argument("--validation", type=Path, metavar="FILE", help="predictions to tune on, of the same truth")
    sub.add_argument("--out", required=True, type=Path, metavar="FILE.html", help="the report to write")
    sub.add_argument("--split", help="val or test (default: test of a run, everything of a file)")
    sub.add_argument("--threshold", type=float, default=0.5, help="for every class (default: 0.5)")
    sub.add_argument("--thresholds", metavar="METHOD", help="tune them on validation instead: f1, sensitivity:0.9 ...")
    add_calibrate(sub)
    sub.add_argument("--groups", default="relative", metavar="RULE", help="head, medium, tail of a file's classes")
    sub.add_argument("--metric", default="f1", metavar="NAME", help="of comparisons and slices (default: f1)")
    sub.add_argument(
        "--by", action="append", default=[], metavar="COLUMN", help="slices by what is known of the images: age, sex, "
        "view ...; may be given several times",
    )  # fmt: skip
    add_correction(sub)
    add_beta(sub)
    sub.add_argument("--draws", type=int, default=1000, help="bootstrap draws of patients (default: 1000)")
    sub.add_argument("--seed", type=int, default=0, help="of the draws")
    sub.add_argument("--title", default="", help="of the report")
    sub.add_argument(
        "--state", action="append", default=[], metavar="name=text", help="what only people know: purpose, source, "
        "ground_truth, limits, funding and more; what is missing is said to be not stated",
    )  # fmt: skip
    for flag, suffix in (("csv", "csv"), ("excel", "csv"), ("latex", "tex"), ("markdown", "md")):
        sub.add_argument(f"--{flag}", type=Path, metavar=f"FILE.{suffix}", help=f"write the table for {flag} too")
    sub.add_argument("--figures", type=Path, metavar="FOLDER", help="write the figures too, as SVG and PNG")
    source_options(sub)


@dataclass(frozen=True, eq=False)
class Entrant:
    """One model of a report: its predictions, those that tune thresholds, its groups, what is known of it."""

    name: str
    scored: Scored
    validation: Scored | None
    groups: list[str]
    about: Mapping[str, Any]
    thresholds: Any = 0.5
    tuned: Thresholds | None = None
    told: dict[str, Any] = field(default_factory=dict)
    columns: pd.DataFrame | None = None
    run: Run | None = None
    calibrated: Recalibrated | None = None


def report(args: argparse.Namespace) -> object:
    """Evaluate, write the files asked for, and return what was written and the headline."""
    from lt_core.doctor import examine
    from lt_core.evaluation.reliability import reliability
    from lt_core.evaluation.uncertainty import evaluate
    from lt_core.review import model_card

    if bool(args.runs) == (args.predictions is not None):
        raise Invalid("report takes one RUN or several, or --predictions FILE with --truth SOURCE")
    if args.runs:
        refuse_of_files(args)
    given = _of_runs(args) if args.runs else [_of_file(args)]
    entrants = [_tuned(_calibrated(entrant, args), args) for entrant in given]
    found = {
        e.name: evaluate(e.scored, thresholds=e.thresholds, groups=e.groups, draws=args.draws, seed=args.seed,
                         beta=args.beta)
        for e in entrants
    }  # fmt: skip
    here = examine()
    html = model_card(
        found,
        about={e.name: e.about for e in entrants},
        comparison=_comparisons(entrants, args),
        calibration={e.name: reliability(e.scored) for e in entrants if e.scored.probabilities is not None},
        thresholds={e.name: e.tuned.as_json() for e in entrants if e.tuned is not None},
        probabilities={
            e.name: "as the model says them" if e.calibrated is None else e.calibrated.words
            for e in entrants
            if e.scored.probabilities is not None
        },
        optimism={e.name: e.told for e in entrants if e.told},
        slices={e.name: _slices(e, args) for e in entrants},
        said=pairs_of("--state", args.state),
        versions={"LongTail Lab": here["longtail_lab"], "Python": here["python"], **here["versions"]},
        title=args.title,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        command=shlex.join(["python", "-m", "lt_core", *sys.argv[1:]]) if sys.argv[1:2] == ["report"] else "",
    )
    written = _written(html, found, str(entrants[0].about.get("data", {}).get("title", "")), args)
    if not args.json:
        print("\n".join(f"written: {path}" for path in written))
    return {"written": written, "models": list(found), "macro_f1": {n: _f1(e) for n, e in found.items()}}


def _f1(found: Evaluation) -> float | None:
    from lt_core.evaluation.ratios import or_none

    return or_none(found.macro["f1"].value)


def _of_runs(args: argparse.Namespace) -> list[Entrant]:
    from lt_core.evaluation.scored import Scored
    from lt_core.explain.of_run import known_of_run
    from lt_core.review import about_run
    from lt_core.training import find_run
    from lt_core.training.predicting import predictions_of

    entrants: list[Entrant] = []
    part = args.split or "test"
    for given in args.runs:
        run = find_run(given)
        name = run.name if run.name not in {e.name for e in entrants} else f"{run.name} ({len(entrants) + 1})"
        kept = predictions_of(run, part)
        scored = Scored.of(kept, title=name)
        wanted = part != "val" and (args.thresholds is not None or args.calibrate is not None)
        validation = Scored.of(predictions_of(run, "val"), title=name) if wanted else None
        columns = known_of_run(run, kept.rows) if args.by else None
        groups = list(run.dataset_card["groups"])
        entrants.append(Entrant(name, scored, validation, groups, about_run(run), columns=columns, run=run))
    return entrants


def _of_file(args: argparse.Namespace) -> Entrant:
    from lt_core.evaluation.scored_file import read_scored_file
    from lt_core.stats import groups_of

    truth, given = truth_of(args), reading_of(args)
    found = read_scored_file(args.predictions, truth, part=args.split, **given)
    validation = None
    if args.validation is not None:
        validation = read_scored_file(args.validation, truth, **given).scored
    elif (args.thresholds or args.calibrate) and args.split not in (None, "val"):
        validation = part_of_file(args.predictions, truth, "val", given, must=args.thresholds is not None)
    groups = groups_of(found.positives, scheme=args.groups, class_names=found.scored.class_names)
    about = {"predictions": args.predictions.name, "truth": Path(args.truth).name if args.truth else "in the same file"}
    about["groups"] = f"by the counts of {found.counted}; the rule is {args.groups}"
    return Entrant(args.predictions.stem, found.scored, validation, list(groups), about)


def _calibrated(entrant: Entrant, args: argparse.Namespace) -> Entrant:
    from dataclasses import replace

    found = calibrated(entrant.scored, entrant.validation, args, entrant.run)
    if found is None:
        return entrant
    return replace(entrant, scored=found.scored, validation=found.validation, calibrated=found)


def _tuned(entrant: Entrant, args: argparse.Namespace) -> Entrant:
    """Return the entrant with its thresholds, and with how much tuning flatters where they were tuned on itself."""
    from dataclasses import replace

    from lt_core.evaluation.optimism import optimism
    from lt_core.evaluation.thresholds import method_of, tune

    if args.thresholds is None:
        return replace(entrant, thresholds=args.threshold)
    method, target = method_of(args.thresholds)
    on = entrant.scored if entrant.validation is None else entrant.validation
    tuned = tune(on, method, target=target)
    note = "" if entrant.calibrated is None else entrant.calibrated.not_nested(per_class=True)
    told = optimism(on, method, target=target, seed=args.seed).as_json() | {"note": note}
    if entrant.validation is None or not tuned.tuned_on:
        where = args.validation.name if args.validation is not None else "val"
        tuned = replace(tuned, tuned_on="the images they are scored on" if entrant.validation is None else where)
    at = tuned.for_classes(entrant.scored.class_names)
    return replace(entrant, thresholds=at, tuned=tuned, told=told)


def _slices(entrant: Entrant, args: argparse.Namespace) -> list[Sliced]:
    from lt_core.evaluation.errors import by_slice

    return [
        by_slice(
            entrant.scored, column, entrant.thresholds, metric=args.metric, columns=entrant.columns, draws=args.draws,
            seed=args.seed, correction=args.correction, beta=args.beta,
        )
        for column in args.by
    ]  # fmt: skip


def _comparisons(entrants: list[Entrant], args: argparse.Namespace) -> list[Comparison]:
    from lt_core.evaluation.uncertainty import compare

    first, *others = entrants
    return [
        compare(
            first.scored, other.scored, metric=args.metric, thresholds_a=first.thresholds,
            thresholds_b=other.thresholds, groups=first.groups, draws=args.draws, seed=args.seed,
            correction=args.correction, beta=args.beta,
        )
        for other in others
    ]  # fmt: skip


def _written(html: str, found: Mapping[str, Evaluation], data: str, args: argparse.Namespace) -> list[str]:
    from lt_core import review
    from lt_core.review.figures import classes_figure

    files: dict[Path, bytes] = {args.out: html.encode()}
    makers: dict[str, Callable[[], bytes]] = {
        "csv": lambda: review.csv(found, data=data).encode(),
        "excel": lambda: review.excel_csv(found, data=data),
        "latex": lambda: review.latex(found, data=data).encode(),
        "markdown": lambda: review.markdown(found, data=data).encode(),
    }
    files |= {getattr(args, flag): make() for flag, make in makers.items() if getattr(args, flag) is not None}
    if args.figures is not None:
        for metric in ("f1", "ap", "auroc"):
            drawing = classes_figure(found, metric)
            files[args.figures / f"{metric}.svg"] = drawing.svg().encode()
            files[args.figures / f"{metric}.png"] = drawing.png()
    for path, content in files.items():
        try:
            if args.figures is not None and path.parent == args.figures:
                path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise Problem(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from None
    return [str(path) for path in files]
