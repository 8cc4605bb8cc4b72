"""What APL and RAL share: ASL's focusing weights on logarithms whose first terms are re-weighted."""

from __future__ import annotations

import torch
from torch import Tensor

from lt_core.losses.stable import Knob, power, shifted_negative, softplus


def polynomial_cells(
    logits: Tensor,
    *,
    gamma_neg: Knob,
    gamma_pos: Knob,
    clip: Knob,
    eps_pos: Knob,
    eps_pos_pow: Knob,
    eps_neg: Knob,
    detach_focus: bool,
) -> tuple[Tensor, Tensor]:
    """Return the loss of every cell (B, C) if its label is present, and if it is absent (Huang et al., 2023).

    ``eps_pos`` and ``eps_pos_pow`` change the first two terms of the series of -log p, ``eps_neg`` the first of
    -log q, q = 1 - max(p - clip, 0).
    """
    shifted, log_q = shifted_negative(logits, clip)
    rest, q = torch.sigmoid(-logits), 1 - shifted
    focus_pos = torch.exp(-gamma_pos * softplus(logits))  # (1 - p)^gamma_pos
    focus_neg = power(shifted, gamma_neg)
    if detach_focus:
        focus_pos, focus_neg = focus_pos.detach(), focus_neg.detach()
    present = focus_pos * (softplus(-logits) - eps_pos * rest - eps_pos_pow / 2 * rest**2)
    return present, -focus_neg * (log_q + eps_neg * q)
