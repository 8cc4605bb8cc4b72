"""Predictions as other people keep them: the numbers are those in the file, or one sentence says what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lt_core.evaluation.scored_file import read_scored, read_scored_file
from lt_core.problems import Invalid, Problem
from tests.evaluation.prediction_files import CLASSES, Frames, by_hand, made_frames, written


@pytest.fixture
def frames() -> Frames:
    return made_frames()


@pytest.fixture
def truth(frames: Frames, tmp_path: Path) -> Path:
    return written(frames[1], tmp_path / "truth.csv")


@pytest.mark.parametrize(
    "form", ["P({})", "predicted_{}", "{} (probability)", "{}[prob]", "proba_class_{}", "class_{}", "probabilities:{}"]
)
def test_a_column_names_its_class_in_many_ways(frames: Frames, truth: Path, tmp_path: Path, form: str) -> None:
    scores = frames[0].rename(columns={f"prob_{name}": form.format(name) for name in CLASSES})
    found = read_scored(written(scores, tmp_path / "p.csv"), truth)
    assert found.class_names == tuple(CLASSES)
    assert np.array_equal(found.scores, by_hand(frames)[0])


def test_names_are_the_same_however_their_accents_are_encoded(frames: Frames, tmp_path: Path) -> None:
    labels = frames[1].rename(columns={"Edema": "\u00d8d\u00e8me"})
    scores = frames[0].rename(columns={"prob_Edema": "\u00d8de\u0300me"})
    found = read_scored(written(scores, tmp_path / "p.csv"), written(labels, tmp_path / "t.csv"))
    assert "\u00d8d\u00e8me" in found.class_names


def long_of(frames: Frames) -> pd.DataFrame:
    table = frames[0].melt("id", var_name="class", value_name="probability")
    table["class"] = table["class"].str.removeprefix("prob_").str.lower().str.replace("_", " ")
    return table.sample(frac=1, random_state=0)


def test_a_row_for_each_image_and_class_is_a_table_too(frames: Frames, truth: Path, tmp_path: Path) -> None:
    extra = long_of(frames).assign(patient="p", rank=range(160))
    found = read_scored_file(written(extra, tmp_path / "p.csv"), truth)
    assert np.array_equal(found.scored.scores, by_hand(frames)[0])
    assert any("a row for each image and class" in note for note in found.scored.notes)
    assert found.join["id_column"] == "id"


def test_gaps_and_contradictions_in_long_form_are_named(frames: Frames, truth: Path, tmp_path: Path) -> None:
    table = long_of(frames)
    with pytest.raises(Invalid, match=r"1 value is missing"):
        read_scored(written(table.iloc[1:], tmp_path / "gap.csv"), truth)
    image, name = table["id"].iloc[0], table["class"].iloc[0]
    twice = pd.concat([table, table.iloc[:1].assign(probability=0.123)])
    with pytest.raises(Problem, match=rf"two different numbers.*{image} \({name}\)"):
        read_scored(written(twice, tmp_path / "twice.csv"), truth)
    with pytest.raises(Problem, match=r"may be in .*probability.*score"):
        read_scored(written(table.assign(score=0.5), tmp_path / "two.csv"), truth)


def test_a_truth_in_long_form_is_refused_and_not_taken_for_positives(frames: Frames, tmp_path: Path) -> None:
    labels = frames[1][["image", *CLASSES]].melt("image", var_name="Finding", value_name="label")
    with pytest.raises(Problem, match=r"'Finding' naming the class and 'label' whether it is there"):
        read_scored(written(frames[0], tmp_path / "p.csv"), written(labels, tmp_path / "t.csv"))


def test_percent_signs_and_words_are_read_as_what_they_mean(frames: Frames, truth: Path, tmp_path: Path) -> None:
    scores = frames[0].copy()
    hard = scores["prob_Edema"] >= 0.5
    scores["prob_Hernia"] = [f"{value:.3%}" for value in scores["prob_Hernia"]]
    scores["prob_Edema"] = hard
    found = read_scored(written(scores, tmp_path / "p.csv"), truth)
    want = by_hand(frames)[0]
    assert np.allclose(found.scores[:, 1], want[:, 1], atol=5.1e-6)
    assert np.array_equal(found.scores[:, 0], want[:, 0] >= 0.5)
    assert {"Written with a % sign and read as hundredths: prob_Hernia.",
            "True and False are read as 1 and 0: prob_Edema."} <= set(found.notes)  # fmt: skip


def test_calls_and_ranks_are_told_from_probabilities(frames: Frames, truth: Path, tmp_path: Path) -> None:
    columns = [f"prob_{name}" for name in CLASSES]
    calls = frames[0].assign(**(frames[0][columns] >= 0.5).astype(int))
    assert any("these are calls" in note for note in read_scored(written(calls, tmp_path / "p.csv"), truth).notes)
    ranks = frames[0].assign(**(frames[0][columns] * 70))
    with pytest.raises(Invalid, match=r"Edema has \d+ values above 1.*percentages \(divide them by 100\)"):
        read_scored(written(ranks, tmp_path / "r.csv"), truth)
    found = read_scored(tmp_path / "r.csv", truth, scale="scores")
    assert any("only rank the images" in note for note in found.notes)


def test_spoilt_cells_are_shown(frames: Frames, truth: Path, tmp_path: Path) -> None:
    scores = frames[0].map(lambda value: f"[{value}]" if isinstance(value, float) else value)
    with pytest.raises(Problem, match=r"'prob_\w+' should hold a number for each image and holds '\[0"):
        read_scored(written(scores, tmp_path / "p.csv"), truth)


def test_a_column_that_was_not_used_is_told_for_the_right_reason(frames: Frames, tmp_path: Path) -> None:
    scores = frames[0].assign(logit_Edema=1.5, prob_Mass=0.5, prob_Infiltration="")
    found = read_scored(written(scores, tmp_path / "p.csv"), written(frames[1], tmp_path / "t.csv"))
    told = " ".join(found.notes)
    assert "Further columns of the same classes, left out: logit_Edema." in told
    assert "Predictions of classes that t.csv does not have, left out: prob_Mass." in told
    assert "left out: Infiltration (Infiltration: the column is empty)." in told


def test_labels_called_labels_are_told_by_their_class(frames: Frames, tmp_path: Path) -> None:
    labels = frames[1].rename(columns={name: f"label_{name}" for name in CLASSES})
    found = read_scored(written(frames[0], tmp_path / "p.csv"), written(labels, tmp_path / "t.csv"))
    assert found.class_names == tuple(CLASSES)
    both = frames[1].merge(frames[0], left_on="image", right_on="id").drop(columns=["id", "age"])
    both = both.rename(columns={f"prob_{name}": f"{name}_pred" for name in CLASSES})
    both = both.rename(columns={name: f"{name}_true" for name in CLASSES})
    beside = read_scored(written(both, tmp_path / "b.csv"))
    assert np.array_equal(beside.scores, by_hand(frames)[0])
    assert np.array_equal(beside.targets, by_hand(frames)[1])


@pytest.mark.parametrize(
    "names", [("proba", "labels", "filenames"), ("arr_0", "arr_1", "arr_2"), ("test_probs", "names", "ids")]
)
def test_an_archive_may_call_its_arrays_otherwise(
    frames: Frames, truth: Path, tmp_path: Path, names: tuple[str, str, str]
) -> None:
    values = by_hand(frames)[0]
    arrays = (values, np.array(CLASSES), frames[1]["image"].to_numpy(str))
    np.savez(tmp_path / "p.npz", **dict(zip(names, arrays, strict=True)))  # type: ignore[arg-type]
    assert np.array_equal(read_scored(tmp_path / "p.npz", truth).scores, values)


def test_several_matrices_are_asked_about(frames: Frames, truth: Path, tmp_path: Path) -> None:
    values = by_hand(frames)[0]
    np.savez(tmp_path / "p.npz", val_probs=values, test_probs=values, class_names=np.array(CLASSES))
    with pytest.raises(Problem, match=r"several matrices of probabilities \(val_probs, test_probs\)"):
        read_scored(tmp_path / "p.npz", truth)
    np.savez(tmp_path / "q.npz", probabilities=np.stack([values, 1 - values], axis=2), class_names=np.array(CLASSES))
    with pytest.raises(Problem, match=r"probabilities \(40, 4, 2\)"):
        read_scored(tmp_path / "q.npz", truth)


def test_a_number_that_happens_to_be_a_name_joins_nothing(frames: Frames, tmp_path: Path) -> None:
    labels = frames[1].assign(image=range(100, 140)).drop(columns="age")
    scores = frames[0].drop(columns="id").assign(age=[100 + k if k < 5 else 200 + k for k in range(40)])
    with pytest.raises(Problem, match="no image of"):
        read_scored(written(scores, tmp_path / "p.csv"), written(labels, tmp_path / "t.csv"))


def test_a_file_that_is_none_is_one_sentence(truth: Path, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no file"):
        read_scored(tmp_path / "gone.csv", truth)
    (tmp_path / "lfs.csv").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(Problem, match="git-lfs pointer"):
        read_scored(tmp_path / "lfs.csv", truth)


def test_findings_of_two_words_stay_one_beside_names_with_underscores(frames: Frames, tmp_path: Path) -> None:
    rows = [(row["image"], name) for row in frames[1].to_dict("records")
            for name in ([c for c in CLASSES if row[c]] or ["No Finding"])]  # fmt: skip
    labels = written(pd.DataFrame(rows, columns=["image_id", "label"]), tmp_path / "t.csv")
    found = read_scored(written(frames[0], tmp_path / "p.csv"), labels)
    assert np.array_equal(found.targets, by_hand(frames)[1])
    assert not any("Finding" in note for note in found.notes)
