"""Shared pieces of the readers of chest X-ray sets: names of findings, uncertain labels, rows per image."""

from __future__ import annotations
