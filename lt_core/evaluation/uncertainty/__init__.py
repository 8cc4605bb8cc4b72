"""How sure a number is: intervals, the bootstrap, and paired comparisons of models, class by class."""

from __future__ import annotations

from lt_core.evaluation.uncertainty.comparing import compare
from lt_core.evaluation.uncertainty.comparison import Comparison
from lt_core.evaluation.uncertainty.drawing import METRICS, Draws, draw
from lt_core.evaluation.uncertainty.evaluating import evaluate
from lt_core.evaluation.uncertainty.evaluation import Evaluation, Value

__all__ = ["METRICS", "Comparison", "Draws", "Evaluation", "Value", "compare", "draw", "evaluate"]
