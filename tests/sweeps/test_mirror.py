"""A trial goes on where another machine left it, by way of a store that is no folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from lt_core.problems import Problem
from lt_core.sweeps import SweepPlan
from lt_core.sweeps.mirror import Mirror, perform_mirrored
from lt_core.sweeps.performing import outcome
from lt_core.training import Run
from tests.sweeps.fake_training import FAKE


@pytest.fixture
def url() -> str:
    return f"memory://{uuid4()}/sweep"


def test_another_machine_goes_on_with_what_the_store_has(
    search: Callable[..., SweepPlan], tmp_path: Path, url: str
) -> None:
    trial = search().generation(())[0]
    events = perform_mirrored(trial, tmp_path / "one", Mirror(url), trainer=FAKE)
    while next(events).get("epoch") != 2:
        pass
    events.close()
    kinds = [entry["event"] for entry in perform_mirrored(trial, tmp_path / "two", Mirror(url), trainer=FAKE)]
    assert kinds == ["resumed", "epoch", "epoch", "finished"]
    Mirror(url).pull(trial.key, tmp_path / "driver")
    found = outcome(trial, tmp_path / "driver")
    assert found is not None
    assert found.state == "finished"
    there, here = (Run(tmp_path / name).predictions("test").logits for name in ("two", "driver"))
    assert (there == here).all()
    assert not (tmp_path / "driver" / "lock").exists()


def test_a_stop_reaches_the_other_machine(search: Callable[..., SweepPlan], tmp_path: Path, url: str) -> None:
    trial = search().generation(())[0]
    Mirror(url).request_stop(trial.key)
    kinds = [entry["event"] for entry in perform_mirrored(trial, tmp_path / "one", Mirror(url), trainer=FAKE)]
    assert kinds == ["started", "epoch", "stopped"]
    Mirror(url).request_stop(trial.key, stop=False)
    Mirror(url).request_stop(trial.key, stop=False)
    kinds = [entry["event"] for entry in perform_mirrored(trial, tmp_path / "two", Mirror(url), trainer=FAKE)]
    assert kinds[-1] == "finished"


def test_only_what_changed_is_sent(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror, sent = Mirror(url), []
    system, _ = mirror._opened()
    put = system.put_file
    monkeypatch.setattr(system, "put_file", lambda path, target: (sent.append(Path(path).name), put(path, target)))
    for name in ("events.jsonl", "checkpoint.safetensors", "lock", "zebra.json"):
        (tmp_path / name).write_text(name)
    mirror.push(tmp_path, "k")
    assert sent == ["checkpoint.safetensors", "zebra.json", "events.jsonl"]
    (tmp_path / "zebra.json").write_text("22")
    mirror.push(tmp_path, "k")
    assert sent[3:] == ["zebra.json"]


@pytest.mark.parametrize("broken", ["checkpoint", "list"])
@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_who_is_killed_while_sending_leaves_the_set_before(
    scheme: str, broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that does not write whole files keeps the first half of one; what is fetched was sent whole."""
    url = f"memory://{uuid4()}/sweep" if scheme == "memory" else f"file://{tmp_path}/store"
    here, there = tmp_path / "here", tmp_path / "there"
    for number in ("one", "two", "three"):
        (here / "tensorboard").mkdir(parents=True, exist_ok=True)
        for name in ("checkpoint.safetensors", "events.jsonl", "tensorboard/x"):
            (here / name).write_text(f"{name} {number}" * 100)
        mirror = Mirror(url)
        with monkeypatch.context() as patch:
            if number == "three":
                _killed_at(mirror, "put_file" if broken == "checkpoint" else "pipe_file", patch)
                with pytest.raises(KeyboardInterrupt):
                    mirror.push(here, "k")
            else:
                mirror.push(here, "k")
    Mirror(url).pull("k", there)
    found = {path.relative_to(there).as_posix(): path.read_text() for path in there.rglob("*") if path.is_file()}
    assert found == {n: f"{n} two" * 100 for n in ("checkpoint.safetensors", "events.jsonl", "tensorboard/x")}
    Mirror(url).push(here, "k")  # whoever goes on sends the whole
    Mirror(url).pull("k", there)
    assert (there / "checkpoint.safetensors").read_text() == "checkpoint.safetensors three" * 100
    system, root = Mirror(url)._opened()
    assert len(system.find(f"{root}/k")) <= 2 + 6, "two lists, and the files of two sets"


def _killed_at(mirror: Mirror, name: str, patch: pytest.MonkeyPatch) -> None:
    """Let the first call of ``name`` write half of what it is given, and no more follow."""
    system, _ = mirror._opened()

    def half(what: object, target: object) -> None:
        path, data = (target, Path(str(what)).read_bytes()) if name == "put_file" else (what, target)
        with system.open(str(path), "wb") as file:
            file.write(data[: len(data) // 2])  # type: ignore[index]
        raise KeyboardInterrupt

    patch.setattr(system, name, half)


def test_a_file_spoilt_in_the_store_is_not_taken(tmp_path: Path, url: str) -> None:
    here, mirror = tmp_path / "here", Mirror(url)
    here.mkdir()
    for text in ("first", "later"):
        (here / "checkpoint.safetensors").write_text(text)
        mirror.push(here, "k")
    system, root = mirror._opened()
    digest = hashlib.sha256(b"later").hexdigest()
    system.pipe_file(f"{root}/k/data/{digest}", b"lat\0r")  # of the same size
    Mirror(url).pull("k", tmp_path / "there")
    assert (tmp_path / "there" / "checkpoint.safetensors").read_text() == "first"


def test_a_store_that_nobody_knows_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be opened"):
        Mirror("nostore://x").pull("k", tmp_path)
