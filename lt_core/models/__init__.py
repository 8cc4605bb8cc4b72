"""Backbones: a shortlist of timm models and how to build any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lt_core.models.backbones import DEFAULT, BackboneCard, card_of, licence_of, options_of, shortlist
from lt_core.models.build import HEADS, Built, build, build_from, check_name, check_takes
from lt_core.models.speeds import Speed

if TYPE_CHECKING:
    from lt_core.models.freezing import freeze, set_training
    from lt_core.models.heads import CosineLinear, head_scale, reset_head

__all__ = [
    "DEFAULT",
    "HEADS",
    "BackboneCard",
    "Built",
    "CosineLinear",
    "Speed",
    "build",
    "build_from",
    "card_of",
    "check_name",
    "check_takes",
    "freeze",
    "head_scale",
    "licence_of",
    "options_of",
    "reset_head",
    "set_training",
    "shortlist",
]

_LATER = {
    "CosineLinear": "heads",
    "head_scale": "heads",
    "reset_head": "heads",
    "freeze": "freezing",
    "set_training": "freezing",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:  # these import torch; looking at the shortlist must not
        from importlib import import_module

        return getattr(import_module(f"lt_core.models.{_LATER[name]}"), name)
    raise AttributeError(name)
