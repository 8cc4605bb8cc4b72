"""COCO JSON: images are counted, boxes are masks, broken entries are counted, folders with parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, load
from lt_core.datasets.readers import recognise
from lt_core.problems import Problem, Unknown

CATEGORIES = [{"id": 7, "name": "Mass", "supercategory": "x"}, {"id": 3, "name": "Nodule"}, {"id": 9, "name": "Edema"}]


def coco(n: int = 3, annotations: list[dict[str, Any]] | None = None, prefix: str = "", **more: Any) -> dict[str, Any]:
    images = [{"id": 10 + k, "file_name": f"{prefix}{k}.png", "width": 8, "height": 6} for k in range(n)]
    return {"info": {}, "images": images, "annotations": annotations or [], "categories": CATEGORIES} | more


def box(image: Any, category: Any, *xywh: Any, crowd: int = 0) -> dict[str, Any]:
    return {"id": 1, "image_id": image, "category_id": category, "bbox": list(xywh), "iscrowd": crowd, "area": 1}


BOXES = [box(10, 7, 1, 1, 2, 3), box(10, 7, 4, 0, 1, 1), box(10, 9, 0, 0, 8, 6), box(12, 7, 2, 2, 4, 2, crowd=1)]


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def pictures(folder: Path, n: int, prefix: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(n):
        Image.fromarray(np.full((6, 8), k, np.uint8)).save(folder / f"{prefix}{k}.png")


def loaded(source: Source | Path) -> LabeledImages:
    data = load(source)
    assert isinstance(data, LabeledImages)
    return data


def changes(data: LabeledImages) -> dict[str, int]:
    assert data.reading is not None
    return {change.what: change.count for change in data.reading.changes}


def test_images_are_counted_not_boxes_and_an_image_without_boxes_has_no_class(tmp_path: Path) -> None:
    pictures(tmp_path, 3)
    data = loaded(written(tmp_path / "instances.json", coco(3, BOXES)))
    assert data.reading is not None
    assert (data.reading.reader, data.kind) == ("coco", "multi")
    assert data.class_names == ("Mass", "Nodule", "Edema")
    assert data.labels.tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert any("no positive example of Nodule" in warning for warning in data.warnings)
    assert isinstance(data.images, FileImages)
    assert int(data.images.read(2)[0, 0]) == 2
    again = loaded(Source.from_json(data.source.as_json()))
    np.testing.assert_array_equal(again.labels, data.labels)


def test_boxes_are_masks(tmp_path: Path) -> None:
    pictures(tmp_path, 3)
    data = loaded(written(tmp_path / "instances.json", coco(3, BOXES)))
    assert data.masks is not None
    expected = np.zeros((6, 8), bool)
    expected[1:4, 1:3] = expected[0:1, 4:5] = True
    mask = data.masks.read(0, 0)
    assert mask is not None
    np.testing.assert_array_equal(mask, expected)
    assert data.masks.read(1, 0) is None
    some = loaded(Source(data.source.name, labels=("Edema", "Mass")))
    assert some.masks is not None
    np.testing.assert_array_equal(some.masks.read(0, 1), expected)


def test_groups_of_objects_by_choice(tmp_path: Path) -> None:
    path = written(tmp_path / "instances.json", coco(3, BOXES))
    data = loaded(Source(str(path), options={"crowd": "drop"}))
    assert data.labels[2].tolist() == [0, 0, 0]
    assert changes(data)["annotations are of groups of objects (iscrowd): left out"] == 1


def test_broken_entries_are_dropped_and_counted(tmp_path: Path) -> None:
    odd = [*BOXES, box(99, 7, 0, 0, 1, 1), box(10, 99, 0, 0, 1, 1), "text", box(11, 3), box("11", "9", 0, 0, "a", 1)]
    content = coco(3, odd)
    content["images"] += [{"id": 10, "file_name": "again.png"}, {"id": 50}]
    data = loaded(written(tmp_path / "instances.json", content))
    assert len(data) == 4
    assert data.labels[1].tolist() == [0, 1, 1], "an annotation without a usable box still says that the class is there"
    assert changes(data) == {
        "entries are no JSON objects: not used": 1,
        "images have the id of another image: the first of them counts": 1,
        "annotations are of an image that is not listed: not used": 1,
        "annotations are of a category that is not listed: not used": 1,
        "images have no file_name: named by their address or id": 1,
        "boxes lack a number or have no width or height: not used": 2,
    }
    assert any("not listed" in warning for warning in data.warnings)


def test_two_categories_of_one_name_stay_two(tmp_path: Path) -> None:
    content = coco(1, [box(10, 1, 0, 0, 1, 1)], categories=[{"id": 1, "name": "a"}, {"id": 2, "name": "a"}, {"id": 3}])
    assert loaded(written(tmp_path / "x.json", content)).class_names == ("a", "a (2)", "category 3")


def test_labels_and_kind_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "x.json", coco(2, [box(10, 7, 0, 0, 1, 1), box(11, 9, 0, 0, 1, 1)]))
    assert loaded(Source(str(path), options={"kind": "single"})).kind == "single"
    with pytest.raises(Unknown, match="unknown class 'mass': did you mean 'Mass'"):
        load(Source(str(path), labels=("mass",)))


def test_annotations_beside_folders_of_images_are_parts(tmp_path: Path) -> None:
    written(tmp_path / "annotations" / "instances_train2017.json", coco(2, [box(10, 7, 0, 0, 1, 1)]))
    written(tmp_path / "annotations" / "instances_val2017.json", coco(1, [box(10, 9, 0, 0, 1, 1)]))
    written(tmp_path / "annotations" / "person_keypoints_val2017.json", coco(1))
    pictures(tmp_path / "train2017", 2)
    (tmp_path / "val2017").mkdir()
    Image.fromarray(np.full((6, 8), 77, np.uint8)).save(tmp_path / "val2017" / "0.png")
    data = loaded(tmp_path)
    assert data.split is not None
    assert data.split.tolist() == ["train", "train", "val"]
    assert data.labels.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert [int(data.images.read(k)[0, 0]) for k in range(3)] == [0, 1, 77], "0.png of val is not that of train"
    one = loaded(tmp_path / "annotations" / "instances_train2017.json")
    assert isinstance(one.images, FileImages)


def test_a_folder_a_part_with_its_own_file(tmp_path: Path) -> None:
    for part, n in (("train", 2), ("valid", 1), ("test", 1)):
        pictures(tmp_path / part, n, part)
        written(tmp_path / part / "_annotations.coco.json", coco(n, prefix=part))
    data = loaded(tmp_path)
    assert data.split is not None
    assert data.split.tolist() == ["train", "train", "val", "test"]
    assert isinstance(data.images, FileImages)
    assert list(data.images.missing()) == []


def test_several_files_that_are_no_parts_are_asked_about(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path / "annotations" / f"instances_{name}.json", coco())
        written(tmp_path / "flat" / f"{name}.json", coco())
    with pytest.raises(Problem, match=r"holds 2 COCO files .* that are not one of each part: name the one"):
        load(tmp_path)
    with pytest.raises(Problem, match=r"holds 2 files with labels \(a.json, b.json\)"):
        load(tmp_path / "flat")


def test_a_large_number_of_classes_is_kept_sparse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lt_core.datasets.detection import found

    monkeypatch.setattr(found, "DENSE_CELLS", 5)
    path = written(tmp_path / "x.json", coco(3, BOXES))
    data = loaded(path)
    assert isinstance(data.matrix, found.SparseLabels)
    assert data.labels.tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"images": [{"id": 1}], "annotations": [', "x.json is not JSON, or is damaged or cut short at line 1"),
        ('{"images": [], "annotations": [], "categories": []}', "its list 'images' is missing or empty"),
        ('{"images": [{"id": 1}], "annotations": []}', "its list 'categories' is missing or empty"),
        ('{"images": {"id": 1}, "annotations": [], "categories": [1]}', "'images' is a dict, where COCO files have"),
        ("[1, 2]", "is JSON but no COCO file"),
        ("[" * 200_000, "x.json is n"),
        ('{"images": [{"id": ' + "9" * 5000 + "}]}", "is not JSON, or is damaged"),
        ("\ufeff", "is not JSON"),
    ],
)
def test_files_that_are_none_or_broken(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(Problem, match=message) as caught:
        load(Source(str(written(tmp_path / "x.json", content)), reader="coco"))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a/../../secret.png", "C:\\x.png"])
def test_a_file_name_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "secret.png")
    content = coco(1)
    content["images"][0]["file_name"] = name
    with pytest.raises(Problem, match=r"\(entry 1 of x.json\) points outside the data set"):
        load(written(tmp_path / "set" / "x.json", content))


def test_other_json_is_not_taken_for_coco(tmp_path: Path) -> None:
    for text in ('{"image": "a.png", "label": "x"}\n', '[{"file_name": "a.png"}]', '{"categories": [1]}', "", "{"):
        path = written(tmp_path / "x.json", text)
        found = recognise(path)
        assert found is None or found[0].key != "coco"


def test_federated_annotations_are_warned_of(tmp_path: Path) -> None:
    content = coco(1)
    content["images"][0]["not_exhaustive_category_ids"] = []
    assert any("class by class" in warning for warning in loaded(written(tmp_path / "x.json", content)).warnings)
