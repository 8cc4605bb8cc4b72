"""The commands about data sets: list, recognise, count, divide, convert."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.problems import Invalid, Problem

if TYPE_CHECKING:
    import pandas as pd

    from lt_core.datasets import Source


def pairs_of(flag: str, texts: Sequence[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise Invalid(f"{flag} takes name=value, got {text!r}")
    return dict(text.split("=", 1) for text in texts)


def source_of(args: argparse.Namespace) -> Source:
    from lt_core.datasets import Source, all_readers, builtins
    from lt_core.params import parsed

    texts = pairs_of("--option", args.option)
    known = {entry.key: entry.params for entry in builtins()}
    options: dict[str, Any] = dict(texts)
    if args.source in known:
        options = dict(parsed(args.source, known[args.source], texts))
    elif args.reader:
        named = [param for reader in all_readers() if reader.key == args.reader for param in reader.options]
        said = {param.name: texts[param.name] for param in named if param.name in texts}
        options |= parsed(args.reader, tuple(named), said)
    return Source(args.source, args.images, tuple(args.labels), args.reader, options)


def show(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print dictionaries as an aligned table; None is a dash."""

    def cell(value: object) -> str:
        return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)

    table = [list(columns)] + [[cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table for JSON: plain numbers, and None for what is not defined or infinite."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
        show(rows, ("key", "labels", "images", "title"))
    return rows


def stats(args: argparse.Namespace) -> object:
    from lt_core.datasets import load
    from lt_core.stats import stats_of

    entry = stats_of(load(source_of(args)), args.split, scheme=args.groups).as_json()
    if not args.json:
        for name, value in entry.items():
            if not isinstance(value, list | dict):
                print(f"{name}: {'not defined' if value is None else value}")
        show(entry["classes"], ("name", "positives", "negatives", "unknown", "group"))
        for warning in entry["warnings"]:
            print(f"note: {warning}")
    return entry


def measures(args: argparse.Namespace) -> object:
    from lt_core.stats.docs_table import definitions, markdown

    if args.markdown is not None:
        try:
            Path(args.markdown).write_text(markdown(), encoding="utf-8")
        except OSError as error:
            raise Problem(f"{args.markdown} cannot be written: {error.strerror}") from None
        return {"written": args.markdown}
    rows = definitions()
    if not args.json:
        show(rows, ("of", "name", "text"))
    return rows


def readers(args: argparse.Namespace) -> object:
    from lt_core.datasets import all_readers
    from lt_core.datasets.openable import check_openable
    from lt_core.datasets.readers import recognise

    rows: list[dict[str, Any]] = [
        {
            "key": reader.key,
            "title": reader.title,
            "columns": list(reader.columns),
            "options": [param.describe() for param in reader.options],
        }
        for reader in all_readers()
    ]
    if args.file is None:
        if not args.json:
            show([row | {"may be said": ", ".join(_may_be_said(row))} for row in rows], ("key", "title", "may be said"))
        return rows
    path = Path(args.file)
    if not path.exists():
        raise Problem(f"no file or folder is called {args.file!r}")
    check_openable(path)
    found = recognise(path)
    if found is None:
        raise Problem(f"{path.name} is not in a format that is known here: name a reader with --reader")
    entry = {"reader": found[0].key, "title": found[0].title, "reason": found[1]}
    if not args.json:
        print(f"{path.name}: {entry['title']} (--reader {entry['reader']}), because {entry['reason']}")
    return entry


def _may_be_said(row: dict[str, Any]) -> list[str]:
    return [*row["columns"], *(param["name"] for param in row["options"])]


def split(args: argparse.Namespace) -> object:
    from lt_core.stats.split_files import split_to_file

    entry = split_to_file(
        source_of(args),
        args.out,
        seed=args.seed,
        fractions=tuple(args.fractions),
        method=args.method,
        n_folds=args.folds,
        anew=args.anew,
    )
    if not args.json:
        print(f"{args.out}: parts by {args.method} (seed {args.seed})")
        for finding in (entry["report"] or {"findings": ()})["findings"]:
            print(f"note: {finding['sentence']}")
    return entry


def convert(args: argparse.Namespace) -> object:
    from lt_core.datasets import load_images
    from lt_core.datasets.saving import save

    dataset = load_images(source_of(args))
    path = save(dataset, Path(args.out), with_images=args.with_images)
    entry = {"saved": str(path), "images": len(dataset), "classes": dataset.n_classes, "reader": "saved"}
    if not args.json:
        print(f"{dataset.title}: {len(dataset):,} images, {dataset.n_classes:,} classes saved in {path}")
    return entry
