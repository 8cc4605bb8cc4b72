"""The data sets that come with the app: none of them needs a download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

from lt_core.datasets.class_counts import ClassCounts
from lt_core.datasets.labeled_images import LabeledImages
from lt_core.params import Param, declared


@dataclass(frozen=True)
class BuiltIn:
    """One built-in set: what it is, its knobs, and the function that makes or reads it.

    ``load(**values)`` takes the values of ``params`` by name; it returns ``LabeledImages``, or ``ClassCounts`` where
    ``has_images`` is false.
    """

    key: str
    title: str
    about: str
    kind: Literal["multi", "single"]
    params: tuple[Param, ...]
    load: Callable[..., LabeledImages | ClassCounts]
    has_images: bool


@lru_cache(maxsize=1)
def builtins() -> tuple[BuiltIn, ...]:
    """Return every built-in set, the default one first, those with class counts only last."""
    from lt_core.datasets import digits, phantom, presets

    with_images = tuple(
        BuiltIn(m.KEY, m.TITLE, m.ABOUT, m.KIND, declared(m.load, owner=m.KEY), m.load, has_images=True)
        for m in (phantom, digits)
    )
    counts_only = tuple(
        BuiltIn(p.key, p.title, p.about, p.kind, (), partial(presets.load_preset, p.key), has_images=False)
        for p in presets.all_presets()
    )
    return with_images + counts_only
