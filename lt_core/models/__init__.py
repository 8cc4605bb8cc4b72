"""Backbones: a shortlist of timm models and how to build any of them."""

from __future__ import annotations

from lt_core.models.backbones import BackboneCard, card_of, shortlist
from lt_core.models.build import Built, build, build_from, check_name

__all__ = ["BackboneCard", "Built", "build", "build_from", "card_of", "check_name", "shortlist"]
