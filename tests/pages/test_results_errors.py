"""The views of errors and slices: counts as in the tables, one sentence where there is nothing to see."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from lt_core.evaluation.scored import Scored
from pages.ui.results.error_cases import grad_cam_query
from pages.ui.results.models import Model
from pages.ui.results.of_images import columns_of, images_of

SCRIPT = """
import numpy as np
import streamlit as st
from tests_results_errors import model
from pages.ui.results import {view}
known = model({arguments})
{view}.draw([known], {{"A": np.full(3, 0.5)}})
"""


def model(*, kind: str = "multi", columns: bool = True) -> Model:
    """Return predictions from a file, of three classes."""
    random = np.random.default_rng(0)
    truth = (random.random((200, 3)) < [0.5, 0.3, 0.1]).astype(np.float32)
    if kind == "single":
        truth = np.eye(3, dtype=np.float32)[random.integers(0, 3, 200)]
    scores = np.clip(random.random((200, 3)) * 0.7 + 0.3 * truth, 0, 1)
    known = pd.DataFrame({"sex": random.choice(["F", "M"], 200), "age": random.integers(1, 90, 200).astype(float)})
    ids = np.array([f"i{k}.png" for k in range(200)])
    record = Scored(
        ("often", "seldom", "rare"), scores, scores, truth, ids, columns=known if columns else None,
        kind="single" if kind == "single" else "multi",
    )  # fmt: skip
    return Model("A", "from a file", f"{kind}{columns}", record)


def drawn(monkeypatch: pytest.MonkeyPatch, view: str, arguments: str = "", **state: str) -> AppTest:
    import sys

    monkeypatch.setitem(sys.modules, "tests_results_errors", SimpleNamespace(model=model))  # type: ignore[arg-type]
    app = AppTest.from_string(SCRIPT.format(view=view, arguments=arguments), default_timeout=60)
    for key, value in state.items():
        app.session_state[key.replace("_", "-")] = value
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return "\n".join(part.value for kind in (app.markdown, app.caption, app.info) for part in kind)


def test_errors_begin_with_the_rarest_class_and_count_as_the_truth_does(monkeypatch: pytest.MonkeyPatch) -> None:
    app = drawn(monkeypatch, "errors")
    record = model().scored
    y, called = record.targets[:, 2] == 1, record.scores[:, 2] >= 0.5
    assert app.selectbox(key="err-class").value == "rare"
    wanted = f"rare: {(y & ~called).sum()} of {y.sum()} missed, {(~y & called).sum()} of {(~y).sum()} called without it"
    assert wanted in said(app)
    assert "To see the images" in said(app)
    app.selectbox(key="err-class").set_value("often").run()
    assert not app.exception
    assert "Is often found by its companions?" in said(app)


def test_images_of_one_class_have_pairs_but_no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    app = drawn(monkeypatch, "errors", 'kind="single"')
    assert "none stands beside another" in said(app)
    assert "Missed one, called another" in said(app)


def test_slices_are_of_all_classes_or_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    app = drawn(monkeypatch, "slices")
    assert app.selectbox(key="err-by").options == ["sex", "age"]
    assert "AP" not in app.selectbox(key="err-metric").options
    app.selectbox(key="err-classes").set_value("rare").run()
    app.selectbox(key="err-by").set_value("age").run()
    app.selectbox(key="err-metric").set_value("ap").run()
    assert not app.exception
    assert "cut at ages of 18, 40, 60, 80 years" in said(app)
    # back to all classes, AP is no longer offered and F1 stands in for it
    app.selectbox(key="err-classes").set_value("all classes").run()
    assert not app.exception
    assert app.selectbox(key="err-metric").value == "f1"


def test_nothing_known_of_the_images_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nothing to slice by" in said(drawn(monkeypatch, "slices", "columns=False"))


def of_run(monkeypatch: pytest.MonkeyPatch) -> Model:
    """Return a model of a run whose set has its rows in another order than the predictions."""
    from lt_core.datasets import ArrayImages, LabeledImages, Source
    from pages.ui import cam_cases, run_picker

    base = model(columns=False)
    rows = np.random.default_rng(1).permutation(300)[:200]
    known = pd.DataFrame({"age": np.arange(300.0)})
    labels = np.zeros((300, 3), np.float32)
    data = LabeledImages(
        "k", "A set", base.scored.class_names, labels, ArrayImages(np.zeros((300, 4, 4), np.uint8)), "multi",
        Source("k"), metadata=known,
    )  # fmt: skip
    kept = SimpleNamespace(ids=base.scored.ids, rows=rows)
    monkeypatch.setattr(cam_cases, "data_of", lambda _: data)
    monkeypatch.setattr(run_picker, "predictions", lambda *_: kept)
    monkeypatch.setattr(run_picker, "parts_of", lambda _: [""])
    run = SimpleNamespace(path=SimpleNamespace(name="one"), key="one")
    return Model("A", "a run", "k", base.scored, run=run)  # type: ignore[arg-type]


def test_what_is_known_of_a_runs_images_follows_its_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    whole = of_run(monkeypatch)
    pictures = images_of(whole)
    assert not isinstance(pictures, str)
    rows = pictures.rows
    found = columns_of(whole)
    assert not isinstance(found, str)
    assert np.array_equal(found["age"], rows)
    some = replace(whole, scored=whole.scored.only(np.array([7, 3, 150])))
    assert np.array_equal(columns_of(some)["age"], np.asarray(rows)[[7, 3, 150]])  # type: ignore[index]


def test_the_way_to_a_map_counts_images_as_its_page_does(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.ui.cam_cases import ordered

    whole = of_run(monkeypatch)
    truth = whole.scored.targets
    alarm = int(np.flatnonzero((truth[:, 2] == 0) & (truth[:, 0] == 1))[5])
    query = grad_cam_query(whole, alarm, "rare")
    assert query is not None
    assert (query["cam-shown"], query["cam-class"]) == ("often", "rare")
    places = ordered(SimpleNamespace(targets=truth, probabilities=truth), 0, "file")  # type: ignore[arg-type]
    assert places[int(query["cam-number"]) - 1] == alarm
    none = int(np.flatnonzero(truth.sum(axis=1) == 0)[0])
    assert grad_cam_query(whole, none, "rare") is None


def test_images_of_predictions_from_a_file_are_found_in_the_folder_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The table gives way to pictures, and it is said how many were found; a wrong folder is one sentence."""
    from PIL import Image

    record = model().scored
    for name in record.ids[:150]:
        Image.fromarray(np.full((8, 8), 90, np.uint8)).save(tmp_path / str(name))
    app = drawn(monkeypatch, "errors", err_images=str(tmp_path))
    assert "150 of 200 found by name, names as written" in said(app)
    app = drawn(monkeypatch, "errors", err_images=str(tmp_path / "nowhere"))
    assert "No images: " in said(app)
