"""Hugging Face files that are broken or hostile: one sentence each, nothing outside is read."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lt_core.datasets import Source, load
from lt_core.problems import Problem


def table(labels: list[int | None], names: object = ("no", "yes")) -> pa.Table:
    features = {"label": {"names": names if isinstance(names, str) else list(names), "_type": "ClassLabel"}}  # type: ignore[call-overload]
    meta = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.table({"label": pa.array(labels, pa.int64())}).replace_schema_metadata(meta)


def on_disk(folder: Path, rows: pa.Table, name: str = "data-00000-of-00001.arrow") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_stream(folder / "data-00000-of-00001.arrow", rows.schema) as writer:
        writer.write_table(rows)
    (folder / "dataset_info.json").write_text("{}", encoding="utf-8")
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}), encoding="utf-8")
    return folder


def refused(source: Source | Path, message: str) -> None:
    with pytest.raises(Problem, match=message) as caught:
        load(source)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_files_that_are_cut_short(tmp_path: Path) -> None:
    folder = on_disk(tmp_path / "set", table([0, 1] * 500))
    file = folder / "data-00000-of-00001.arrow"
    whole = file.read_bytes()
    for content in (whole[:300], whole[:-900], b"", b"hello"):
        file.write_bytes(content)
        refused(folder, "is damaged or cut short|no rows")
    file.unlink()
    refused(folder, "is not a readable Arrow file")


def test_parquet_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and nothing more")
    refused(Source(str(tmp_path / "x.parquet"), reader="hf"), "is not a readable Parquet file")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("{", "state.json is not the JSON object"),
        ("[]", "state.json is not the JSON object"),
        ("{}", "no state.json that lists its files"),
        ('{"_data_files": [{"filename": 3}]}', "does not list files by name"),
        ('{"_data_files": [{"filename": "../other.arrow"}]}', "leads out of the folder"),
        ('{"_data_files": [{"filename": "/etc/passwd"}]}', "leads out of the folder"),
        ('{"_data_files": []}', "holds no Arrow or Parquet files"),
    ],
)
def test_states_that_are_none(tmp_path: Path, state: str, message: str) -> None:
    folder = on_disk(tmp_path / "set", table([0, 1]))
    (tmp_path / "other.arrow").write_bytes((folder / "data-00000-of-00001.arrow").read_bytes())
    (folder / "state.json").write_text(state, encoding="utf-8")
    refused(folder, message)


def test_links_and_parts_that_lead_out(tmp_path: Path) -> None:
    folder = on_disk(tmp_path / "set", table([0, 1]))
    outside = on_disk(tmp_path / "outside", table([0, 1]))
    file = folder / "data-00000-of-00001.arrow"
    file.unlink()
    file.symlink_to(outside / file.name)
    refused(folder, "leads out of the folder")
    both = tmp_path / "both"
    both.mkdir()
    (both / "dataset_dict.json").write_text('{"splits": ["../outside"]}', encoding="utf-8")
    refused(both, "leads out of the folder")


def test_classes_and_numbers_that_do_not_fit(tmp_path: Path) -> None:
    refused(on_disk(tmp_path / "a", table([0, 2])), "has the class number 2, where one from 0 to 1 was expected")
    refused(on_disk(tmp_path / "b", table([0, 1], ("x", "x"))), "two classes .* have the same name")
    refused(on_disk(tmp_path / "c", table([0, 1], "xy")), "are no list of texts")
    refused(on_disk(tmp_path / "d", table([])), "has no rows")
    broken = table([0, 1]).replace_schema_metadata({"huggingface": "{"})
    refused(on_disk(tmp_path / "e", broken), "its schema is damaged")
    refused(Source(str(on_disk(tmp_path / "f", table([0, 1]))), images="."), "leave --images out")
    refused(Source(str(tmp_path / "f"), options={"size": 3}), "unknown option of hf 'size'")
    refused(Source(str(tmp_path / "f"), labels=("lable",)), "did you mean 'label'")


def test_files_of_different_columns(tmp_path: Path) -> None:
    pq.write_table(table([0, 1]), tmp_path / "train-00000-of-00001.parquet")
    pq.write_table(table([0, 1], ("a", "b")), tmp_path / "test-00000-of-00001.parquet")
    refused(tmp_path, "do not agree on their columns")
