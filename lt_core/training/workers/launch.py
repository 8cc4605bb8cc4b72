"""Start a run in a process of its own, which outlives the browser tab and the app."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from lt_core.home import made
from lt_core.problems import Problem
from lt_core.training.config import RunConfig
from lt_core.training.folder import lock, process
from lt_core.training.folder.files import check_free
from lt_core.training.folder.meta import now, write_meta
from lt_core.training.folder.store import QUEUED, Run, new_folder, write_json
from lt_core.training.workers.gpus import environment

SPIN = ("GOMP_SPINCOUNT", "3000")
"""GNU OpenMP's threads wait for each other by spinning; so short that two processes on one machine do not stall."""

WORKER = "lt_core.training.workers.worker"
ROOT = Path(__file__).resolve().parents[3]


def start_worker(
    config: RunConfig,
    folder: Path | None = None,
    *,
    owner: str = "",
    parent: str | None = None,
    tags: Sequence[str] = (),
) -> Run:
    """Start training in a detached process, at once, and return its run.

    ``owner`` is free text, ``parent`` the folder name of the run it was cloned of. Raises ``Problem``, with nothing
    written, for a loss, a value or a backbone that is not known, and for a folder that already holds a run. What only
    the data can tell is the run's own ``failed`` event.
    """
    path = prepared(config, folder)
    with lock.hold(path, working=False, check=check_free):
        write_meta(path, created=now(), owner=owner, parent=parent, tags=tags)
        write_json(path / "config.json", at_home_anywhere(config).as_json())
        return start_worker_in(path)


def start_worker_in(folder: Path, *, gpus: Sequence[str] = ()) -> Run:
    """Start a worker on the run in ``folder``, new or to be gone on with, and return the run.

    ``gpus`` are those it may use, by name; all, if not said. Raises ``Problem`` where it has no config that can be
    read, or where a process already works on it. A stop asked for earlier and a place in the queue are over with this.
    """
    folder = folder.absolute()
    run = Run(folder)
    _ = run.config
    with lock.hold(folder, working=False):
        if process.alive(folder / lock.RECORD) and run.state == "running":
            raise Problem(f"{folder} is being worked on by process {lock.worker_of(folder)}: stop it first")
        if run.events()[-1:] and run.events()[-1]["event"] == "finished":
            raise Problem(f"{folder.name} has finished: clone it to train on with other settings")
        (folder / "stop").unlink(missing_ok=True)
        worker = detached([WORKER, str(folder)], folder / "worker.log", environment(gpus))
        process.record(folder / lock.RECORD, worker.pid, gpus=",".join(gpus))
        (folder / QUEUED).unlink(missing_ok=True)
    return run


def prepared(config: RunConfig, folder: Path | None) -> Path:
    """Return the folder of a new run, made; raise ``Problem``, with nothing written, for what cannot be trained."""
    from lt_core.losses import get_loss
    from lt_core.models import check_name

    get_loss(config.loss).checked(config.loss_values)
    check_name(config.model)
    if folder is None:
        return new_folder(config)
    check_free(folder)
    return made(folder.absolute())


def at_home_anywhere(config: RunConfig) -> RunConfig:
    """Return the config with absolute paths: the process that trains has another working folder."""
    from lt_core.datasets import builtins

    data = config.data
    if data.name not in {entry.key for entry in builtins()}:
        data = replace(data, name=_absolute(data.name))
    if data.images:
        data = replace(data, images=_absolute(data.images))
    weights, teacher = (_absolute(path) if path else "" for path in (config.weights, config.teacher))
    return replace(config, data=data, weights=weights, teacher=teacher)


def _absolute(name: str) -> str:
    path = Path(name).expanduser()
    return str(path.absolute()) if path.exists() else name


OF_ITS_OWN: int = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""What a session of its own is on Windows; nothing elsewhere."""


def detached(
    module: Sequence[str], log: Path, variables: Mapping[str, str] = MappingProxyType({})
) -> subprocess.Popen[bytes]:
    """Start ``python -m MODULE ARGUMENTS`` in a session of its own, with what it says in ``log``."""
    given = {
        SPIN[0]: SPIN[1],
        **os.environ,
        **variables,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
    }
    try:
        with log.open("ab") as said:
            worker = subprocess.Popen(  # noqa: S603 - our own module, our own folder
                [sys.executable, "-m", *module],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd=ROOT,
                env=given,
                start_new_session=True,
                creationflags=OF_ITS_OWN,
            )
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Problem(f"no process could be started for {log.parent} ({reason}): make room and try again") from None
    threading.Thread(target=worker.wait, name=f"reap-{worker.pid}", daemon=True).start()  # or it stays as a zombie
    return worker
