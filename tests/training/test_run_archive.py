"""A run as a zip: it comes back as it was, and a stranger's zip can do no harm."""

from __future__ import annotations

import io
import json
import pickle
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from lt_core.problems import Problem
from lt_core.training import Run, RunConfig
from lt_core.training.folder import events, lock, manage
from lt_core.training.folder.archive import export_run, import_run
from lt_core.training.folder.meta import write_meta
from lt_core.training.folder.store import write_json

CARD = {"class_names": ["a"], "shape": [16, 16, 1], "groups": ["head"], "positives_per_class": [1]}
CARD |= {"mean": [0.5], "std": [0.2], "kind": "multi"}


@pytest.fixture
def run(config: Callable[..., RunConfig], tmp_path: Path) -> Run:
    folder = tmp_path / "runs" / "one"
    (folder / "tensorboard").mkdir(parents=True)
    write_json(folder / "config.json", config(seed=4).as_json())
    write_json(folder / "dataset.json", CARD)
    write_meta(folder, name="mine", tags=["asl"], owner="ann")
    events.append(folder / "events.jsonl", events.event("finished", epoch=1, reported_epoch=1))
    save_file({"w": np.arange(6, dtype=np.float32)}, folder / "best.safetensors")
    np.savez(folder / "predictions-val.npz", logits=np.zeros((2, 1), np.float32))
    (folder / "tensorboard" / "events.out.tfevents.1").write_bytes(b"\0")
    for name in ("lock", "stop", "worker.json", "queued.json", ".config.json.7", "mine.py"):
        (folder / name).write_text("{}")
    (folder / "queued.json").unlink()
    (folder / "link.safetensors").symlink_to("/etc/passwd")
    return Run(folder)


@pytest.fixture(autouse=True)
def _small_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lt_core.datasets.archive.RATIO_FROM", 1 << 20)


def _files(folder: Path) -> dict[str, bytes]:
    found = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found if file.name != "meta.json"}


def test_what_comes_back_is_the_run_without_its_process(run: Run, tmp_path: Path) -> None:
    back = import_run(export_run(run, tmp_path / "one.zip"), tmp_path / "elsewhere")
    kept = {"config.json", "dataset.json", "events.jsonl", "best.safetensors", "predictions-val.npz"}
    kept |= {"tensorboard/events.out.tfevents.1"}
    assert _files(back.path) == {name: data for name, data in _files(run.path).items() if name in kept}
    assert back.path == tmp_path / "elsewhere" / "one"
    assert (back.config, back.state, back.name) == (run.config, "finished", "mine")
    assert manage.meta_of(back).imported
    assert manage.meta_of(back).tags == ("asl",)
    assert load_file(back.path / "best.safetensors")["w"].tolist() == [0, 1, 2, 3, 4, 5]
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["one"]


def test_a_name_that_is_taken_gets_a_number(run: Run, tmp_path: Path) -> None:
    file = export_run(run, tmp_path)
    assert file == tmp_path / "one.zip"
    before = _files(run.path)
    assert [import_run(file, run.path.parent, owner="bob").path.name for _ in range(2)] == ["one-2", "one-3"]
    assert _files(run.path) == before
    assert manage.meta_of(Run(run.path.parent / "one-2")).owner == "bob"


def test_export_refuses_a_running_run_and_a_file_that_is_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "there.zip").write_text("precious")
    with pytest.raises(Problem, match="there already"):
        export_run(run, tmp_path / "there.zip")
    with pytest.raises(Problem, match="cannot be written"):
        export_run(run, tmp_path / "no" / "folder.zip")
    (run.path / "events.jsonl").unlink()
    with lock.hold(run.path), pytest.raises(Problem, match="is running: stop it first"):
        export_run(run, tmp_path / "new.zip")
    assert (tmp_path / "there.zip").read_text() == "precious"
    assert not list(tmp_path.glob(".*zip*"))


def _npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _npy_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("logits.npy", bytes(4 << 20))
    return file.getvalue()


HEADER = struct.pack("<Q", 1 << 40) + b"{}"
OBJECTS = np.array([{"a": 1}], dtype=object)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("../evil.json", b"{}", "outside its folder"),
        ("one/../../evil.json", b"{}", "outside its folder"),
        ("/etc/evil.json", b"{}", "outside its folder"),
        ("C:\\evil.json", b"{}", "outside its folder"),
        ("one/best.pt", b"x", "could run code"),
        ("one/model.pkl", pickle.dumps({"a": 1}), "could run code"),
        ("one/notes.docx", b"x", "no file of a run"),
        ("one/deep/best.safetensors", b"x", "no file of a run"),
        ("two/best.safetensors", b"x", "no file of a run"),
        ("one/best.safetensors", pickle.dumps({"a": 1}), "safetensors format"),
        ("one/best.safetensors", HEADER, "safetensors format"),
        ("one/predictions-val.npz", _npz(logits=OBJECTS), "Python objects"),
        ("one/predictions-val.npz", pickle.dumps(1), "does not hold arrays"),
        ("one/predictions-val.npz", _npy_bomb(), "grows to"),
        ("one/dataset.json", b"[]", "dataset.json"),
    ],
)
def test_what_could_do_harm_is_refused_and_leaves_nothing(
    run: Run, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(run.path / "config.json", "one/config.json")
        archive.writestr(name, content)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Problem, match=words):
        import_run(tmp_path / "bad.zip", run.path.parent)
    assert sorted(tmp_path.rglob("*")) == before


def test_links_and_bombs_are_refused(run: Run, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("one/events.jsonl")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.write(run.path / "config.json", "one/config.json")
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(Problem, match="holds a link"):
        import_run(tmp_path / "link.zip", run.path.parent)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(run.path / "config.json", "one/config.json")
        archive.writestr("one/worker.log", bytes(4 << 20))
    with pytest.raises(Problem, match="grows to"):
        import_run(tmp_path / "bomb.zip", run.path.parent)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "holds no run"),
        ("{", "config.json"),
        ('{"loss": "bce"}', "config.json does not hold"),
        ({"warp": 9}, "settings this version does not know: warp"),
        ({"epochs": 10**9}, r"run\.epochs"),
    ],
)
def test_a_config_that_is_none_or_of_a_later_version_is_refused(
    run: Run, tmp_path: Path, content: object, words: str
) -> None:
    text = json.dumps(run.config.as_json() | content) if isinstance(content, dict) else content
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("one/events.jsonl", "")
        if text is not None:
            archive.writestr("one/config.json", str(text))
    with pytest.raises(Problem, match=words):
        import_run(tmp_path / "bad.zip", run.path.parent)
    assert [path.name for path in run.path.parent.iterdir()] == ["one"]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut"])
def test_a_file_that_is_no_zip_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.zip").write_bytes(content)
    with pytest.raises(Problem, match="not a zip file"):
        import_run(tmp_path / "bad.zip", tmp_path / "runs")
    with pytest.raises(Problem, match="no file is called"):
        import_run(tmp_path / "none.zip", tmp_path / "runs")


def test_the_name_in_a_zip_is_text(run: Run, tmp_path: Path) -> None:
    for count, name in enumerate(("a b$(x)", "...", "-rf", "x" * 200)):
        file = tmp_path / f"{count}.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.write(run.path / "config.json", f"{name}/config.json")
        if name == "...":
            with pytest.raises(Problem):
                import_run(file, tmp_path / "in")
            continue
        path = import_run(file, tmp_path / "in").path
        assert path.parent == tmp_path / "in"
        assert not path.name.startswith(("-", "."))
