"""The classes of a .npz are named by the file, or by one beside it that has the same labels: never by a guess."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lt_core.datasets import LabeledImages, Source, load_images

WORDS = ["zeta", "alpha", "mid"]


def written(path: Path, labels: list[Any], **more: Any) -> Path:
    """A .npz of small images, two thirds of them train."""
    labels, n = np.asarray(labels), len(labels) * 2 // 3
    pixels = np.zeros((len(labels), 8, 8), np.uint8)
    np.savez(path, train_images=pixels[:n], train_labels=labels[:n], test_images=pixels[n:], test_labels=labels[n:],
             **more)  # fmt: skip
    return path


def loaded(path: Path, **more: Any) -> LabeledImages:
    return load_images(Source(str(path), **more))


def why(data: LabeledImages) -> str:
    assert data.reading is not None
    return next(column.why for column in data.reading.columns if column.role == "label")


NUMBERS = [0, 1, 2, 2, 1, 0, 0, 2, 1]


def test_a_table_with_the_same_labels_in_the_same_rows_names_them(tmp_path: Path) -> None:
    path = written(tmp_path / "x.npz", NUMBERS)
    pd.DataFrame({"file": range(9), "dx": [WORDS[k] for k in NUMBERS]}).to_csv(tmp_path / "labels.csv", index=False)
    data = loaded(path)
    assert data.class_names == tuple(WORDS)
    assert "labels.csv ('dx'), which has the same label in each of the 9 rows" in why(data)
    assert data.warnings == ()
    assert loaded(path, labels=("a", "b", "c")).class_names == ("a", "b", "c")


def test_its_parts_may_be_in_another_order(tmp_path: Path) -> None:
    path = written(tmp_path / "x.npz", NUMBERS)
    table = pd.DataFrame({"split": ["train"] * 6 + ["test"] * 3, "dx": [WORDS[k] for k in NUMBERS]})
    pd.concat([table[6:], table[:6]]).to_csv(tmp_path / "labels.csv", index=False)
    assert loaded(path).class_names == tuple(WORDS)


@pytest.mark.parametrize("broken", ["a label", "a row", "a part"])
def test_a_table_that_differs_names_nothing_and_that_is_said(tmp_path: Path, broken: str) -> None:
    path = written(tmp_path / "x.npz", NUMBERS)
    table = pd.DataFrame({"split": ["train"] * 6 + ["test"] * 3, "dx": [WORDS[k] for k in NUMBERS]})
    if broken == "a label":
        table.loc[4, "dx"] = "mid"
    elif broken == "a part":
        table.loc[5, "split"] = "test"
    else:
        table = table[:-1]
    table.to_csv(tmp_path / "labels.csv", index=False)
    data = loaded(path)
    assert data.class_names == ("class 0", "class 1", "class 2")
    assert any("does not name its classes" in warning and "--labels" in warning for warning in data.warnings)


def test_tables_that_disagree_name_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "x.npz", NUMBERS)
    for name, words in (("a", WORDS), ("b", WORDS[::-1])):
        pd.DataFrame({"file": range(9), "dx": [words[k] for k in NUMBERS]}).to_csv(tmp_path / f"{name}.csv")
    assert loaded(path).class_names == ("class 0", "class 1", "class 2")


def test_several_labels_an_image_are_known_by_what_they_occur_with(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cells = (rng.random((60, 4)) < [0.6, 0.4, 0.25, 0.1]).astype(int)
    path = written(tmp_path / "x.npz", cells)
    names = ["Mass", "Edema", "Hernia", "Fibrosis"]
    table = pd.DataFrame(cells, columns=names).sample(frac=1, random_state=1)[sorted(names)]
    table.insert(0, "file", [f"{k}.png" for k in range(60)])
    table.to_csv(tmp_path / "labels.csv", index=False)
    assert loaded(path).class_names == tuple(names)
    twins = np.column_stack([cells[:, :2], cells[:, 1]])
    (tmp_path / "labels.csv").unlink()
    pd.DataFrame(twins, columns=["a", "b", "c"]).sample(frac=1, random_state=1).to_csv(tmp_path / "labels.csv")
    assert loaded(written(tmp_path / "y.npz", twins)).class_names == ("class 0", "class 1", "class 2")


def test_labels_that_agree_only_in_pairs_name_nothing(tmp_path: Path) -> None:
    """Every class and every pair is in as many rows of both, but three classes together only in one of them."""
    more = [[1, 0, 0]] * 5 + [[0, 1, 0]] * 3
    ours = [[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], *more]
    theirs = [[1, 1, 0], [1, 0, 1], [0, 1, 1], [0, 0, 0], *more]
    path = written(tmp_path / "x.npz", ours)
    for cells, names in ((theirs, ("class 0", "class 1", "class 2")), (ours, ("a", "b", "c"))):
        pd.DataFrame(cells[::-1], columns=["a", "b", "c"]).to_csv(tmp_path / "labels.csv", index=False)
        assert loaded(path).class_names == names


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("classes.txt", "one\ntwo\n\nthree\n", ("one", "two", "three")),
        ("x_class_names.json", json.dumps(["one", "two", "three"]), ("one", "two", "three")),
        ("labels.json", json.dumps({"2": "three", "0": "one", "1": "two"}), ("one", "two", "three")),
        ("classes.txt", "one\ntwo\n", ()),
        ("classes.txt", "one\ntwo\ntwo\n", ()),
        ("classes.json", "[1, 2, 3]", ()),
        ("other_classes.txt", "one\ntwo\nthree\n", ()),
        ("notes.txt", "one\ntwo\nthree\n", ()),
    ],
)
def test_a_list_of_names_beside(tmp_path: Path, name: str, text: str, names: tuple[str, ...]) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    data = loaded(written(tmp_path / "x.npz", NUMBERS))
    assert data.class_names == (names or ("class 0", "class 1", "class 2"))
    assert (name in why(data)) is bool(names)


def test_names_in_the_file_come_first(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("one\ntwo\nthree\n", encoding="utf-8")
    data = loaded(written(tmp_path / "x.npz", NUMBERS, class_names=np.array(["a", "b", "c"])))
    assert data.class_names == ("a", "b", "c")
    assert "array 'class_names'" in why(data)


def test_the_real_sets(shared: Path) -> None:
    skin = loaded(shared / "data/ham10000/ham10000_7496_28.npz")
    assert skin.class_names == ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
    assert skin.positives(skin.split != "test").astype(int).tolist() == [183, 264, 583, 60, 491, 4323, 80]
    chest = loaded(shared / "data/nih/nih_starter_64.npz")
    counts = dict(zip(chest.class_names, chest.positives().astype(int).tolist(), strict=True))
    assert (counts["Infiltration"], counts["Hernia"], counts["Edema"]) == (123, 20, 18)
