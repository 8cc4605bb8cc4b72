"""Whether a set has one class an image or several, where the user says so."""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.notes import counted
from lt_core.problems import Invalid, Problem

Kind = Literal["multi", "single"]


def kind_asked(options: dict[str, Any]) -> Kind | None:
    """Return the option ``kind`` (multi or single) if it is given; raise ``Invalid`` for another word."""
    asked = None if options.get("kind") == "auto" else options.get("kind")
    if asked not in (None, "multi", "single"):
        raise Invalid(f"the option kind is multi or single, got {asked!r}")
    return cast("Kind | None", asked)


def as_asked(found: Kind, asked: Kind | None, labels: NDArray[np.float32], name: str) -> Kind:
    """Return the kind asked for, or the one found; raise ``Problem`` where a row has not exactly one label."""
    if asked == "single":
        wrong = np.flatnonzero((labels == 1).sum(axis=1) != 1)
        if len(wrong):
            raise Problem(
                f"{name} cannot be read with one class an image: {counted(len(wrong), 'rows have none or several')}, "
                f"the first is row {wrong[0] + 1}"
            )
    return asked or found
