"""Small tables of predictions, in which everything can be counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lt_core.evaluation.scored import Scored

NAMES = ("A", "B", "C", "D")


def made(n: int = 400, *, seed: int = 0, per_patient: int = 1, unknown: float = 0.05) -> Scored:
    """Return predictions of four classes that go together, some of unknown truth, in patients of some images each."""
    random = np.random.default_rng(seed)
    person = np.repeat(np.arange(-(-n // per_patient)), per_patient)[:n]
    lean = random.normal(size=(person.max() + 1, 4))[person]
    truth = (lean @ np.array([[1, 0.5, 0, 0], [0, 1, 0.4, 0], [0, 0, 1, 0], [0.3, 0, 0, 1]]) > 0.8).astype(np.float32)
    scores = 1 / (1 + np.exp(-(1.5 * truth + 0.8 * truth[:, [1, 2, 3, 0]] - 1 + random.normal(size=(n, 4)))))
    truth[random.random((n, 4)) < unknown] = np.nan
    age = np.where(random.random(n) < 0.1, np.nan, random.integers(1, 95, n).astype(float))
    return Scored(
        NAMES,
        np.round(scores, 3),
        np.round(scores, 3),
        truth,
        np.array([f"i{k}" for k in range(n)]),
        patients=person.astype(str),
        columns=pd.DataFrame({"age": age, "sex": random.choice(["F", "M"], n)}),
    )


@pytest.fixture(scope="package")
def scored() -> Scored:
    """Images of as many patients."""
    return made()


@pytest.fixture(scope="package")
def clustered() -> Scored:
    """Images of a fifth as many patients."""
    return made(per_patient=5)
