"""A split written to a file reads back as the same labels in the same parts."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lt_core.datasets import Source, load_images
from lt_core.problems import Problem
from lt_core.stats.split_files import split_command, split_to_file


@pytest.fixture
def labels(tmp_path: Path) -> Source:
    rng = np.random.default_rng(0)
    cells = pd.DataFrame((rng.random((200, 3)) < [0.5, 0.2, 0.1]).astype(object), columns=["Mass", "Edema", "Hernia"])
    cells = cells.astype(int).astype(object).mask(rng.random((200, 3)) < 0.1, "")
    frame = pd.DataFrame({"image": [f"{k:03}.png" for k in range(200)], "patient": [f"p{k // 2}" for k in range(200)]})
    pd.concat([frame, cells], axis=1).to_csv(tmp_path / "labels.csv", index=False)
    return Source(str(tmp_path / "labels.csv"))


@pytest.mark.parametrize("method", ["iterative", "random"])
def test_the_file_is_a_data_set_with_these_parts(labels: Source, tmp_path: Path, method: str) -> None:
    entry = split_to_file(labels, tmp_path / "split.csv", seed=3, method=method, fractions=(0.5, 0.25, 0.25))
    before, after = load_images(labels), load_images(Source(str(tmp_path / "split.csv")))
    assert after.class_names == before.class_names
    np.testing.assert_array_equal(after.labels, before.labels)
    assert after.split is not None
    assert after.groups is not None
    assert before.groups is not None
    assert after.groups.tolist() == before.groups.tolist()
    sizes = {part["part"]: part["images"] for part in entry["report"]["parts"]}
    assert {part: int((after.split == part).sum()) for part in sizes} == sizes
    assert sum(sizes.values()) == 200


def test_parts_of_the_source_stay_unless_drawn_anew(labels: Source, tmp_path: Path) -> None:
    first = tmp_path / "first.csv"
    split_to_file(labels, first, seed=0)
    split_to_file(Source(str(first)), tmp_path / "kept.csv", seed=1)
    split_to_file(Source(str(first)), tmp_path / "anew.csv", seed=1, anew=True)
    old, kept, anew = (pd.read_csv(tmp_path / name)["split"] for name in ("first.csv", "kept.csv", "anew.csv"))
    assert (old == kept).all()
    assert (old != anew).any()


def test_folds_take_the_place_of_parts(labels: Source, tmp_path: Path) -> None:
    entry = split_to_file(labels, tmp_path / "folds.csv", n_folds=4, method="iterative")
    frame = pd.read_csv(tmp_path / "folds.csv")
    assert "split" not in frame
    assert frame.groupby("fold").size().tolist() == entry["folds"]
    assert frame.groupby("patient")["fold"].nunique().max() == 1


def test_a_file_that_cannot_be_written_is_said(labels: Source, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be written: its folder is not there"):
        split_to_file(labels, tmp_path / "nowhere" / "split.csv")


def test_the_command_says_the_same() -> None:
    source = Source("/a b/x.csv", "/img", ("Mass", "No Finding"), "table", {"kind": "single", "flag": True})
    words = shlex.split(split_command(source, seed=4, fractions=(0.8, 0.1, 0.1), method="random", anew=True))
    assert words == ["python", "-m", "lt_core", "split", "/a b/x.csv", "--images", "/img", "--labels", "Mass",
                     "No Finding", "--reader", "table", "--option", "kind=single", "--option", "flag=true", "--method",
                     "random", "--seed", "4", "--fractions", "0.8", "0.1", "0.1", "--anew", "--out",
                     "split.csv"]  # fmt: skip
