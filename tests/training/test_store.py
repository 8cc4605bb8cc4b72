"""The run folder is read while it is written: half lines, foreign folders and old events do no harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lt_core.problems import Problem, Unknown
from lt_core.training import Run, RunConfig, find_run, new_folder, runs
from lt_core.training.folder.events import append, clean, event, in_words
from lt_core.training.folder.progress import Best, best_of
from lt_core.training.folder.store import COLUMNS, write_json

Make = Callable[..., RunConfig]
SCORES = {f"{metric}_{group}": 0.5 for group in ("head", "medium", "macro") for metric in ("f1", "ap")}


@pytest.fixture
def run(config: Make, tmp_path: Path) -> Run:
    folder = new_folder(config(epochs=4), tmp_path / "runs")
    write_json(folder / "config.json", config(epochs=4).as_json())
    return Run(folder)


def _epoch(number: int, at: float) -> dict[str, object]:
    scores = {**SCORES, "f1_tail": None, "ap_tail": float("nan")}
    entry = event("epoch", epoch=number, epochs=4, fraction=number / 4, train_loss=0.5, val_loss=0.6, **scores)
    return entry | {"learning_rate": 0.1, "seconds": 1.0, "time": at}


def test_a_run_that_nobody_began_is_interrupted_and_has_an_empty_history(run: Run) -> None:
    assert run.state == "interrupted"
    write_json(run.path / "queued.json", {"device": "cpu", "number": 1, "priority": 0})
    assert run.state == "queued"
    assert run.history().empty
    assert tuple(run.history().columns) == COLUMNS
    assert run.progress().seconds_left is None


def test_time_left_follows_from_the_steps(run: Run) -> None:
    for number in (1, 2):
        append(run.path / "events.jsonl", _epoch(number, 100.0 + 10 * number))
    progress = run.progress()
    assert (progress.epoch, progress.epochs, progress.fraction) == (2, 4, 0.5)
    assert progress.seconds_left == pytest.approx(20.0)


def test_a_clock_that_jumps_and_a_pause_do_not_change_the_time_left(run: Run) -> None:
    log = run.path / "events.jsonl"
    for number, at, elapsed in ((1, 1e9, 10.0), (2, 5.0, 20.0)):
        append(log, _epoch(number, at) | {"elapsed": elapsed})
    assert run.progress().seconds_left == pytest.approx(20.0)
    append(log, event("resumed", epoch=2, step=1, device="cpu"))
    assert run.progress().seconds_left is None, "it has done nothing since it was resumed"
    assert (run.progress().epoch, run.progress().fraction) == (1, 0.5)
    for fraction, elapsed in ((0.4, 21.0), (0.5, 26.0)):
        append(log, event("step", epoch=2, fraction=fraction, elapsed=elapsed, time=elapsed * 1e6))
    assert run.progress().seconds_left == pytest.approx(25.0)


def test_an_epoch_done_again_after_a_resume_replaces_the_first(run: Run) -> None:
    log = run.path / "events.jsonl"
    for number, quality in ((1, 0.1), (2, 0.9), (3, 0.3)):
        append(log, _epoch(number, 0.0) | {"ap_macro": quality, "stage": "one"})
    assert run.best() == Best("ap_macro", 0.9, 2)
    append(log, event("resumed", epoch=2, step=0, device="cpu"))
    append(log, _epoch(2, 0.0) | {"ap_macro": 0.2})
    assert run.history()["epoch"].tolist() == [1, 2]
    assert run.history()["ap_macro"].tolist() == [0.1, 0.2]
    assert run.best() == Best("ap_macro", 0.2, 2)


def test_the_best_of_a_run_with_stages_is_the_best_of_its_latest(config: Make) -> None:
    qualities = ((1, 0.9, "plain"), (2, 0.8, "plain"), (3, None, "re-weighted"), (4, 0.3, "re-weighted"))
    said = [_epoch(number, 0.0) | {"ap_macro": value, "stage": stage} for number, value, stage in qualities]
    assert [best_of(config(), said[:done]) for done in (2, 3, 4)] == [
        Best("ap_macro", 0.9, 1), None, Best("ap_macro", 0.3, 4)
    ]  # fmt: skip


def test_the_lowest_loss_is_the_best(config: Make) -> None:
    said = [_epoch(number, 0.0) | {"val_loss": loss} for number, loss in ((1, 0.5), (2, 0.3), (3, 0.3), (4, None))]
    assert best_of(config(metric="val_loss"), said) == Best("val_loss", 0.3, 2)
    assert best_of(config(metric="ap_tail"), said) is None


def test_a_half_written_last_line_is_left_out(run: Run) -> None:
    append(run.path / "events.jsonl", _epoch(1, 0.0))
    with (run.path / "events.jsonl").open("a") as file:
        file.write('{"event": "epoch", "epoch": 2, "trai')
    assert len(run.events()) == 1
    assert run.history()["epoch"].tolist() == [1]


def test_not_defined_is_null_on_disk_and_nan_in_the_history(run: Run) -> None:
    append(run.path / "events.jsonl", _epoch(1, 0.0))
    line = json.loads((run.path / "events.jsonl").read_text())
    assert line["ap_tail"] is None
    assert run.history()[["f1_tail", "ap_tail"]].isna().all(axis=None)


def test_clean_reaches_every_depth() -> None:
    assert clean({"a": [1.0, float("inf"), (float("nan"), {"b": float("-inf")})]}) == {
        "a": [1.0, None, [None, {"b": None}]]
    }


def test_foreign_folders_are_passed_over(run: Run) -> None:
    root = run.path.parent
    (root / "holiday").mkdir()
    (root / "other").mkdir()
    (root / "other" / "config.json").write_text('{"lr": 1}')
    (root / "broken").mkdir()
    (root / "broken" / "config.json").write_text("{")
    (root / "list").mkdir()
    (root / "list" / "config.json").write_text("[1]")
    (root / "bad").mkdir()
    (root / "bad" / "config.json").write_text('{"data": 7, "loss": "bce"}')
    assert [found.path for found in runs(root)] == [run.path]


def test_folders_are_unique_and_named_for_people(config: Make, tmp_path: Path) -> None:
    first, second = (new_folder(config(seed=3), tmp_path) for _ in range(2))
    assert first != second
    assert "-corners-bce-3" in first.name


def test_a_run_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="no run in"):
        find_run(tmp_path / "none")
    with pytest.raises(Problem, match=r"config\.json"):
        _ = Run(tmp_path).config


def test_weights_that_do_not_fit_are_said(run: Run) -> None:
    card = {"class_names": ["a"], "shape": [16, 16, 1], "groups": ["head"], "positives_per_class": [1]}
    card |= {"mean": [0.5], "std": [0.2], "kind": "multi"}
    write_json(run.path / "dataset.json", card)
    with pytest.raises(Problem, match="no weights yet"):
        run.load_model()
    (run.path / "best.safetensors").write_bytes(b"not weights")
    with pytest.raises(Problem, match="does not hold the weights"):
        run.load_model()


def test_every_event_but_a_step_has_a_line_for_people() -> None:
    assert "epoch 1/4" in in_words(_epoch(1, 0.0))
    assert "tail -" in in_words(_epoch(1, 0.0))
    assert in_words(event("failed", error="the disk is full")) == "failed: the disk is full"
    assert in_words(event("step", epoch=1)) == ""
