"""Start a run in a process of its own, which outlives the browser tab and the app."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from lt_core.home import made
from lt_core.problems import Problem
from lt_core.training.config import RunConfig
from lt_core.training.store import Run, new_folder, write_json

SPIN = ("GOMP_SPINCOUNT", "3000")
"""GNU OpenMP's threads wait for each other by spinning; so short that two processes on one machine do not stall."""

ROOT = Path(__file__).resolve().parents[2]


def start_worker(config: RunConfig, folder: Path | None = None) -> Run:
    """Start training in a detached process and return its run at once.

    Raises ``Problem``, with nothing written, for a loss, a value or a backbone that is not known, and for a folder that
    already holds a run. What only the data can tell is the run's own ``failed`` event.
    """
    from lt_core.losses import get_loss
    from lt_core.models import check_name

    get_loss(config.loss).checked(config.loss_values)
    check_name(config.model)
    if folder is not None and (folder / "config.json").exists():
        raise Problem(f"{folder} already holds a run: choose another folder, or remove it first")
    path = folder or new_folder(config)
    made(path)
    write_json(path / "config.json", config.as_json())
    environment = {
        SPIN[0]: SPIN[1],
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
    }
    with (path / "worker.log").open("ab") as log:
        worker = subprocess.Popen(  # noqa: S603 - our own module, our own folder
            [sys.executable, "-m", "lt_core.training.worker", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
    threading.Thread(target=worker.wait, name=f"reap-{path.name}", daemon=True).start()  # or it stays as a zombie
    return Run(path)
