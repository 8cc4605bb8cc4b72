"""Image folders: a folder a class, parts above them, and what is no such folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, files, load
from lt_core.datasets.readers import recognise
from lt_core.problems import Problem, Unknown


def picture(path: Path, value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((2, 2), value, np.uint8)).save(path)
    return path


def loaded(source: Source | Path) -> LabeledImages:
    data = load(source)
    assert isinstance(data, LabeledImages)
    return data


def changes(data: LabeledImages) -> dict[str, int]:
    assert data.reading is not None
    return {change.what: change.count for change in data.reading.changes}


def test_a_folder_a_class(tmp_path: Path) -> None:
    for k, name in enumerate(("melanoma/a.png", "melanoma/b.jpg", "nevus/c.png", "nevus/deeper/d.png")):
        picture(tmp_path / name, 40 * k)
    (tmp_path / "dermatofibroma").mkdir()
    data = loaded(tmp_path)
    assert data.reading is not None
    assert (data.reading.reader, data.kind) == ("image-folder", "single")
    assert data.class_names == ("dermatofibroma", "melanoma", "nevus")
    assert data.positives().tolist() == [0, 2, 2]
    assert data.labels.sum(axis=1).tolist() == [1, 1, 1, 1]
    assert data.ids is not None
    assert data.ids.tolist() == ["melanoma/a.png", "melanoma/b.jpg", "nevus/c.png", "nevus/deeper/d.png"]
    assert [int(data.images.read(k)[0, 0]) for k in (0, 2, 3)] == [0, 80, 120]
    assert data.split is None
    assert any("no positive example of dermatofibroma" in warning for warning in data.warnings)
    again = loaded(Source.from_json(data.source.as_json()))
    assert again.ids is not None
    assert again.ids.tolist() == data.ids.tolist()


@pytest.mark.parametrize("above", ["", "archive/chest_xray"])
def test_parts_above_the_classes(tmp_path: Path, above: str) -> None:
    for k, name in enumerate(("Train/sick/a.png", "Train/well/b.png", "valid/well/c.png", "test/sick/d.png")):
        picture(tmp_path / above / name, k)
    picture(tmp_path / above / "extra" / "sick" / "e.png")
    data = loaded(tmp_path)
    assert data.split is not None
    assert data.split.tolist() == ["train", "train", "val", "test"]
    assert data.labels.tolist() == [[1, 0], [0, 1], [0, 1], [1, 0]]
    assert [int(data.images.read(k)[0, 0]) for k in range(4)] == [0, 1, 2, 3]
    assert changes(data)["folders lie beside the parts: not used"] == 1
    assert changes(data)["images are in no class folder that is used"] == 1


def test_what_is_no_image_is_counted_and_what_is_hidden_left_out(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/2.png", "a/.hidden.png", "__MACOSX/a/._1.png", ".cache/x.png"):
        picture(tmp_path / name)
    (tmp_path / "a" / "Thumbs.txt").write_text("x")
    (tmp_path / "README.md").write_text("x")
    (tmp_path / "b" / "LICENSE").write_text("no suffix")
    picture(tmp_path / "loose.png")
    data = loaded(tmp_path)
    assert data.class_names == ("a", "b")
    assert len(data) == 2
    assert changes(data)["files are no images: not used"] == 3
    assert changes(data)["images are in no class folder that is used"] >= 1


def test_the_same_name_in_two_classes_is_said(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.jpg", "b/2.png"):
        picture(tmp_path / name)
    data = loaded(tmp_path)
    assert len(data) == 3
    assert any(count == 1 and "two classes or more" in what for what, count in changes(data).items())


def test_some_of_the_classes(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/2.png", "c/3.png"):
        picture(tmp_path / name)
    data = loaded(Source(str(tmp_path), labels=("c", "a")))
    assert (data.class_names, data.labels.tolist()) == (("c", "a"), [[1, 0], [0, 1]])
    with pytest.raises(Unknown, match="unknown class folder 'd'"):
        load(Source(str(tmp_path), labels=("d",)))
    with pytest.raises(Problem, match="leave --images out"):
        load(Source(str(tmp_path), images=str(tmp_path)))


def test_a_flat_folder_of_images_says_how_to_add_labels(tmp_path: Path) -> None:
    for k in range(3):
        picture(tmp_path / f"{k}.png")
    with pytest.raises(Problem, match=r"holds no table of labels, only 3 images: put a .csv beside them"):
        load(tmp_path)
    with pytest.raises(Problem, match="has no folder a class"):
        load(Source(str(tmp_path), reader="image-folder"))


def test_folders_without_images_are_none(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(Problem, match="no table of labels and no images"):
        load(tmp_path)


@pytest.mark.parametrize(
    "beside", ["labels.csv", "labels.csv.gz", "meta.jsonl", "a/labels.tsv", "b/_annotations.coco.json", "a/0.xml"]
)
def test_folders_beside_a_table_are_no_classes(tmp_path: Path, beside: str) -> None:
    for name in ("a/1.png", "b/2.png"):
        picture(tmp_path / name)
    (tmp_path / beside).write_text("x")
    found = recognise(tmp_path)
    assert found is not None
    assert found[0].key != "image-folder"


def test_a_table_beside_two_folders_of_images_is_read_not_the_folders(tmp_path: Path) -> None:
    picture(tmp_path / "part_1" / "a.png")
    picture(tmp_path / "part_2" / "b.png")
    (tmp_path / "t.csv").write_text("image,Mass,Edema\na,1,0\nb,0,1\n")
    assert loaded(tmp_path).class_names == ("Mass", "Edema")


def test_a_link_out_of_the_folder_is_counted_and_not_read(tmp_path: Path) -> None:
    secret = picture(tmp_path / "secret.png", 9)
    for name in ("a/1.png", "b/2.png"):
        picture(tmp_path / "set" / name)
    (tmp_path / "set" / "a" / "3.png").symlink_to(secret)
    (tmp_path / "set" / "c").symlink_to(tmp_path)
    data = loaded(tmp_path / "set")
    assert data.class_names == ("a", "b")
    assert changes(data)["images are links out of the folder: they are not read"] == 1
    with pytest.raises(Problem, match="link to a file outside"):
        data.images.read(1)


def test_class_names_with_markup_stay_text(tmp_path: Path) -> None:
    picture(tmp_path / "<b>x<" / "1.png")
    picture(tmp_path / "=1+1" / "2.png")
    assert loaded(tmp_path).class_names == ("<b>x<", "=1+1")


def test_nothing_is_walked_twice_and_nothing_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for c in "ab":
        for k in range(30):
            path = tmp_path / c / f"{c}{k}.png"
            path.parent.mkdir(exist_ok=True)
            path.touch()  # no image at all: opening would fail
    walks = []
    whole = files.FolderIndex.of.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(
        files.FolderIndex, "of", classmethod(lambda cls, root, **kw: walks.append(root) or whole(cls, root, **kw))
    )
    data = loaded(tmp_path)
    assert len(data) == 60
    assert len(walks) == 1
    assert isinstance(data.images, FileImages)


def test_recognising_looks_at_few_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lt_core.datasets import class_folders

    for c in range(40):
        (tmp_path / f"class{c}").mkdir()
        for k in range(200):
            (tmp_path / f"class{c}" / f"{k}.png").touch()
    seen = 0
    inner = class_folders._counts

    def counted(name: str) -> bool:
        nonlocal seen
        seen += 1
        return inner(name)

    monkeypatch.setattr(class_folders, "_counts", counted)
    assert class_folders.class_folders(tmp_path) is not None
    assert seen <= 2000
