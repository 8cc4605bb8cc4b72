"""Predictions: probabilities without overflow, saved and read back without pickles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax

from lt_core.evaluation import Predictions
from lt_core.evaluation.scored import Scored
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


def test_who_the_images_are_of_and_the_scale_of_the_logits_are_kept(tmp_path: Path) -> None:
    before = replace(made(), patients=np.array(["p7", "p7"]), logit_scale=30.0)
    before.save(tmp_path / "a.npz")
    after = Predictions.load(tmp_path / "a.npz")
    assert after.patients is not None
    assert after.patients.tolist() == ["p7", "p7"]
    np.testing.assert_allclose(after.probabilities, expit(30 * LOGITS.astype(np.float64)), rtol=1e-14)
    np.testing.assert_array_equal(after.logits, LOGITS)
    scored = Scored.of(after)
    np.testing.assert_array_equal(scored.probabilities, after.probabilities)
    np.testing.assert_array_equal(scored.scores, 30 * LOGITS.astype(np.float64))
    assert scored.units.tolist() == [0, 0]
    assert Scored.of(after, patients=np.array(["a", "b"])).units.tolist() == [0, 1]


def test_files_of_before_patients_and_scales_load(tmp_path: Path) -> None:
    made().save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        np.savez(tmp_path / "b.npz", **{name: file[name] for name in file if name not in ("patients", "logit_scale")})
    after = Predictions.load(tmp_path / "b.npz")
    assert after.patients is None
    np.testing.assert_array_equal(after.probabilities, made().probabilities)


@pytest.mark.parametrize(("given", "said"), [({"patients": np.array(["p"])}, "1 patients"), ({"logit_scale": 0.0},
                                             "positive"), ({"logit_scale": np.inf}, "finite")])  # fmt: skip
def test_patients_and_scales_that_do_not_fit_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        replace(made(), **given)


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
