"""Grad-CAM page: a column a run and a row a class, maps held against true places, and work that can be stopped."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from lt_core.explain import dataset_of_run, explain_run, localisation_table, localise_run
from lt_core.models import build
from lt_core.training import Run
from lt_core.training.weights import save
from tests.pages.test_results_pages import home, image_run_of, page, words

__all__ = ["home"]


class Squares:
    """A place for every class of every image: a square that depends on the class."""

    def read(self, row: int, class_index: int) -> NDArray[np.bool_] | None:
        mask = np.zeros((32, 32), dtype=np.bool_)
        mask[8 * class_index : 8 * class_index + 12, 4:20] = True
        return mask


@pytest.fixture
def two(home: Path) -> tuple[Run, Run]:
    """Two runs on the same images, whose networks are not the same."""
    first, second = (image_run_of(home, name, (0, 1, 2), 32) for name in ("first", "second"))
    torch.manual_seed(5)
    save(build(second.config.model, n_classes=3, in_chans=1), second.path / "best.safetensors")
    return first, second


@pytest.fixture
def placed(two: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch) -> tuple[Run, Run]:
    from pages.ui import cam_cases

    monkeypatch.setattr(cam_cases, "data_of", lambda run: replace(dataset_of_run(run), masks=Squares()))
    return two


def test_a_row_a_class_a_column_a_run_each_with_its_own_probability(two: tuple[Run, Run]) -> None:
    app = page("gradcam", run="first", versus="second", **{"cam-class": "1"})
    names = two[0].dataset_card["class_names"]
    app.multiselect(key="cam-class").set_value(names[:2]).run()
    assert not app.exception
    predictions = two[0].predictions("test")
    shown = app.selectbox(key="cam-shown").value
    place = np.flatnonzero(predictions.targets[:, names.index(shown)] == 1)
    surest = place[np.argmax(predictions.probabilities[place, names.index(shown)])]
    pixels = dataset_of_run(two[0]).images.read(int(predictions.rows[surest]))
    said = words(app)
    for letter, run in zip("AB", two, strict=True):
        for name in names[:2]:
            chance = explain_run(run, pixels, names.index(name)).probabilities[names.index(name)]
            assert f"**{letter} · {run.name}**  \nprobability **{chance:.3f}**" in said
    assert said.count("probability **") == 4
    assert "one scale for all maps of a class" in said
    assert "Not for diagnosis" in said


def test_the_last_of_the_others_can_be_taken_away(two: tuple[Run, Run]) -> None:
    app = page("gradcam", run="first", versus="second")
    app.multiselect(key="versus-widget").set_value([]).run()
    assert app.multiselect(key="versus-widget").value == []
    assert "versus" not in app.query_params
    assert "What the network says" in words(app)


def test_a_method_that_knows_no_class_says_so(two: tuple[Run, Run]) -> None:
    app = page("gradcam", run="first", **{"cam-method": "Eigen-CAM"})
    assert "the same for every class" in words(app)
    assert "Eigen-CAM at layer" in words(app)
    assert "Muhammad and Yeasin 2020; needs no gradient" in words(app)
    assert "Layer" in app.selectbox(key="cam-method").help


def test_the_files_hold_what_is_shown(two: tuple[Run, Run]) -> None:
    from pages.ui import cam_cases, cam_save

    pixels = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    case, names = cam_cases.Case(pixels, "mine"), two[0].dataset_card["class_names"][:2]
    cells = cam_cases.cells([cam_cases.Side(run, run.name) for run in two], case, names, "hirescam")
    with np.load(io.BytesIO(cam_save.made(cells, case, "class", 0.5, "npz")), allow_pickle=False) as file:
        assert file["run"].tolist() == ["first", "second"] * 2
        assert file["class"].tolist() == [name for name in names for _ in two]
        expected = explain_run(two[1], pixels, 1, method="hirescam").cam
        np.testing.assert_array_equal(file["raw_3"], expected.raw)
    assert cam_save.made(cells, case, "own", 0.5, "png")[:4] == b"\x89PNG"


def test_how_a_layer_is_read_is_shown_and_can_be_changed(
    placed: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages.ui import cam_choice

    app = page("gradcam", run="first", versus="second")
    second = placed[1]
    box = next(box for box in app.selectbox if box.key.startswith(f"cam-reshape-{second.key}"))
    assert box.options[0].startswith("automatic: channels-first")
    assert len([each for each in app.selectbox if each.label == "Reshape"]) == 2, "one a run"
    box.set_value("channels-last").run()
    assert not app.exception
    assert "B · second: layer" in words(app)
    assert words(app).count("places, channels-last)") == 1
    monkeypatch.setattr(cam_choice, "suggested", lambda output: ["tokens:1+3x3"])  # as if typed into the box
    app.run()
    app.selectbox(key=box.key).set_value("tokens:1+3x3").run()
    assert not app.exception
    assert "**There is no map.** second: reshape tokens:1+3x3 does not fit layer" in words(app)
    assert "channels-first or channels-last fits" in words(app)
    assert app.selectbox(key=box.key).value == "tokens:1+3x3", "still there to be mended"
    app.selectbox(key=box.key).set_value("auto").run()
    assert "There is no map" not in words(app)


def test_trust_is_asked_for_and_answered_in_words(placed: tuple[Run, Run]) -> None:
    app = page("gradcam", run="first", **{"cam-method": "Eigen-CAM"})
    assert "weights drawn anew" not in words(app)
    assert "Rank correlation" not in words(app)
    app.button(key="cam-trust-ask").click().run()
    assert not app.exception
    said = words(app)
    assert "Rank correlation of the places" in said
    assert "Deletion (area)" in said
    assert "ROAD (score)" in said
    assert said.count("of 20 maps at random") == 3
    app.selectbox(key="cam-method").set_value("HiResCAM").run()
    assert "Rank correlation of the places" not in words(app), "another map has not been asked about"


def test_rank_correlations_in_words() -> None:
    from pages.ui.cam_trust import in_words

    assert "bad" in in_words(np.array([0.9, -0.95, 0.8]))
    assert "good" in in_words(np.array([0.1, -0.2, 0.25]))
    assert "Partly" in in_words(np.array([0.5, 0.4, 0.6]))
    assert "Not defined" in in_words(np.array([np.nan, np.nan]))


def test_a_set_without_places_says_what_to_do(two: tuple[Run, Run]) -> None:
    app = page("gradcam", run="first", **{"cam-view": "Whole part"})
    assert "has neither masks nor boxes" in words(app)
    assert not [button for button in app.button if button.key == "cam-start"]


def worked(app: AppTest, most: int = 200) -> AppTest:
    for _ in range(most):
        if not [button for button in app.button if button.key == "cam-stop"]:
            return app
        app.run()
    raise AssertionError("the work never ends")


def _read_otherwise(app: AppTest, run: Run) -> None:
    """A part whose maps are read another way is another piece of work, and its rows say so."""
    from pages.ui import cam_cases, cam_work

    box = next(box for box in app.selectbox if box.key.startswith(f"cam-reshape-{run.key}"))
    box.set_value("channels-last").run()
    app.button(key="cam-start").click().run()
    worked(app)
    jobs = [job for job in app.session_state[cam_work.WORK].jobs.values() if job.layer.reshape == "channels-last"]
    assert [job.side.run.name for job in jobs] == ["first"]
    found = jobs[0].table
    whole = localise_run(run, "test", data=cam_cases.data_of(run), reshape="channels-last")
    pd.testing.assert_frame_equal(found, whole, check_like=True, rtol=1e-4, atol=1e-5)


def test_a_part_is_scored_in_slices_can_be_stopped_and_goes_on(
    placed: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lt_core.explain.localisation_table import FEW
    from pages.ui import cam_cases, cam_pointing, cam_work

    monkeypatch.setattr(cam_work, "SLICE", 0.0)
    monkeypatch.setattr(cam_work, "_batch", lambda side, method: 8)
    app = page("gradcam", run="first", versus="second", **{"cam-view": "Whole part"})
    app.button(key="cam-start").click().run()
    assert [button for button in app.button if button.key == "cam-stop"], "one slice is not all"
    app.run()
    app.button(key="cam-stop").click().run()
    jobs = list(app.session_state[cam_work.WORK].jobs.values())
    done = [job.done for job in jobs]
    assert 0 < done[0] < 30
    app.run()
    assert [job.done for job in app.session_state[cam_work.WORK].jobs.values()] == done
    assert "only the first images" in words(app)
    app.button(key="cam-start").click().run()
    worked(app)
    assert not app.exception
    wholes = {}
    for job, run in zip(app.session_state[cam_work.WORK].jobs.values(), placed, strict=True):
        whole = localise_run(run, "test", data=cam_cases.data_of(run))
        pd.testing.assert_frame_equal(job.table, whole, check_like=True, rtol=1e-4, atol=1e-5)
        wholes[run.name] = whole
    second = localisation_table(wholes["second"]).iloc[-1]
    assert f"**B · second** {second['hit']:.2f}" in words(app)
    difference = second["hit"] - localisation_table(wholes["first"]).iloc[-1]["hit"]
    assert f"against A · first: {difference:+.3f}" in words(app)
    assert "too narrow below about ten patients" in words(app)
    few = pd.DataFrame({"class": ["a", "b", "all classes"], "difference": 0.2, "low": 0.1, "high": 0.3,
                        "verdict": "cannot tell", "note": [FEW, "", FEW]})  # fmt: skip
    said = cam_pointing._in_words(few, "A")
    assert "in the mean of the classes, fewer than 5 patients: too few to tell;" in said
    assert "cannot tell in 2 (1 of them with fewer than 5 patients: too few) of 2 classes" in said
    assert "Not for diagnosis" in words(app)
    _read_otherwise(app, placed[0])
