"""The commands about runs: list, look, stop, resume, name, export, queue."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.data_commands import show
from lt_core.home import os_user
from lt_core.problems import Problem
from lt_core.train_flags import add_config_flags, given_of, loss_values_of

if TYPE_CHECKING:
    from lt_core.training import Run

Command = Callable[[argparse.Namespace], object]
LIVE = ("queued", "running")


def add_commands(command: Callable[[str, Command, str], Any]) -> None:
    """Declare the commands of this file; ``command`` adds one to the command line and returns its parser."""

    def of_run(name: str, run: Command, text: str) -> Any:
        parser = command(name, run, text)
        parser.add_argument("run", metavar="RUN", help="the folder of a run, or its name")
        return parser

    of_run("resume", resume, "Go on with a run that ended early, from its last checkpoint.").add_argument(
        "--detach", action="store_true", help="leave a worker behind and return at once"
    )
    stopping = of_run("stop", stop, "Stop a run after its current step; take a queued one out of the queue.")
    stopping.add_argument("--wait", action="store_true", help="until it has stopped")
    stopping.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="of --wait (default: 300)")
    command("runs", runs, "List the runs, the newest first.")
    of_run("status", status, "Say how far a run is.")
    command("queue", queue, "List the runs that wait, the next one first.")
    of_run("rename", rename, "Give a run another name.").add_argument("name", metavar="NAME")
    tagging = of_run("tag", tag, "Add tags to a run, or remove them.")
    tagging.add_argument("tags", nargs="*", metavar="TAG")
    tagging.add_argument("--remove", nargs="+", default=[], metavar="TAG")
    of_run("note", note, "Write the note of a run.").add_argument("text", metavar="TEXT")
    cloning = of_run("clone", clone, "Queue a new run with the settings of another one, some of them changed.")
    cloning.add_argument(
        "--set", action="append", default=[], metavar="name=value", help="a hyper-parameter of the loss"
    )
    cloning.add_argument("--loss", metavar="KEY", help="another loss, with its defaults")
    cloning.later = add_config_flags
    cloning.add_argument("--print", action="store_true", dest="only_print", help="say the command, start nothing")
    of_run("export-run", export_run, "Write a run as one zip.").add_argument(
        "--out", required=True, type=Path, metavar="FILE.zip"
    )
    importing = command("import-run", import_run, "Take a run from a zip that export-run wrote.")
    importing.add_argument("file", type=Path, metavar="FILE.zip")


def resume(args: argparse.Namespace) -> object:
    from lt_core.training import in_words, stop_on_signals
    from lt_core.training.workers.launch import start_worker_in

    run = _run(args)
    if run.state == "finished":
        return _told(args, run, "has finished: there is nothing to resume")
    if run.state == "running":
        raise Problem(f"{args.run} is running already: stop it first, or watch it with the command status")
    if args.detach:
        return _told(args, start_worker_in(run.path), "goes on in a process of its own")
    from lt_core.training.loop import resume as go_on
    from lt_core.training.ranks import join

    config = run.config
    ranks = join(config.devices, config.device)
    (run.path / "stop").unlink(missing_ok=True)
    with stop_on_signals() as told:
        for event in go_on(run.path, should_stop=told, ranks=ranks):
            if ranks.first and not args.json and (line := in_words(event)):
                print(line, flush=True)
            if event["event"] == "failed":
                raise Problem(f"{args.run}: {event['error']}")
    if not ranks.first:
        raise SystemExit(0)
    return _status(run)


def stop(args: argparse.Namespace) -> object:
    from lt_core.training.workers.queue import cancel

    run = _run(args)
    state = run.state
    if state == "queued" and cancel(run):
        return _told(args, run, "waited and is stopped: it will not begin")
    if run.state != "running":
        return _told(args, run, f"is {run.state}: there is nothing to stop")
    run.request_stop()
    end = time.monotonic() + args.timeout
    while args.wait and run.state in LIVE:
        if time.monotonic() > end:
            raise Problem(f"{args.run} has not stopped within {args.timeout:g} seconds: it ends after its current step")
        time.sleep(0.1)
        run.request_stop()  # again: what was asked of a worker while it began may be gone
    if args.wait:
        (run.path / "stop").unlink(missing_ok=True)
    return _told(args, run, f"is {run.state}" if args.wait else "stops after its current step; what it learned is kept")


def runs(args: argparse.Namespace) -> object:
    from lt_core.training import runs as all_runs
    from lt_core.training.folder.summary import summaries
    from lt_core.training.workers.queue import positions

    positions()
    rows = summaries(all_runs())
    if not args.json:
        shown = [row | {"tags": ", ".join(row["tags"])} for row in rows]
        show(shown, ("folder", "name", "state", "epoch", "epochs", "best", "loss", "data", "tags"))
    return rows


def status(args: argparse.Namespace) -> object:
    from lt_core.training.workers.queue import positions

    run = _run(args)
    positions(run.path.parent)
    entry = _status(run)
    if not args.json:
        for name, value in entry.items():
            print(f"{name}: {'-' if value is None else ', '.join(value) if isinstance(value, list) else value}")
    return entry


def queue(args: argparse.Namespace) -> object:
    from lt_core.training.workers.queue import positions

    rows = [
        {"folder": w.run.path.name, "name": w.run.name, "device": w.device, "place": w.place, "priority": w.priority}
        for w in positions()
    ]
    if not args.json:
        show(rows, ("folder", "name", "device", "place", "priority"))
    return rows


def rename(args: argparse.Namespace) -> object:
    from lt_core.training.folder import manage

    run = _run(args)
    manage.rename(run, args.name)
    return _told(args, run, f"is called {run.name}")


def tag(args: argparse.Namespace) -> object:
    from lt_core.training.folder import manage

    run = _run(args)
    tags = manage.tag(run, args.tags, args.remove).tags
    return _told(args, run, f"has the tags {', '.join(tags)}" if tags else "has no tags")


def note(args: argparse.Namespace) -> object:
    from lt_core.training.folder import manage

    run = _run(args)
    manage.note(run, args.text)
    return _told(args, run, "has this note")


def clone(args: argparse.Namespace) -> object:
    from lt_core.training.folder import manage
    from lt_core.training.labels_written import taken_by
    from lt_core.training.reproduce import as_command
    from lt_core.training.workers.queue import enqueue

    run = _run(args)
    changes: dict[str, Any] = given_of(args)
    loss = args.loss or run.config.loss
    if args.loss:
        changes |= {"loss": loss, "loss_values": {}}
        if not taken_by(loss):
            changes.setdefault("propensities", {})
    if args.set:
        kept = {} if args.loss else run.config.loss_values
        changes["loss_values"] = {**kept, **loss_values_of(loss, args.set)}
    config = manage.clone(run, **changes)
    if args.only_print:
        if not args.json:
            print(as_command(config))
        return {"command": as_command(config)}
    return _told(args, enqueue(config, parent=run.path.name, owner=os_user()), "is queued")


def export_run(args: argparse.Namespace) -> object:
    from lt_core.training.folder.archive import export_run

    path = export_run(_run(args), args.out)
    if not args.json:
        print(f"{args.run} is saved in {path}")
    return {"run": args.run, "saved": str(path)}


def import_run(args: argparse.Namespace) -> object:
    from lt_core.training.folder.archive import import_run

    return _told(args, import_run(args.file, owner=os_user()), "is here now")


def _run(args: argparse.Namespace) -> Run:
    from lt_core.training import find_run

    return find_run(args.run)


def _status(run: Run) -> dict[str, Any]:
    from lt_core.training.folder.summary import status

    return status(run)


def _told(args: argparse.Namespace, run: Run, sentence: str) -> dict[str, Any]:
    """Print a sentence about a run and return what scripts want to know of it."""
    if not args.json:
        print(f"{run.path.name} {sentence}")
    return _status(run) | {"message": f"{run.path.name} {sentence}"}
