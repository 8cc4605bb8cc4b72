"""What each command of the command line does: print for a person, return for ``--json``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.data_commands import show
from lt_core.home import os_user
from lt_core.problems import Problem

if TYPE_CHECKING:
    from lt_core.training import Run, RunConfig


def losses(args: argparse.Namespace) -> object:
    from lt_core.losses.registry import all_losses, own_problems

    if args.markdown is not None:
        return _losses_markdown(args)
    rows = [spec.describe() for spec in all_losses()]
    if not args.json:
        show(rows, ("key", "labels", "needs_prior", "title"))
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


def train(args: argparse.Namespace) -> object:
    from lt_core.train_flags import config_of
    from lt_core.training import Run, in_words, new_folder, stop_on_signals, train
    from lt_core.training.ranks import join

    config = config_of(args)
    if args.estimate:
        return _estimated(args, config)
    if args.detach or args.queue:
        return _left_behind(args, config)
    ranks = join(config.devices, config.device)
    out = Path(args.out) if args.out else ranks.from_first(new_folder(config) if ranks.first else Path())
    quiet = args.json or not ranks.first
    try:
        with stop_on_signals() as told:
            given: dict[str, Any] = {
                "should_stop": told,
                "progress": None if quiet else _decoding(),
                "owner": os_user(),
            }
            for event in train(config, out, ranks=ranks, **given):
                if not quiet and (line := in_words(event)):
                    print(line, flush=True)
                if event["event"] == "failed":
                    raise Problem(f"{out}: {event['error']}")
    finally:
        if ranks.first and not args.out and not any(out.iterdir()):
            out.rmdir()
    if not ranks.first:
        raise SystemExit(0)  # the first process has said everything
    run = Run(out)
    said = None if run.reported_epoch is None else _report(run, "test", 0.5)
    return {"run": str(run.path), "state": run.state, "reported_epoch": run.reported_epoch, "test": said}


def _estimated(args: argparse.Namespace, config: RunConfig) -> object:
    """Say what the run would take on this machine, and train nothing."""
    from lt_core.training.checking import check_settings
    from lt_core.training.probe.estimate import estimate, in_words

    check_settings(config)
    found = estimate(config)
    if not args.json:
        print("\n".join(in_words(found, config.epochs)))
    return found


def _left_behind(args: argparse.Namespace, config: RunConfig) -> object:
    """Start or queue the run in a process of its own, and say where it is."""
    from lt_core.training.workers.launch import start_worker
    from lt_core.training.workers.queue import enqueue

    out = Path(args.out) if args.out else None
    run = enqueue(config, out, owner=os_user()) if args.queue else start_worker(config, out, owner=os_user())
    if not args.json:
        print(f"{run.path}: {'queued' if args.queue else 'training in a process of its own'}")
    return {"run": str(run.path), "state": run.state, "reported_epoch": None, "test": None}


def _decoding() -> Callable[[int, int], None]:
    """Return what prints how many images are decoded, every other second."""
    said = [time.monotonic()]

    def tell(done: int, of: int) -> None:
        if time.monotonic() - said[0] > 2:
            said[0] = time.monotonic()
            print(f"decoding images: {done:,} of {of:,}", flush=True)

    return tell


def _run(path: str) -> Run:
    from lt_core.training import find_run

    return find_run(path)


def _report(run: Run, part: str, threshold: float) -> dict[str, Any]:
    from lt_core.evaluation import report
    from lt_core.training.predicting import predictions_of

    groups = run.dataset_card["groups"]
    return report(predictions_of(run, part), threshold=threshold, groups=groups).as_json()


def doctor(args: argparse.Namespace) -> object:
    from lt_core.doctor import examine

    entry = examine()
    if not args.json:
        for name, value in entry.items():
            print(
                f"{name}: {value if not isinstance(value, dict) else ', '.join(f'{k} {v}' for k, v in value.items())}"
            )
    return entry
