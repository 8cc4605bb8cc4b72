"""Whether two losses agree, in value and in gradient."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def with_gradient(loss: Callable[[Tensor], Tensor], logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return the value and its gradient by the logits."""
    leaf = logits.clone().requires_grad_()
    value = loss(leaf)
    return value.detach(), *torch.autograd.grad(value.sum(), leaf)


def assert_same(ours: Callable[..., Tensor], theirs: Callable[..., Tensor], logits: Tensor, **tolerance: float) -> None:
    """Both have the same value and the same gradient."""
    torch.testing.assert_close(with_gradient(ours, logits), with_gradient(theirs, logits), **tolerance)
