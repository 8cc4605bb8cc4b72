"""Logits and truth of any origin load into one shape, or one sentence says why not."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lt_core.datasets import load_images
from lt_core.evaluation import Predictions
from lt_core.evaluation.logit_file import CLIP, labeled_logits, read_logits
from lt_core.problems import Invalid, Problem

LOGITS = np.array([[-2.5, 0.25, 3.0], [1.5, -0.5, -4.0], [0.0, 2.0, -1.0]])
TARGETS = np.array([[0, 1, 1], [1, np.nan, 0], [0, 0, 0]], float)
NAMES = ("Mass", "Pleural Effusion", "Hernia")


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def write(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def archive(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_an_archive_of_logits_comes_back_as_it_is(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.npz", logits=LOGITS.astype(np.float32), targets=TARGETS, class_names=np.array(NAMES))
    found = read_logits([file])
    np.testing.assert_array_equal(found.logits, LOGITS)
    np.testing.assert_array_equal(found.targets, TARGETS)
    assert found.class_names == NAMES
    assert (found.link, found.kind, found.notes, len(found)) == ("sigmoid", "multi", (), 3)


def test_the_predictions_a_run_keeps_are_such_an_archive(tmp_path: Path) -> None:
    hot = np.eye(3, dtype=np.float32)
    kept = Predictions(NAMES, LOGITS.astype(np.float32), hot, np.arange(3), np.array(list("abc")), "single", "test",
                       "sigmoid")  # fmt: skip
    kept.save(tmp_path / "predictions-test.npz")
    found = read_logits([tmp_path / "predictions-test.npz"])
    np.testing.assert_array_equal(found.logits, kept.logits)
    assert (found.link, found.kind, found.class_names) == ("sigmoid", "single", NAMES)


def test_class_numbers_become_one_hot_and_minus_one_unknown(tmp_path: Path) -> None:
    found = read_logits([archive(tmp_path / "a.npz", logits=LOGITS, labels=np.array([[2], [-1], [0]]))])
    np.testing.assert_array_equal(found.targets, [[0, 0, 1], [np.nan] * 3, [1, 0, 0]])
    assert (found.link, found.kind) == ("softmax", "single")
    assert found.class_names == ("class 0", "class 1", "class 2")
    assert any("numbered" in note for note in found.notes)


def test_probabilities_are_recognised_turned_back_and_clipped_and_that_is_said() -> None:
    p = sigmoid(LOGITS)
    found = labeled_logits(p, TARGETS, NAMES)
    np.testing.assert_allclose(found.logits, LOGITS, rtol=1e-12)
    assert len(found.notes) == 1
    assert "probabilities" in found.notes[0]
    assert "moved" not in found.notes[0]
    p[0, 0], p[1, 2] = 0, 1
    edge = labeled_logits(p, TARGETS, NAMES)
    assert edge.logits[0, 0] == pytest.approx(np.log(CLIP / (1 - CLIP)))
    assert edge.logits[1, 2] == pytest.approx(np.log((1 - CLIP) / CLIP), rel=1e-6)
    assert "2 of 9 lie within 1e-07 of 0 or 1" in edge.notes[0]


def test_softmax_probabilities_of_single_labels_are_read_through_a_softmax() -> None:
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    found = labeled_logits(p, np.eye(3), NAMES)
    assert found.link == "softmax"
    back = np.exp(found.logits) / np.exp(found.logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(back, p, rtol=1e-6)
    assert labeled_logits(p, TARGETS, NAMES).link == "sigmoid"
    assert labeled_logits(sigmoid(LOGITS), np.eye(3), NAMES).link == "sigmoid"


def test_logits_that_are_all_zero_stay_logits() -> None:
    found = labeled_logits(np.zeros((3, 3)), TARGETS, NAMES)
    assert not found.logits.any()
    assert found.notes == ()


@pytest.mark.parametrize("score", ["logit_{}", "{}", "Logits {}"])
@pytest.mark.parametrize("label", ["label_{}", "true_{}", "truth.{}"])
@pytest.mark.parametrize("packed", [False, True])
def test_one_table_holds_both(tmp_path: Path, score: str, label: str, packed: bool) -> None:
    cells = [
        [*row, *("" if np.isnan(y) else int(y) for y in truth)] for row, truth in zip(LOGITS, TARGETS, strict=True)
    ]
    header = ",".join(["image", *(score.format(n) for n in NAMES), *(label.format(n.lower()) for n in NAMES)])
    file = write(tmp_path / "t.csv", header, *(f"{k}.png,{','.join(map(str, row))}" for k, row in enumerate(cells)))
    if packed:
        file = tmp_path / "t.csv.gz"
        file.write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    found = read_logits([file])
    np.testing.assert_array_equal(found.logits, LOGITS)
    np.testing.assert_array_equal(found.targets, TARGETS)
    assert found.class_names == NAMES


def test_columns_called_logit_are_logits_even_if_all_lie_between_0_and_1(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "logit_a,logit_b,label_a,label_b", "0.5,0.25,1,0", "0.75,0.125,0,0")
    np.testing.assert_array_equal(read_logits([file]).logits, [[0.5, 0.25], [0.75, 0.125]])
    same = write(tmp_path / "u.csv", "prob_a,prob_b,a,b", "0.5,0.25,1,0", "0.75,0.125,0,0")
    np.testing.assert_allclose(sigmoid(read_logits([same]).logits), [[0.5, 0.25], [0.75, 0.125]])


def test_labels_may_be_names_in_one_column(tmp_path: Path) -> None:
    rows = ("x.png,0.9,0.2,a", "y.png,0.1,0.4,a|b", "z.png,0.3,0.3,No Finding")
    file = write(tmp_path / "t.csv", "image,prob_a,prob_b,Finding Labels", *rows)
    np.testing.assert_array_equal(read_logits([file]).targets, [[1, 0], [1, 1], [0, 0]])


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    scores = write(tmp_path / "scores.csv", "Image Index,prob_Mass,prob_Hernia,prob_Ghost", "c.png,.1,.2,.3",
                   "a.png,.4,.5,.6", "q.png,.7,.8,.9")  # fmt: skip
    labels = write(tmp_path / "labels.csv", "file,Mass,Edema,Hernia", "a.png,1,0,0", "b.png,0,0,0", "c.png,0,1,1")
    return scores, labels


@pytest.mark.parametrize("order", [1, -1])
def test_two_tables_are_joined_in_either_order(two: tuple[Path, Path], order: int) -> None:
    found = read_logits(two[::order])
    assert found.class_names == ("Mass", "Hernia")
    np.testing.assert_allclose(sigmoid(found.logits), [[0.1, 0.2], [0.4, 0.5]])
    np.testing.assert_array_equal(found.targets, [[0, 1], [1, 0]])
    said = " ".join(found.notes)
    assert "2 of 3 images are there, the others are left out" in said
    assert "Without labels and left out: Ghost" in said
    assert "Without predictions and left out: Edema" in said


def test_names_may_differ_by_folder_and_ending(tmp_path: Path, two: tuple[Path, Path]) -> None:
    scores = write(tmp_path / "other.csv", "id,prob_Mass,prob_Hernia", "set/A,.1,.2", "set/C,.4,.5")
    np.testing.assert_array_equal(read_logits([scores, two[1]]).targets, [[1, 0], [0, 1]])


def test_predictions_alone_are_joined_with_the_data_set_in_force(two: tuple[Path, Path]) -> None:
    found = read_logits([two[0]], truth=load_images(two[1]))
    np.testing.assert_array_equal(found.targets, [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"logits": LOGITS}, "needs the arrays logits"),
        ({"targets": TARGETS}, "needs the arrays logits"),
        ({"logits": LOGITS, "targets": TARGETS[:2]}, "one shape"),
        ({"logits": LOGITS, "targets": TARGETS, "class_names": np.array(["a"])}, "1 names"),
        ({"logits": LOGITS, "targets": np.array(["a", "b", "c"])}, "must hold numbers"),
        ({"logits": LOGITS, "targets": np.array([0, 1, 3])}, "from 0 to 2"),
        ({"logits": LOGITS, "targets": 2 * TARGETS}, "0, 1 or empty"),
        ({"logits": LOGITS, "targets": np.full((3, 3), np.nan)}, "no label is known"),
        ({"logits": np.where(LOGITS > 2, np.inf, LOGITS), "targets": TARGETS}, "row 1 of 'class 2'"),
        ({"logits": np.zeros((0, 3)), "targets": np.zeros((0, 3))}, "one shape"),
        ({"logits": np.float64(1), "targets": np.float64(1)}, "one shape"),
    ],
)
def test_an_archive_that_does_not_fit_is_refused_in_a_sentence(tmp_path: Path, arrays: Any, said: str) -> None:
    with pytest.raises(Problem, match=said):
        read_logits([archive(tmp_path / "a.npz", **arrays)])


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.npz", logits=np.array([{"a": 1}], dtype=object), targets=TARGETS)
    with pytest.raises(Problem, match="pickle"):
        read_logits([file])
    (tmp_path / "b.npz").write_bytes(pickle.dumps(LOGITS))
    with pytest.raises(Problem, match=r"no \.npz file"):
        read_logits([tmp_path / "b.npz"])


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("image,Mass,Hernia", "a.png,1,0", "no columns of predictions"),
        ("image,prob_Mass,prob_Hernia", "a.png,.1,.2", "has predictions but no labels"),
        ("image,prob_Mass,label_Hernia", "a.png,.1,1", "no class is in both"),
        ("image,prob_Mass,label_Mass", "a.png,oops,1", "holds 'oops' in row 1"),
        ("image,prob_Mass,label_Mass", "a.png,,1", "holds '' in row 1"),
        ("image,prob_Mass,label_Mass", "a.png,.5,7", "holds '7'"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_a_sentence(tmp_path: Path, header: str, row: str, said: str) -> None:
    with pytest.raises(Problem, match=said):
        read_logits([write(tmp_path / "t.csv", header, row)])


def test_files_that_are_not_of_these_kinds_are_refused(tmp_path: Path, two: tuple[Path, Path]) -> None:
    with pytest.raises(Problem, match="neither"):
        read_logits([write(tmp_path / "t.txt", "a")])
    with pytest.raises(Invalid, match="got 3 files"):
        read_logits([two[0], two[1], two[0]])
    with pytest.raises(Problem, match="one of two tables must hold predictions"):
        read_logits([two[1], two[1]])
    strangers = write(tmp_path / "s.csv", "image,Mass,Hernia", "y.png,1,0", "z.png,0,1")
    with pytest.raises(Problem, match="no image of scores"):
        read_logits([two[0], strangers])


def test_real_predictions_join_with_either_real_label_table(shared: Path) -> None:
    nih = shared / "data" / "nih"
    small = read_logits([nih / "nih_starter_predictions.csv", nih / "nih_starter_Data_Entry.csv"])
    large = read_logits([nih / "Data_Entry_2017_v2020.csv.gz", nih / "nih_starter_predictions.csv"])
    assert len(small) == len(large) == 621
    positives = dict(zip(small.class_names, small.targets.sum(axis=0).astype(int).tolist(), strict=True))
    assert len(positives) == 14
    assert (positives["Infiltration"], positives["Hernia"], positives["Edema"]) == (123, 20, 18)
    np.testing.assert_array_equal(small.targets, large.targets)
    called = sigmoid(small.logits) >= 0.5
    tp, fp = (called & (small.targets == 1)).sum(axis=0), (called & (small.targets == 0)).sum(axis=0)
    fn = (~called & (small.targets == 1)).sum(axis=0)
    assert (2 * tp / (2 * tp + fp + fn)).mean() == pytest.approx(0.1376, abs=5e-5)
