"""Head, medium and tail as chosen on the Data set page: in force in every view, and a string that a run can store."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from lt_core.datasets import Source, load_images
from lt_core.stats import Grouping, groups_of
from lt_core.training import RunConfig

SCRIPT = """
import streamlit as st
from pages.ui import data_groups, data_views, state
data = state.current()
rule = data_groups.picker(data.class_names)
st.text("groups: " + " ".join(data_views.statistics(state.source(), None, rule).group))
st.text("in force: " + state.groups())
"""


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    names = ["Effusion"] * 200 + ["Mass"] * 60 + ["Hernia"] * 8
    pd.DataFrame({"image": [f"f{k}.png" for k in range(len(names))], "label": names}).to_csv(path, index=False)
    return path


def opened(path: Path) -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    app.session_state["source"] = Source(str(path)).as_json()
    app.run()
    assert not app.exception
    return app


def said(app: AppTest, what: str) -> str:
    return next(e.value for e in app.text if e.value.startswith(what)).removeprefix(f"{what}: ")


def expected(path: Path, rule: str) -> str:
    data = load_images(path)
    return " ".join(groups_of(data.positives(), scheme=rule, class_names=data.class_names))


def test_the_default_is_the_definition_everyone_shares(csv: Path) -> None:
    app = opened(csv)
    assert said(app, "in force") == "relative"
    assert said(app, "groups") == expected(csv, "relative")


def test_cut_offs_become_the_string_that_a_run_stores(csv: Path) -> None:
    app = opened(csv)
    app.selectbox(key="groups").select("absolute").run()
    assert said(app, "in force") == "absolute"
    app.number_input(key="groups-absolute-head").set_value(50).run()
    rule = said(app, "in force")
    assert rule == "absolute:50:20"
    assert said(app, "groups") == expected(csv, rule)
    assert RunConfig(Source(str(csv)), "ce", groups=rule).groups == rule


def test_a_choice_by_hand_is_of_its_set_alone(csv: Path, tmp_path: Path) -> None:
    app = opened(csv)
    app.selectbox(key="groups").select("hand").run()
    app.multiselect(key="groups-hand-head").select("Hernia").run()
    app.multiselect(key="groups-hand-tail").select("Effusion").run()
    rule = Grouping.of(said(app, "in force"))
    assert dict(rule.by_hand) == {"Effusion": "tail", "Hernia": "head", "Mass": "medium"}
    other = tmp_path / "other.csv"
    pd.read_csv(csv).replace("Hernia", "Edema").to_csv(other, index=False)
    # Where the page of the other set is not drawn yet, no rule that names classes is in force for it.
    app.session_state["source"] = Source(str(other)).as_json()
    asked = AppTest.from_string("import streamlit as st\nfrom pages.ui import state\nst.text(state.groups())")
    for key in ("source", "groups-in-force"):
        asked.session_state[key] = app.session_state[key]
    assert asked.run().text[0].value == "relative"
    asked.session_state["source"] = Source(str(csv)).as_json()
    assert asked.run().text[0].value == str(rule)


def test_coming_back_finds_the_rule_in_force(csv: Path) -> None:
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    app.session_state["source"] = Source(str(csv)).as_json()
    app.session_state["groups-in-force"] = ("quantile:0.9:0.1", None)
    app.run()
    assert app.selectbox(key="groups").value == "quantile"
    assert said(app, "in force") == "quantile:0.9:0.1"


def test_cut_offs_that_make_no_sense_are_said_and_the_default_is_in_force(csv: Path) -> None:
    app = opened(csv)
    app.selectbox(key="groups").select("absolute").run()
    app.number_input(key="groups-absolute-tail").set_value(5000).run()
    assert not app.exception
    assert "do not fit" in app.error[0].value
    assert said(app, "in force") == "relative"
