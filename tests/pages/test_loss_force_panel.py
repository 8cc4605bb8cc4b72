"""The force panel: never empty, says what it found in numbers of its own, and leaves out what does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lt_core.datasets import Source, load
from lt_core.evaluation import Predictions
from lt_core.problems import Problem
from lt_core.stats import prior_of
from lt_core.training import Run, RunConfig
from lt_core.training.folder import events
from lt_core.training.folder.store import write_json

SCRIPT = """
import streamlit as st
from lt_core.charts.palette import SERIES
from lt_core.datasets import load
from lt_core.losses import get_loss
from pages.ui import loss_force
keys = st.session_state["keys"]
entries = [(key.upper(), get_loss(key), get_loss(key).defaults, SERIES[k]) for k, key in enumerate(keys)]
loss_force.panel(entries, load(st.session_state["data"]))
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    return tmp_path


def shown(data: str, *keys: str, **state: Any) -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=120)
    app.session_state["data"], app.session_state["keys"] = data, keys
    for name, value in state.items():
        app.session_state[name] = value
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return "\n".join(part.value for kind in ("markdown", "caption") for part in getattr(app, kind))


def run(home: Path) -> None:
    """A finished run of two classes: the rare one is never answered with more than a logit of -3."""
    random = np.random.default_rng(0)
    truth = (random.random((80, 2)) < [0.5, 0.05]).astype(np.float32)
    logits = (random.normal(size=(80, 2)) * 0.5 - [0, 4]).astype(np.float32)
    path = home / "runs" / "one"
    path.mkdir(parents=True)
    card = {
        "title": "Somewhere", "kind": "multi", "synthetic": True, "class_names": ["often", "seldom"],
        "positives_per_class": [40, 4], "n_train": 80, "groups": ["head", "medium"],
        "parts": {"train": 80, "val": 0, "test": 80}, "shape": [8, 8, 1], "mean": [0.5], "std": [0.2],
    }  # fmt: skip
    write_json(path / "config.json", RunConfig(Source("chest-phantom"), "bce", name="one").as_json())
    write_json(path / "dataset.json", card)
    events.append(path / "events.jsonl", events.event("finished", epoch=1, reported_epoch=1, seconds=1.0))
    Predictions(("often", "seldom"), logits, truth, np.arange(80), np.arange(80).astype(str), "multi", "test").save(
        path / "predictions-test.npz"
    )


def test_before_the_first_step_bce_pushes_by_the_odds_of_absence() -> None:
    prior = prior_of(load("nih"))
    rare = int(np.argmin(prior.positives))
    odds = (prior.n_samples - prior.positives[rare]) / prior.positives[rare]
    app = shown("nih", "bce", "asl")
    assert f"Under BCE, Hernia is pushed down {odds:,.0f} times harder than it is pulled up" in said(app)
    assert "no histogram" in said(app)
    assert len(app.get("vega_lite_chart")) == 3


def test_a_softmax_loss_is_left_out_of_a_multi_label_set_by_name() -> None:
    assert "Left out: CE, LMF." in said(shown("nih", "bce", "ce", "lmf"))
    assert "No loss fits" in said(shown("nih", "ce"))
    both = said(shown("ham10000", "ce", "bce"))
    assert "Left out" not in both
    assert "Under CE, df is pushed down" in both


def test_a_run_is_drawn_over_its_own_logits_and_class_by_class(home: Path) -> None:
    run(home)
    app = shown("nih", "bce", "two_way", force="one")
    assert "80 images of the test part of Somewhere" in said(app)
    assert "TWO_WAY: computed in batches of 256" in said(app)
    assert "Under BCE, seldom is pulled up" in said(app)
    cells = next(box for box in app.selectbox if box.label == "Cells of")
    assert cells.options == ["all classes", "head: 1 class", "medium: 1 class", "often", "seldom"]
    cells.set_value("seldom").run()
    assert not app.exception
    specs = [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]
    assert any("where y = 0" in str(spec.get("title")) for spec in specs)


def test_the_propensities_of_a_run_are_those_it_was_given(home: Path) -> None:
    """The unbiased estimate pulls a positive by 1/rho - sigmoid(z) and pushes a negative by sigmoid(z)."""
    run(home)
    from pages.ui import loss_force, loss_force_source

    made = Run(home / "runs" / "one")
    jain = loss_force_source._of_run(made, "test")
    assert jain.prior.propensities is None
    assert loss_force._received("jain", "unbiased_bce", (("estimator", "unbiased"),), jain)[2] == ""
    config = made.config.as_json() | {"loss": "unbiased_bce", "propensities": {"seldom": 0.2, "often": 0.8}}
    write_json(made.path / "config.json", config)
    cells = loss_force_source._of_run(Run(made.path), "test")
    table, _, said = loss_force._received("own", "unbiased_bce", (("estimator", "unbiased"),), cells)
    assert said == "with the propensities given, not those of Jain's model"
    answers = 1 / (1 + np.exp(-cells.logits.astype(float)))
    for name, rho, k in (("often", 0.8, 0), ("seldom", 0.2, 1)):
        row, there = table.set_index("class").loc[name], cells.targets[:, k] == 1
        assert row["pull"] == pytest.approx((1 / rho - answers[there, k]).sum())
        assert row["push"] == pytest.approx(answers[~there, k].sum())
    write_json(made.path / "config.json", config | {"propensities": {"seldom": 0.2, "oftn": 0.8}})
    with pytest.raises(Problem, match="propensities name oftn"):
        loss_force_source._of_run(Run(made.path), "test")


def test_a_file_is_asked_for_in_words() -> None:
    assert "two tables" in said(shown("nih", "bce", force="file"))
