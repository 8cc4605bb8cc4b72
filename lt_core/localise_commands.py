"""Maps of a whole part scored against known places: ``explain --localise``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.data_commands import records, show
from lt_core.problems import Invalid, Problem

if TYPE_CHECKING:
    import pandas as pd

    from lt_core.training import Run


def part_of(args: argparse.Namespace) -> str | None:
    """Return the part asked for, test where none is; None for all."""
    part = "test" if args.split is None else str(args.split)
    return None if part == "all" else part


def localised(args: argparse.Namespace, runs: list[Run]) -> object:
    """Score the maps of a part against known places, run by run, and compare the others with the first."""
    from lt_core.explain import localisation_differences, localise_run, pick_layers

    part = part_of(args)
    if part is None:
        raise Invalid("--localise works on one part: --part train, val or test")
    if len({run.name for run in runs}) < len(runs):
        raise Invalid("two runs have the same name: give runs in folders of different names")
    tables: dict[str, pd.DataFrame] = {}
    models = [run.load_model() for run in runs]
    layers = pick_layers(runs, models, args.layer, args.reshape)
    for run, model, layer in zip(runs, models, layers, strict=True):
        tables[run.name] = localise_run(
            run,
            part,
            method=args.method,
            layer=layer,
            model=model,
            tolerance=args.tolerance,
            iou_at=args.iou_at,
            progress=None if args.json else _said(run.name),
        )
    if args.out is not None:
        _write_rows(args.out, list(tables.values()))
    found = [_entry(args, run, tables[run.name]) for run in runs]
    if len(runs) == 1:
        return found[0]
    names = list(runs[0].dataset_card["class_names"])
    differences = localisation_differences(tables, runs[0].name, names, draws=args.draws, seed=args.seed)
    if not args.json:
        show(records(differences), ("run", "class", "score", "n", "difference", "low", "high", "verdict", "note"))
    return {"runs": found, "baseline": runs[0].name, "differences": records(differences)}


def _said(name: str) -> Callable[[int, int], None]:
    def tell(done: int, of: int) -> None:
        print(f"{name}: {done:,} of {of:,}", flush=True)

    return tell


def _entry(args: argparse.Namespace, run: Run, rows: pd.DataFrame) -> dict[str, Any]:
    from lt_core.explain import localisation_table

    table = localisation_table(rows, run.dataset_card["class_names"], draws=args.draws, seed=args.seed)
    found = records(table)
    if not args.json:
        print(f"\n{run.name}, {rows['method'].iloc[0]} at {rows['layer'].iloc[0]} ({rows['reshape'].iloc[0]})")
        show(
            found,
            ("class", "n", "blank", "hit", "hit_low", "hit_high", "hit_chance", "inside", "inside_chance", "iou"),
        )
    return {
        "run": str(run.path),
        "name": run.name,
        "part": part_of(args),
        "method": str(rows["method"].iloc[0]),
        "layer": str(rows["layer"].iloc[0]),
        "reshape": str(rows["reshape"].iloc[0]),
        "tolerance": args.tolerance,
        "iou_at": args.iou_at,
        "draws": args.draws,
        "seed": args.seed,
        "n_present": int(rows.attrs["n_present"]),
        "n": len(rows),
        "classes": found[:-1],
        "all": found[-1],
    }


def _write_rows(path: Path, tables: list[pd.DataFrame]) -> None:
    import pandas as pd

    from lt_core.datasets.csv_text import as_csv

    if path.suffix.lower() != ".csv":
        raise Problem(f"{path} must end in .csv: with --localise it gets a row for each image and class")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_csv(pd.concat(tables, ignore_index=True)), encoding="utf-8")
    except OSError as error:
        raise Problem(f"{path} cannot be written ({error.strerror or error}): choose another file") from None
