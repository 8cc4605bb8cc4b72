"""Where the images of a table are: given, found beside it, or asked about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, NoImages, Source, load
from lt_core.problems import Problem


def table(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def picture(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 5), value, np.uint8)).save(path)


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


def test_images_beside_the_table_are_found_by_name_and_by_stem(tmp_path: Path) -> None:
    picture(tmp_path / "pics" / "deep" / "a.png", 3)
    picture(tmp_path / "pics" / "b.jpg", 200)
    data = loaded(table(tmp_path, "image,x,y\na,1,0\nb.jpg,0,1\nc,1,1\n"))
    assert isinstance(data.images, FileImages)
    assert data.images.read(0).tolist() == np.full((4, 5), 3).tolist()
    assert list(data.images.missing()) == [2]
    assert any("1 of 3 images is not in the folder pics: c" in warning for warning in data.warnings)
    with pytest.raises(Problem, match=r"image 'c' is not in the folder 'pics'"):
        data.images.read(2)
    assert data.source.images == str(tmp_path / "pics")


def test_images_in_the_folder_of_the_table(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    data = loaded(table(tmp_path, "image,x,y\na.png,1,0\nb.png,0,1\n"))
    assert isinstance(data.images, FileImages)
    assert data.images.path(0) == tmp_path / "a.png"


def test_two_folders_with_the_same_images_are_asked_about(tmp_path: Path) -> None:
    for folder in ("small", "large"):
        picture(tmp_path / folder / "a.png")
    path = table(tmp_path, "image,x,y\na.png,1,0\nb.png,0,1\n")
    with pytest.raises(Problem, match=r"in several folders \(large, small\): say which with --images"):
        load(path)
    assert isinstance(loaded(Source(str(path), images=str(tmp_path / "small"))).images, FileImages)


def test_an_archive_cut_into_folders_is_one(tmp_path: Path) -> None:
    picture(tmp_path / "images_001" / "a.png")
    picture(tmp_path / "images_002" / "b.png")
    data = loaded(table(tmp_path, "image,x,y\na.png,1,0\nb.png,0,1\n"))
    assert isinstance(data.images, FileImages)
    assert list(data.images.missing()) == []


def test_a_folder_with_few_of_the_images_is_named_not_taken(tmp_path: Path) -> None:
    picture(tmp_path / "pics" / "i1.png")
    path = table(tmp_path, "image,x,y\n" + "".join(f"i{k}.png,1,{k % 2}\n" for k in range(10)))
    data = loaded(path)
    assert isinstance(data.images, NoImages)
    assert any("pics holds only 1 of the 10 images" in warning for warning in data.warnings)
    assert isinstance(loaded(Source(str(path), images=str(tmp_path / "pics"))).images, FileImages)


def test_a_path_that_begins_above_the_folder(tmp_path: Path) -> None:
    for study in ("study1", "study2"):
        picture(tmp_path / "data" / "train" / study / "view1.jpg", 50 if study == "study1" else 200)
    path = table(tmp_path, "Path,x,y\nset/train/study1/view1.jpg,1,0\nset/train/study2/view1.jpg,0,1\nview1.jpg,1,1\n")
    data = loaded(Source(str(path), images=str(tmp_path / "data")))
    assert [int(data.images.read(row).mean()) // 100 for row in (0, 1)] == [0, 2]
    assert list(data.images.missing()) == [2], "a name that two files have is not guessed"
