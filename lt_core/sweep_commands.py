"""The commands about many runs: carry out a plan, and hold runs against each other."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.data_commands import show
from lt_core.problems import Invalid, Problem

if TYPE_CHECKING:
    import pandas as pd

    from lt_core.sweeps import Executor, Plan, Sweep


def register(command: Any) -> None:
    """Add the commands to the command line; ``command(name, run, text)`` returns a parser."""
    sub = command("sweep", sweep, "Carry out a plan of many runs, or go on with one that was stopped.")
    sub.add_argument("plan", metavar="FILE", type=Path, help="a plan (JSON or TOML), or the folder of a sweep")
    sub.add_argument("--out", metavar="FOLDER", type=Path, help="the sweep's folder (default: beside the other runs)")
    sub.add_argument("--data", metavar="SOURCE", help="the data set, instead of the one the plan names")
    sub.add_argument("--executor", help="local or ray (default: what the plan says)")
    sub.add_argument("--workers", type=int, default=0, metavar="N", help="trials at the same time (default: 1)")
    sub.add_argument("--cpus", type=float, default=1.0, help="of Ray: processor cores a trial takes")
    sub.add_argument("--gpus", type=float, default=0.0, help="of Ray: GPUs a trial takes, a share is fine")
    sub.add_argument("--storage", default="", metavar="URL", help="of Ray: a store that nodes share (s3://...)")
    sub.add_argument("--retry-failed", action="store_true", help="make failed trials again")
    sub.add_argument("--markdown", type=Path, metavar="FILE.md", help="write the table of a comparison as Markdown")
    sub.add_argument("--latex", type=Path, metavar="FILE.tex", help="write it as LaTeX")
    sub.add_argument("--csv", type=Path, metavar="FILE.csv", help="write every number of the result as CSV")


def sweep(args: argparse.Namespace) -> object:
    """Carry out a plan and return what came of it."""
    from lt_core.sweeps import carry_out, in_words
    from lt_core.training import stop_on_signals

    found = _sweep_of(args.plan, args.out, args.data)
    executor = _executor(args, found.plan)
    with stop_on_signals() as told:
        for entry in carry_out(found, executor, should_stop=told, retry_failed=args.retry_failed):
            if not args.json and (line := in_words(entry)):
                print(line, flush=True)
    return _compared(found, args) if found.plan.kind == "compare" else _searched(found, args)


def _sweep_of(file: Path, out: Path | None, data: str | None = None) -> Sweep:
    """Return the sweep of a plan file, or the one in a folder; without ``--out`` a file has one folder, always."""
    from lt_core.datasets import Source
    from lt_core.home import os_user, runs_dir
    from lt_core.sweeps import find_sweep, open_sweep, read_plan
    from lt_core.training.folder.meta import NAME as META
    from lt_core.training.folder.meta import now, write_meta

    if file.is_dir():
        if out is not None or data is not None:
            raise Invalid(f"{file} is a sweep that has its folder and data: leave out --out and --data")
        return find_sweep(file)
    plan = read_plan(file)
    if data is not None:
        plan = replace(plan, base=replace(plan.base, data=Source(data)))
    found = open_sweep(plan, out or runs_dir() / f"sweep-{file.stem}")
    if not (found.path / META).exists():
        write_meta(found.path, created=now(), owner=os_user())
    return found


def _executor(args: argparse.Namespace, plan: Plan) -> Executor:
    from lt_core.sweeps import InProcess, Processes
    from lt_core.sweeps.plan import EXECUTORS

    if args.workers < 0:
        raise Invalid(f"--workers must be 1 or more, got {args.workers}")
    if EXECUTORS.check("--executor", args.executor or plan.executor) == "ray":
        from lt_core.sweeps.on_ray import OnRay, connected

        connected(None, args.workers, args.cpus)
        return OnRay(cpus=args.cpus, gpus=args.gpus, workers=args.workers, storage=args.storage)
    return Processes(args.workers) if args.workers > 1 else InProcess()


def _compared(found: Sweep, args: argparse.Namespace) -> dict[str, Any]:
    """Print and return the result of a comparison of losses; the files asked for are written."""
    from lt_core.datasets.csv_text import as_csv
    from lt_core.sweeps import paper
    from lt_core.sweeps.results import caveats, compared, per_seed, plan_of

    plan = plan_of(found)
    table = per_seed(found)
    about = {"sweep": str(found.path), "state": found.state, "reference": plan.reference, "caveats": caveats(found)}
    if plan.reference not in set(table["candidate"]):
        if not args.json:
            print(f"no table yet: the reference {plan.reference} has no finished run")
        return {**about, "rates": plan.chosen_rates(found.done()), "results": [], "seeds": []}
    results = compared(table, plan.reference)
    means, gaps = paper.cells(results), paper.differences(results)
    said = paper.notes(results, plan.reference)
    _write(args.markdown, f"{paper.markdown(means)}\n{said}\n\n{paper.markdown(gaps)}")
    _write(args.latex, f"{paper.latex(means, caption=said)}\n{paper.latex(gaps)}")
    _write(args.csv, as_csv(results))
    if not args.json:
        for part in (means, gaps):
            show(_records(part), tuple(part.columns))
            print()
        print(said)
        for note in about["caveats"]:
            print(f"note: {note}")
    return {**about, "rates": plan.chosen_rates(found.done()), "results": _json(results), "seeds": _json(table)}


def _searched(found: Sweep, args: argparse.Namespace) -> dict[str, Any]:
    from lt_core.datasets.csv_text import as_csv
    from lt_core.sweeps.searched import importance_table, search_plan, settings_of

    if args.markdown or args.latex:
        raise Invalid("--markdown and --latex are for comparisons of losses; a search writes --csv")
    plan, table = search_plan(found), settings_of(found)
    shares = _json(importance_table(found))
    _write(args.csv, as_csv(table))
    if not args.json:
        show(_json(table)[:10], ("number", "state", "n", "value", *(axis.name for axis in plan.axes)))
        for row in shares:
            print(f"{row['axis']} explains {row['share']:.0%} of the variance of {plan.metric}")
        print(f"{found.path}: {found.state}; values are {plan.metric} on validation")
    return {
        "sweep": str(found.path),
        "state": found.state,
        "metric": plan.metric,
        "settings": _json(table),
        "importance": shares,
    }


def _write(path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Problem(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from None


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _json(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table with None for what is not defined."""
    from lt_core.training.folder.events import clean

    rows: list[dict[str, Any]] = clean(_records(table.astype(object).where(table.notna(), None)))
    return rows
