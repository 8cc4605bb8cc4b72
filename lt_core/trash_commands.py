"""The commands about what is deleted: into the trash, out of it, and for good."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lt_core.home import runs_dir
from lt_core.problems import Invalid


def add_commands(command: Callable[[str, Callable[[argparse.Namespace], object], str], Any]) -> None:
    """Declare the commands of this file; ``command`` adds one to the command line and returns its parser."""
    deleting = command("delete", delete, "Move a run, or a sweep with all its runs, into the trash, kept for a week.")
    deleting.add_argument("run", metavar="RUN", help="the folder of a run or of a sweep, or its name")
    undeleting = command("undelete", undelete, "Take a run or a sweep out of the trash.")
    undeleting.add_argument("name", metavar="NAME", help="what delete said, or the folder it was in")
    emptying = command("empty-trash", empty_trash, "Remove for good what was deleted, to make room on the disk.")
    emptying.add_argument("--days", type=float, default=7.0, metavar="N", help="at least so long ago (default: 7)")
    emptying.add_argument("--folder", type=Path, metavar="DIR", help="the folder of runs (default: this machine's)")


def delete(args: argparse.Namespace) -> object:
    from lt_core.sweeps import Sweep
    from lt_core.sweeps.manage import delete_sweep
    from lt_core.training import find_run
    from lt_core.training.folder import manage
    from lt_core.training.folder.store import PLAN

    there = (path for path in (Path(args.run), runs_dir() / args.run) if path.is_dir())
    if (path := next(there, None)) is not None and (path / PLAN).is_file():
        place, name = path.parent, delete_sweep(Sweep(path))
    else:
        run = find_run(args.run)
        place, name = run.path.parent, manage.delete(run)
    back = name if place.absolute() == runs_dir().absolute() else str(place / manage.TRASH / name)
    if not args.json:
        print(f"{args.run} is in the trash: undelete {back} takes it back")
    return {"run": args.run, "deleted": back}


def undelete(args: argparse.Namespace) -> object:
    from lt_core.sweeps import Sweep
    from lt_core.training.folder import manage
    from lt_core.training.folder.store import PLAN
    from lt_core.training.folder.summary import status

    run = manage.undo_delete(*manage.deleted_at(args.name))
    if (run.path / PLAN).is_file():
        said = f"{run.path.name} is back, with {len(Sweep(run.path).runs())} runs"
        entry: dict[str, Any] = {"sweep": str(run.path.absolute())}
    else:
        said, entry = f"{run.path.name} is back", status(run)
    if not args.json:
        print(said)
    return entry | {"message": said}


def empty_trash(args: argparse.Namespace) -> object:
    from lt_core.training.folder import manage

    if not args.days >= 0:
        raise Invalid(f"--days must be 0 or more, got {args.days:g}")
    gone = manage.empty_trash(args.days, args.folder)
    left = len(manage.trash(args.folder))
    if not args.json:
        print(f"{gone} removed for good, {left} kept")
    return {"removed": gone, "kept": left}
