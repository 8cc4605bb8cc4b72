"""Backbones: a shortlist of timm models and how to build any of them."""

from __future__ import annotations

from lt_core.models.backbones import DEFAULT, BackboneCard, card_of, options_of, shortlist
from lt_core.models.build import Built, build, build_from, check_name, check_takes

__all__ = [
    "DEFAULT",
    "BackboneCard",
    "Built",
    "build",
    "build_from",
    "card_of",
    "check_name",
    "check_takes",
    "options_of",
    "shortlist",
]
