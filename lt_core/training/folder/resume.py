"""Whether a run can go on: told from its folder, without torch."""

from __future__ import annotations

import json

from safetensors import SafetensorError, safe_open

from lt_core.training.folder.store import Run

CHECKPOINT = "checkpoint.safetensors"


def resume_reason(run: Run) -> str | None:
    """Return why ``run`` cannot be resumed, in one sentence; None where it can.

    A stopped, interrupted or failed run can: from its last checkpoint, or from its beginning where it has none yet.
    """
    state = run.state
    if state == "finished":
        return f"{run.path.name} has finished: there is nothing to resume; clone it to train on with other settings"
    if state in ("running", "queued"):
        return f"{run.path.name} is {state}: wait for it, or stop it first"
    return None


def resumes_at(run: Run) -> str:
    """Return from where ``run`` would go on, for people, as its checkpoint says."""
    path = run.path / CHECKPOINT
    if not path.is_file():
        return "from its beginning: it has no checkpoint yet"
    try:
        with safe_open(path, framework="np") as file:
            at = json.loads((file.metadata() or {})["position"])
        epoch, step = int(at["epoch"]), int(at["step"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return "from its last checkpoint"
    if step:
        return f"from its last checkpoint, in epoch {epoch}"
    return f"from its last checkpoint, after epoch {epoch - 1}"
