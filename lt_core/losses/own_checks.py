"""A quick check of a loss that somebody has added: is its declaration whole, does it work on a small batch?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lt_core.losses.parts import Memory, Paper, Reading
from lt_core.stats.prior import ClassPrior

if TYPE_CHECKING:
    from lt_core.losses.spec import LossSpec

PRIOR = ClassPrior((8, 3, 1, 0), 10)
"""Four classes, one of them without an example."""
TEXTS = ("title", "family", "formula", "what", "when", "watch")
ALLOWED = {
    "labels": ("multi", "single"),
    "gives": ("cells", "rows", "scalar"),
    "authors_reduction": ("mean", "batch", "sum"),
}


def mistake_in(spec: LossSpec, known: Mapping[str, LossSpec]) -> str | None:
    """Return what is wrong with a loss, as the rest of a sentence that begins with its key; None if it is sound.

    ``known`` are all losses, by key. Nothing is raised, whatever the loss does.
    """
    try:
        return _declaration(spec, known) or _probe(spec)
    except Exception as error:
        text = " ".join(str(error).split())
        return f"fails on a batch of three images and four classes: {type(error).__name__}{f': {text}' if text else ''}"


def _declaration(spec: LossSpec, known: Mapping[str, LossSpec]) -> str | None:
    for name in TEXTS:
        text = getattr(spec, name)
        if not isinstance(text, str) or not text.strip():
            return f"must say its {name} in words, got {text!r}"
    for name, options in ALLOWED.items():
        if getattr(spec, name) not in options:
            return f"must have {name} one of {', '.join(options)}, got {getattr(spec, name)!r}"
    paper: object = spec.paper  # whatever a file says, types are only hints
    if not isinstance(paper, Paper) or not isinstance(paper.year, int) or not isinstance(paper.url, str):
        return (
            f"must name its paper as Paper(authors, title, venue, year, url) with a whole number as year, got {paper!r}"
        )
    memory: object = spec.memory
    readings: tuple[object, ...] = spec.readings
    if not isinstance(memory, Memory | None) or not all(isinstance(entry, Reading) for entry in readings):
        return "must have a Memory as memory and Reading entries as readings"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", spec.key):
        return "must have a name of small letters, digits and underscores, for it is part of links and commands"
    for identity in spec.reduces_to:
        if identity.key not in known:
            return f"is said to reduce to {identity.key!r}, which is no loss"
    return None


def _batch(spec: LossSpec) -> tuple[Tensor, Tensor]:
    """Return logits (3, 4) in float64, the first row 0, and targets of the kind the loss takes."""
    logits = torch.linspace(-3, 3, 12, dtype=torch.float64).reshape(3, 4)
    logits[0] = 0
    if spec.labels == "single":
        return logits, torch.tensor([0, 2, 1])
    return logits, torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0]], dtype=torch.float64)


def _probe(spec: LossSpec) -> str | None:
    """Return what is wrong with the values and the gradient on a small batch."""
    with torch.inference_mode(False), torch.enable_grad():
        bound = spec.bind(PRIOR)
        logits, targets = _batch(spec)
        matrix = targets if spec.labels == "multi" else torch.nn.functional.one_hot(targets, 4).double()
        before = logits.clone(), matrix.clone()
        state = {name: entry for name, entry in bound.start_state().items() if name in spec.data}
        known = {"known": torch.ones_like(matrix)} if "known" in spec.data else {}
        bare = bound.body(logits, matrix, **state, **known)
        if not (torch.equal(logits, before[0]) and torch.equal(matrix, before[1])):
            return "changes its inputs in place: work on new tensors"
        if (wrong := _wrong_shape(spec, bare)) is not None:
            return wrong
        losses = bound(logits, targets)
        if "expected" not in spec.defaults and not torch.equal(losses, bound(logits, targets)):
            return "gives two answers to one question: draw random numbers in draw=, and change no data in place"
        return _gradient(spec, logits, targets)


def _wrong_shape(spec: LossSpec, losses: object) -> str | None:
    if not isinstance(losses, Tensor):
        return f"must return a tensor, got {type(losses).__name__}"
    shape = {"cells": (3, 4), "rows": (3,), "scalar": ()}[spec.gives]
    if tuple(losses.shape) != shape:
        return (
            f"must return {spec.gives}, of the shape {shape} for logits of (3, 4), got {tuple(losses.shape)}: "
            "return that, or say gives= cells, rows or scalar"
        )
    if not losses.isfinite().all():
        return "is not finite on a small batch (logits between -3 and 3, the first row 0, a class without example)"
    return None


def _gradient(spec: LossSpec, logits: Tensor, targets: Tensor) -> str | None:
    criterion = spec.criterion(PRIOR)
    leaf = logits.clone().requires_grad_()
    loss = criterion(leaf, targets)
    if not loss.requires_grad:
        return "cannot be differentiated: its value must depend on the logits through operations of PyTorch"
    (gradient,) = torch.autograd.grad(loss, leaf)
    if not gradient.isfinite().all():
        return "has a gradient that is not finite on a small batch (logits between -3 and 3, the first row 0)"
    return None
