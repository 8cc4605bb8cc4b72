"""Delete a sweep, into the trash where deleted runs are: ``training.manage`` lists it, takes it back and empties it."""

from __future__ import annotations

import time

from lt_core.home import made
from lt_core.problems import Problem
from lt_core.sweeps.folder import Sweep
from lt_core.training.folder import lock, process
from lt_core.training.folder.files import write_json
from lt_core.training.folder.manage import DELETED, TRASH, empty_trash
from lt_core.training.folder.meta import meta_in, write_meta


def called(sweep: Sweep) -> str:
    """Return what people call a sweep; its folder's name where its plan cannot be read."""
    try:
        return meta_in(sweep.path).name or sweep.name
    except Problem:
        return sweep.path.name


def delete_sweep(sweep: Sweep) -> str:
    """Move a sweep with its runs into the trash and return the name that ``training.manage.undo_delete`` takes.

    What has been in that trash for a week is removed for good. Raises ``Problem`` for one that is being worked on.
    """
    if lock.held(sweep.path / lock.NAME) or process.alive(sweep.path / lock.RECORD):
        raise Problem(f"{sweep.path.name} is going on: stop it first, then delete it")
    write_meta(sweep.path, name=called(sweep))  # the trash reads a name from here, not from a plan
    write_json(sweep.path / DELETED, {"name": sweep.path.name, "time": time.time()})
    trash = made(sweep.path.parent / TRASH)
    for count in range(1000):
        target = trash / (f"{sweep.path.name}-{count}" if count else sweep.path.name)
        if target.exists():
            continue
        try:
            sweep.path.rename(target)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Problem(f"{sweep.path} cannot be moved to {trash} ({reason}): check the permissions") from None
        empty_trash(folder=sweep.path.parent)
        return target.name
    raise Problem(f"{trash} holds too many sweeps called {sweep.path.name}: empty it")
