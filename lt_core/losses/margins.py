"""Class margins of LDAM and what is built on it (Cao et al., 2019, Eq. 13)."""

from __future__ import annotations

from torch import Tensor

from lt_core.losses.stable import Knob, inverse_fourth_root


def class_margins(*, counts: Tensor, max_margin: Knob) -> Tensor:
    """Return m_c (C,) in [0, max_margin], in logits: the largest for the rarest class; ``counts`` (C,) >= 1."""
    return max_margin * inverse_fourth_root(counts)
