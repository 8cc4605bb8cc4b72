"""A method beyond the loss, chosen on the Train page, is in the run, is kept by its clone and is put back."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lt_core.datasets import Source
from lt_core.training import Run, RunConfig
from lt_core.training.folder import events
from lt_core.training.folder.store import write_json
from lt_core.training.methods.registry import get_method

APP = Path(__file__).resolve().parents[2] / "app.py"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from pages.ui import warm

    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    monkeypatch.setattr(warm, "up", lambda: None)
    return tmp_path


def run_of(home: Path, name: str, config: RunConfig, kind: str) -> Run:
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    write_json(folder / "config.json", config.as_json())
    said = {"error": "it did"} if kind == "failed" else {"epoch": 1, "reported_epoch": None}
    events.append(folder / "events.jsonl", events.event(kind, **said))
    return Run(folder)


def page(**session: object) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    for key, value in session.items():
        app.session_state[key] = value
    app.run()
    app.switch_page("pages/train.py").run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    return "\n".join(entry.value for kind in (app.markdown, app.caption, app.error, app.warning) for entry in kind)


def test_a_clone_keeps_method_values_and_teacher(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.ui import train_start

    teacher = run_of(home, "teacher", RunConfig(Source("chest-phantom"), "bce"), "finished")
    config = RunConfig(
        Source("chest-phantom"), "bce", method="rebll", method_values={"distil": 2.0}, teacher=str(teacher.path)
    )
    run_of(home, "zz-student", config, "failed")
    asked: list[RunConfig] = []

    def note(config: RunConfig, *, owner: str, parent: str | None) -> Run:
        asked.append(config)
        return run_of(home, f"noted-{len(asked)}", config, "failed")

    monkeypatch.setattr(train_start, "start_worker", note)
    app = page()
    next(button for button in app.button if button.label == "Take these settings").click().run()
    assert not app.exception
    said = words(app)
    assert get_method("rebll").assumed in said
    assert "experimental" in said
    app.button(key="train-start").click().run()
    assert asked == [config]
    app.button(key="train-defaults").click().run()
    app.button(key="train-start").click().run()
    assert asked[1] == RunConfig(Source("chest-phantom"), "bce")


def test_a_method_that_does_not_fit_is_refused_before_it_starts(home: Path) -> None:
    app = page(source=Source("digits").as_json(), **{"train.method": "csc"})
    assert "is for several labels an image" in words(app)
    assert app.button(key="train-start").disabled
