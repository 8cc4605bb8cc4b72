"""Pascal VOC: objects to classes of images, boxes to masks, parts from lists, and XML that attacks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, load
from lt_core.datasets.readers import recognise
from lt_core.problems import Problem


def thing(name: str, *corners: float, difficult: int = 0, more: str = "") -> str:
    sides = "".join(f"<{s}>{v}</{s}>" for s, v in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
    return f"<object><name>{name}</name><difficult>{difficult}</difficult>{more}<bndbox>{sides}</bndbox></object>"


def xml(name: str, *things: str) -> str:
    size = "<size><width>8</width><height>6</height><depth>3</depth></size>"
    return f"<annotation><folder>x</folder><filename>{name}</filename>{size}{''.join(things)}</annotation>"


def voc(root: Path, annotations: dict[str, str], lists: dict[str, list[str]] | None = None) -> Path:
    (root / "Annotations").mkdir(parents=True)
    (root / "JPEGImages").mkdir()
    for k, (stem, text) in enumerate(annotations.items()):
        (root / "Annotations" / f"{stem}.xml").write_text(text, encoding="utf-8")
        Image.fromarray(np.full((6, 8), 10 * k, np.uint8)).save(root / "JPEGImages" / f"{stem}.png")
    for name, stems in (lists or {}).items():
        (root / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
        (root / "ImageSets" / "Main" / f"{name}.txt").write_text("\n".join(stems) + "\n")
    return root


PART = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
THREE = {
    "000001": xml("000001.png", thing("Mass", 2, 2, 3, 4), thing("Mass", 5, 1, 5, 1), thing("Edema", 1, 1, 8, 6)),
    "000002": xml("000002.png"),
    "000003": xml("000003.png", thing("Mass", 1, 1, 2, 2, difficult=1), thing("Nodule", 1, 1, 2, 2, more=PART)),
}


def loaded(source: Source | Path) -> LabeledImages:
    data = load(source)
    assert isinstance(data, LabeledImages)
    return data


def changes(data: LabeledImages) -> dict[str, int]:
    assert data.reading is not None
    return {change.what: change.count for change in data.reading.changes}


def test_classes_boxes_and_parts(tmp_path: Path) -> None:
    lists = {"train": ["000001"], "val": ["000002"], "trainval": ["000001", "000002"], "test": ["000003"]}
    data = loaded(voc(tmp_path / "VOC2007", THREE, lists))
    assert data.reading is not None
    assert (data.reading.reader, data.kind) == ("voc", "multi")
    assert data.class_names == ("Edema", "Mass", "Nodule"), "a part of an object is no object"
    assert data.labels.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 1]]
    assert data.split is not None
    assert data.split.tolist() == ["train", "val", "test"]
    assert isinstance(data.images, FileImages)
    assert int(data.images.read(2)[0, 0]) == 20
    assert data.masks is not None
    expected = np.zeros((6, 8), bool)
    expected[1:4, 1:3] = expected[0, 4] = True  # corners count from 1 and are both inside
    np.testing.assert_array_equal(data.masks.read(0, 1), expected)
    whole = data.masks.read(0, 0)
    assert whole is not None
    assert whole.all()
    assert data.masks.read(1, 1) is None


@pytest.mark.parametrize("inside", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_the_folder_may_be_further_in(tmp_path: Path, inside: str) -> None:
    voc(tmp_path / "VOCdevkit" / "VOC2012", THREE)
    assert len(loaded(tmp_path / inside)) == 3


def test_several_years_are_asked_about(tmp_path: Path) -> None:
    for year in ("VOC2007", "VOC2012"):
        voc(tmp_path / year, THREE)
    with pytest.raises(Problem, match=r"holds several years \(VOC2007, VOC2012\): give the folder of one"):
        load(tmp_path)


def test_difficult_objects_by_choice(tmp_path: Path) -> None:
    root = voc(
        tmp_path / "x", THREE | {"000004": xml("4", thing("Mass", 1, 1, 2, 2, difficult=1), thing("Mass", 1, 1, 3, 3))}
    )
    keep, drop, unknown = (loaded(Source(str(root), options={"difficult": how})) for how in ("keep", "drop", "unknown"))
    assert keep.labels[2].tolist() == [0, 1, 1]
    assert drop.labels[2].tolist() == [0, 0, 1]
    np.testing.assert_array_equal(unknown.labels[2], [0, np.nan, 1])
    for data in (keep, drop, unknown):
        assert data.labels[3].tolist() == [0, 1, 0], "an object beside it is not difficult"
        assert any(count == 2 and "marked as difficult" in what for what, count in changes(data).items())


def test_a_folder_of_annotations_alone_and_images_among_them(tmp_path: Path) -> None:
    root = voc(tmp_path / "x", THREE)
    assert loaded(root / "Annotations").labels.tolist() == loaded(root).labels.tolist()
    mixed = tmp_path / "labelled"
    mixed.mkdir()
    for stem, text in THREE.items():
        (mixed / f"{stem}.xml").write_text(text)
        Image.new("L", (8, 6)).save(mixed / f"{stem}.png")
    data = loaded(mixed)
    assert isinstance(data.images, FileImages)
    assert list(data.images.missing()) == []


def test_listed_images_without_annotation_are_unknown(tmp_path: Path) -> None:
    data = loaded(voc(tmp_path / "x", THREE, {"train": ["000001"], "test": ["000009"], "trainval": ["000002"]}))
    assert len(data) == 4
    assert np.isnan(data.labels[3]).all()
    assert data.split is not None
    assert data.split.tolist() == ["train", "train", "", "test"]
    assert any("has no annotation" in warning for warning in data.warnings)


def test_broken_annotations_are_dropped_and_counted(tmp_path: Path) -> None:
    odd = xml("box", thing("Mass", 5, 5, 1, 1), thing("", 1, 1, 2, 2))
    data = loaded(voc(tmp_path / "x", THREE | {"bad": "<annotation><object>", "other": "<html></html>", "box": odd}))
    assert len(data) == 4
    assert changes(data)["annotations cannot be read: not used"] == 2
    assert changes(data)["objects have no name: not used"] == 1
    assert changes(data)["boxes lack a number or have no width or height: not used"] == 1


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + k)} "{f"&{chr(97 + k)};" * 10}">' for k in range(9))
    + "]><annotation><filename>&j;</filename></annotation>"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><annotation><filename>&e;</filename></annotation>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB.encode(), "declares a document type or entities"),
        (b'<!DOCTYPE annotation SYSTEM "http://127.0.0.1/x.dtd"><annotation/>', "declares a document type or entities"),
        (OUTSIDE.encode(), "declares a document type or entities"),
        (BOMB.replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16"), "declares a document type or entities"),
        (b"<annotation>" + b"<a>" * 100_000, "is nested far deeper"),
        (b"<annotation><object>", r"is damaged or no XML \(line 1\)"),
        (b'<?xml version="1.0" encoding="nonsense"?><annotation/>', "x.xml"),
        (b"<annotation/>", "no object in any of them"),
    ],
)
def test_hostile_and_damaged_xml(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.xml").write_bytes(content)
    with pytest.raises(Problem, match=message) as caught:
        load(Source(str(tmp_path), reader="voc")) if b"<annotation" in content[:4096].replace(b"\0", b"") else load(
            tmp_path
        )
    assert "root:" not in str(caught.value)


def test_a_file_name_inside_is_not_trusted(tmp_path: Path) -> None:
    Image.new("L", (3, 3)).save(tmp_path / "secret.png")
    data = loaded(voc(tmp_path / "x", {"000001": xml("../../secret.png", thing("Mass", 1, 1, 2, 2))}))
    assert data.ids is not None
    assert data.ids.tolist() == ["000001.png"]


def test_other_xml_is_not_taken_for_voc(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text("<labels><label name='a'/></labels>")
    found = recognise(tmp_path)
    assert found is not None
    assert found[0].key != "voc"
