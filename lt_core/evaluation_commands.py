"""The commands ``evaluate`` and ``thresholds``: a run, or any model's predictions, class by class with intervals."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.data_commands import records, show
from lt_core.model_flags import (
    METHODS,
    Asked,
    add_beta,
    add_draws,
    add_model,
    add_thresholds,
    asked_of,
    cut_of,
    patients_of,
    show_end,
)
from lt_core.problems import Problem

if TYPE_CHECKING:
    from lt_core.evaluation.optimism import Optimism
    from lt_core.evaluation.scored import Scored
    from lt_core.evaluation.thresholds import Thresholds
    from lt_core.evaluation.uncertainty import Evaluation

TUNED = ("class", "n_positive", "threshold", "apparent", "honest", "optimism", "sd", "f1", "f1_low", "f1_high")
RULES = ("f1", "youden", "prevalence")
"""What ``thresholds`` shows where no rule is asked for."""


def register(command: Any, source_options: Callable[[Any], None]) -> None:
    """Add the command to the command line; ``command(name, run, text)`` returns a parser."""
    sub = command("evaluate", evaluate, "Every measure of every class with its interval, of a run or of any model.")
    add_model(sub, source_options)
    add_thresholds(sub)
    add_beta(sub)
    for flag, suffix in (("csv", "csv"), ("excel", "csv"), ("latex", "tex"), ("markdown", "md")):
        sub.add_argument(f"--{flag}", type=Path, metavar=f"FILE.{suffix}", help=f"write the table for {flag}")

    sub = command("thresholds", thresholds, "What each rule chooses for every class, and how much tuning flatters.")
    add_model(sub, source_options)
    sub.add_argument("--rule", action="append", metavar="METHOD", help=f"{METHODS}; may be given several times")
    sub.add_argument("--tune-on", metavar="PART", help="the part that tunes (default: val of a run, of a file the part "
                     "it is applied to)")  # fmt: skip
    add_draws(sub)


def evaluate(args: argparse.Namespace) -> object:
    """Evaluate, write the files asked for, print for a person, and return the JSON object."""
    from lt_core.evaluation.uncertainty import evaluate as evaluated

    asked, at, tuned = cut_of(args)
    told: dict[str, Any] = {}
    if tuned is not None:
        tuned, told = _told(asked, tuned, args)
    found = evaluated(asked.scored, thresholds=at, groups=asked.groups, draws=args.draws, seed=args.seed,
                      beta=args.beta)  # fmt: skip
    found = replace(found, notes=(*found.notes, *asked.notes, *(() if tuned is None else tuned.notes)))
    _written(found, args)
    entry = _json(found) | asked.about | told
    if not args.json:
        _shown(entry, found)
    return entry


def _told(asked: Asked, tuned: Thresholds, args: argparse.Namespace) -> tuple[Thresholds, dict[str, Any]]:
    """Return the thresholds and what is said of them: where they are from, and how much tuning flatters."""
    from lt_core.evaluation.optimism import optimism
    from lt_core.evaluation.ratios import or_none

    on = asked.scored if asked.validation is None else asked.validation
    told: dict[str, Any] = {"thresholds": tuned.as_json()}
    nested = optimism(on, tuned.method, target=tuned.target, seed=args.seed, per_class=tuned.per_class)
    note = asked.not_nested(per_class=tuned.per_class)
    told["optimism"] = nested.as_json() | {"words": f"{_flattered(nested)} {note}".rstrip(), "note": note}
    if asked.validation is None:
        gap = or_none(nested.macro["optimism"])
        by = f", by about {gap:.3f} in {nested.title} here" if gap is not None else ""
        note = f"Thresholds were tuned on the images they are scored on, which flatters{by}: give --validation."
        tuned = replace(tuned, notes=(*tuned.notes, note))
    return tuned, told


def _flattered(nested: Optimism) -> str:
    """Return in words how much tuning flatters what was tuned for."""
    apparent, honest, gap = (nested.macro[key] for key in ("apparent", "honest", "optimism"))
    if gap != gap:
        return f"How much tuning flatters {nested.title} is not defined: it is 0/0 somewhere."
    return (
        f"Tuning flatters: {nested.title} is {apparent:.3f} on the images that tuned, {honest:.3f} on others "
        f"({nested.folds} folds of patients, {nested.repeats} repeats): {gap:.3f} too high."
    )


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

    makers: dict[str, Callable[[], bytes]] = {
        "csv": lambda: review.csv(found).encode(),
        "excel": lambda: review.excel_csv(found),
        "latex": lambda: review.latex(found).encode(),
        "markdown": lambda: review.markdown(found).encode(),
    }
    for name, make in makers.items():
        path: Path | None = getattr(args, name)
        if path is None:
            continue
        try:
            path.write_bytes(make())
        except OSError as error:
            raise Problem(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from None


def _shown(entry: dict[str, Any], found: Evaluation) -> None:
    from lt_core.evaluation.reading.joining import listed
    from lt_core.evaluation.result_table import caption, result_table
    from lt_core.evaluation.uncertainty.warned import by_sentence

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
    if "optimism" in entry:
        print(entry["optimism"]["words"])
    for note in found.notes:
        print(f"note: {note}")
    for sentence in found.warnings:
        print(f"warning: {sentence}")
    for sentence, names in by_sentence({"": found.classes}).items():
        print(f"warning: {listed(names, 20)}: {sentence}")


def thresholds(args: argparse.Namespace) -> object:
    """Tune by every rule asked for, apply, and return what comes of it and how much tuning flatters."""
    part = args.tune_on or (None if args.run is None else "val")
    asked = asked_of(args, tune_on=part)
    on = asked.scored if asked.validation is None else asked.validation
    found = [_rule(asked, on, rule, args) for rule in args.rule or RULES]
    tuned_on = {"part": on.part, "n": len(on), "n_patients": patients_of(on), "same_images": on is asked.scored}
    notes = asked.said(None, *(["Tuned on the images they are applied to: apparent flatters, honest does not."]
                                  if on is asked.scored else []))  # fmt: skip
    entry = asked.head() | {"tuned_on": tuned_on, "rules": found, "notes": notes}
    if not args.json:
        from lt_core.evaluation.optimism import MEASURE_NAMES

        for rule in found:
            print(f"{rule['rule']}: {rule['words']}; apparent and honest are of {MEASURE_NAMES[rule['measure']]}")
            show([*rule["classes"], {"class": "macro", **rule["macro"]}], TUNED)
            for note in rule["notes"]:
                print(f"note: {note}")
            print()
        where = "the same images" if on is asked.scored else f"the {on.part or 'validation'} part ({len(on):,} images)"
        print(f"Tuned on {where}: apparent is there; honest is of images that did not tune; f1 is where applied.")
        show_end(entry)
    return entry


def _rule(asked: Asked, on: Scored, text: str, args: argparse.Namespace) -> dict[str, Any]:
    """Return what one rule chooses on ``on`` and gives on what was asked for."""
    from lt_core.evaluation.optimism import optimism
    from lt_core.evaluation.ratios import or_none
    from lt_core.evaluation.thresholds import in_words, method_of, tune
    from lt_core.evaluation.uncertainty import evaluate

    method, target = method_of(text)
    tuned = tune(on, method, target=target)
    nested = optimism(on, method, target=target, seed=args.seed)
    at = tuned.for_classes(asked.scored.class_names)
    found = evaluate(asked.scored, thresholds=at, groups=asked.groups, draws=args.draws, seed=args.seed)
    own = {row["class"]: row for row in records(nested.classes)}
    kept = ("class", "group", "n_positive", *(f"{m}{end}" for m in ("f1", "precision", "recall")
                                              for end in ("", "_low", "_high")))  # fmt: skip
    rows = []
    for row, value, is_tuned in zip(records(found.classes), at, tuned.tuned[_places(tuned, asked)], strict=True):
        nest = own[row["class"]]
        flattered = {key: nest[key] for key in ("apparent", "honest", "optimism", "sd")}
        entry = {key: row[key] for key in kept} | {"threshold": or_none(value), "tuned": bool(is_tuned)}
        rows.append(entry | {"n_positive_tuning": nest["n_positive"]} | flattered)
    f1 = found.macro["f1"]
    macro = {key: or_none(value) for key, value in nested.macro.items()}
    macro |= {"f1": or_none(f1.value), "f1_low": or_none(f1.low), "f1_high": or_none(f1.high)}
    return {
        "rule": text, "words": in_words(method, target), "method": method, "target": target, "classes": rows,
        "macro": macro, "folds": nested.folds, "repeats": nested.repeats, "measure": nested.measure,
        "notes": [*tuned.notes, *filter(None, [asked.not_nested()])],
    }  # fmt: skip


def _places(tuned: Thresholds, asked: Asked) -> list[int]:
    return [tuned.class_names.index(name) for name in asked.scored.class_names]
