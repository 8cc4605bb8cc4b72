"""How a bound loss and a criterion may be called: with a state or without, with a draw or without; and pickled."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lt_core.losses import get_loss
from lt_core.stats import ClassPrior

Make = Callable[..., tuple[Tensor, Tensor]]


def test_a_loop_may_begin_without_a_state(prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    criterion, buffered = (get_loss("equalization_v2").criterion(prior) for _ in range(2))
    state = None
    for step in range(3):
        loss, state = criterion(logits + 0.3 * step, targets, state=state)
        assert loss == buffered(logits + 0.3 * step, targets)
    assert all(torch.equal(state[name], buffered.state[name]) for name in state)


@pytest.mark.parametrize("key", ["equalization_v2", "droploss", "db", "lmf"])
def test_a_criterion_can_be_pickled(key: str, prior: ClassPrior, batch: Make) -> None:
    spec = get_loss(key)
    logits, targets = batch(spec.labels)
    criterion = spec.criterion(prior)
    again = pickle.loads(pickle.dumps(criterion))
    assert again(logits, targets) == spec.criterion(prior)(logits, targets)


def test_no_draw_is_as_good_as_none_given(prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    bound = get_loss("sampled_bce").bind(prior)
    generators = (torch.Generator().manual_seed(5) for _ in range(2))
    given, left = (
        bound(logits, targets, sampled=None, generator=next(generators)),
        bound(logits, targets, generator=next(generators)),
    )
    assert torch.equal(given, left)
