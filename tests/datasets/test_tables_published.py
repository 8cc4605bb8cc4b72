"""Quirks of published tables: no header, titles above it, blanks between labels, -1 for no; and files that are none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from lt_core.datasets import LabeledImages, Source, load
from lt_core.problems import Problem


def loaded(path: Path, text: str, **options: str) -> LabeledImages:
    path.write_text(text, encoding="utf-8")
    dataset = load(Source(str(path), options=options))
    assert isinstance(dataset, LabeledImages)
    return dataset


def counts(dataset: LabeledImages) -> dict[str, int]:
    return dict(zip(dataset.class_names, dataset.positives().tolist(), strict=True))


def test_a_table_without_header_keeps_its_first_row(tmp_path: Path) -> None:
    text = "".join(f"ISIC_{k:07d},{'malignant' if k % 3 == 0 else 'benign'}\n" for k in range(30))
    dataset = loaded(tmp_path / "x.csv", text)
    assert counts(dataset) == {"benign": 20, "malignant": 10}
    assert dataset.ids is not None
    assert dataset.ids[0] == "ISIC_0000000"
    assert any("no header line" in warning for warning in dataset.warnings)


@pytest.mark.parametrize("no", ["0", "0.0"])
def test_a_label_of_0_and_1_without_header_is_no_class_called_0(tmp_path: Path, no: str) -> None:
    text = "".join(f"ISIC_{k:07d},{no if k % 3 else '1'}\n" for k in range(30))
    assert counts(loaded(tmp_path / "x.csv", text)) == {"label": 10}


def test_class_numbers_as_header_are_a_header(tmp_path: Path) -> None:
    text = "image,0,1,2\n" + "".join(f"{k}.png,{k % 2},1,0\n" for k in range(10))
    assert counts(loaded(tmp_path / "x.csv", text)) == {"0": 5, "1": 10, "2": 0}


def test_lists_of_files_and_labels_parted_by_blanks(tmp_path: Path) -> None:
    one = loaded(tmp_path / "a.txt", "".join(f"train/n{k % 3}/{k}.JPEG {k % 5}\n" for k in range(30)))
    assert counts(one) == dict.fromkeys("01234", 6)
    several = loaded(tmp_path / "b.txt", "".join(f"{k}.jpg {k % 2} {int(k % 3 == 0)} 0\n" for k in range(30)))
    assert several.positives().tolist() == [15, 10, 0]


@pytest.mark.parametrize("above", ["# made by hand, in 2024\n", "Labels of our study\n", "Labels of our study,,\n"])
def test_lines_above_the_header_are_dropped_and_counted(tmp_path: Path, above: str) -> None:
    rows = "".join(f"{k}.png,{k % 2},{int(k % 3 == 0)}\n" for k in range(12))
    dataset = loaded(tmp_path / "x.csv", above + "image,edema,mass\n" + rows)
    assert counts(dataset) == {"edema": 6, "mass": 4}
    assert dataset.reading is not None
    assert [c.count for c in dataset.reading.changes if c.kind == "dropped"] == [1]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["16 0", "7 1", "0", "1"], {"0": 2, "1": 2, "7": 1, "16": 1}),
        (["scab rust", "scab", "rust", "healthy"], {"healthy": 1, "rust": 2, "scab": 2}),
        (["frog_eye_spot rust", "scab"], {"frog_eye_spot": 1, "rust": 1, "scab": 1}),
        (["basal cell carcinoma", "blue nevus", "nevus"], {"basal cell carcinoma": 1, "blue nevus": 1, "nevus": 1}),
    ],
)
def test_blanks_separate_where_the_words_are_labels(tmp_path: Path, cells: list[str], expected: dict[str, int]) -> None:
    text = "image,labels\n" + "".join(f"{k}.png,{cell}\n" for k, cell in enumerate(cells * 5))
    assert counts(loaded(tmp_path / "x.csv", text)) == {name: 5 * n for name, n in expected.items()}


def test_blanks_can_be_asked_for(tmp_path: Path) -> None:
    text = "image,labels\n" + "".join(f"{k}.png,{('clear primary', 'clear road', 'cloudy')[k % 3]}\n" for k in range(6))
    dataset = loaded(tmp_path / "x.csv", text, separator="space", form="one column")
    assert counts(dataset) == {"clear": 4, "cloudy": 2, "primary": 2, "road": 2}


def test_minus_one_is_no_where_nothing_else_says_no(tmp_path: Path) -> None:
    rows = "".join(f"{k}.png,{1 if k % 2 else -1},{1 if k % 3 else -1}\n" for k in range(12))
    dataset = loaded(tmp_path / "x.csv", "image,edema,mass\n" + rows)
    assert not np.isnan(dataset.labels).any()
    assert dataset.positives().tolist() == [6, 8]
    with_zero = loaded(tmp_path / "y.csv", "image,edema,mass\n" + rows + "z.png,0,1\n")
    assert int(np.isnan(with_zero.labels).sum()) == 6 + 4


def test_a_class_that_is_the_union_of_the_others_is_told(tmp_path: Path) -> None:
    rows = ["1,1,0,0", "1,1,1,0", "0,0,0,0", "1,0,0,1"]
    dataset = loaded(
        tmp_path / "x.csv", "ID,Disease_Risk,DR,MH,DN\n" + "".join(f"{k},{r}\n" for k, r in enumerate(rows))
    )
    assert any("'Disease_Risk' is 1 where any other class is" in warning for warning in dataset.warnings)


def test_decimal_commas(tmp_path: Path) -> None:
    rows = "".join(f"{k}.png;{k % 2},0;1,0\n" for k in range(6))
    assert loaded(tmp_path / "x.csv", "image;edema;mass\n" + rows).positives().tolist() == [3, 6]


def test_dictionaries_are_refused_not_cut(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="holds dictionaries"):
        loaded(tmp_path / "x.csv", "image,labels\n" + "a.png,\"{'NORM': 100.0, 'SR': 0.0}\"\n" * 4)


def test_a_column_of_words_is_no_image(tmp_path: Path) -> None:
    text = "uid,Problems,image\n" + "".join(f"{k},{'ab'[k % 2]},Xray Chest PA and Lateral\n" for k in range(10))
    dataset = loaded(tmp_path / "x.csv", text)
    assert len(dataset) == 10
    assert counts(dataset) == {"a": 5, "b": 5}


def test_box_corners_are_no_classes(tmp_path: Path) -> None:
    rows = "".join(f"{k},{'Mass' if k % 2 else 'Nodule'},1,0,1,1\n" for k in range(10))
    dataset = loaded(tmp_path / "x.csv", "image_id,lesion_type,xmin,ymin,xmax,ymax\n" + rows)
    assert counts(dataset) == {"Mass": 5, "Nodule": 5}


@pytest.mark.parametrize("name", ["x.csv", "x.npz", "x.parquet", "x.arff", "x.dcm", "x.json"])
def test_a_git_lfs_pointer_is_called_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(Problem, match="git-lfs pointer"):
        loaded(tmp_path / name, f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 12345\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["x.csv", "x.npz", "x.json", "x.zip", "x"])
def test_a_pipe_is_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(Problem, match="pipe, socket or device"):
        load(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_among_the_images_is_missing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"x")
    dataset = loaded(tmp_path / "labels.csv", "image,label\na.png,x\nb.png,y\n")
    assert any("1 of 2 images" in warning and "a.png" in warning for warning in dataset.warnings)


def test_coco_panoptic_counts_segments_and_a_test_set_has_no_labels(tmp_path: Path) -> None:
    images = [{"id": k, "file_name": f"{k}.jpg", "width": 9, "height": 9} for k in range(4)]
    kinds = [{"id": 1, "name": "cell"}, {"id": 2, "name": "sky"}]
    parts = [{"image_id": k, "file_name": f"{k}.png", "segments_info": [{"id": 1, "category_id": 1 + k % 2}]}
             for k in range(4)]  # fmt: skip
    whole = {"images": images, "categories": kinds, "annotations": parts}
    assert counts(loaded(tmp_path / "p.json", json.dumps(whole))) == {"cell": 2, "sky": 2}
    with pytest.raises(Problem, match="without annotations"):
        loaded(tmp_path / "t.json", json.dumps({"images": images, "categories": kinds}))
