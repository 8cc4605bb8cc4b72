"""Built-in names, presets, and the rules for options."""

from __future__ import annotations

from pathlib import Path

import pytest

from lt_core.datasets import ClassCounts, LabeledImages, Source, all_readers, builtins, load
from lt_core.datasets.loading import load_images
from lt_core.datasets.readers import Reader, recognise
from lt_core.problems import Invalid, Problem, Unknown


def test_a_preset_gives_counts_and_nothing_to_train_on() -> None:
    assert isinstance(load("nih"), ClassCounts)
    with pytest.raises(Problem, match="has published class counts only"):
        load_images("nih")


def test_a_built_in_says_how_to_load_it_again() -> None:
    data = load(Source("digits"))
    assert isinstance(data, LabeledImages)
    entry = next(e for e in builtins() if e.key == "digits")
    assert data.source == Source("digits", options={p.name: p.default for p in entry.params})
    again = load(Source.from_json(data.source.as_json()))
    assert isinstance(again, LabeledImages)
    assert (again.labels == data.labels).all()


def test_options_of_built_ins_are_checked_by_name() -> None:
    with pytest.raises(Unknown, match="unknown parameter of digits 'ration'"):
        load(Source("digits", options={"ration": 3}))
    name = next(e for e in builtins() if e.key == "digits").params[0].name
    with pytest.raises(Invalid, match=f"digits.{name} must be"):
        load(Source("digits", options={name: "many"}))
    with pytest.raises(Problem, match="--labels is for files"):
        load(Source("digits", labels=("a",)))


def test_a_file_called_like_a_built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nih").mkdir()
    (tmp_path / "nih" / "t.csv").write_text("image,Mass,Edema\na,1,0\nb,0,1\n")
    assert isinstance(load("nih"), ClassCounts)
    assert isinstance(load("./nih"), LabeledImages)
    assert isinstance(load(Path("nih")), LabeledImages)


def test_every_reader_has_a_name_of_its_own_and_a_reason(tmp_path: Path) -> None:
    readers = all_readers()
    assert len({reader.key for reader in readers}) == len(readers) >= 4
    for reader in readers:
        assert reader.title
        assert reader.sniff(tmp_path / "nothing") is None
    assert recognise(tmp_path) == (next(r for r in readers if r.key == "folder"), "it is a folder")


def test_a_tie_between_readers_is_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = next(reader for reader in all_readers() if reader.key == "table")

    class Other:
        key, title, priority = "other", "another", table.priority

        def sniff(self, path: Path) -> str | None:
            return "it may be" if path.suffix == ".csv" else None

        def read(self, source: Source) -> LabeledImages:
            raise NotImplementedError

    other: Reader = Other()
    monkeypatch.setattr("lt_core.datasets.readers.all_readers", lambda: (table, other))
    path = tmp_path / "t.csv"
    path.write_text("image,Mass,Edema\na,1,0\nb,0,1\n")
    with pytest.raises(
        Problem, match=r"t.csv can be read in several ways \(table: .*; other: it may be\): say which with --reader"
    ):
        load(path)
    assert isinstance(load(Source(str(path), reader="table")), LabeledImages)
