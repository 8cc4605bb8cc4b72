"""Somebody's own loss is a loss like ours, and no mistake in its file breaks anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from lt_core.cli import main
from lt_core.doctor import examine
from lt_core.losses import all_losses, get_loss
from lt_core.losses.docs_table import markdown
from lt_core.losses.export import as_module
from lt_core.losses.own import PREFIX, VARIABLE, is_own
from lt_core.losses.registry import own_problems
from lt_core.losses.spec import REGISTRY
from tests.losses.guide import guide_code
from tests.losses.own_files import GOOD, HEAD, MISTAKES

ROOT = Path(__file__).resolve().parents[2]
Write = Callable[[str, str], Path]


EXAMPLE = next(block for block in guide_code() if "@loss(" in block)
EXAMPLE_KEY = "rarity_bce"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Return ``write(name, text)``: a file in the folder of one's own losses."""
    folder = tmp_path / "own"
    folder.mkdir()
    ours = {spec.key: spec for spec in all_losses()}
    monkeypatch.setenv(VARIABLE, str(folder))

    def put(name: str, text: str) -> Path:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return path

    yield put
    monkeypatch.delenv(VARIABLE)
    assert {spec.key: spec for spec in all_losses()} == ours, "own losses stayed behind, or one of ours was replaced"
    assert not [name for name in sys.modules if name.startswith(PREFIX)]


def keys() -> set[str]:
    return {spec.key for spec in all_losses() if is_own(spec)}


def problems() -> dict[str, str]:
    found = {problem.file: problem.sentence for problem in own_problems()}
    assert all("\n" not in sentence for sentence in found.values())
    return found


def test_off_unless_the_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "", "  "):
        monkeypatch.delenv(VARIABLE, raising=False) if value is None else monkeypatch.setenv(VARIABLE, value)
        assert keys() == set()
        assert own_problems() == ()


def test_a_file_is_found_read_again_when_it_changes_and_forgotten_when_it_goes(write: Write) -> None:
    path = write("my first-loss.py", HEAD + GOOD)
    assert keys() == {"mine"}
    assert problems() == {}
    assert get_loss("mine").bind()(torch.ones(1, 2), torch.zeros(1, 2)).sum() == 2
    before = get_loss("mine")
    assert get_loss("mine") is before, "read again although nothing has changed"
    write("my first-loss.py", HEAD + GOOD.replace("= 1.0", "= 3.0"))  # same length, maybe the same second
    assert get_loss("mine").bind()(torch.ones(1, 2), torch.zeros(1, 2)).sum() == 6
    assert not list(path.parent.glob("__pycache__"))
    path.unlink()
    assert "mine" not in REGISTRY or "mine" not in {spec.key for spec in all_losses()}


def test_what_is_no_loss_file_is_left_alone(write: Write) -> None:
    write("_draft.py", "1 / 0")
    write(".hidden.py", "1 / 0")
    write("notes.txt", "1 / 0")
    assert (keys(), problems()) == (set(), {})


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_sentence_and_the_others_go_on(name: str, write: Write) -> None:
    text, sentence = MISTAKES[name]
    write("wrong.py", text)
    write("good.py", HEAD + GOOD.replace("mine", "fine"))
    assert keys() == {"fine"}
    assert list(problems()) == ["wrong.py"]
    assert re.match(sentence, problems()["wrong.py"]), problems()["wrong.py"]
    assert get_loss("bce").function.__module__ == "lt_core.losses.catalogue.bce"
    write("wrong.py", HEAD + GOOD)
    assert (keys(), problems()) == ({"fine", "mine"}, {})


def test_of_two_losses_in_a_file_the_sound_one_stays(write: Write) -> None:
    write("two.py", HEAD + GOOD + "@loss(**multi)\ndef other(logits, targets):\n    return logits[0]\n")
    assert keys() == {"mine"}
    assert problems()["two.py"].startswith("other must return cells")


def test_two_files_of_one_name_for_a_loss(write: Write) -> None:
    write("a.py", HEAD + GOOD)
    second = write("b.py", HEAD + GOOD)
    assert keys() == {"mine"}
    assert "taken by another of your files" in problems()["b.py"]
    second.unlink()
    assert problems() == {}


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [("/no/such/folder", "no such file"), ("own", "is not a full path"), (__file__, "not a dir")],
)
def test_a_folder_that_is_none(folder: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, folder)
    assert len(all_losses()) > 7
    (problem,) = own_problems()
    assert sentence in problem.sentence
    assert VARIABLE in problem.sentence
    assert any(sentence in text for text in examine()["problems"])


