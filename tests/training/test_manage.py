"""What people do with runs: nothing trained is changed, nothing deleted is lost at once."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lt_core.problems import Invalid, Problem, Unknown
from lt_core.training import Run, RunConfig, find_run, runs
from lt_core.training.folder import events, lock, manage
from lt_core.training.folder.meta import Meta, write_meta
from lt_core.training.folder.store import write_json

ODD = ["../../etc/passwd", "a/b", "name with\nline", "<b>bold</b>", "ÄÖ 胸部 🫁", "$(rm -rf ~)", "'; DROP", "-rf", ""]


@pytest.fixture
def make(config: Callable[..., RunConfig], tmp_path: Path) -> Callable[..., Run]:
    def run(folder_name: str, **given: object) -> Run:
        folder = tmp_path / "runs" / folder_name
        folder.mkdir(parents=True)
        write_json(folder / "config.json", config(**given).as_json())
        events.append(folder / "events.jsonl", events.event("stopped", epoch=1, reported_epoch=1))
        return Run(folder)

    return run


def _bytes(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name in ("config.json", "events.jsonl")}


def test_name_tags_note_and_mark_are_kept_beside_what_was_trained(make: Callable[..., Run]) -> None:
    run = make("one", name="from config")
    before = _bytes(run.path)
    assert (run.name, manage.meta_of(run)) == ("from config", Meta())
    manage.rename(run, "mine")
    manage.tag(run, ["asl", "try", "asl", "  "])
    manage.tag(run, ["late"], remove=["try", "never there"])
    manage.note(run, "first line\nsecond line\n")
    manage.favourite(run, True)
    expected = Meta(name="mine", tags=("asl", "late"), note="first line\nsecond line", favourite=True)
    assert manage.meta_of(run) == expected
    assert run.name == "mine"
    assert _bytes(run.path) == before
    manage.rename(run, "")
    assert run.name == "from config"


@pytest.mark.parametrize("text", ODD)
def test_odd_characters_are_only_text(make: Callable[..., Run], text: str) -> None:
    run = make("one")
    there = sorted(run.path.parent.iterdir())
    manage.rename(run, text)
    manage.tag(run, [text])
    assert run.name == (text.replace("\n", " ") or "one")
    assert manage.meta_of(run).tags == ((text.replace("\n", " "),) if text else ())
    assert sorted(run.path.parent.iterdir()) == there


def test_half_characters_of_a_command_line_can_be_stored_and_printed(make: Callable[..., Run]) -> None:
    run = make("one")
    manage.rename(run, "bad \udcff byte \x1b[31m red")
    run.name.encode("utf-8")
    assert "\x1b" not in run.name


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"name": 3, "tags": "all", "favourite": "yes", "new": 1}'])
def test_damaged_meta_data_are_no_meta_data(make: Callable[..., Run], text: str) -> None:
    run = make("one")
    (run.path / "meta.json").write_text(text)
    assert manage.meta_of(run) == Meta()
    assert run.name == "one"


def test_a_clone_is_the_config_with_the_changes_asked_for(make: Callable[..., Run]) -> None:
    run = make("one", name="first", learning_rate=0.01)
    assert manage.clone(run) == replace(run.config, name="")
    assert manage.clone(run, seed=7, name="again") == replace(run.config, seed=7, name="again")
    with pytest.raises(Unknown, match="did you mean 'learning_rate'"):
        manage.clone(run, learning_rat=1.0)
    with pytest.raises(Invalid, match=r"run\.epochs"):
        manage.clone(run, epochs=0)


def test_delete_and_undo_leave_the_run_as_it_was(make: Callable[..., Run]) -> None:
    run, other = make("one"), make("two")
    before = _bytes(run.path)
    name = manage.delete(run)
    assert [found.path for found in runs(run.path.parent)] == [other.path]
    assert [entry.name for entry in manage.trash(run.path.parent)] == [name]
    back = manage.undo_delete(name, run.path.parent)
    assert back == run
    assert _bytes(run.path) == before
    assert back.state == "stopped"
    assert manage.trash(run.path.parent) == []
    with pytest.raises(Unknown, match="run in the trash 'one'"):
        manage.undo_delete("one", run.path.parent)


def test_a_name_that_is_taken_gets_a_number_and_nobody_is_overwritten(make: Callable[..., Run]) -> None:
    root = make("one", seed=1).path.parent
    first = manage.delete(Run(root / "one"))
    second = manage.delete(make("one", seed=2))
    make("one", seed=3)
    assert first != second
    assert manage.undo_delete(second, root).config.seed == 2
    assert manage.undo_delete(first, root).config.seed == 1
    assert Run(root / "one").config.seed == 3


def test_a_running_run_is_not_deleted(make: Callable[..., Run]) -> None:
    run = make("one")
    with lock.hold(run.path), pytest.raises(Problem, match="is running: stop it first"):
        manage.delete(run)
    assert run.path.is_dir()
    manage.delete(run)


def test_a_run_that_waited_when_it_was_deleted_waits_no_more_when_it_is_back(make: Callable[..., Run]) -> None:
    run = make("one")
    (run.path / "events.jsonl").unlink(missing_ok=True)
    write_json(run.path / "queued.json", {"device": "cpu", "number": 1, "priority": 0})
    back = manage.undo_delete(manage.delete(run), run.path.parent)
    assert back.path == run.path
    assert not (back.path / "queued.json").exists()
    assert back.state != "queued"


def test_a_way_out_of_the_trash_is_no_name(make: Callable[..., Run], tmp_path: Path) -> None:
    root = make("one").path.parent
    name = manage.delete(Run(root / "one"))
    write_json(root / ".trash" / name / "deleted.json", {"name": "../../out", "time": 0})
    assert manage.undo_delete(name, root).path.parent == root
    with pytest.raises(Unknown):
        manage.undo_delete("../two", root)


def test_the_trash_is_emptied_of_what_is_old(make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    root = make("old").path.parent
    start = time.time()
    manage.delete(Run(root / "old"))
    monkeypatch.setattr(time, "time", lambda: start + 8 * 86_400)
    make("new")
    assert manage.empty_trash(9, folder=root) == 0
    assert [entry.name for entry in manage.trash(root)] == ["old"]
    manage.delete(Run(root / "new"))  # whoever deletes sees to it that the week is kept
    assert [entry.name for entry in manage.trash(root)] == ["new"]
    assert manage.empty_trash(0, root) == 1
    assert not list((root / ".trash").iterdir())


def test_a_folder_that_is_no_run_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(Problem, match="not the folder of a run"):
        manage.delete(Run(tmp_path / "photos"))
    assert (tmp_path / "photos").is_dir()


def test_a_run_is_found_by_its_name_unless_two_have_it(
    make: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    first, second = make("one"), make("two")
    manage.rename(first, "mine")
    assert find_run("mine") == first
    manage.rename(second, "mine")
    with pytest.raises(Problem, match="several runs are called 'mine'"):
        find_run("mine")


@pytest.mark.parametrize("what", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_whole(
    make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    run = make("one")
    write_meta(run.path, name="before")
    old, there = (run.path / "meta.json").read_bytes(), sorted(run.path.iterdir())

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if what == "replace":
            patch.setattr(Path, "replace", full)
        elif what == "fsync":
            patch.setattr(os, "fsync", full)
        else:
            opened = Path.open

            def cut(path: Path, mode: str = "r", **given: object):
                file = opened(path, mode, **given)
                if "w" in mode:
                    file.write("{")
                    file.close()
                    full()
                return file

            patch.setattr(Path, "open", cut)
        with pytest.raises(Problem, match="no space left on device"):
            manage.rename(run, "after")
    assert (run.path / "meta.json").read_bytes() == old
    assert sorted(run.path.iterdir()) == there
