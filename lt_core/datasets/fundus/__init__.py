"""Shared pieces of the reader of ODIR-5K: keywords of an eye."""

from __future__ import annotations