def test_a_file_may_ask_for_our_losses(write: Write) -> None:
    asks = "from lt_core.losses import get_loss\nget_loss('bce')\n@loss(**multi)\ndef twice(logits, targets):\n"
    write("twice.py", f"{HEAD}{asks}    return 2 * get_loss('bce').bind()(logits, targets)\n")
    assert keys() == {"twice"}
    logits, targets = torch.randn(3, 4, generator=torch.Generator().manual_seed(1)), torch.eye(3, 4)
    assert torch.equal(get_loss("twice").bind()(logits, targets), 2 * get_loss("bce").bind()(logits, targets))
    with pytest.raises(ValueError, match="only works inside this library"):
        as_module(get_loss("twice"), {}, None)


def test_pages_in_threads_see_every_loss_while_files_change(write: Write) -> None:
    ours = {spec.key for spec in all_losses()}
    done, sound = threading.Event(), []

    def look() -> None:
        complete = True
        while not done.is_set():
            complete &= ours <= {spec.key for spec in all_losses()}
        sound.append(complete)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(8):
        write("mine.py", HEAD + GOOD + "#" * number)
        all_losses()
    done.set()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    assert sound == [True] * 4, "a thread broke, or missed a loss"


def test_it_appears_wherever_losses_do(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("example.py", EXAMPLE)
    assert keys() == {EXAMPLE_KEY}
    assert f"### {EXAMPLE_KEY}" in markdown()
    assert main(["losses", "--json"]) == 0
    assert EXAMPLE_KEY in {entry["key"] for entry in json.loads(capsys.readouterr().out)}
    assert EXAMPLE_KEY in examine()["own_losses"]

    def page() -> None:
        import streamlit as st

        from pages.ui.loss_panel import registered

        st.json(sorted(registered()))

    shown = AppTest.from_function(page, default_timeout=60).run()
    assert not shown.exception
    assert EXAMPLE_KEY in json.loads(shown.json[0].value)


def test_the_page_says_what_is_wrong_with_own_losses(write: Write) -> None:
    def page() -> None:
        from pages.ui.loss_own import notices

        notices()

    shown = AppTest.from_function(page, default_timeout=60).run()
    assert not shown.warning
    write("bad.py", "1 / 0")
    (warning,) = shown.run().warning
    assert "bad.py" in warning.value.replace("\\", "")
    assert "ZeroDivisionError" in warning.value


def test_the_command_line_says_it_too(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("bad.py", "1 / 0")
    assert main(["losses"]) == 0
    assert "note: bad.py stops in line 1: ZeroDivisionError" in capsys.readouterr().out
    assert any(text.startswith("bad.py stops in line 1") for text in examine()["problems"])


def test_it_keeps_the_contract_of_all_losses(write: Write) -> None:
    path = write("example.py", EXAMPLE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", EXAMPLE_KEY]
    environment = {**os.environ, VARIABLE: str(path.parent)}
    done = subprocess.run(
        [*command, "tests/losses/test_loss_contract.py"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) > 5


def test_a_training_process_knows_it(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lt_core.datasets import Source
    from lt_core.training import RunConfig, start_worker

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write("example.py", EXAMPLE)
    labels = np.tile(np.eye(3, dtype=np.uint8), (8, 1))
    images = np.repeat(labels.argmax(1).astype(np.uint8) * 80, 256).reshape(-1, 16, 16)
    parts = ("train", "val", "test")
    arrays = {f"{part}_{what}": rows for part in parts for what, rows in (("images", images), ("labels", labels))}
    np.savez(tmp_path / "small.npz", **arrays)
    config = RunConfig(data=Source(str(tmp_path / "small.npz")), loss=EXAMPLE_KEY, epochs=1, device="cpu")
    run = start_worker(config, tmp_path / "run")
    end = time.monotonic() + 120
    while run.state in ("queued", "running") and time.monotonic() < end:
        time.sleep(0.1)
    assert run.state == "finished", (run.path / "worker.log").read_text()
