"""A trial goes on where another machine left it, by way of a store that is no folder."""

from __future__ import annotations

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
        (tmp_path / name).write_text("1")
    mirror.push(tmp_path, "k")
    assert sent == ["checkpoint.safetensors", "zebra.json", "events.jsonl"]
    (tmp_path / "zebra.json").write_text("22")
    mirror.push(tmp_path, "k")
    assert sent[3:] == ["zebra.json"]


def test_a_store_that_nobody_knows_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be opened"):
        Mirror("nostore://x").pull("k", tmp_path)
