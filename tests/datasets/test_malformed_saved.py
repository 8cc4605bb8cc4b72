"""Saved sets that were changed or damaged: one sentence each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lt_core.datasets import LabeledImages, NoImages, Source, load
from lt_core.datasets.saving import save
from lt_core.problems import Problem


def a_set(folder: Path) -> Path:
    matrix = np.array([[1, 0], [np.nan, 1]], np.float32)
    return save(LabeledImages("x", "X", ("A", "B"), matrix, NoImages(2), "multi", Source("/nowhere")), folder)


def refused(source: Source | Path, message: str) -> None:
    with pytest.raises(Problem, match=message) as caught:
        load(source)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_parquet_file_that_was_changed(tmp_path: Path) -> None:
    out = a_set(tmp_path / "out")
    file = next(out.glob("*.parquet"))
    whole = file.read_bytes()
    for content in (whole[:-10], whole + b"x", whole.replace(b"PAR1", b"PAR2"), b""):
        file.write_bytes(content)
        refused(out, "is not the file its manifest.json was written for")
    file.unlink()
    refused(out, "put it beside its manifest.json")


def changed(out: Path, **entries: Any) -> None:
    entry = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    (out / "manifest.json").write_text(json.dumps(entry | entries), encoding="utf-8")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"version": 99}, "has the version 99, this program reads 1"),
        ({"file": "../../etc/passwd"}, "does not fit its Parquet file"),
        ({"file": "data-000000000000.parquet"}, "put it beside its manifest.json"),
        ({"sha256": "0"}, "is not the file"),
        ({"class_names": ["A"]}, "does not fit its Parquet file"),
        ({"class_names": None}, "does not fit its Parquet file"),
        ({"counts": {"rows": 3}}, "does not fit its Parquet file"),
        ({"kind": "both"}, "does not fit its Parquet file"),
        ({"columns": {}}, "does not fit its Parquet file"),
        ({"images": {"kind": "folder", "folder": "/etc", "relative": "."}}, "does not fit its Parquet file"),
        ({"images": 3}, "does not fit its Parquet file"),
        ({"reading": {"reader": "x"}}, "does not fit its Parquet file"),
    ],
)
def test_a_manifest_that_was_changed(tmp_path: Path, entries: dict[str, Any], message: str) -> None:
    out = a_set(tmp_path / "out")
    changed(out, **entries)
    refused(out, message)


def test_a_manifest_that_is_cut_short(tmp_path: Path) -> None:
    out = a_set(tmp_path / "out")
    text = (out / "manifest.json").read_text(encoding="utf-8")
    (out / "manifest.json").write_text(text[:200], encoding="utf-8")
    refused(out, "is not readable: it was changed or is damaged")
    (out / "manifest.json").write_text("[" * 100_000, encoding="utf-8")
    refused(Source(str(out), reader="saved"), "is not readable")


def test_what_is_no_saved_set(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(Source(str(tmp_path / "empty"), reader="saved"), "is no set saved here")
    out = a_set(tmp_path / "out")
    refused(Source(str(out), labels=("A",)), "has its classes already")
    refused(Source(str(out), options={"kind": "multi"}), "unknown option of saved 'kind'")
