"""How likely it is that a true label was written down (Jain et al., 2016)."""

from __future__ import annotations

import torch
from torch import Tensor

from lt_core.losses.stable import Knob

HELP_A = "How fast the propensity rises with the count; larger: only the rarest classes miss labels."
HELP_B = "Smooths small counts; larger: rare and very rare classes are treated more alike."


def inverse_propensities(
    *, counts: Tensor, n_samples: Tensor, propensities: Tensor | None = None, a: Knob, b: Knob
) -> Tensor:
    """Return 1 / rho_c (C,) >= 1; ``propensities`` themselves where given, Jain's model where not.

    Jain's 1 / rho_c = 1 + (log N - 1) ((b + 1) / (n_c + b))^a; ``counts`` n_c >= 1, ``n_samples`` N. It stays at most
    log N. Up to N = e, where log N - 1 would be negative, every propensity is 1.
    """
    if propensities is not None:
        return 1 / propensities
    excess = (torch.log(n_samples.clamp(min=1.0)) - 1).clamp(min=0.0)
    return 1 + excess * ((b + 1) / (counts + b)) ** a


def propensity(*, counts: Tensor, n_samples: Tensor, propensities: Tensor | None = None, a: Knob, b: Knob) -> Tensor:
    """Return rho_c (C,) in (0, 1], the chance that a true label of the class was written down."""
    return 1 / inverse_propensities(counts=counts, n_samples=n_samples, propensities=propensities, a=a, b=b)
