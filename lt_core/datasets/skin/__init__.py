"""Shared pieces of the readers of dermatoscopy sets: names of diagnoses, what is said of the lesion and the person."""

from __future__ import annotations
