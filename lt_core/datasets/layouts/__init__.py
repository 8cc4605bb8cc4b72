"""Shared pieces of the readers of published layouts: rows made images, files beside a table, persons, parts, words."""

from __future__ import annotations
