"""Predictions of any model are read as they are written: classes by name, rows by the name of the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, roc_auc_score

from lt_core.datasets import load_images
from lt_core.evaluation import Predictions
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.scored_file import read_scored, read_scored_file
from lt_core.problems import Invalid, Problem
from tests.evaluation.prediction_files import CLASSES, Frames, by_hand, made_frames, written


@pytest.fixture
def frames() -> Frames:
    """Predictions of 40 images in another order of rows and classes than the truth has."""
    return made_frames()


@pytest.fixture
def truth(frames: Frames, tmp_path: Path) -> Path:
    return written(frames[1], tmp_path / "truth.csv")


def test_the_published_predictions_give_the_published_numbers(shared: Path) -> None:
    nih = shared / "data" / "nih"
    file = nih / "nih_starter_predictions.csv"
    found = read_scored(file, nih / "nih_starter_Data_Entry.csv")
    p, y = found.probabilities, found.targets
    assert p is not None
    raw = pd.read_csv(file).set_index("Image Index").loc[found.ids]
    np.testing.assert_array_equal(p, raw[[f"prob_{name}" for name in found.class_names]].to_numpy())
    at = {name: k for k, name in enumerate(found.class_names)}
    assert f1_score(y, p >= 0.5, average="macro", zero_division=np.nan) == pytest.approx(0.1376, abs=5e-5)
    for name, auroc in (("Cardiomegaly", 0.9200), ("Pneumonia", 0.5789), ("Hernia", 0.8771)):
        assert roc_auc_score(y[:, at[name]], p[:, at[name]]) == pytest.approx(auroc, abs=5e-5)
    assert found.patients is not None
    assert len(set(found.patients)) == 621
    assert found.columns is not None
    assert {"age", "sex", "view"} <= set(found.columns)


@pytest.mark.parametrize("name", ["p.csv", "p.tsv", "p.csv.gz", "p.parquet", "p.npz"])
def test_every_kind_of_file_gives_the_numbers_it_holds(frames: Frames, truth: Path, tmp_path: Path, name: str) -> None:
    scores, _ = frames
    file = tmp_path / name
    columns = [c for c in scores if c != "id"]
    if name == "p.npz":
        np.savez_compressed(file, probabilities=scores[columns].to_numpy(), ids=scores["id"].to_numpy(str),
                            class_names=np.array([c.removeprefix("prob_") for c in columns]))  # fmt: skip
    else:
        written(scores, file)
    found = read_scored(file, truth)
    p, y = by_hand(frames)
    np.testing.assert_array_equal(found.probabilities, p)
    np.testing.assert_array_equal(found.scores, p)
    np.testing.assert_array_equal(found.targets, y)
    assert list(found.class_names) == CLASSES
    assert found.patients is not None
    assert found.patients.tolist() == frames[1]["Patient ID"].tolist()
    for c in range(4):
        assert average_precision_score(found.targets[:, c], found.scores[:, c]) == average_precision_score(
            y[:, c], p[:, c]
        )


def test_single_precision_in_parquet_stays_what_it_is(frames: Frames, truth: Path, tmp_path: Path) -> None:
    scores = frames[0].astype({c: np.float32 for c in frames[0] if c != "id"})
    found = read_scored(written(scores, tmp_path / "p.parquet"), truth)
    p, y = by_hand((scores, frames[1]))
    assert found.probabilities is not None
    assert brier_score_loss(y[:, 0], found.probabilities[:, 0]) == pytest.approx(
        brier_score_loss(y[:, 0], p[:, 0].astype(np.float64)), abs=1e-15
    )


def test_an_archive_with_an_array_a_class_is_a_table_too(frames: Frames, truth: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", **{c: frames[0][c].to_numpy(str if c == "id" else float) for c in frames[0]})
    np.testing.assert_array_equal(read_scored(tmp_path / "p.npz", truth).probabilities, by_hand(frames)[0])


@pytest.mark.parametrize(
    ("column", "how"),
    [
        ("prob_Pleural Thickening", "same letters"),
        ("PROB-pleural.thickening", "same letters"),
        ("Pleural_Thickening", "same name"),
        ("Pleural_Thickening_prob", "same name"),
        ("y_pred_Pleural_Thickening", "same name"),
        ("p_pleural_thicken", "alias"),
        ("prob_PT", "as given"),
    ],
)
def test_a_class_is_found_under_any_of_its_names(
    frames: Frames, truth: Path, tmp_path: Path, column: str, how: str
) -> None:
    scores = frames[0].rename(columns={"prob_Pleural_Thickening": column})
    if not column.lower().startswith(("p_", "prob")):
        scores.columns = pd.Index([c.removeprefix("prob_") for c in scores])
    found = read_scored_file(written(scores, tmp_path / "p.csv"), truth, aliases={"PT": "Pleural_Thickening"})
    row = found.matches.set_index("class").loc["Pleural_Thickening"]
    assert row["column"] == column
    assert row["how"] == how
    np.testing.assert_array_equal(found.scored.probabilities, by_hand(frames)[0])


def test_an_alias_of_no_class_is_refused_and_one_of_no_column_is_said(
    frames: Frames, truth: Path, tmp_path: Path
) -> None:
    file = written(frames[0], tmp_path / "p.csv")
    with pytest.raises(Problem, match=r"unknown class that an alias stands for 'Hernie': did you mean 'Hernia'"):
        read_scored(file, truth, aliases={"prob_Hernia": "Hernie"})
    assert "Aliases by which no column is found: X = Hernia." in read_scored(file, truth, aliases={"X": "Hernia"}).notes


def test_a_class_called_otherwise_everywhere_is_known(frames: Frames, tmp_path: Path) -> None:
    labels = written(frames[1].rename(columns={"Infiltration": "Infiltrate"}), tmp_path / "t.csv")
    found = read_scored_file(written(frames[0], tmp_path / "p.csv"), labels)
    assert found.matches.set_index("class").loc["Infiltrate", "how"] == "alias"


def test_two_columns_for_one_class_are_refused_and_the_exact_name_goes_before_the_alias(
    frames: Frames, truth: Path, tmp_path: Path
) -> None:
    twice = frames[0].assign(prob_hernia=0.5, **{"prob_HERNIA ": 0.5})
    with pytest.raises(Problem, match="both predict Hernia"):
        read_scored(written(twice.drop(columns="prob_Hernia"), tmp_path / "p.csv"), truth)
    near = frames[0].assign(prob_Infiltrate=0.5)
    found = read_scored_file(written(near, tmp_path / "q.csv"), truth)
    np.testing.assert_array_equal(found.scored.probabilities, by_hand(frames)[0])
    assert "prob_Infiltrate" in set(found.matches.loc[found.matches["class"] == "", "column"])


def test_classes_in_one_file_only_are_left_out_and_said(frames: Frames, truth: Path, tmp_path: Path) -> None:
    scores = frames[0].rename(columns={"prob_Edema": "prob_Ghost"})
    found = read_scored_file(written(scores, tmp_path / "p.csv"), truth)
    assert list(found.scored.class_names) == CLASSES[1:]
    said = " ".join(found.scored.notes)
    assert "without predictions, left out: Edema." in said
    assert "left out: prob_Ghost." in said
    assert found.matches.set_index("class").loc["Edema", "column"] == ""
    strangers = frames[0].rename(columns={f"prob_{name}": f"prob_x{k}" for k, name in enumerate(CLASSES)})
    with pytest.raises(Problem, match="no class is in both"):
        read_scored(written(strangers, tmp_path / "s.csv"), truth)


def test_values_outside_0_and_1_are_refused_by_class_and_count(frames: Frames, truth: Path, tmp_path: Path) -> None:
    scores = frames[0].copy()
    scores.loc[:11, "prob_Hernia"] = 1.5
    scores.loc[0, "prob_Edema"] = -0.25
    file = written(scores, tmp_path / "p.csv")
    with pytest.raises(Invalid, match=r"Edema has 1 value below 0, Hernia has 12 values above 1 .*look like logits"):
        read_scored(file, truth)
    with pytest.raises(Invalid, match="12 values above 1"):
        read_scored(file, truth, scale="probabilities")
    strangers = scores.iloc[:3].assign(id=["x", "y", "z"])  # of no image of the truth, and a class it does not have
    whole = pd.concat([scores, strangers]).assign(prob_Ghost=-1.0)
    said = (
        r"Edema has 2 values below 0, Hernia has 15 values above 1, prob_Ghost has 43 values below 0 \(from -1 to 1.5"
    )
    with pytest.raises(Invalid, match=said):
        read_scored(written(whole, tmp_path / "w.csv"), truth)
    p, _ = by_hand((scores, frames[1]))
    ranked = read_scored(file, truth, scale="scores")
    assert ranked.probabilities is None
    np.testing.assert_array_equal(ranked.scores, p)
    logits = read_scored(file, truth, scale="logits")
    np.testing.assert_array_equal(logits.scores, p)
    np.testing.assert_allclose(logits.probabilities, 1 / (1 + np.exp(-p)), rtol=1e-15)


def test_columns_called_logits_are_logits(frames: Frames, truth: Path, tmp_path: Path) -> None:
    scores = frames[0].rename(columns=lambda c: c.replace("prob_", "logit_"))
    found = read_scored(written(scores, tmp_path / "p.csv"), truth)
    assert found.link == "sigmoid"
    assert any("called logits" in note for note in found.notes)
    both = scores.assign(**{c: frames[0][c] for c in frames[0]})
    found = read_scored(written(both, tmp_path / "q.csv"), truth)
    np.testing.assert_array_equal(found.probabilities, by_hand(frames)[0])
    assert read_scored(tmp_path / "q.csv", truth, scale="logits").link == "sigmoid"
    with pytest.raises(Problem, match="numbers of one kind"):
        read_scored(written(both.drop(columns="prob_Edema"), tmp_path / "r.csv"), truth)


def test_what_is_no_number_is_named_by_class_and_row(frames: Frames, truth: Path, tmp_path: Path) -> None:
    scores = frames[0].astype({"prob_Hernia": object, "prob_Edema": object})
    scores.loc[4, "prob_Hernia"], scores.loc[7, "prob_Hernia"], scores.loc[9, "prob_Edema"] = "nan", "inf", "oops"
    with pytest.raises(Invalid, match=r"3 values.*prob_Edema 1, prob_Hernia 2.*row \d+ \("):
        read_scored(written(scores, tmp_path / "p.csv"), truth)
    with pytest.raises(Invalid, match=rf"prob_Hernia in row 5 \({scores['id'][4]}\)"):
        read_scored(written(scores, tmp_path / "p.csv"), truth)


def test_labels_may_stand_beside_the_predictions(frames: Frames, tmp_path: Path) -> None:
    both = frames[1].merge(frames[0], left_on="image", right_on="id").drop(columns=["id", "Patient ID", "age", "sex"])
    called = both.rename(columns={name: f"label_{name}" for name in CLASSES})
    for k, frame in enumerate((both, called)):
        found = read_scored(written(frame, tmp_path / f"{k}.csv"))
        np.testing.assert_array_equal(found.probabilities, by_hand(frames)[0])
        np.testing.assert_array_equal(found.targets, by_hand(frames)[1])
        assert found.ids.tolist() == frames[1]["image"].tolist()
    with pytest.raises(Problem, match="no labels"):
        read_scored(written(frames[0], tmp_path / "p.csv"))


def test_one_class_an_image_stays_so_only_where_every_class_is_predicted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = pd.DataFrame({"image": [f"{k}.png" for k in range(9)], "dx": list("abcabcabc")})
    truth = written(labels, tmp_path / "t.csv")
    logits = rng.normal(0, 3, (9, 3))
    scores = pd.DataFrame(logits, columns=["logit_c", "logit_a", "logit_b"]).assign(image=labels["image"])
    found = read_scored(written(scores, tmp_path / "p.csv"), truth)
    z = logits[:, [1, 2, 0]]
    assert (found.kind, found.link) == ("single", "softmax")
    np.testing.assert_allclose(found.probabilities, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), rtol=1e-12)
    part = read_scored(written(scores.drop(columns="logit_b"), tmp_path / "q.csv"), truth)
    assert (part.kind, part.link) == ("multi", "sigmoid")


def test_one_part_of_the_truth_can_be_asked_for(frames: Frames, tmp_path: Path) -> None:
    labels = frames[1].assign(split=np.where(np.arange(40) < 30, "train", "test"))
    file, truth = written(frames[0], tmp_path / "p.csv"), written(labels, tmp_path / "t.csv")
    assert read_scored(file, truth, part="test").ids.tolist() == labels["image"][30:].tolist()
    whole = read_scored(file, load_images(truth))
    assert whole.columns is not None
    assert whole.columns["part"].tolist() == labels["split"].tolist()
    with pytest.raises(Problem, match="in the part 'val'"):
        read_scored(file, truth, part="val")


def test_the_predictions_of_a_run_need_no_truth(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    kept = Predictions(("a", "b"), rng.normal(size=(5, 2)).astype(np.float32), rng.integers(0, 2, (5, 2)).astype("f4"),
                       np.arange(5), np.array(list("vwxyz")), "multi", "test")  # fmt: skip
    kept.save(tmp_path / "p.npz")
    found, wanted = read_scored(tmp_path / "p.npz"), Scored.of(kept)
    np.testing.assert_array_equal(found.scores, wanted.scores)
    np.testing.assert_array_equal(found.probabilities, wanted.probabilities)
    assert found.part == "test"
