"""Random changes of training images that leave their findings what they are, made on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lt_core.training.augmenting.presets import PRESETS, AugmentPreset, preset_of

if TYPE_CHECKING:
    from lt_core.training.augmenting.apply import Augment

__all__ = ["PRESETS", "Augment", "AugmentPreset", "preset_of"]


def __getattr__(name: str) -> Any:
    if name == "Augment":  # looking at the presets must not wait for torch
        from lt_core.training.augmenting.apply import Augment

        return Augment
    raise AttributeError(name)
