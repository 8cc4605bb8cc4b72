"""Make trials on a Ray cluster: a remote task each, which writes its run folder on storage that all nodes share."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lt_core.home import made
from lt_core.problems import Problem
from lt_core.sweeps.board import note_node
from lt_core.sweeps.local import Told
from lt_core.sweeps.mirror import Mirror, perform_mirrored
from lt_core.sweeps.performing import Asked, Trainer, perform, to_the_end
from lt_core.sweeps.trials import Trial
from lt_core.sweeps.watching import known_before
from lt_core.training.folder.events import event
from lt_core.training.folder.store import Run
from lt_core.training.workers.launch import ROOT, SPIN

POLL = 0.5
"""Seconds between two looks at the tasks and at the event files."""
RETRIES = 3
"""How often Ray begins a task again whose worker or node died; it goes on from the run's last checkpoint."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Ray sends nobody what it is used for, and leaves the choice of a GPU to us where a task asks for none."""


@dataclass(frozen=True)
class OnRay:
    """Trials as Ray tasks; ``cpus`` and ``gpus`` (a share is fine) are what one of them takes.

    ``address`` None is ``RAY_ADDRESS``, and without that a Ray of its own on this machine. The folders of the trials
    must be the same path on every node, unless ``storage`` is an address fsspec knows (``s3://bucket/sweep``), through
    which nodes and driver exchange them; epochs are not told then, only results. This package must be on every node.
    """

    address: str | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    workers: int = 0
    trainer: Trainer | None = None
    storage: str = ""

    def slots(self) -> tuple[int, bool]:
        """None: Ray decides where trials run, and by its own resources how many."""
        return 0, False

    def run(self, trials: Sequence[Trial], folders: dict[str, Path], *, should_stop: Asked) -> Iterator[Told]:
        """Yield begun, epochs and ended of every trial, as the tasks go; Ray decides where and when each runs."""
        ray = connected(self.address, self.workers, self.cpus)
        make = ray.remote(_task).options(
            max_retries=RETRIES, num_cpus=self.cpus, num_gpus=self.gpus, runtime_env={"env_vars": _environment()}
        )
        watch, begun = known_before(trials, folders), set()
        for trial in trials:
            (folders[trial.key] / "stop").unlink(missing_ok=True)
            if self.storage:
                Mirror(self.storage).request_stop(trial.key, stop=False)
        threads = max(1, int(self.cpus))
        tasks = {
            make.remote(trial.as_json(), self._place(folders[trial.key]), threads, self.trainer): trial.key
            for trial in trials
        }
        try:
            while tasks:
                if should_stop():
                    self._ask_to_stop(ray, tasks, folders)
                ready, _ = ray.wait(list(tasks), num_returns=len(tasks), timeout=POLL)
                for key in tasks.values():
                    if key not in begun and (folders[key] / "events.jsonl").exists():
                        begun.add(key)
                        yield key, event("begun")
                yield from watch.news(list(tasks.values()))
                for task in ready:
                    key = tasks.pop(task)
                    if self.storage:
                        Mirror(self.storage).pull(key, folders[key])
                    yield key, event("ended", error=_error_of(ray, task))
        finally:
            self._ask_to_stop(ray, tasks, folders)
            if tasks:
                ray.wait(list(tasks), num_returns=len(tasks), timeout=60)

    def _place(self, folder: Path) -> tuple[str, str]:
        """Return where a task makes its trial: the folder, and the store (none: the folder is shared)."""
        return str(folder.absolute()), self.storage

    def _ask_to_stop(self, ray: Any, tasks: dict[Any, str], folders: dict[str, Path]) -> None:
        """Let trials that are under way end after their step, and take back those that wait."""
        for task, key in tasks.items():
            if self.storage:
                Mirror(self.storage).request_stop(key)
            elif (folders[key] / "events.jsonl").exists():
                Run(folders[key]).request_stop()
            else:
                with suppress(Exception):  # it may have begun, or ended, this very moment
                    ray.cancel(task, force=False)


def connected(address: str | None = None, workers: int = 0, cpus: float = 1.0) -> Any:
    """Return Ray's module, connected; raise ``Problem`` where it is not installed or the cluster does not answer."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise Problem(
            "Ray is not installed: pip install -r requirements-cluster.txt, or use --executor local"
        ) from None
    if ray.is_initialized():
        return ray
    where = address or os.environ.get("RAY_ADDRESS")
    if not where:  # a Ray of our own takes work from us only, and writes no key into the home directory
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    own: dict[str, Any] = {"include_dashboard": False}
    if workers:
        own["num_cpus"] = max(1, round(workers * cpus))
    try:
        ray.init(address=where, log_to_driver=False, **({} if where else own))
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        place = f"the Ray cluster at {where} does not answer" if where else "Ray does not start on this machine"
        raise Problem(f"{place} ({said}): check RAY_ADDRESS, or use --executor local") from None
    return ray


def _environment() -> dict[str, str]:
    """Return what a task's process needs: this package, no spinning threads, and the user's own losses and caches."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("LONGTAIL_LAB_")}
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {SPIN[0]: SPIN[1], "PYTHONPATH": path, **kept}


def _task(entry: dict[str, Any], place: tuple[str, str], threads: int, trainer: Trainer | None) -> str:
    """Make one trial in a process of Ray's; a second try finds the folder of the first and goes on from there."""
    trial, (folder, storage) = Trial.from_json(entry), place
    if trainer is None:
        import torch

        torch.set_num_threads(threads)
    if not storage:
        note_node(made(Path(folder)))
        return to_the_end(perform(trial, Path(folder), trainer=trainer))
    with tempfile.TemporaryDirectory(prefix="longtail-lab-") as own:  # of this node; what counts is in the store
        return to_the_end(perform_mirrored(trial, Path(own) / trial.key, Mirror(storage), trainer=trainer))


def _error_of(ray: Any, task: Any) -> str:
    try:
        return str(ray.get(task))
    except ray.exceptions.TaskCancelledError:
        return ""
    except Exception as error:  # whatever the task's process said before it went
        return " ".join(str(error).split())[-300:]
