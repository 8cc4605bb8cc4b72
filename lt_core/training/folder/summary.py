"""A run in one line of a list, and in one JSON object for scripts; each reads the events once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lt_core.problems import Problem
from lt_core.training.config import RunConfig
from lt_core.training.folder.events import Event
from lt_core.training.folder.progress import best_of, progress_of
from lt_core.training.folder.store import Run


def summary(run: Run) -> dict[str, Any]:
    """Return what a list of runs shows, ready for JSON.

    ``epoch`` counts completed epochs; ``best`` is the best value of ``metric`` on validation, in ``best_epoch``, both
    None before there is one. ``folder`` is what the other commands call the run.
    """
    return _line(run, run.config, run.events())


def status(run: Run) -> dict[str, Any]:
    """Return the same with ``error``, ``device``, ``fraction``, ``seconds_left`` (None where not known), ``path``."""
    config, seen = run.config, run.events()
    entry = _line(run, config, seen)
    progress = progress_of(config, seen)
    device = next((e["device"] for e in reversed(seen) if e["event"] in ("started", "resumed")), config.device)
    return entry | {
        "error": str(seen[-1]["error"]) if entry["state"] == "failed" else None,
        "device": device,
        "fraction": progress.fraction,
        "seconds_left": progress.seconds_left if entry["state"] == "running" else None,
        "path": str(run.path.absolute()),
    }


def summaries(found: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the summary of each run; one whose folder has gone meanwhile or is damaged is left out."""
    rows = []
    for run in found:
        try:
            rows.append(summary(run))
        except (Problem, OSError, KeyError, TypeError):
            continue
    return rows


def _line(run: Run, config: RunConfig, seen: Sequence[Event]) -> dict[str, Any]:
    progress, best, meta = progress_of(config, seen), best_of(config, seen), run.meta
    return {
        "name": meta.name or config.name or run.path.name,
        "folder": run.key,
        "state": run.state_after(seen),
        "epoch": progress.epoch,
        "epochs": progress.epochs,
        "best": best.value if best else None,
        "best_epoch": best.epoch if best else None,
        "metric": config.metric,
        "loss": config.loss,
        "data": config.data.name,
        "tags": list(meta.tags),
        "owner": meta.owner,
    }
