"""Published class counts, kept as small CSV files in ``data/presets``."""

from __future__ import annotations

import csv
from functools import lru_cache
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.class_counts import ClassCounts
from lt_core.home import PRESETS
from lt_core.problems import Unknown


def _rows(name: str) -> list[dict[str, str]]:
    with (PRESETS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _pairs(key: str, names: tuple[str, ...], positives: NDArray[np.int64]) -> NDArray[np.int64] | None:
    if not (PRESETS / f"{key}-pairs.csv").is_file():
        return None
    pairs = np.diag(positives)
    for row in _rows(f"{key}-pairs.csv"):
        a, b = names.index(row["a"]), names.index(row["b"])
        pairs[a, b] = pairs[b, a] = int(row["n"])
    return pairs


@lru_cache(maxsize=1)
def all_presets() -> tuple[ClassCounts, ...]:
    """Return every preset of ``data/presets/index.csv``, in its order."""
    found = []
    for entry in _rows("index.csv"):
        rows = _rows(f"{entry['key']}.csv")
        names = tuple(row["class"] for row in rows)
        positives = np.array([int(row["positives"]) for row in rows], dtype=np.int64)
        found.append(
            ClassCounts(
                key=entry["key"],
                title=entry["title"],
                kind=cast(Literal["multi", "single"], entry["kind"]),
                class_names=names,
                positives=positives,
                n_samples=int(entry["n_samples"]),
                citation=entry["citation"],
                url=entry["url"],
                about=f"{entry['notes']} Counts only, no images. Source: {entry['citation']}: {entry['url']}",
                pairs=_pairs(entry["key"], names, positives),
            )
        )
    return tuple(found)


def load_preset(key: str) -> ClassCounts:
    """Return the class counts of preset ``key``, or raise ``Unknown``."""
    by_key = {preset.key: preset for preset in all_presets()}
    if key not in by_key:
        raise Unknown.of("preset", key, list(by_key))
    return by_key[key]
