"""Calibration on the Results page: where no validation part is, crosswise by patient, said beside the choice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from lt_core.evaluation import Scored
from lt_core.evaluation.calibration import fit_temperature, logit_adjustment
from lt_core.evaluation.cross_fitted import cross_fitted
from lt_core.evaluation.scored_file import read_scored
from lt_core.evaluation.uncertainty import evaluate
from lt_core.sweeps.two_runs import compare_runs
from tests.evaluation.test_calibration import single
from tests.pages.test_results_errors import model
from tests.pages.test_results_pages import APP, home, multi_run, words

__all__ = ["home"]


def shown(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_predictions_without_validation_are_calibrated_crosswise_and_that_is_said(home: Path) -> None:
    from pages.ui.results.files import KEPT

    rng = np.random.default_rng(0)
    truth = (rng.random((80, 3)) < [0.5, 0.3, 0.0]).astype(int)
    truth[3, 2] = 1
    p = np.clip(0.25 * rng.random((80, 3)) + 0.2 * truth, 0, 1)
    ids = [f"i{k}" for k in range(80)]
    pd.DataFrame(p, columns=["prob_x", "prob_y", "prob_z"]).assign(id=ids).to_csv(home / "p.csv", index=False)
    pd.DataFrame(truth, columns=list("xyz")).assign(id=ids, patient=np.arange(80) // 2).to_csv(
        home / "t.csv", index=False
    )
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.run()
    app.session_state[KEPT] = [{"predictions": str(home / "p.csv"), "truth": str(home / "t.csv")}]
    app.query_params["calibration"] = "isotonic regression"
    app.switch_page("pages/results.py").run()
    assert not app.exception
    wanted = evaluate(cross_fitted(read_scored(home / "p.csv", home / "t.csv"), "isotonic"), draws=0)
    assert shown(app)["Macro F1"] == f"{wanted.macro['f1'].value:.3f}"
    assert wanted.macro["f1"].value > 0.3  # nothing is called at 0.5 before
    said = words(app)
    assert "the patients were dealt into 5 folds" in said
    assert "which did not see its patient" in said
    assert "left as they are: z." in said
    assert "isotonic regression, cross-fitted" in said


def test_one_class_an_image_has_the_choice_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.ui.results import calibrating, cutting
    from pages.ui.results.models import Model

    captions: list[str] = []
    monkeypatch.setattr(calibrating.st, "caption", captions.append)
    one = Model("A", "one", "one class", single(), positives=np.array([300, 80, 20]), n_train=400)

    def chosen(kind: str) -> cutting.Choice:
        monkeypatch.setattr(calibrating.st, "selectbox", lambda *_, **__: kind)
        return cutting.choose([one])

    largest = "each image is called the class of its largest probability"
    assert chosen("temperatures").words == largest
    assert captions[-1].startswith("A · one stays as it is: a softmax has one temperature")
    crossed = chosen("temperature")
    assert crossed.words == f"{largest}, temperature, one for all classes, cross-fitted"
    assert captions[-1].startswith("A · one: no validation part stands beside the one shown. Probabilities calibrated")
    wanted = cross_fitted(one.scored, "temperature").probabilities
    np.testing.assert_array_equal(crossed.models[0].scored.probabilities, wanted)
    adjusted = chosen("logit-adjustment").models[0].scored
    wanted = logit_adjustment([300, 80, 20], 400, kind="single")(one.scored).probabilities
    np.testing.assert_array_equal(adjusted.probabilities, wanted)


def test_what_was_done_is_said_of_the_models_it_was_done_to() -> None:
    from pages.ui.results import calibrating

    one, two = model(), model(columns=False)
    done = calibrating._recalibrated(one, "temperature")
    assert done.key != one.key
    assert calibrating._words([done, done], "temperature") == "temperature, one for all classes, cross-fitted"
    assert calibrating._words([done, two], "temperature").startswith("temperature, one for all classes of A, cross-")
    assert calibrating._words([one, two], "isotonic") == ""


def test_runs_are_compared_as_they_are_calibrated_on_validation(home: Path) -> None:
    a, b = multi_run(home, "a"), multi_run(home, "b", shift=1.5)
    found = compare_runs(a, b, calibrate="temperature", metrics=("brier",), draws=20)
    for run, side in ((a, "a"), (b, "b")):
        step = fit_temperature(Scored.of(run.predictions("val")))
        wanted = evaluate(step(Scored.of(run.predictions("test"))), draws=0).classes["brier"]
        assert [row[side] for row in found["classes"]] == pytest.approx(wanted.tolist(), abs=1e-12)
        assert found[side]["calibration"] == "temperature, one for all classes, fitted on val"
    alone = compare_runs(a, b, part="val", calibrate="isotonic", metrics=("brier",), draws=20)
    wanted = evaluate(cross_fitted(Scored.of(a.predictions("val")), "isotonic"), draws=0).classes["brier"]
    assert [row["a"] for row in alone["classes"]] == pytest.approx(wanted.tolist(), abs=1e-12)
    assert any(note.startswith("a: Probabilities calibrated by isotonic") for note in alone["notes"])
