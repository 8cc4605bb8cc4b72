"""Do the losses look in the right place? A comparison's losses ranked by their maps against known masks, as Markdown.

``python -m benchmarks.localisation_of_losses SWEEP [--part test] [--method gradcam] [--out FILE.md]``: every final run
of the comparison in the folder SWEEP; means over its seeds with Student's interval, differences to the reference paired
by seed. Without a folder nothing is done, so that the other benchmarks can be run together.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.localisation import TITLES
from lt_core.explain import localisation_table, localise_run, method_of
from lt_core.explain.localisation_table import ALL, SCORES
from lt_core.sweeps.folder import Sweep
from lt_core.sweeps.openable import TrialRun, trial_runs
from lt_core.sweeps.paired import BETTER, WORSE
from lt_core.sweeps.paper import markdown
from lt_core.sweeps.results import compared, plan_of

Row = dict[Any, Any]
MARKS = {BETTER: " +", WORSE: " -"}


def main() -> None:
    """Print, or write, a table of the losses by score, their differences, and the pointing game class by class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", nargs="?", type=Path)
    parser.add_argument("--part", default="test")
    parser.add_argument("--method", default="gradcam")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    if not args.sweep:
        print("name the folder of a comparison")
        return
    sweep = Sweep(args.sweep)
    finals = [entry for entry in trial_runs(sweep) if not entry.tuning]
    table, about = scored(finals, args.part, args.method)
    text = said(table, plan_of(sweep).reference, list(plan_of(sweep).labels)) + about
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    else:
        print(text)


def scored(finals: Sequence[TrialRun], part: str, method: str) -> tuple[pd.DataFrame, str]:
    """Return a row a run and class, "all classes" included: the scores, and by what they were made."""
    made, layers = [], []
    for entry in finals:
        rows = localise_run(entry.run, part, method=method)
        card = entry.run.dataset_card
        counts = dict(zip(card["class_names"], card["positives_per_class"], strict=True))
        names = sorted(counts, key=lambda name: -counts[name])
        each = localisation_table(rows, names, draws=1)
        of_class = dict(zip(card["class_names"], card["groups"], strict=True))
        each = each.assign(
            candidate=entry.result.setting["candidate"], seed=entry.result.seed,
            group=each["class"].map(of_class), train=each["class"].map(counts),
        )  # fmt: skip
        made.append(each)
        layers.append(str(rows["layer"].iloc[0]))
        print(f"{entry.run.path.name}: {len(rows):,} maps, {int(rows['blank'].sum())} blank", flush=True)
    where = f"{method_of(method).title} at {', '.join(dict.fromkeys(layers))}, {part} part"
    return pd.concat(made, ignore_index=True), f"{where}; IoU at half of a map's maximum. A blank map is a miss.\n"


def said(table: pd.DataFrame, reference: str, labels: Sequence[str]) -> str:
    """Return the tables as Markdown; the losses by their pointing game, the best first."""
    means = table[table["class"] == ALL].set_index("candidate")
    of_classes = table[table["class"] != ALL]
    groups = of_classes.pivot_table(values="hit", index=["candidate", "seed"], columns="group", aggfunc="mean")
    wide = means.reset_index().merge(groups.reset_index(), on=["candidate", "seed"])
    shown = {**TITLES, **{group: f"pointing, {group}" for group in ("head", "medium", "tail") if group in groups}}
    records = compared(wide, reference, list(shown)).to_dict(orient="records")
    results: dict[tuple[str, str], Row] = {(line["candidate"], line["metric"]): line for line in records}
    there = [label for label in labels if label in set(wide["candidate"])]
    order = sorted(there, key=lambda label: -results[label, "hit"]["mean"])
    main_rows = [[label, *(_cell(results[label, name]) for name in shown)] for label in order]
    chance = means.groupby("candidate").first().iloc[0]
    main_rows.append(["chance", *(f"{chance[f'{score}_chance']:.3f}" for score in SCORES), *[""] * (len(shown) - 3)])
    gaps = [[label, *(_gap(results[label, name]) for name in shown)] for label in order if label != reference]
    head = ["loss", *shown.values()]
    blocks = [pd.DataFrame(main_rows, columns=head), pd.DataFrame(gaps, columns=head), _classes(table, order)]
    return "\n".join(markdown(block) for block in blocks) + "\n"


def _classes(table: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Return the pointing game of every class, mean over the seeds, a column a loss."""
    rows = []
    for name, of_class in table[table["class"] != ALL].groupby("class", sort=False):
        first, by_loss = of_class.iloc[0], of_class.groupby("candidate")["hit"].mean()
        numbers = [f"{by_loss[label]:.2f}" if np.isfinite(by_loss[label]) else "not defined" for label in order]
        about = [int(first["train"]), int(first["n"]), f"{first['hit_chance']:.2f}"]
        rows.append([name, first["group"], *about, *numbers])
    return pd.DataFrame(rows, columns=["class", "group", "train n", "n", "chance", *order])


def _cell(row: Row) -> str:
    return f"{row['mean']:.3f}{_ends(row['low'], row['high'], '.3f')}{MARKS.get(str(row['verdict']), '')}"


def _gap(row: Row) -> str:
    ends = _ends(row["difference_low"], row["difference_high"], "+.3f")
    return f"{row['difference']:+.3f}{ends} {row['verdict']}"


def _ends(low: float, high: float, form: str) -> str:
    """Return an interval; nothing where one seed gives none."""
    return "" if np.isnan(low) else f" [{low:{form}}, {high:{form}}]"


if __name__ == "__main__":
    main()
