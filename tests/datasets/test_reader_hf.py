"""Data sets as the Hugging Face library keeps them: the files are written here with pyarrow, to its layout."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lt_core.datasets import LabeledImages, NoImages, Source, load
from lt_core.problems import Problem

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
FEATURES: dict[str, Any] = {
    "image": {"_type": "Image"},
    "label": {"names": ["no", "may, be", "yes"], "_type": "ClassLabel"},
    "labels": {"feature": {"names": ["a", "b", "c"], "_type": "ClassLabel"}, "_type": "Sequence"},
    "patient_id": {"dtype": "string", "_type": "Value"},
    "age": {"dtype": "int64", "_type": "Value"},
}


def pixels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def png(seed: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels(seed)).save(out, "PNG")
    return out.getvalue()


def rows(columns: dict[str, Any], features: dict[str, Any] | None = None) -> pa.Table:
    arrays = {n: pa.array(v, IMAGE) if n in ("image", "img") else pa.array(v) for n, v in columns.items()}
    table = pa.table(arrays)
    known = {
        name: {**FEATURES, **(features or {})}[name] for name in columns if name in {**FEATURES, **(features or {})}
    }
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": known}})})


def cells(*seeds: int) -> list[dict[str, Any]]:
    return [{"bytes": png(seed), "path": f"{seed}.png"} for seed in seeds]


def save_to_disk(folder: Path, *tables: pa.Table) -> Path:
    """What ``Dataset.save_to_disk`` writes: Arrow streams, dataset_info.json and state.json."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"data-{k:05}-of-{len(tables):05}.arrow" for k in range(len(tables))]
    for name, table in zip(names, tables, strict=True):
        with pa.ipc.new_stream(folder / name, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)
    features = json.loads(tables[0].schema.metadata[b"huggingface"])["info"]["features"]
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}), encoding="utf-8")
    state = {"_data_files": [{"filename": name} for name in names], "_split": None}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    return folder


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


def test_one_class_an_image(tmp_path: Path) -> None:
    one = rows({"image": cells(0, 1, 2), "label": [2, 0, 1], "patient_id": ["p", "p", None], "age": [1, 2, 3]})
    two = rows({"image": cells(3), "label": [1], "patient_id": ["q"], "age": [4]})
    data = loaded(save_to_disk(tmp_path / "set", one, two))
    assert data.class_names == ("no", "may, be", "yes")
    assert data.labels.argmax(axis=1).tolist() == [2, 0, 1, 1]
    assert (data.kind, data.split) == ("single", None)
    assert data.ids is not None
    assert data.ids.tolist() == ["0.png", "1.png", "2.png", "3.png"]
    assert data.groups is not None
    assert data.groups.tolist() == ["p", "p", "(row 3)", "q"]
    assert data.metadata is not None
    assert data.metadata["age"].tolist() == [1, 2, 3, 4]
    for row in range(4):
        np.testing.assert_array_equal(data.images.read(row), pixels(row))
    assert list(data.images.missing()) == []


def test_splits_are_parts_in_both_layouts(tmp_path: Path) -> None:
    tables = {
        "test": rows({"image": cells(5), "label": [0]}),
        "train": rows({"image": cells(0, 1), "label": [1, 2]}),
        "validation": rows({"image": cells(4), "label": [2]}),
        "extra": rows({"image": cells(9), "label": [2]}),
    }
    for split, table in tables.items():
        save_to_disk(tmp_path / "disk" / split, table)
    (tmp_path / "disk/dataset_dict.json").write_text(json.dumps({"splits": list(tables)}), encoding="utf-8")
    (tmp_path / "hub/data").mkdir(parents=True)
    for split, table in tables.items():
        pq.write_table(table, tmp_path / f"hub/data/{split}-00000-of-00001.parquet")
    for folder in ("disk", "hub"):
        data = loaded(tmp_path / folder)
        assert data.split is not None
        assert data.split.tolist() == ["train", "train", "val", "test", ""]
        assert data.labels.argmax(axis=1).tolist() == [1, 2, 2, 0, 2]
        np.testing.assert_array_equal(data.images.read(3), pixels(5))
        assert any("in no part here (extra)" in warning for warning in data.warnings)


def test_several_classes_an_image(tmp_path: Path) -> None:
    table = rows({"image": cells(0, 1, 2, 3), "labels": [[0, 2], [], None, [1]]})
    data = loaded(save_to_disk(tmp_path / "set", table))
    assert (data.kind, data.class_names) == ("multi", ("a", "b", "c"))
    expected = [[1, 0, 1], [0, 0, 0], [np.nan] * 3, [0, 1, 0]]
    np.testing.assert_array_equal(data.labels, np.array(expected, np.float32))
    assert any("1 row has no list of labels" in warning for warning in data.warnings)


