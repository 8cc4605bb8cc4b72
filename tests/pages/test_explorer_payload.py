"""What the browser is sent: programs of all classes where they are few, numbers of the classes drawn where many."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from lt_core.losses import all_losses, get_loss
from lt_core.stats import ClassPrior
from pages.ui.explorer.payload import LIVE, payload
from pages.ui.explorer.settings import Settings

MANY = 5_000
COUNTS = np.maximum(1.0, np.round(20_000 / np.arange(1, MANY + 1)))
DRAWN = {"head": 0, "medium": 8, "tail": 4_000}


def sent(key: str, n_classes: int, drawn: dict[str, int]) -> dict[str, Any]:
    prior = ClassPrior(COUNTS[:n_classes], 20_000, class_names=[f"code {c}" for c in range(n_classes)])
    settings = Settings()
    return payload(settings.entries([get_loss(key)]), settings, prior, prior, drawn, None)


def test_few_classes_are_live() -> None:
    made = sent("weighted_bce", LIVE, {"head": 0, "tail": LIVE - 1})
    (reading,) = made["readings"]["weighted_bce"]
    assert "numbers" not in reading
    assert "data.counts[150]" in made["programs"][reading["program"]]


@pytest.mark.parametrize("key", [s.key for s in all_losses() if s.readings and s.key != "sampled_bce"])
def test_of_thousands_of_classes_no_program_is_sent(key: str) -> None:
    """``sampled_bce`` draws among all classes: its curve itself depends on every count."""
    made = sent(key, MANY, DRAWN)
    assert sum(map(len, made["programs"].values())) < 150_000
    assert all(len(reading["numbers"]) == len(DRAWN) for reading in made["readings"][key])
    json.dumps(made, allow_nan=False)


def test_the_numbers_are_those_of_the_papers() -> None:
    chosen = COUNTS[list(DRAWN.values())]
    (ldam,) = sent("ldam", MANY, DRAWN)["readings"]["ldam"]
    margins = COUNTS**-0.25
    np.testing.assert_allclose(ldam["numbers"], 0.5 * chosen**-0.25 / margins.max())
    db = get_loss("db").defaults
    alpha, beta, mu = (float(str(db[name])) for name in ("alpha", "beta", "mu"))
    named = {entry["name"]: entry["numbers"] for entry in sent("db", MANY, DRAWN)["readings"]["db"]}
    other = COUNTS[[1, 0, 0]]  # where y = 0 the image has the most frequent other class
    for y, r in ((1, np.ones(3)), (0, other / chosen)):
        wanted = alpha + 1 / (1 + np.exp(-beta * (r - mu)))
        np.testing.assert_allclose(named[f"re-balancing weight, y = {y}"], wanted)
