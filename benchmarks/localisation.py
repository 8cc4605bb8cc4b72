"""Do the losses look in the right place? Runs ranked by their maps against known masks, as Markdown.

``python -m benchmarks.localisation RUN [RUN ...] [--part val] [--method gradcam] [--layer NAME] [--out FILE.md]``: the
first run is what the others are compared with, on the same images. Without a run nothing is done, so that the other
benchmarks can be run together.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lt_core.explain import localisation_differences, localisation_table, localise_run, method_of
from lt_core.explain.localisation_table import ALL
from lt_core.training import Run, find_run

Table = dict[str, dict[str, Any]]
"""The rows of a table of localisation, by class."""

TITLES = {"hit": "pointing game", "inside": "energy inside", "iou": "IoU"}


def main() -> None:
    """Print, or write, a summary of the runs, a table a score with a column a run, and the paired differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="*")
    parser.add_argument("--part", default="val")
    parser.add_argument("--method", default="gradcam")
    parser.add_argument("--layer")
    parser.add_argument("--tolerance", type=float, default=0.0)
    parser.add_argument("--iou-at", type=float, default=0.5)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    if not args.run:
        print("name the folders of some runs")
        return
    runs = {run.name: run for run in map(find_run, args.run)}
    made = {}
    for name, run in runs.items():
        made[name] = localise_run(
            run, args.part, method=args.method, layer=args.layer, tolerance=args.tolerance, iou_at=args.iou_at
        )
        print(f"{name}: {len(made[name]):,} maps", flush=True)
    text = markdown(runs, made, args)
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    else:
        print(text)


def markdown(runs: Mapping[str, Run], made: Mapping[str, pd.DataFrame], args: argparse.Namespace) -> str:
    """Return the tables with what they were made by."""
    first = next(iter(runs.values()))
    names = list(first.dataset_card["class_names"])
    counts = dict(zip(names, first.dataset_card["positives_per_class"], strict=True))
    groups = dict(zip(names, first.dataset_card["groups"], strict=True))
    names.sort(key=lambda name: -counts[name])
    tables = {name: _by_class(localisation_table(rows, names)) for name, rows in made.items()}
    layers = ", ".join(dict.fromkeys(str(rows["layer"].iloc[0]) for rows in made.values()))
    told = (
        f"{method_of(args.method).title} at {layers}, {args.part} part of {first.dataset_card['title']}; tolerance of "
        f"the pointing game {args.tolerance:g} pixels, IoU at {args.iou_at:g} of a map's maximum. 95 % intervals in "
        "brackets: Wilson's for the pointing game of a class (Rao and Scott), else a bootstrap of patients. A blank "
        "map is a miss."
    )
    blocks = [told, _ranking(runs, tables)]
    for score, title in TITLES.items():
        head = ["class", "group", "train n", "n", "chance", *runs]
        rows: list[list[object]] = []
        for name in [*names, ALL]:
            line = tables[first.name][name]
            rows.append(
                [name, groups.get(name, ""), counts.get(name, ""), int(line["n"]), _number(line[f"{score}_chance"])]
                + [_cell(table[name], score) for table in tables.values()]
            )
        blocks.append(f"**{title[0].upper()}{title[1:]}**\n\n{_table(head, rows)}")
    if len(runs) > 1:
        blocks.append(_differences(made, names, first.name))
    return "\n\n".join(blocks) + "\n"


def _ranking(runs: Mapping[str, Run], tables: Mapping[str, Table]) -> str:
    """Return the runs by the pointing game over all classes, best first, with the loss of each."""
    order = sorted(tables, key=lambda name: -tables[name][ALL]["hit"])
    head = ["run", "loss", "seed", *TITLES.values(), "blank maps"]
    rows: list[list[object]] = [
        [
            name,
            runs[name].config.loss,
            runs[name].config.seed,
            *(_cell(tables[name][ALL], score) for score in TITLES),
            f"{int(tables[name][ALL]['blank'])} of {int(tables[name][ALL]['n'])}",
        ]
        for name in order
    ]
    return f"**Mean over the classes**\n\n{_table(head, rows)}"


def _differences(made: Mapping[str, pd.DataFrame], names: list[str], baseline: str) -> str:
    found = localisation_differences(made, baseline, names)
    rows: list[list[object]] = [
        [line["run"], line["score"], "{difference:+.3f} [{low:+.3f}, {high:+.3f}]".format(**line), line["verdict"]]
        for line in _records(found)
        if line["class"] == ALL
    ]
    head = ["run", "score", f"difference from {baseline}", "verdict"]
    return f"**Against {baseline}, on the same images, mean over the classes**\n\n{_table(head, rows)}"


def _by_class(table: pd.DataFrame) -> Table:
    return {line["class"]: line for line in _records(table)}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in line.items()} for line in table.to_dict(orient="records")]


def _cell(line: Mapping[str, Any], score: str) -> str:
    return f"{_number(line[score])} [{_number(line[f'{score}_low'])}, {_number(line[f'{score}_high'])}]"


def _number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.3f}"


def _table(head: list[str], rows: list[list[object]]) -> str:
    lines: list[Sequence[object]] = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    main()