def test_no_finding_is_no_class(tmp_path: Path) -> None:
    features = {"labels": {"feature": {"names": ["No Finding", "Mass"], "_type": "ClassLabel"}, "_type": "List"}}
    data = loaded(save_to_disk(tmp_path / "set", rows({"image": cells(0, 1), "labels": [[0], [1]]}, features)))
    assert data.class_names == ("Mass",)
    assert data.labels.tolist() == [[0], [1]]


@pytest.mark.parametrize(
    ("column", "names", "labels"),
    [
        ({"tags": [["x", "y"], [], ["y"]]}, ("x", "y"), [[1, 1], [0, 0], [0, 1]]),
        ({"labels": [[0, 1], [0, 0], [1, 0]]}, ("class 0", "class 1"), [[0, 1], [0, 0], [1, 0]]),
        ({"Mass": [1, 0, None], "Edema": [True, False, True]}, ("Mass", "Edema"), [[1, 1], [0, 0], [np.nan, 1]]),
        ({"diagnosis": ["mel", "nv", "mel"]}, ("mel", "nv"), [[1, 0], [0, 1], [1, 0]]),
    ],
)  # fmt: skip
def test_labels_without_declared_classes(tmp_path: Path, column: dict[str, Any], names: Any, labels: Any) -> None:
    table = pa.table({name: pa.array(values) for name, values in {"image_id": ["i", "j", "k"], **column}.items()})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": {}}})})
    pq.write_table(table, tmp_path / "x.parquet")
    data = loaded(Source(str(tmp_path / "x.parquet"), reader="hf"))
    assert data.class_names == names
    np.testing.assert_array_equal(data.labels, np.array(labels, np.float32))
    assert isinstance(data.images, NoImages)


def test_minus_one_and_nothing_are_unknown(tmp_path: Path) -> None:
    data = loaded(save_to_disk(tmp_path / "set", rows({"image": cells(0, 1, 2), "label": [1, -1, None]})))
    np.testing.assert_array_equal(np.isnan(data.labels).all(axis=1), [False, True, True])
    assert data.kind == "multi"


def test_two_label_columns_are_asked_about(tmp_path: Path) -> None:
    features = {name: {"names": ["x", "y"], "_type": "ClassLabel"} for name in ("fine", "coarse")}
    path = save_to_disk(tmp_path / "set", rows({"image": cells(0, 1), "fine": [0, 1], "coarse": [1, 0]}, features))
    with pytest.raises(Problem, match="say which hold the labels with --labels"):
        load(path)
    data = loaded(Source(str(path), labels=("coarse",)))
    assert data.labels.argmax(axis=1).tolist() == [1, 0]
    assert loaded(data.source).class_names == ("x", "y")


def test_two_image_columns_are_asked_about(tmp_path: Path) -> None:
    features = {"img": {"_type": "Image"}, "other": {"_type": "Image"}}
    table = rows({"img": cells(0), "label": [1]}, features).append_column("other", pa.array(cells(8), IMAGE))
    path = save_to_disk(tmp_path / "set", table)
    with pytest.raises(Problem, match=r"several columns of images .*say which with the option image"):
        load(path)
    chosen = loaded(Source(str(path), options={"image": "other"}))
    np.testing.assert_array_equal(chosen.images.read(0), pixels(8))


def test_images_by_path_are_read_in_the_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(png(1))
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "in.png").write_bytes(png(2))
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    paths = ["in.png", "../secret.png", str(tmp_path / "secret.png"), "link.png", None]
    column = [{"bytes": None, "path": path} for path in paths]
    data = loaded(save_to_disk(folder, rows({"image": column, "label": [0, 1, 0, 1, 0]})))
    np.testing.assert_array_equal(data.images.read(0), pixels(2))
    assert list(data.images.missing()) == [1, 2, 3, 4]
    for row in range(1, 5):
        with pytest.raises(Problem, match="is not in the folder"):
            data.images.read(row)


def test_images_of_large_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lt_core.datasets import arrow_images

    table = rows({"image": cells(*range(40)), "label": [k % 3 for k in range(40)]})
    pq.write_table(table, tmp_path / "train-00000-of-00001.parquet", row_group_size=17)
    data = loaded(tmp_path)
    for limit in (1 << 30, 0):
        monkeypatch.setattr(arrow_images, "_GROUP_BYTES", limit)
        for row in (0, 16, 17, 33, 34, 39):
            np.testing.assert_array_equal(data.images.read(row), pixels(row))


def test_the_cache_of_the_hub_keeps_its_files_as_links(tmp_path: Path) -> None:
    cache = tmp_path / "datasets--x--y"
    (cache / "blobs").mkdir(parents=True)
    (cache / "snapshots/v1/data").mkdir(parents=True)
    pq.write_table(rows({"image": cells(3), "label": [1]}), cache / "blobs/abc")
    (cache / "snapshots/v1/data/train-00000-of-00001.parquet").symlink_to(cache / "blobs/abc")
    np.testing.assert_array_equal(loaded(cache / "snapshots/v1").images.read(0), pixels(3))
