"""Images of predictions from a file are found by name and never by place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import ArrayImages, LabeledImages, Source
from lt_core.evaluation.reading.pictures import pictures_in, pictures_of, same_names
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.scored_file import read_scored
from lt_core.problems import Problem

N = 6


@pytest.fixture
def scored() -> Scored:
    random = np.random.default_rng(0)
    values, ids = random.random((N, 2)), np.array([f"a/{k:03d}.png" for k in range(N)])
    return Scored(("Edema", "Mass"), values, values, (values > 0.5).astype(np.float32), ids)


def a_set(scored: Scored, ids: list[str], labels: np.ndarray | None = None) -> LabeledImages:
    pixels = np.arange(len(ids), dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    truth = scored.targets[::-1].copy() if labels is None else labels
    return LabeledImages("k", "A set", ("mass", "Edema"), truth[:, ::-1].copy(), ArrayImages(pixels), "multi",
                         Source("k"), ids=np.array(ids))  # fmt: skip


def test_names_are_compared_in_the_strictest_way_that_finds_most() -> None:
    rows, how = same_names(["x/1.png", "x/2.png", "none"], ["2.jpg", "1.jpg", "3.jpg"])
    assert rows.tolist() == [1, 0, -1]
    assert how == "without folder, ending and letter case"
    assert same_names(["1.png"], ["1.jpg", "1.png"])[0].tolist() == [1]
    # two images of one name: it cannot be told which is meant
    assert same_names(["a/1.png"], ["b/1.png", "c/1.png"])[0].tolist() == [-1]


def test_a_set_with_the_same_names_and_labels_gives_its_images(scored: Scored) -> None:
    found = pictures_of(scored, a_set(scored, [f"{k:03d}" for k in reversed(range(N))]))
    assert found.rows.tolist() == list(reversed(range(N)))
    assert found.images.read(int(found.rows[0])).max() == N - 1
    assert found.sentence() == (
        f"Images from A set: all {N} found by name, names without folder, ending and letter case."
    )


def test_a_set_whose_labels_are_others_is_not_taken_for_the_same_images(scored: Scored) -> None:
    names = scored.ids.tolist()
    with pytest.raises(Problem, match="its labels are others"):
        pictures_of(scored, a_set(scored, names, 1 - scored.targets))
    one = scored.targets.copy()
    one[0] = 1 - one[0]
    assert "1 image has other labels there" in pictures_of(scored, a_set(scored, names, one)).sentence()


def test_bare_numbers_need_labels_that_confirm_them(scored: Scored) -> None:
    numbers = [str(k) for k in range(N)]
    other = replace(scored, ids=np.array(numbers), class_names=("Hernia", "Nodule"))
    with pytest.raises(Problem, match="not shown"):
        pictures_of(other, a_set(scored, numbers, scored.targets))
    same = replace(other, class_names=scored.class_names)
    assert pictures_of(same, a_set(scored, numbers, scored.targets)).rows.tolist() == list(range(N))


def test_a_folder_needs_no_labels(scored: Scored, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for k in range(1, N):
        Image.fromarray(np.full((5, 5), 10 * k, np.uint8)).save(tmp_path / "deep" / f"{k:03d}.png")
    found = pictures_in(scored, tmp_path)
    assert found.rows[0] == -1
    assert [found.images.read(int(row)).max() for row in found.rows[1:]] == [10 * k for k in range(1, N)]
    assert f"{N - 1} of {N} found by name" in found.sentence()
    with pytest.raises(Problem, match="has no image with a name of the predictions"):
        pictures_in(replace(scored, ids=np.array([f"z{k}" for k in range(N)])), tmp_path)


def test_an_archive_must_name_its_images(scored: Scored, tmp_path: Path) -> None:
    pixels = np.linspace(0, 1, N)[:, None, None] * np.ones((1, 3, 3))
    names = np.array([f"{k:03d}" for k in reversed(range(N))])
    np.savez(tmp_path / "a.npz", test_images=pixels, test_ids=names, train_images=pixels[:2])
    found = pictures_in(scored, tmp_path / "a.npz")
    assert found.rows.tolist() == list(reversed(range(N)))
    assert found.images.read(N - 1).max() == 255
    np.savez(tmp_path / "b.npz", images=pixels)
    with pytest.raises(Problem, match="never matched by place"):
        pictures_in(scored, tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", images=pixels * 4000, ids=names)
    with pytest.raises(Problem, match="pixels from 0 to 255"):
        pictures_in(scored, tmp_path / "c.npz")


def test_the_images_of_the_real_predictions_are_found(shared: Path) -> None:
    folder = shared / "data" / "nih"
    record = read_scored(folder / "nih_starter_predictions.csv", folder / "nih_starter_Data_Entry.csv")
    found = pictures_in(record, folder / "images_224")
    assert (found.rows >= 0).all()
    assert found.how == "as written"
    with pytest.raises(Problem, match="never matched by place"):
        pictures_in(record, folder / "nih_starter_64.npz")
