"""Small evaluations with names that nobody should trust."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty import Evaluation, evaluate

NAMES = ("=HYPERLINK(1)", "<script>alert(1)</script>", "50%_{a}&b|c\\d~e^f#g$h", "[x]\nnew line", "never there")
RATES = (0.5, 0.3, 0.25, 0.2, 0.0)
GROUPS = ("head", "head", "medium", "medium", "tail")


def scored_of(seed: int, *, title: str = "", part: str = "test", patients: bool = True) -> Scored:
    """Eighty images, two of each patient; the truth is the same for every seed."""
    truth = (np.random.default_rng(7).random((80, 5)) < RATES).astype(np.float32)
    z = np.random.default_rng(seed).normal(-1, 1, (80, 5)) + 2 * truth
    who = np.array([f"p{k // 2}" for k in range(80)]) if patients else None
    ids = np.arange(80).astype(str)
    return Scored(NAMES, z, expit(z), truth, ids, link="sigmoid", patients=who, part=part, title=title)


@pytest.fixture(scope="session")
def evaluations() -> dict[str, Evaluation]:
    """Two models on the same images; the second name is hostile too."""
    models = {"plain": scored_of(0), 'x"><img src=x onerror=alert(1)>': scored_of(1, title="B <b>")}
    return {name: evaluate(one, groups=GROUPS, draws=40) for name, one in models.items()}


@pytest.fixture(scope="session")
def evaluation(evaluations: dict[str, Evaluation]) -> Evaluation:
    """The first of the two."""
    return evaluations["plain"]
