"""What each command of the command line does: print for a person, return for ``--json``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.problems import Invalid, Problem

if TYPE_CHECKING:
    from lt_core.datasets import Source
    from lt_core.training import Run, RunConfig


def _pairs(flag: str, texts: Sequence[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise Invalid(f"{flag} takes name=value, got {text!r}")
    return dict(text.split("=", 1) for text in texts)


def _source(args: argparse.Namespace) -> Source:
    from lt_core.datasets import Source, builtins
    from lt_core.params import parsed

    texts = _pairs("--option", args.option)
    known = {entry.key: entry.params for entry in builtins()}
    options: dict[str, Any] = dict(parsed(args.source, known[args.source], texts) if args.source in known else texts)
    return Source(args.source, args.images, tuple(args.labels), args.reader, options)


def _show(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print dictionaries as an aligned table; None is a dash."""

    def cell(value: object) -> str:
        return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)

    table = [list(columns)] + [[cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def datasets(args: argparse.Namespace) -> object:
    from lt_core.datasets import builtins

    rows: list[dict[str, Any]] = [
        {
            "key": entry.key,
            "title": entry.title,
            "labels": entry.kind,
            "images": entry.has_images,
            "about": entry.about,
            "params": [param.describe() for param in entry.params],
        }
        for entry in builtins()
    ]
    if not args.json:
        _show(rows, ("key", "labels", "images", "title"))
    return rows


def losses(args: argparse.Namespace) -> object:
    from lt_core.losses.registry import all_losses, own_problems

    if args.markdown is not None:
        return _losses_markdown(args)
    rows = [spec.describe() for spec in all_losses()]
    if not args.json:
        _show(rows, ("key", "labels", "needs_prior", "title"))
        for problem in own_problems():
            print(f"note: {problem.file} {problem.sentence}")
    return rows


def _losses_markdown(args: argparse.Namespace) -> object:
    from lt_core.losses.docs_table import markdown, write_into

    if args.markdown:
        write_into(Path(args.markdown))
        return {"written": args.markdown}
    text = markdown()
    if not args.json:
        print(text, end="")
    return text


def stats(args: argparse.Namespace) -> object:
    from lt_core.datasets import load
    from lt_core.stats import stats_of

    entry = stats_of(load(_source(args)), args.split).as_json()
    if not args.json:
        for name, value in entry.items():
            if not isinstance(value, list):
                print(f"{name}: {'not defined' if value is None else value}")
        _show(entry["classes"], ("name", "positives", "negatives", "unknown", "group"))
        for warning in entry["warnings"]:
            print(f"note: {warning}")
    return entry


def _config(args: argparse.Namespace) -> RunConfig:
    from lt_core.losses import get_loss
    from lt_core.params import parsed
    from lt_core.training import RunConfig

    spec = get_loss(args.loss)
    values = parsed(spec.key, spec.params, _pairs("--set", args.set))
    names = (
        "model",
        "epochs",
        "seed",
        "batch_size",
        "learning_rate",
        "weight_decay",
        "image_size",
        "sampler",
        "reduction",
        "device",
        "select",
        "pretrained",
    )
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    return RunConfig(data=_source(args), loss=args.loss, loss_values=values, **given)


def train(args: argparse.Namespace) -> object:
    from lt_core.training import Run, in_words, stop_on_signals, train

    with stop_on_signals() as told:
        for event in train(_config(args), Path(args.out), should_stop=told):
            if not args.json and (line := in_words(event)):
                print(line, flush=True)
            if event["event"] == "failed":
                raise Problem(f"{args.out}: {event['error']}")
    run = Run(Path(args.out))
    said = None if run.reported_epoch is None else _report(run, "test", 0.5)
    return {"run": str(run.path), "state": run.state, "reported_epoch": run.reported_epoch, "test": said}


def _run(path: str) -> Run:
    from lt_core.training import find_run

    return find_run(path)


def _report(run: Run, part: str, threshold: float) -> dict[str, Any]:
    from lt_core.evaluation import report
    from lt_core.training.predicting import predictions_of

    groups = run.dataset_card["groups"]
    return report(predictions_of(run, part), threshold=threshold, groups=groups).as_json()


def evaluate(args: argparse.Namespace) -> object:
    entry = _report(_run(args.run), args.split, args.threshold)
    if not args.json:
        _show(entry["classes"], ("name", "n_positive", "threshold", "precision", "recall", "f1", "ap", "auroc"))
        groups = [{"group": name, **values} for name, values in entry["groups"].items()]
        _show(groups, ("group", "n_classes", "f1", "ap", "auroc"))
        means = {"macro": entry["macro"], "micro": entry["micro"]}
        _show([{"mean": name, **values} for name, values in means.items()], ("mean", "f1", "ap", "auroc"))
        single = "accuracy" in entry
        rule = f"arg-max, accuracy {entry['accuracy']:.4f}" if single else f"threshold {args.threshold:g}"
        print(f"{args.split} part, {entry['n']:,} images, {rule}")
    return entry


def explain(args: argparse.Namespace) -> object:
    from lt_core.explain import explain_to_file

    part = None if args.split == "all" else args.split
    entry = explain_to_file(_run(args.run), args.index, args.class_name, args.out, part=part, opacity=args.opacity)
    if not args.json:
        for name, value in entry.items():
            print(f"{name}: {value}")
    return entry


def doctor(args: argparse.Namespace) -> object:
    from lt_core.doctor import examine

    entry = examine()
    if not args.json:
        for name, value in entry.items():
            print(
                f"{name}: {value if not isinstance(value, dict) else ', '.join(f'{k} {v}' for k, v in value.items())}"
            )
    return entry
