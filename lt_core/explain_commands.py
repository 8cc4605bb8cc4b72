"""The command about maps: draw them for an image, or score them against known places over a whole part."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.data_commands import show
from lt_core.problems import Invalid, Problem

if TYPE_CHECKING:
    import pandas as pd

    from lt_core.training import Run

METHODS = "gradcam, gradcampp, hirescam, xgradcam, layercam, eigencam, scorecam, ablationcam"


def register(command: Any) -> None:
    """Add the command to the command line; ``command(name, run, text)`` returns a parser."""
    sub = command("explain", explain, "Draw class activation maps of an image, or score them against known places.")
    sub.add_argument("run", metavar="RUN", nargs="+", help="one column a run")
    image = sub.add_mutually_exclusive_group()
    image.add_argument("--index", type=int, metavar="I", help="which image of the part, from 0")
    image.add_argument("--image", type=Path, metavar="FILE", help="an image of your own")
    image.add_argument("--localise", action="store_true", help="score the maps of a whole part against masks or boxes")
    sub.add_argument("--split", "--part", default=None, help="train, val, test or all (default: test)")
    sub.add_argument("--class", action="append", dest="class_name", metavar="NAME", help="may be given several times")
    sub.add_argument("--method", default="gradcam", help=f"{METHODS} (default: gradcam)")
    sub.add_argument("--layer", metavar="NAME", help="where the map is read (default: the deepest of 7 x 7 or more)")
    sub.add_argument("--out", type=Path, metavar="FILE", help="the picture (.png) or values (.npz); rows as .csv")
    sub.add_argument("--values", type=Path, dest="raw", metavar="FILE.npz", help="write the raw values too")
    sub.add_argument("--scale", default="class", help="maps share a colour scale by class, all, or each its own")
    sub.add_argument("--opacity", type=float, default=0.5)
    sub.add_argument("--tolerance", type=float, default=0.0, metavar="PIXELS", help="of the pointing game (default 0)")
    sub.add_argument("--iou-at", type=float, default=0.5, metavar="SHARE", help="of the map's maximum (default 0.5)")
    sub.add_argument("--draws", type=int, default=1000, help="resamples of patients for the intervals")
    sub.add_argument("--seed", type=int, default=0)


def explain(args: argparse.Namespace) -> object:
    """Draw maps, or score them, and return what was found."""
    from lt_core.training import find_run

    runs = [find_run(path) for path in args.run]
    if args.localise:
        return _localised(args, runs)
    if not args.class_name or args.out is None:
        raise Invalid("name the class with --class and the file to write with --out, or ask for --localise")
    if args.index is None and args.image is None:
        raise Invalid("say which image: --index I of the part, or --image FILE")
    if len(runs) == len(args.class_name) == 1 and args.index is not None and not _wants_values(args):
        return _one(args, runs[0])
    return _several(args, runs)


def _wants_values(args: argparse.Namespace) -> bool:
    return args.raw is not None or args.out.suffix.lower() == ".npz"


def _part(args: argparse.Namespace) -> str | None:
    part = "test" if args.split is None else str(args.split)
    return None if part == "all" else part


def _one(args: argparse.Namespace, run: Run) -> object:
    """Draw one class of one run: image, map and known place side by side."""
    from lt_core.explain import explain_to_file

    entry = explain_to_file(
        run,
        args.index,
        args.class_name[0],
        args.out,
        part=_part(args),
        opacity=args.opacity,
        method=args.method,
        layer=args.layer,
    )
    if not args.json:
        for name, value in entry.items():
            print(f"{name}: {value}")
    return entry


def _several(args: argparse.Namespace, runs: list[Run]) -> object:
    """Draw a grid of maps, a row a class and a column a run."""
    from lt_core.datasets import read_image
    from lt_core.explain import dataset_of_run, explain_runs, row_of, save_maps

    masks = None
    if args.image is not None:
        pixels, said = read_image(args.image), f"Image {args.image.name}. Not for diagnosis."
    else:
        data = dataset_of_run(runs[0])
        row = row_of(runs[0], data, args.index, _part(args))
        pixels = data.images.read(row)
        columns = [data.class_index(name) for name in args.class_name]
        masks = None if data.masks is None else [data.masks.read(row, column) for column in columns]
        synthetic = "Synthetic image. " if data.synthetic else ""
        said = f"Image {args.index} of {_part(args) or 'all'}. {synthetic}Not for diagnosis."
    found = explain_runs(runs, pixels, args.class_name, masks=masks, method=args.method, layer=args.layer)
    files = [file for file in (args.out, args.raw) if file is not None]
    for file in files:
        save_maps(file, found.shown, found.maps, scale=args.scale, caption=[said, *found.notes], opacity=args.opacity)
    entries = found.as_json()
    if not args.json:
        show(entries, ("run", "class", "probability", "layer", "raw_max", "mask_hit", "mask_inside"))
        print(f"written: {', '.join(map(str, files))}")
    return {"files": [str(file) for file in files], "maps": entries, "notes": list(found.notes)}


def _localised(args: argparse.Namespace, runs: list[Run]) -> object:
    """Score the maps of a part against known places, run by run, and compare the others with the first."""
    from lt_core.explain import localisation_differences, localise_run

    part = _part(args)
    if part is None:
        raise Invalid("--localise works on one part: --part train, val or test")
    if len({run.name for run in runs}) < len(runs):
        raise Invalid("two runs have the same name: give runs in folders of different names")
    tables: dict[str, pd.DataFrame] = {}
    for run in runs:
        tables[run.name] = localise_run(
            run,
            part,
            method=args.method,
            layer=args.layer,
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
        show(_records(differences), ("run", "class", "score", "n", "difference", "low", "high", "verdict"))
    return {"runs": found, "baseline": runs[0].name, "differences": _records(differences)}


def _said(name: str) -> Callable[[int, int], None]:
    def tell(done: int, of: int) -> None:
        print(f"{name}: {done:,} of {of:,}", flush=True)

    return tell


def _entry(args: argparse.Namespace, run: Run, rows: pd.DataFrame) -> dict[str, Any]:
    from lt_core.explain import localisation_table

    table = localisation_table(rows, run.dataset_card["class_names"], draws=args.draws, seed=args.seed)
    records = _records(table)
    if not args.json:
        print(f"\n{run.name}, {rows['method'].iloc[0]} at {rows['layer'].iloc[0]}")
        show(
            records,
            ("class", "n", "blank", "hit", "hit_low", "hit_high", "hit_chance", "inside", "inside_chance", "iou"),
        )
    return {
        "run": str(run.path),
        "name": run.name,
        "part": _part(args),
        "method": str(rows["method"].iloc[0]),
        "layer": str(rows["layer"].iloc[0]),
        "tolerance": args.tolerance,
        "iou_at": args.iou_at,
        "draws": args.draws,
        "seed": args.seed,
        "n_present": int(rows.attrs["n_present"]),
        "n": len(rows),
        "classes": records[:-1],
        "all": records[-1],
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows for JSON: what is not defined is None."""
    return [
        {str(key): None if isinstance(value, float) and value != value else value for key, value in row.items()}
        for row in table.to_dict(orient="records")
    ]


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
