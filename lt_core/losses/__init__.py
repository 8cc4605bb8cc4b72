"""Losses for long-tailed and multi-label classification, each from one declaration.

``get_loss("asl").criterion(gamma_neg=2.0)`` is a module for a training loop; ``get_loss("asl").bind()`` gives
the value of every cell. A new loss is one new file in ``lt_core/losses/catalogue``.
"""

from __future__ import annotations

from lt_core.losses.bound import BoundLoss, Criterion
from lt_core.losses.parts import Memory, Paper, Reading, Recipe, ReducesTo
from lt_core.losses.registry import all_losses, get_loss
from lt_core.losses.spec import LossSpec, loss

__all__ = [
    "BoundLoss",
    "Criterion",
    "LossSpec",
    "Memory",
    "Paper",
    "Reading",
    "Recipe",
    "ReducesTo",
    "all_losses",
    "get_loss",
    "loss",
]
