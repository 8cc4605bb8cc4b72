"""Many runs by one plan: a search over settings, or a comparison of losses; every trial is an ordinary run folder."""

from __future__ import annotations

from lt_core.sweeps.axes import Axis
from lt_core.sweeps.compare_plan import Candidate, ComparePlan
from lt_core.sweeps.driving import carry_out, in_words
from lt_core.sweeps.folder import Plan, Sweep, find_sweep, open_sweep, plan_from_json, read_plan, sweeps
from lt_core.sweeps.local import Executor, InProcess, Processes
from lt_core.sweeps.performing import Trainer
from lt_core.sweeps.plan import SweepPlan
from lt_core.sweeps.trials import Done, Trial

__all__ = [
    "Axis",
    "Candidate",
    "ComparePlan",
    "Done",
    "Executor",
    "InProcess",
    "Plan",
    "Processes",
    "Sweep",
    "SweepPlan",
    "Trainer",
    "Trial",
    "carry_out",
    "find_sweep",
    "in_words",
    "open_sweep",
    "plan_from_json",
    "read_plan",
    "sweeps",
]
