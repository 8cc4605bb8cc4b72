"""The Train page: what is chosen is what is started, and every state of a run says what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lt_core.datasets import Source, load
from lt_core.problems import Problem
from lt_core.training import SETTINGS, Run, RunConfig, runs
from lt_core.training.folder import events, manage
from lt_core.training.folder.meta import write_meta
from lt_core.training.folder.process import record
from lt_core.training.folder.store import write_json

ME = "visitor here"
APP = Path(__file__).resolve().parents[2] / "app.py"
CARD = {
    "title": "Chest phantom",
    "synthetic": True,
    "class_names": ["a"],
    "positives_per_class": [4],
    "groups": ["head"],
    "n_train": 9,
    "shape": [16, 16, 1],
    "mean": [0.5],
    "std": [0.25],
    "kind": "multi",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from pages.ui import train_owner, warm

    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    monkeypatch.setattr(warm, "up", lambda: None)
    monkeypatch.setattr(train_owner, "me", lambda: ME)
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, home: Path) -> list[RunConfig]:
    from pages.ui import train_start

    asked: list[RunConfig] = []

    def note(config: RunConfig, *, owner: str, parent: str | None) -> Run:
        asked.append(config)
        run = _run(home, "noted", config)
        write_meta(run.path, owner=owner, parent=parent)
        return run

    monkeypatch.setattr(train_start, "start_worker", note)
    return asked


def _run(home: Path, name: str, config: RunConfig, *said: events.Event, **meta: object) -> Run:
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    write_json(folder / "config.json", config.as_json())
    write_json(folder / "dataset.json", CARD)
    for entry in said:
        events.append(folder / "events.jsonl", entry)
    write_meta(folder, **{"owner": ME, **meta})
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
        images_per_second=50.0,
        memory=2**30,
        classes={"ap": [0.5], "f1": [None]},
        gradients={"pull": [1.0], "push": [2.0], "ratio": [0.5]},
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


def test_propensities_are_asked_of_a_loss_that_has_use_for_them_and_reach_the_run(started: list[RunConfig]) -> None:
    app = _page()
    assert not [field for field in app.text_area if field.key == "train.propensities"]
    app.selectbox(key="train.loss").set_value("propensity_bce").run()
    names = load(CONFIG.data).class_names
    app.text_area(key="train.propensities").set_value(f"{names[0]} = 0.4").run()
    assert f"propensities leave out {names[1]}" in _words(app)
    assert _button(app, "Start training").disabled
    written = "\n".join(f"{name} = 0.4" for name in names)
    app.text_area(key="train.propensities").set_value(written).run()
    _button(app, "Start training").click().run()
    assert not app.exception
    assert started[0].propensities == dict.fromkeys(names, 0.4)


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
    from pages.ui import train_start

    def refuse(config: RunConfig, **_: object) -> Run:
        raise Problem("the folder of runs cannot be written to: choose another with LONGTAIL_LAB_HOME")

    monkeypatch.setattr(train_start, "start_worker", refuse)
    app = _page(**{"train.epochs": 5})
    _button(app, "Start training").click().run()
    assert not app.exception
    assert "the folder of runs cannot be written to" in app.error[0].value
    assert app.number_input(key="train.epochs").value == 5


def test_settings_of_an_earlier_run_are_taken_and_put_back(started: list[RunConfig], home: Path) -> None:
    config = RunConfig(Source("chest-phantom"), "asl", {"gamma_neg": 7.0}, epochs=2, learning_rate=0.01, image_size=32)
    _run(home, "old", config, events.event("failed", error="it did"))
    app = _page()
    assert "It did." in _words(app)
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
        ([events.event("failed", error="the disk is full")], "The disk is full."),
        ([events.event("stopped", epoch=1, reported_epoch=1)], "reported is epoch 1"),
        ([events.event("stopped", epoch=0, reported_epoch=None)], "before its first epoch ended"),
        ([events.event("finished", epoch=8, reported_epoch=1)], "reported is epoch 1: best macro AP on validation"),
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


def test_every_declared_setting_has_one_widget_and_a_label() -> None:
    from pages.ui import train_groups, train_widgets

    drawn = [*train_groups.ESSENTIAL, *(name for _, names in train_groups.GROUPS.values() for name in names)]
    declared = {param.name for param in SETTINGS}
    assert sorted(drawn) == sorted(declared)
    assert set(train_widgets.LABELS) == declared


def test_doing_as_the_authors_did_sets_what_they_set(started: list[RunConfig]) -> None:
    app = _page(**{"train.loss": "db"})
    assert "sampler **class-aware**" in _words(app)
    _button(app, "Do as the authors did").click().run()
    assert not app.exception
    assert "Set as its authors trained it" in _words(app)
    _button(app, "Start training").click().run()
    (config,) = started
    assert (config.sampler, config.optimizer, config.clip_norm) == ("class-aware", "sgd", 35.0)
    assert config.learning_rate == CONFIG.learning_rate


def test_settings_that_do_not_go_together_are_a_sentence_and_cannot_be_started(home: Path) -> None:
    app = _page(**{"train.stages": "drw", "train.epochs": 1})
    assert "at least 2 epochs" in app.error[0].value
    assert _button(app, "Start training").disabled
    assert _button(app, "Queue").disabled
    app.number_input(key="train.epochs").set_value(2).run()
    assert not app.error
    assert not _button(app, "Start training").disabled


def test_what_does_not_apply_is_greyed(home: Path) -> None:
    app = _page()
    assert app.number_input(key="train.momentum").disabled
    assert app.number_input(key="train.deferred_from").disabled
    app.selectbox(key="train.optimizer").set_value("sgd")
    app.selectbox(key="train.stages").set_value("drs").run()
    assert not app.number_input(key="train.momentum").disabled
    assert not app.number_input(key="train.deferred_from").disabled
    assert app.number_input(key="train.deferred_beta").disabled


def test_a_link_carries_choices_by_their_own_names(started: list[RunConfig]) -> None:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.run()
    for name, value in (("loss", "asl"), ("schedule", "step"), ("optimizer", "nonsense")):
        app.query_params[f"train.{name}"] = value
    app.switch_page("pages/train.py").run()
    assert app.selectbox(key="train.loss").value == "asl"
    app.selectbox(key="train.sampler").set_value("square-root").run()
    assert app.query_params["train.sampler"] in ("square-root", ["square-root"])
    _button(app, "Start training").click().run()
    assert started == [RunConfig(Source("chest-phantom"), "asl", schedule="step", sampler="square-root")]


def test_a_run_is_deleted_and_taken_back(home: Path) -> None:
    run = _run(home, "some", CONFIG, _epoch(), events.event("finished", epoch=8, reported_epoch=1))
    app = _page()
    _button(app, "Delete").click().run()
    assert not app.exception
    assert not run.path.exists()
    assert "was deleted" in _words(app)
    _button(app, "Undo").click().run()
    assert not app.exception
    assert [entry.path for entry in runs()] == [run.path]
    assert not manage.trash()


def test_name_tags_and_note_are_kept_as_they_are_written(home: Path) -> None:
    run = _run(home, "some", CONFIG, events.event("failed", error="it did"))
    app = _page()
    app.text_input(key="run-name-some").set_value("the *first*").run()
    app.text_area(key="run-note-some").set_value("too fast").run()
    _button(app, "Favourite").click().run()
    assert not app.exception
    assert (run.meta.name, run.meta.note, run.meta.favourite) == ("the *first*", "too fast", True)
    assert r"the \*first\*" in _words(app)


@pytest.mark.parametrize("state", ["stopped", "interrupted"])
def test_a_run_that_ended_early_is_resumed_in_its_own_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    from pages.ui import run_ends

    ends = [events.event("stopped", epoch=1, reported_epoch=1)] if state == "stopped" else []
    run = _run(home, "some", CONFIG, _epoch(), *ends)
    resumed: list[Path] = []
    monkeypatch.setattr(run_ends, "start_worker_in", resumed.append)
    app = _page()
    assert run.state == state
    _button(app, "Resume").click().run()
    assert not app.exception
    assert resumed == [run.path]


def test_the_command_of_a_run_is_the_one_that_trains_it_again(home: Path) -> None:
    from lt_core.training.reproduce import as_command, as_python

    config = RunConfig(Source("chest-phantom"), "asl", {"gamma_neg": 7.0}, epochs=2)
    _run(home, "old", config, events.event("failed", error="it did"))
    texts = [entry.value for entry in _page().code]
    assert as_command(config) in texts
    assert as_python(config).strip() in texts
    assert as_command(CONFIG) in texts  # that of the settings


def test_a_run_of_somebody_else_is_neither_followed_nor_stopped_unasked(home: Path) -> None:
    run = _run(home, "theirs", CONFIG, _epoch(), owner="Ada")
    record(run.path / "worker.json")
    app = _page()
    assert "No run yet" in _words(app)
    app.query_params["run"] = "theirs"
    app.run()
    assert "This run is of **Ada**, not yours." in _words(app)
    assert not [button for button in app.button if button.label == "Stop"]
    _button(app, "Stop it all the same").click().run()
    assert (run.path / "stop").exists()


def test_a_run_without_an_owner_is_shown_and_neither_stopped_nor_deleted_unasked(home: Path) -> None:
    run = _run(home, "old", CONFIG, _epoch(), owner="")
    app = _page()
    assert not [button for button in app.button if button.label == "Delete"]
    assert _words(app).count("This run names no owner: it may be somebody else's.") == 2
    record(run.path / "worker.json")
    app = _page()
    assert not [button for button in app.button if button.label == "Stop"]
    _button(app, "Stop it all the same").click().run()
    assert (run.path / "stop").exists()
    own = _run(home, "own", CONFIG, _epoch())
    os.utime(own.path / "config.json", (0, 0))  # one's own comes first, however old
    app = _page()
    assert "of **" not in _words(app)
    assert [button for button in app.button if button.label == "Delete"]


def test_a_run_in_the_queue_has_a_place_and_can_be_taken_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lt_core.training.workers import queue

    monkeypatch.setattr(queue, "ensure_dispatcher", lambda folder: False)  # nothing is to be started here
    app = _page()
    _button(app, "Queue").click().run()
    assert not app.exception
    (run,) = runs()
    assert run.state == "queued"
    assert "In the queue" in _words(app)
    assert any(entry.value.startswith("**1.**") for entry in app.markdown)
    next(b for b in app.button if b.key == f"queue-cancel-{run.path.name}").click().run()
    assert run.state == "stopped"


@pytest.mark.parametrize("view", ["classes", "gradients", "machine"])
def test_every_view_of_a_run_is_drawn(home: Path, view: str) -> None:
    _run(home, "some", CONFIG, _epoch(), events.event("finished", epoch=8, reported_epoch=1))
    app = _page(**{"train-view-4": view})
    assert not app.error
    assert app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")
