"""Short names of losses, where there is room for a few letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lt_core.losses import LossSpec


def short(spec: LossSpec) -> str:
    """Return a name of a few letters: BCE, ASL, Focal."""
    return spec.key.upper() if len(spec.key) <= 4 else spec.key.replace("_", " ").capitalize()
