"""Who started this process: a person, another process of its run, or torchrun or Slurm. Imports no torch."""

from __future__ import annotations

import os


def started_outside() -> bool:
    """Return whether torchrun or srun has started this process and its like.

    In the batch step of a Slurm job there is one process, however many tasks the job has: only srun's steps count.
    """
    torchrun = "TORCHELASTIC_RUN_ID" in os.environ and _number("WORLD_SIZE", 1) > 1
    return torchrun or _number("SLURM_STEP_NUM_TASKS", 1) > 1


def started_by_first() -> bool:
    """Return whether this process helps another one with its run: that one holds the folder and writes."""
    if _number("SLURM_STEP_NUM_TASKS", 1) > 1:
        return _number("SLURM_PROCID", 0) > 0
    return _number("RANK", 0) > 0 or _number("LOCAL_RANK", 0) > 0


def per_machine(devices: int) -> tuple[int, int]:
    """Return how many processes a machine has and how many machines there are: as started, or as ``devices`` says."""
    if not started_outside():
        return devices, 1
    if "TORCHELASTIC_RUN_ID" in os.environ:
        local = _number("LOCAL_WORLD_SIZE", 1)
        return local, _number("WORLD_SIZE", local) // local
    nodes = _number("SLURM_STEP_NUM_NODES", _number("SLURM_NNODES", 1))
    return _number("SLURM_STEP_NUM_TASKS", 1) // nodes, nodes


def _number(name: str, default: int) -> int:
    said = os.environ.get(name, "")
    return int(said) if said.isdigit() else default
