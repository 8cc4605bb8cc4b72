"""The commands ``errors`` and ``slices``: what a model gets wrong, instead of what, beside what, and in whom."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lt_core.data_commands import records, show
from lt_core.model_flags import Asked, add_beta, add_correction, add_model, add_thresholds, cut_of, show_end
from lt_core.problems import Invalid, Unknown

if TYPE_CHECKING:
    from lt_core.evaluation.scored import Scored

CASES = ("class", "what", "id", "patient", "score", "threshold", "truly", "called")
PAIRS = ("missed", "called", "n", "rate", "low", "high", "baseline", "difference", "difference_low",
         "difference_high", "verdict")  # fmt: skip
PROBES = ("class", "beside", "n_positive_with", "value_with", "n_positive_without", "value_without", "difference",
          "difference_low", "difference_high", "verdict")  # fmt: skip
SLICES = ("class", "slice", "n", "n_positive", "value", "low", "high", "rest", "difference", "difference_low",
          "difference_high", "verdict", "note")  # fmt: skip


def register(command: Any, source_options: Callable[[Any], None]) -> None:
    """Add the commands to the command line; ``command(name, run, text)`` returns a parser."""
    sub = command("errors", errors, "Confident misses, false alarms, what is called instead, and the shortcut probe.")
    add_model(sub, source_options)
    add_thresholds(sub)
    sub.add_argument("--class", action="append", dest="classes", metavar="NAME", help="may be given several times")
    sub.add_argument("--most", type=int, default=5, metavar="N", help="misses, and false alarms, a class (default: 5)")
    sub.add_argument("--metric", default="f1", help="of the probe: f1, recall, ap, auroc (default: f1)")
    sub.add_argument("--given", default="others", help="hold pairs against images with the same others, or nothing")
    add_correction(sub)

    sub = command("slices", slices, "One measure of every class by what is known of the images: sex, age, view, site.")
    add_model(sub, source_options)
    add_thresholds(sub)
    sub.add_argument("--by", metavar="COLUMN", help="any column of what is known of the images")
    sub.add_argument("--class", action="append", dest="classes", metavar="NAME", help="may be given several times")
    sub.add_argument("--metric", default="f1", metavar="NAME", help="f1, recall, ap, auroc, brier ... (default: f1)")
    sub.add_argument("--edges", type=float, nargs="+", metavar="X", help="where bands of numbers begin, rising")
    add_correction(sub)
    add_beta(sub)


def _classes(asked: Asked, wanted: Sequence[str] | None) -> list[str]:
    names = list(asked.scored.class_names)
    for name in wanted or ():
        if name not in names:
            raise Unknown.of("class", name, names)
    return list(dict.fromkeys(wanted)) if wanted else names


def errors(args: argparse.Namespace) -> object:
    """Find the errors of a model, print for a person, and return the JSON object."""
    from lt_core.evaluation.errors import missed_called
    from lt_core.evaluation.uncertainty import evaluate

    asked, at, tuned = cut_of(args)
    names = _classes(asked, args.classes)
    rates = records(evaluate(asked.scored, thresholds=at, groups=asked.groups, draws=0).classes)
    found = missed_called(asked.scored, at, given=args.given, correction=args.correction)
    pairs = found.pairs[found.pairs["missed"].isin(names) | found.pairs["called"].isin(names)]
    single = asked.scored.kind == "single"
    entry = asked.head() | {
        "classes": [_class(asked.scored, row, at, args.most) for row in rates if row["class"] in names],
        "missed_called": {
            "given": found.given, "correction": found.correction, "n_tested": int(found.pairs["p"].notna().sum()),
            "pairs": records(pairs),
        },
        "shortcut": [] if single else [_probe(asked.scored, name, at, args) for name in names],
        "notes": asked.said(tuned, *found.notes, *(["Each image has one class: no shortcut probe."] if single else [])),
    }  # fmt: skip
    if not args.json:
        _show_errors(entry, everything=args.classes is not None)
    return entry


def _class(scored: Scored, row: dict[str, Any], at: Any, most: int) -> dict[str, Any]:
    """Return a class: how many are missed and wrongly called, with the intervals of these shares, and the worst."""
    from lt_core.evaluation.errors import confident_misses, false_alarms

    name = row["class"]
    kept = {key: row[key] for key in ("group", "threshold", "n_positive", "n_negative")}
    entry: dict[str, Any] = {"name": name, **kept, "n_missed": row["fn"], "n_false_alarms": row["fp"]}
    for rate, of in (("miss_rate", "recall"), ("false_alarm_rate", "specificity")):
        value, low, high = (row[key] for key in (of, f"{of}_low", f"{of}_high"))
        entry[rate] = None if value is None else 1 - value
        entry[f"{rate}_low"], entry[f"{rate}_high"] = (None if x is None else 1 - x for x in (high, low))
    entry["misses"] = records(confident_misses(scored, name, at, most))
    entry["false_alarms"] = records(false_alarms(scored, name, at, most))
    return entry


def _probe(scored: Scored, name: str, at: Any, args: argparse.Namespace) -> dict[str, Any]:
    from lt_core.evaluation.errors import shortcut_probe
    from lt_core.evaluation.ratios import or_none

    found = shortcut_probe(
        scored, name, at, metric=args.metric, draws=args.draws, seed=args.seed, correction=args.correction
    )
    return {
        "class": name, "metric": found.metric, "prevalence": or_none(found.prevalence), "method": found.method,
        "correction": found.correction, "beside": records(found.table),
    }  # fmt: skip


def _show_errors(entry: dict[str, Any], *, everything: bool) -> None:
    """Print tables; of pairs and probes those that are told apart, or all where classes were asked for."""
    show(entry["classes"], ("name", "n_positive", "n_missed", "miss_rate", "miss_rate_low", "miss_rate_high",
                            "n_negative", "n_false_alarms", "false_alarm_rate", "false_alarm_rate_low",
                            "false_alarm_rate_high"))  # fmt: skip
    cases = [
        {"class": row["name"], "what": what, **case}
        for row in entry["classes"]
        for what, key in (("missed", "misses"), ("false alarm", "false_alarms"))
        for case in row[key]
    ]
    print("\nThe surest errors: misses from the lowest score up, false alarms from the highest down")
    show(cases, CASES)
    told = entry["missed_called"]
    print(f"\nMissed one, called another, against images with neither (given {told['given']})")
    _show_told(told["pairs"], PAIRS, everything, told["n_tested"])
    for metric in dict.fromkeys(probe["metric"] for probe in entry["shortcut"]):
        rows = [{"class": probe["class"], **row} for probe in entry["shortcut"] for row in probe["beside"]]
        print(f"\nShortcut probe: {metric} of a class with and without another one")
        _show_told(rows, PROBES, everything, sum(row["p"] is not None for row in rows))
    show_end(entry)


def _show_told(rows: list[dict[str, Any]], columns: Sequence[str], everything: bool, tested: int) -> None:
    told = [row for row in rows if row["verdict"] != "cannot tell"]
    kept = rows if everything else told
    if kept:
        show(sorted(kept, key=lambda row: 2.0 if row["p_adjusted"] is None else row["p_adjusted"]), columns)
    more = "" if everything else "; --json has the others"
    print(f"{len(told)} differ for sure, after correction for {tested} that could be tested{more}.")


def slices(args: argparse.Namespace) -> object:
    """Measure every slice of a column, print for a person, and return the JSON object."""
    from lt_core.evaluation.errors import by_slice

    asked, at, tuned = cut_of(args)
    known = asked.columns
    if args.by is None:
        raise Invalid(f"slices wants --by COLUMN; of these images is known: {', '.join(map(str, known.columns))}")
    names = _classes(asked, args.classes)
    found = by_slice(
        asked.scored, args.by, at, metric=args.metric, classes=names if args.classes else None,
        edges=tuple(args.edges) if args.edges else None, columns=known, draws=args.draws, seed=args.seed,
        correction=args.correction, beta=args.beta, macro=args.classes is None,
    )  # fmt: skip
    table = found.table[found.table["class"].isin(names)]
    counts = [{"slice": name, "n": int(found.slices.mask(name).sum())} for name in found.slices.names]
    entry = asked.head() | {
        "by": args.by, "rule": found.slices.rule, "metric": found.metric, "method": found.method,
        "correction": found.correction, "n_tested": int(found.tests["p"].notna().sum()), "draws": found.draws,
        "seed": args.seed, "slices": counts, "rows": records(table), "macro": records(found.macro),
        "notes": asked.said(tuned),
    }  # fmt: skip
    if not args.json:
        place = {name: k for k, name in enumerate(names)}
        show([*sorted(entry["rows"], key=lambda row: place[row["class"]]),
              *({"class": "macro", **row} for row in entry["macro"])], SLICES)  # fmt: skip
        print(f"{args.metric} by {args.by}. {entry['rule']} Intervals: {found.method}; p after {found.correction}.")
        show_end(entry)
    return entry
