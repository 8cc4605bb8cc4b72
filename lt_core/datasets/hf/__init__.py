"""Data sets of the Hugging Face ``datasets`` library on disk, read with pyarrow alone."""

from __future__ import annotations
