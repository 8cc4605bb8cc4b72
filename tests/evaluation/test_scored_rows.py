"""Rows of predictions find their image by its name, once each, or are listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lt_core.evaluation.reading.joining import Differing
from lt_core.evaluation.scored_file import read_scored, read_scored_file
from lt_core.problems import Problem
from tests.evaluation.prediction_files import CLASSES, Frames, by_hand, made_frames, written


@pytest.fixture
def frames() -> Frames:
    """Predictions of 40 images in another order of rows and classes than the truth has."""
    return made_frames()


@pytest.fixture
def truth(frames: Frames, tmp_path: Path) -> Path:
    return written(frames[1], tmp_path / "truth.csv")


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (lambda name: name, "as written"),
        (lambda name: name.removesuffix(".png"), "without ending"),
        (lambda name: f"folder/b\\{name.upper()}", "without folder"),
        (lambda name: name.removesuffix(".png").replace(".png", ".dcm"), "without ending"),
    ],
)
def test_names_of_images_may_differ_by_folder_and_ending(
    frames: Frames, truth: Path, tmp_path: Path, change: Any, how: str
) -> None:
    scores = frames[0].assign(id=[change(name) for name in frames[0]["id"]])
    found = read_scored_file(written(scores, tmp_path / "p.csv"), truth)
    np.testing.assert_array_equal(found.scored.probabilities, by_hand(frames)[0])
    assert found.join["names"].startswith(how)


def test_names_that_lost_their_leading_zeros_are_found(frames: Frames, tmp_path: Path) -> None:
    labels = frames[1].assign(image=[f"{k:08d}.png" for k in range(40)])
    scores = frames[0].assign(id=[int(name[:8]) for name in frames[0]["id"]], row=np.arange(40) + 500)
    found = read_scored_file(written(scores, tmp_path / "p.csv"), written(labels, tmp_path / "t.csv"))
    assert found.join["id_column"] == "id"
    np.testing.assert_array_equal(found.scored.probabilities, by_hand(frames)[0])


def test_rows_in_one_file_only_are_left_out_counted_and_listed(frames: Frames, truth: Path, tmp_path: Path) -> None:
    scores = frames[0][frames[0]["id"] != "00000007_000.png"].copy()
    scores.iloc[0, 0], gone = "stranger.png", scores.iloc[0, 0]
    found = read_scored_file(written(scores, tmp_path / "p.csv"), truth)
    assert len(found.scored) == 38
    assert found.join["n_without_prediction"] == 2
    assert set(found.join["without_prediction"]) == {"00000007_000.png", gone}
    assert found.join["without_truth"] == ["stranger.png"]
    assert any("2 images of truth.csv have no prediction" in note for note in found.scored.notes)
    few = read_scored_file(written(frames[0].iloc[:6], tmp_path / "few.csv"), truth)
    assert set(few.as_json()["join"]["without_prediction"]) == set(frames[0]["id"][6:]), "all 34, not the first"


def test_an_image_named_twice_is_taken_once_if_its_rows_agree_and_refused_if_not(
    frames: Frames, truth: Path, tmp_path: Path
) -> None:
    scores, labels = frames
    again = pd.concat([scores, scores.iloc[[3, 5]]])
    whole = read_scored_file(written(again, tmp_path / "p.csv"), truth)
    assert whole.join["repeated"] == [scores["id"][3], scores["id"][5]]
    found = whole.scored
    np.testing.assert_array_equal(found.probabilities, by_hand(frames)[0])
    assert any("repeats 2 rows" in note and scores["id"][3] in note for note in found.notes)
    again.iloc[-1, 1] = 0.123
    with pytest.raises(Differing, match=f"differ about the same image.*{scores['id'][5]}") as refused:
        read_scored(written(again, tmp_path / "q.csv"), truth)
    assert refused.value.names == (scores["id"][5],)
    file = written(scores, tmp_path / "r.csv")
    twice = pd.concat([labels, labels.iloc[[2]]])
    assert len(read_scored(file, written(twice, tmp_path / "t.csv"))) == 40
    twice.iloc[-1, 1] = 1 - twice.iloc[-1, 1]
    with pytest.raises(Problem, match=f"differ.*{labels['image'][2]}"):
        read_scored(file, written(twice, tmp_path / "u.csv"))


def test_findings_of_one_image_that_differ_are_refused(shared: Path, tmp_path: Path) -> None:
    nih = shared / "data" / "nih"
    text = (nih / "nih_starter_Data_Entry.csv").read_text().rstrip("\n").split("\n")
    (tmp_path / "t.csv").write_text("\n".join([*text, text[1].replace("Cardiomegaly", "Hernia")]) + "\n")
    with pytest.raises(Problem, match="different findings"):
        read_scored(nih / "nih_starter_predictions.csv", tmp_path / "t.csv")


def test_the_column_to_join_on_can_be_said(frames: Frames, truth: Path, tmp_path: Path) -> None:
    scores = frames[0].assign(other=frames[0]["id"].to_numpy()[::-1])
    file = written(scores, tmp_path / "p.csv")
    assert read_scored_file(file, truth).join["id_column"] == "id"
    found = read_scored_file(file, truth, id_column="other")
    assert found.join["id_column"] == "other"
    assert not np.array_equal(found.scored.scores, by_hand(frames)[0])
    with pytest.raises(Problem, match="unknown column"):
        read_scored(file, truth, id_column="nothing")
    names = [f"elsewhere {k}.png" if k % 4 else str(name) for k, name in enumerate(frames[0]["id"])]
    file = written(frames[0].drop(columns="id").assign(tag=names), tmp_path / "few.csv")
    with pytest.raises(Problem, match=r"no image of few\.csv"):
        read_scored(file, truth)  # a column called like no image, which mostly names none
    assert len(read_scored(file, truth, id_column="tag")) == 10


def test_classes_and_rows_are_never_matched_by_place(frames: Frames, truth: Path, tmp_path: Path) -> None:
    p, _ = by_hand(frames)
    np.savez(tmp_path / "a.npz", probabilities=p, ids=frames[1]["image"].to_numpy(str))
    with pytest.raises(Problem, match="never by place"):
        read_scored(tmp_path / "a.npz", truth)
    np.savez(tmp_path / "b.npz", probabilities=p, class_names=np.array(CLASSES))
    with pytest.raises(Problem, match="no column that names its images"):
        read_scored(tmp_path / "b.npz", truth)
