"""Predictions: probabilities without overflow, saved and read back without pickles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax

from lt_core.evaluation import Predictions
from lt_core.problems import Invalid, Problem

LOGITS = np.array([[-800.0, 0.0, 800.0], [-3.0, 1.5, 2.0]], dtype=np.float32)
TARGETS = np.array([[0, np.nan, 1], [1, 0, 0]], dtype=np.float32)


def made(kind: str = "multi") -> Predictions:
    return Predictions(
        class_names=("a", "b", "Größe | c"),
        logits=LOGITS,
        targets=TARGETS,
        rows=np.array([4, 7]),
        ids=np.array(["x.png", "y.png"]),
        kind="single" if kind == "single" else "multi",
        part="val",
    )


def test_probabilities_are_sigmoid_or_softmax_without_overflow() -> None:
    z = LOGITS.astype(np.float64)
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_allclose(made().probabilities, expit(z), rtol=1e-14)
        np.testing.assert_allclose(made("single").probabilities, softmax(z, axis=1), rtol=1e-14)


@pytest.mark.parametrize("kind", ["multi", "single"])
def test_what_is_saved_comes_back(tmp_path: Path, kind: str) -> None:
    before, path = made(kind), tmp_path / "predictions-val.npz"
    before.save(path)
    after = Predictions.load(path)
    for name in ("class_names", "kind", "part"):
        assert getattr(after, name) == getattr(before, name)
    for name in ("logits", "targets", "rows", "ids"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
        assert getattr(after, name).dtype == getattr(before, name).dtype


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x93NUMPY", b"not an archive"])
def test_a_file_that_is_not_one_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "predictions-test.npz"
    path.write_bytes(content)
    with pytest.raises(Problem, match="does not hold the predictions of a run"):
        Predictions.load(path)
    np.savez(path, logits=LOGITS)
    with pytest.raises(Problem, match="does not hold the predictions of a run"):
        Predictions.load(path)
    with pytest.raises(Problem, match="does not hold the predictions of a run"):
        Predictions.load(tmp_path / "none.npz")


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(Invalid, match="predictions must be 2 rows by 2 classes"):
        Predictions(("a", "b"), LOGITS, TARGETS, np.array([4, 7]), np.array(["x", "y"]), "multi", "val")
