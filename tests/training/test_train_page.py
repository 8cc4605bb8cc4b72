"""The Train page: what is chosen is what is started, and every state of a run says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lt_core.datasets import Source
from lt_core.problems import Problem
from lt_core.training import Run, RunConfig, events
from lt_core.training.process import record
from lt_core.training.store import write_json

APP = Path(__file__).resolve().parents[2] / "app.py"
CARD = {"title": "Chest phantom", "synthetic": True, "class_names": ["a"], "n_train": 9, "shape": [16, 16, 1]}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from pages.ui import warm

    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    monkeypatch.setattr(warm, "up", lambda: None)
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, home: Path) -> list[RunConfig]:
    from pages.ui import run_view, train_panel

    asked: list[RunConfig] = []

    def note(config: RunConfig) -> Run:
        asked.append(config)
        return _run(home, "noted", config)

    for module in (train_panel, run_view):
        monkeypatch.setattr(module, "start_worker", note)
    return asked


def _run(home: Path, name: str, config: RunConfig, *said: events.Event) -> Run:
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    write_json(folder / "config.json", config.as_json())
    write_json(folder / "dataset.json", CARD)
    for entry in said:
        events.append(folder / "events.jsonl", entry)
    return Run(folder)


def _epoch() -> events.Event:
    scores = {f"{m}_{g}": 0.25 for m in ("f1", "ap") for g in ("head", "medium", "tail", "macro")}
    return events.event(
        "epoch",
        epoch=1,
        epochs=8,
        fraction=0.125,
        train_loss=0.5,
        val_loss=0.4,
        learning_rate=0.1,
        seconds=1.0,
        **scores,
    )


def _page(**session: object) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    for key, value in session.items():
        app.session_state[key] = value
    app.run()
    app.switch_page("pages/train.py").run()
    assert not app.exception
    return app


def _button(app: AppTest, label: str):
    return next(button for button in app.button if button.label == label)


def _words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.error, app.warning, app.info)
    return "\n".join(entry.value for kind in kinds for entry in kind)


CONFIG = RunConfig(Source("chest-phantom"), "bce")


def test_without_a_run_the_page_says_what_to_do(home: Path) -> None:
    assert "No run yet" in _words(_page())


def test_defaults_start_the_default_run(started: list[RunConfig]) -> None:
    app = _page()
    _button(app, "Start training").click().run()
    assert not app.exception
    assert started == [CONFIG]
    assert app.query_params["run"] in ("noted", ["noted"])


def test_what_is_chosen_is_what_is_started(started: list[RunConfig]) -> None:
    app = _page()
    app.selectbox(key="train.loss").set_value("asl").run()
    app.slider(key="train.asl.gamma_neg").set_value(2.0)
    app.number_input(key="train.epochs").set_value(3)
    app.selectbox(key="train.sampler").set_value("class-aware")
    app.text_input(key="train.name").set_value("mine")
    _button(app, "Start training").click().run()
    assert not app.exception
    expected = RunConfig(
        Source("chest-phantom"), "asl", {"gamma_neg": 2.0}, epochs=3, sampler="class-aware", name="mine"
    )
    assert started == [expected]


def test_a_mistake_is_one_sentence_and_the_settings_stay(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.ui import train_panel

    def refuse(config: RunConfig) -> Run:
        raise Problem("the folder of runs cannot be written to: choose another with LONGTAIL_LAB_HOME")

    monkeypatch.setattr(train_panel, "start_worker", refuse)
    app = _page(**{"train.epochs": 5})
    _button(app, "Start training").click().run()
    assert not app.exception
    assert "the folder of runs cannot be written to" in app.error[0].value
    assert app.number_input(key="train.epochs").value == 5


def test_settings_of_an_earlier_run_are_taken_and_put_back(started: list[RunConfig], home: Path) -> None:
    config = RunConfig(Source("chest-phantom"), "asl", {"gamma_neg": 7.0}, epochs=2, learning_rate=0.01, image_size=32)
    _run(home, "old", config, events.event("failed", error="it did"))
    app = _page()
    assert "it did" in _words(app)
    _button(app, "Take these settings").click().run()
    assert app.selectbox(key="train.loss").value == "asl"
    assert app.slider(key="train.asl.gamma_neg").value == 7.0
    _button(app, "Start training").click().run()
    assert started == [config]
    _button(app, "Defaults").click().run()
    assert not app.exception
    assert app.selectbox(key="train.loss").value == "bce"
    assert app.number_input(key="train.epochs").value == CONFIG.epochs


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ([], "ended without a word"),
        ([events.event("failed", error="the disk is full")], "the disk is full"),
        ([events.event("stopped", epoch=1, reported_epoch=1)], "reported is epoch 1"),
        ([events.event("stopped", epoch=0, reported_epoch=None)], "before its first epoch ended"),
        ([events.event("finished", epoch=8, reported_epoch=1)], "reported is epoch 1"),
    ],
)
def test_every_end_says_what_it_means(home: Path, last: list[events.Event], words: str) -> None:
    run = _run(home, "some", CONFIG, _epoch(), *last)
    if not last:
        (run.path / "worker.json").write_text(json.dumps({"pid": 1, "began": "never"}))
    assert words in _words(_page())


def test_a_running_run_is_found_again_and_can_be_stopped(home: Path) -> None:
    run = _run(home, "going", CONFIG, _epoch())
    record(run.path / "worker.json")  # this very process: alive
    app = _page()
    assert "running" in _words(app)
    _button(app, "Stop").click().run()
    assert (run.path / "stop").exists()


def test_a_set_without_images_leads_to_one_that_has_some(home: Path) -> None:
    app = _page(source=Source("nih").as_json())
    assert "No images to train on" in _words(app)
    assert not [button for button in app.button if button.label == "Start training"]


def test_a_single_label_set_is_offered_softmax_losses_first_and_sigmoid_ones_too(
    started: list[RunConfig], config: Callable[..., RunConfig]
) -> None:
    app = _page(source=Source("digits").as_json())
    loss = app.selectbox(key="train.loss")
    assert loss.value == "ce"
    assert "Asymmetric loss (ASL)" in loss.options
    _button(app, "Start training").click().run()
    assert started[0].loss == "ce"
