"""The view of the report: what was chosen in the other views is in it, and what is not known of images is said."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lt_core.evaluation.errors import by_slice
from lt_core.evaluation.optimism import optimism
from lt_core.evaluation.recalibrated import recalibrated
from lt_core.evaluation.thresholds import tune
from lt_core.evaluation.uncertainty import compare
from pages.ui.results.cutting import Choice
from pages.ui.results.report_slices import LOOKED_AT
from tests.pages.test_results_errors import model, said

SCRIPT = """
from tests_results_report import choice
from pages.ui.results import card
card.draw(choice({arguments}))
"""
CUTS = np.array([0.4, 0.5, 0.6])


def choice(
    *,
    tuned: bool = False,
    per_class: bool = True,
    calibration: str = "none",
    fitted: bool = True,
    by_hand: str = "",
    two: bool = False,
    **kind: Any,
) -> Choice:
    one = model(**kind)
    if two:
        return Choice([one, replace(one, letter="B")], {"A": CUTS, "B": CUTS}, "somewhere", {})
    found = {"A": tune(one.scored, "f1", per_class=per_class)} if tuned else {}
    cuts = found["A"].values if tuned else CUTS
    if calibration != "none":
        how = recalibrated(one.scored, one.scored if fitted else None, calibration)
        one = replace(one, scored=how.scored, calibrated=how)
    return Choice([one], {"A": cuts}, "somewhere", found, "f1" if tuned else "", None, per_class, by_hand)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What reports are made of, in turn."""
    from lt_core import review

    kept: list[dict[str, Any]] = []
    monkeypatch.setattr(review, "model_card", lambda found, **more: kept.append({"found": found, **more}) or "<p></p>")
    monkeypatch.setitem(sys.modules, "tests_results_report", SimpleNamespace(choice=choice))  # type: ignore[arg-type]
    return kept


def drawn(arguments: str = "", **state: object) -> AppTest:
    app = AppTest.from_string(SCRIPT.format(arguments=arguments), default_timeout=60)
    for key, value in {"report-preview": True, **state}.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


def test_slices_looked_at_before_are_in_the_report_at_the_thresholds_in_force(made: list[dict[str, Any]]) -> None:
    app = drawn(**{LOOKED_AT: ("age", "recall")})
    assert app.toggle(key="report-slices").value
    assert app.multiselect(key="report-by").value == ["age"]
    (found,) = made[-1]["slices"].values()
    wanted = by_slice(model().scored, "age", CUTS, metric="recall")
    assert [one.table["value"].tolist() for one in found] == [
        pytest.approx(wanted.table["value"].tolist(), nan_ok=True)
    ]
    app.multiselect(key="report-by").set_value(["sex", "age"]).run()
    assert [one.slices.column for one in next(iter(made[-1]["slices"].values()))] == ["sex", "age"]
    assert made[-1]["optimism"] == {}


def test_the_comparison_of_the_report_is_the_one_looked_at(made: list[dict[str, Any]]) -> None:
    from pages.ui.results import versus

    drawn("two=True")
    assert [(c.metric, c.correction) for c in made[-1]["comparison"]] == [("f1", "holm")]
    app = drawn("two=True", **{versus.LOOKED_AT: ("recall", "benjamini-hochberg")})
    (found,) = made[-1]["comparison"]
    wanted = compare(
        model().scored, model().scored, metric="recall", thresholds_a=CUTS, thresholds_b=CUTS,
        correction="benjamini-hochberg",
    )  # fmt: skip
    assert (found.metric, found.correction) == ("recall", "benjamini-hochberg")
    assert found.classes["a"].tolist() == wanted.classes["a"].tolist()
    assert "Compared in Recall, corrected after Benjamini-Hochberg" in said(app)


def test_without_a_look_there_are_no_slices_until_they_are_asked_for(made: list[dict[str, Any]]) -> None:
    app = drawn()
    assert made[-1]["slices"] == {}
    app.toggle(key="report-slices").set_value(True).run()
    assert [one.metric for one in next(iter(made[-1]["slices"].values()))] == ["f1"]
    bare = drawn("columns=False", **{"report-slices": True})
    assert "has no slices" in said(bare)
    assert made[-1]["slices"] == {}


def test_thresholds_set_by_hand_are_said_to_be_with_the_part_they_were_set_on(made: list[dict[str, Any]]) -> None:
    drawn("by_hand='set by hand, class by class'")
    assert list(made[-1]["thresholds"].values()) == [{"by_hand": "set by hand, class by class",
                                                      "set_on": model().scored.part}]  # fmt: skip
    drawn("tuned=True")
    assert next(iter(made[-1]["thresholds"].values()))["method"] == "f1"
    drawn()
    assert made[-1]["thresholds"] == {}


def test_what_tuning_flatters_is_in_the_report_where_thresholds_were_tuned(made: list[dict[str, Any]]) -> None:
    app = drawn("tuned=True")
    assert "How much tuning the thresholds flatters" in said(app)
    (told,) = made[-1]["optimism"].values()
    assert told.pop("note") == ""
    assert told == optimism(model().scored, "f1").as_json()
    (cut,) = made[-1]["thresholds"].values()
    assert cut["tuned_on"] == "the images they are scored on"
    drawn("tuned=True, per_class=False, calibration='temperatures'")
    (told,) = made[-1]["optimism"].values()
    assert told.pop("note").startswith("The calibration was fitted on all of these images")
    changed = recalibrated(model().scored, model().scored, "temperatures").scored
    assert told == optimism(changed, "f1", per_class=False).as_json()
    assert list(made[-1]["probabilities"].values()) == ["temperature, one a class, fitted on validation"]
    drawn("tuned=True, calibration='isotonic', fitted=False")
    (told,) = made[-1]["optimism"].values()
    assert told["note"].startswith("The calibrations were fitted crosswise")
