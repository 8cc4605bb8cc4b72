"""Images decoded once into 8-bit pixels on disk, mapped into memory ever after."""

from __future__ import annotations

from lt_core.training.pixels.cache import (
    DecodedImages,
    DecodingStopped,
    PixelRows,
    cache_report,
    cached_pixels,
    decode_once,
)
from lt_core.training.pixels.making import Progress

__all__ = ["DecodedImages", "DecodingStopped", "PixelRows", "Progress", "cache_report", "cached_pixels", "decode_once"]
