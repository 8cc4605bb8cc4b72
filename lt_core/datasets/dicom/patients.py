"""Patients as numbers: who is the same stays known, who they are does not."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.dicom.facts import Facts


def numbered(facts: list[Facts]) -> NDArray[np.str_] | None:
    """Return ``patient 1``, ``patient 2`` ... by first appearance, (N,), or None where no file names a patient.

    Such numbers tell who is the same and, unlike a hash of a short ID, cannot be turned back by trying all IDs.
    A file that names no patient is a patient of its own.
    """
    if not any(fact.patient for fact in facts):
        return None
    numbers: dict[str, int] = {}
    return np.array(
        [
            f"patient {numbers.setdefault(fact.patient or f'file {k}', len(numbers) + 1)}"
            for k, fact in enumerate(facts)
        ],
        np.str_,
    )


def without_names(files: list[str], facts: list[Facts], patients: NDArray[np.str_] | None) -> tuple[list[str], int]:
    """Return the paths with the patient's number where they held the name or ID, and how many did."""
    shown, hidden = [], 0
    for k, (file, fact) in enumerate(zip(files, facts, strict=True)):
        text = file
        for naming in sorted(fact.naming, key=len, reverse=True):
            text = re.sub(re.escape(naming), "" if patients is None else str(patients[k]), text, flags=re.IGNORECASE)
        hidden += text != file
        shown.append(text)
    return shown, hidden
