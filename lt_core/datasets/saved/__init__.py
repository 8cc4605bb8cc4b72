"""The format in which a set is saved: the columns of its Parquet file, and back."""

from __future__ import annotations

FORMAT = "longtail-lab"
VERSION = 1
MANIFEST = "manifest.json"
WIDE = 512
"""Up to so many classes have a column each; more are kept as lists of class numbers."""
