"""Use somebody else's model and give it back as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import nn

_locks: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()
_registry = threading.Lock()


def model_lock(model: nn.Module) -> threading.RLock:
    """Return the one lock of ``model``: a cached model is shared by all sessions, and hooks see every forward pass."""
    with _registry:
        return _locks.setdefault(model, threading.RLock())


@contextmanager
def borrowed(model: nn.Module) -> Iterator[torch.device]:
    """Yield the model's device; the model is locked, in eval mode, gradients on for the input and off for the weights.

    On the way out, also by an exception, every module's training mode and every weight's ``requires_grad`` and ``grad``
    are what they were.
    """
    with model_lock(model):
        modes = [(module, module.training) for module in model.modules()]
        weights = [(weight, weight.requires_grad, weight.grad) for weight in model.parameters()]
        try:
            model.eval()
            for weight, _, _ in weights:
                weight.requires_grad_(False)
            with torch.inference_mode(False), torch.enable_grad():
                yield weights[0][0].device if weights else torch.device("cpu")
        finally:
            for module, mode in modes:
                module.training = mode
            for weight, wanted, gradient in weights:
                weight.requires_grad_(wanted)
                weight.grad = gradient
