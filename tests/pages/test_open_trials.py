"""Results and Grad-CAM open the runs of a sweep: chosen by sweep, kept in the link, never a flood, never a dead end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from lt_core.datasets import Source
from lt_core.sweeps import Axis, Candidate, ComparePlan, InProcess, Plan, Sweep, SweepPlan, carry_out, open_sweep
from lt_core.training import Run, RunConfig
from lt_core.training.folder.manage import delete
from tests.sweeps.fake_training import FAKE

APP = Path(__file__).resolve().parents[2] / "app.py"
BASE = RunConfig(Source("digits"), "bce", epochs=3)
LOSSES = tuple(Candidate(loss) for loss in ("bce", "asl", "focal"))
PLAN = ComparePlan(BASE, LOSSES, seeds=(0, 1), rates=(1e-3, 1e-2), tune_epochs=2, reference="asl", name="three")
CARD = {"title": "Somewhere", "synthetic": False, "n_train": 60}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sweep]:
    """Return a function that carries out a plan without a network, in a home of its own."""
    from pages.ui import warm

    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    monkeypatch.setattr(warm, "up", lambda: None)

    def make(plan: Plan, name: str) -> Sweep:
        sweep = open_sweep(plan, tmp_path / "runs" / name)
        for _ in carry_out(sweep, InProcess(FAKE)):
            pass
        for run in sweep.runs():
            card = run.path / "dataset.json"
            card.write_text(json.dumps(json.loads(card.read_text()) | CARD))
        return sweep

    return make


def alone(sweep: Sweep, name: str) -> Run:
    """Return a single run beside a sweep: a copy of one of its own."""
    path = sweep.path.parent / name
    shutil.copytree(sweep.runs()[0].path, path)
    return Run(path)


def page(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.run()
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(f"pages/{name}.py").run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.error, app.warning, app.info)
    return "\n".join(entry.value for kind in kinds for entry in kind)


def links(app: AppTest) -> list[dict[str, list[str]]]:
    """Return what the links to other pages carry, of those that carry runs."""
    found = [parse_qs(entry.proto.query_string) for entry in app.get("page_link")]
    return [entry for entry in found if "run" in entry]


def test_with_sweeps_only_the_newest_is_shown_and_with_single_runs_those(made: Callable[..., Sweep]) -> None:
    made(PLAN, "older")
    newest = made(replace(PLAN, name="newest"), "newer")
    app = page("results")
    assert app.selectbox(key="runs-of").value == "newer"
    assert app.selectbox(key="run-widget").value == "newer/00-bce-s0"
    alone(newest, "single")
    app = page("results")
    assert app.selectbox(key="runs-of").value == ""
    assert len(app.selectbox(key="run-widget").options) == 1
    assert "not here any more" not in words(app)


def test_of_a_chosen_sweep_what_counts_is_first_and_a_damaged_one_is_said(made: Callable[..., Sweep]) -> None:
    sweep = made(PLAN, "some")
    alone(sweep, "single")
    app = page("results")
    app.selectbox(key="runs-of").set_value("some").run()
    assert not app.exception
    assert app.selectbox(key="run-widget").value == "some/00-bce-s0"
    said = app.selectbox(key="run-widget").options
    assert said[:6] == [f"{loss} seed {seed}" for seed in (0, 1) for loss in ("bce", "asl", "focal")]
    assert "Somewhere" in said[6]
    assert all("rate" in text for text in said[7:])
    assert len(said) == 13
    assert app.query_params["run"] == "some/00-bce-s0"
    (sweep.path / "plan.json").write_text("{")
    app.run()
    assert not app.exception
    assert "cannot be read" in words(app)


def test_a_link_opens_its_runs_whatever_was_looked_at_before(made: Callable[..., Sweep]) -> None:
    alone(made(PLAN, "some"), "single")
    app = page("results")
    assert app.session_state["run"] == "single"
    app.switch_page("pages/start.py").run()
    app.query_params["run"], app.query_params["versus"] = "some/01-asl-s1", "some/00-bce-s1,single"
    app.switch_page("pages/results.py").run()
    assert not app.exception
    assert app.selectbox(key="runs-of").value == "some"
    assert app.selectbox(key="run-widget").value == "some/01-asl-s1"
    assert app.multiselect(key="versus-widget").value == ["some/00-bce-s1", "single"]
    assert "A · asl seed 1" in words(app) + str([table.value.to_dict() for table in app.dataframe])
    app.switch_page("pages/gradcam.py").run()
    assert app.selectbox(key="runs-of").value == "some", "what was chosen is kept from page to page"
    assert app.selectbox(key="run-widget").value == "some/01-asl-s1"
    app = page("results", run="single", versus="some/02-focal-s0")
    assert app.selectbox(key="runs-of").value == ""
    assert app.multiselect(key="versus-widget").value == ["some/02-focal-s0"]
    assert len(app.selectbox(key="run-widget").options) == 2


def test_a_run_that_is_gone_is_said_and_another_is_shown(made: Callable[..., Sweep]) -> None:
    sweep = made(PLAN, "some")
    for name in ("single", "gone", "begun"):
        alone(sweep, name)
    delete(Run(sweep.path.parent / "gone"))
    for file in (sweep.path.parent / "begun").glob("predictions-*.npz"):
        file.unlink()
    said = words(page("gradcam", run="gone"))
    assert "gone is not here any more" in said
    assert "takes it back" in said
    assert "some/nothing is not here any more" in words(page("results", run="some/nothing"))
    assert "begun has no results yet" in words(page("results", run="begun"))


def test_a_comparison_opens_one_run_of_each_loss_at_the_same_seed(made: Callable[..., Sweep]) -> None:
    sweep = made(PLAN, "some")
    app = page("compare")
    assert "there is no Grad-CAM" in words(app), "the trainer of this test writes no weights"
    for run in sweep.runs():
        (run.path / "best.safetensors").touch()
    app.run()
    assert "there is no Grad-CAM" not in words(app)
    wanted = {"run": ["some/01-asl-s0"], "versus": ["some/00-bce-s0,some/02-focal-s0"]}
    assert links(app) == [wanted, wanted]
    app.selectbox(key="compare-open-seed-some").set_value("1").run()
    app.multiselect[0].set_value(["asl", "focal"]).run()
    wanted = {"run": ["some/01-asl-s1"], "versus": ["some/02-focal-s1"]}
    assert links(app) == [wanted, wanted]


def test_a_search_opens_the_runs_of_its_best_setting(made: Callable[..., Sweep]) -> None:
    axes = (Axis("learning_rate", values=(1e-4, 1e-2)),)
    sweep = made(SweepPlan(BASE, axes, search="grid", seeds=(0, 1)), "search")
    best = sweep.table().iloc[0]
    own = [done for done in sweep.done() if done.number == best["number"]]
    found = links(page("compare"))[0]
    assert {*found["run"], *found["versus"][0].split(",")} == {f"search/{done.key}" for done in own}
