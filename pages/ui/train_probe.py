"""The process behind "Estimate time and memory": a config in on standard input, one line of JSON out."""

from __future__ import annotations

import json
import os
import sys

from lt_core.problems import Problem
from lt_core.training import RunConfig
from lt_core.training.probe.estimate import estimate


def main() -> None:
    """Answer the question on standard input."""
    import torch

    torch.set_num_threads(os.cpu_count() or 1)  # as the process of a run does
    try:
        answer = estimate(RunConfig.from_json(json.load(sys.stdin)))
    except Problem as problem:
        answer = {"error": str(problem)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
