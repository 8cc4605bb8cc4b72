"""The command ``compare``: models against the first one, in every class and group, with paired intervals."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.calibrate_flags import add_calibrate, calibrated, part_of_file
from lt_core.data_commands import show
from lt_core.model_flags import add_beta, add_correction, add_reading, reading_of
from lt_core.problems import Invalid

if TYPE_CHECKING:
    from lt_core.evaluation.scored import Scored

SHOWN = ("of", "metric", "a", "b", "difference", "low", "high", "verdict", "smallest_detectable")


def register(command: Any) -> None:
    """Add the command to the command line; ``command(name, run, text)`` returns a parser."""
    sub = command("compare", compare, "Hold models against the first one: settings, groups, classes.")
    sub.add_argument("runs", nargs="+", metavar="RUN", help="two or more runs, or files of predictions with --truth")
    sub.add_argument("--metric", action="append", metavar="NAME", help="f1, ap, auroc ... (default: these and more)")
    sub.add_argument("--split", help="val or test (default: test of a run, everything of a file)")
    sub.add_argument("--threshold", type=float, default=0.5, help="for every class (default: 0.5)")
    sub.add_argument("--thresholds", metavar="METHOD", help="each run's own, tuned on validation: f1, sensitivity:0.9")
    add_calibrate(sub)
    add_reading(sub, "the data set that files of predictions are held against")
    sub.add_argument("--groups", default="relative", metavar="RULE", help="head, medium, tail of a file's classes")
    add_correction(sub)
    add_beta(sub)
    sub.add_argument("--draws", type=int, default=1000, help="paired bootstrap draws of patients (default: 1000)")
    sub.add_argument("--seed", type=int, default=0, help="of the draws")


def compare(args: argparse.Namespace) -> object:
    """Hold models against the first and return the differences; of two one object, of more a list in ``pairs``."""
    if len(args.runs) < 2:
        raise Invalid("compare takes two runs or more")
    pairs = _of_files(args) if args.truth is not None else _of_runs(args)
    if not args.json:
        for pair in pairs:
            _shown(pair)
    return pairs[0] if len(pairs) == 1 else {"pairs": pairs}


def _given(args: argparse.Namespace) -> dict[str, Any]:
    from lt_core.sweeps.two_runs import METRICS

    more = {"draws": args.draws, "seed": args.seed, "correction": args.correction, "beta": args.beta}
    return {"metrics": tuple(args.metric or METRICS), **more}


def _of_runs(args: argparse.Namespace) -> list[dict[str, Any]]:
    from lt_core.evaluation.thresholds import method_of
    from lt_core.sweeps.two_runs import compare_runs
    from lt_core.training import find_run

    first, *others = [find_run(name) for name in args.runs]
    own = method_of(args.thresholds) if args.thresholds else None
    given = {
        "part": args.split or "test",
        "threshold": args.threshold,
        "thresholds": own,
        "calibrate": args.calibrate,
        **_given(args),
    }
    return [compare_runs(first, other, **given) for other in others]


def _of_files(args: argparse.Namespace) -> list[dict[str, Any]]:
    from lt_core.datasets import Source, load_images
    from lt_core.evaluation.scored_file import read_scored_file
    from lt_core.stats import groups_of
    from lt_core.sweeps.two_runs import differences

    if args.thresholds:
        raise Invalid("--thresholds tunes on the validation part of runs: give --threshold for files")
    truth = load_images(Source(args.truth, options={"image": args.truth_id} if args.truth_id else {}))
    given = reading_of(args)
    read = [read_scored_file(Path(name), truth, part=args.split, **given) for name in args.runs]
    models = [_calibrated(entry.scored, Path(name), truth, args) for name, entry in zip(args.runs, read, strict=True)]
    (first, of_first), *others = models
    groups = groups_of(read[0].positives, scheme=args.groups, class_names=first.class_names)
    cuts = (args.threshold, args.threshold)
    found = [differences(first, other, groups, cuts=cuts, **_given(args)) for other, _ in others]
    note = "files of predictions: how they were made is not known"
    return [
        {"a": {"name": first.title} | of_first, "b": {"name": other.title} | told, "part": args.split or "",
         "threshold": args.threshold, "settings": [], **entry, "note": note}
        for entry, (other, told) in zip(found, others, strict=True)
    ]  # fmt: skip


def _calibrated(scored: Scored, path: Path, truth: Any, args: argparse.Namespace) -> tuple[Scored, dict[str, str]]:
    """Return predictions of a file as ``--calibrate`` wants them, and how that was done, for its entry."""
    if args.calibrate is None:
        return scored, {}
    aside = args.split not in (None, "val")
    validation = part_of_file(path, truth, "val", reading_of(args), must=False) if aside else None
    found = calibrated(scored, validation, args)
    assert found is not None
    return found.scored, {"calibration": found.words}


def _shown(pair: dict[str, Any]) -> None:
    for side in ("a", "b"):
        how = f" ({pair[side]['calibration']})" if "calibration" in pair[side] else ""
        print(f"{side.upper()}: {pair[side]['name']}{how}")
    if pair["settings"]:
        show(pair["settings"], ("setting", "a", "b"))
    show([{"of": "macro", **row} for row in pair["macro"]], SHOWN)
    print()
    show([{"of": r["group"], **r} for r in pair["groups"]], SHOWN)
    print()
    metrics = [row["metric"] for row in pair["macro"]]
    main = "ap" if "ap" in metrics else metrics[0]
    show([{"of": r["class"], **r} for r in pair["classes"] if r["metric"] == main], SHOWN)
    part = f"{pair['part']} part, " if pair["part"] else ""
    print(f"{part}{pair['n']:,} images; {pair['note']}")
    if "correction" in pair:
        from lt_core.evaluation.uncertainty.comparison import smallest_in_words

        print(f"Verdicts go by p corrected after {pair['correction']} over the classes, and over the groups.")
        print(f"smallest_detectable: {smallest_in_words(pair['correction'])}; of macro, without correction.")
    for note in pair["notes"]:
        print(f"note: {note}")
