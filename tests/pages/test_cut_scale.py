"""Thresholds of a model whose numbers only rank lie among its scores, not between 0 and 1."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lt_core.evaluation import Scored
from pages.ui.results.cut_scale import scale_of
from pages.ui.results.models import Model

APP = Path(__file__).resolve().parents[2] / "app.py"


def model(letter: str, scores: np.ndarray, *, probabilities: bool = False) -> Model:
    truth = (scores >= np.quantile(scores, 0.8)).astype(np.float32)
    ids = np.array([f"i{k}" for k in range(len(scores))])
    names = tuple("xyz"[: scores.shape[1]])
    return Model(letter, letter, letter, Scored(names, scores, scores if probabilities else None, truth, ids))


def test_probabilities_are_cut_from_0_to_1() -> None:
    scale = scale_of([model("A", np.random.default_rng(0).random((50, 3)), probabilities=True)])
    assert (scale.low, scale.high, scale.start, scale.words) == (0.0, 1.0, 0.5, "")
    assert scale.say(0.5) == "0.50"


@pytest.mark.parametrize(("centre", "spread"), [(0.0, 3.0), (-400.0, 90.0), (0.5, 1e-4), (7e4, 2e3)])
def test_scores_are_cut_within_their_range_from_where_as_many_are_called_as_are_positive(
    centre: float, spread: float
) -> None:
    scores = np.random.default_rng(1).normal(centre, spread, (400, 3))
    scale = scale_of([model("A", scores)])
    assert scale.low <= scores.min()
    assert scores.max() <= scale.high
    assert scale.high - scale.low < 1.2 * np.ptp(scores)
    assert (scores >= scale.start).mean() == pytest.approx(0.2, abs=0.02)
    assert float(scale.say(scale.start)) == pytest.approx(scale.start, abs=1e-9 * abs(scale.start) + 1e-12)
    assert "A only ranks" in scale.words


def test_one_number_for_scores_and_probabilities_is_warned_of() -> None:
    random = np.random.default_rng(2)
    both = [model("A", random.random((50, 2)), probabilities=True), model("B", random.normal(0, 9, (50, 2)))]
    scale = scale_of(both)
    assert scale.low < 0
    assert scale.high > 1
    assert "one number cannot suit both" in scale.words


def test_scores_that_are_all_the_same_can_still_be_cut() -> None:
    scale = scale_of([model("A", np.full((10, 2), 3.0))])
    assert scale.low <= scale.start <= scale.high
    assert scale.low < scale.high


def test_scores_of_images_nobody_has_labelled_start_in_the_middle() -> None:
    given = model("A", np.arange(30.0)[:, None])
    unknown = replace(given.scored, targets=np.full((30, 1), np.nan, np.float32))
    assert scale_of([replace(given, scored=unknown)]).start == pytest.approx(14.5, abs=0.1)


def test_the_page_tunes_first_and_offers_the_scores_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.ui import warm
    from pages.ui.results.files import KEPT

    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    monkeypatch.setattr(warm, "up", lambda: None)
    rows = [f"i{k},{3.5 * k - 60},{40 - 2 * k}\n" for k in range(40)]
    (tmp_path / "p.csv").write_text("id,score_x,score_y\n" + "".join(rows))
    (tmp_path / "t.csv").write_text("id,x,y\n" + "".join(f"i{k},{int(k > 19)},{int(k % 3 == 0)}\n" for k in range(40)))
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.run()
    files = {"predictions": str(tmp_path / "p.csv"), "truth": str(tmp_path / "t.csv"), "scale": "scores"}
    app.session_state[KEPT] = [files]
    app.switch_page("pages/results.py").run()
    assert not app.exception
    assert "tuned on the images they are measured on" in " ".join(warning.value for warning in app.warning)
    app.button_group(key="cut").set_value("number").run()
    assert not app.exception
    (slider,) = [each for each in app.slider if each.label == "Threshold"]
    assert slider.min <= -60
    assert slider.max >= 76.5
    slider.set_value(slider.max).run()
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Macro F1"] == "0.000"
    app.button_group(key="cut").set_value("hand").run()
    assert not app.exception
