"""The commands about data sets: the facts of real files, and round trips of small ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lt_core.cli import main
from lt_core.datasets import load_images

NIH_COUNTS = {"Infiltration": 19894, "Effusion": 13317, "Atelectasis": 11559, "Pneumonia": 1431, "Hernia": 227}
SKIN = {"nv": 6705, "df": 115}
FACTS: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "nih/Data_Entry_2017_v2020.csv.gz": (
        {"n_samples": 112120, "imbalance_ratio": 87.64, "cardinality": 0.7240, "n_multi_label": 20796},
        NIH_COUNTS,
    ),
    "nih/BBox_List_2017.csv.gz": ({"n_samples": 880, "n_classes": 8}, {"Nodule": 79}),
    "nih/nih_starter_Data_Entry.csv": ({"n_samples": 621, "n_classes": 14}, {"Infiltration": 123, "Hernia": 20}),
    "nih/nih_starter_64.npz": ({"n_samples": 621, "n_classes": 14}, {}),
    "nih/sample_labels.csv": ({"n_samples": 5600}, {"Infiltration": 966, "Hernia": 13}),
    "ham10000/HAM10000_metadata_kaggle.csv": ({"n_samples": 10015, "imbalance_ratio": 58.30, "n_classes": 7}, SKIN),
    "ham10000/ham10000_7496_labels.csv": ({"n_samples": 7496, "n_classes": 7, "scumble": 0.0}, {}),
    "latin1/metadata.csv": ({"n_samples": 55, "n_classes": 2, "n_without_label": 3}, {"COVID-19": 35, "Pneumonia": 2}),
    "arff/Music.arff": ({"n_samples": 592, "cardinality": 1.8699, "n_label_sets": 27}, {}),
    "arff/Yeast.arff.bz2": (
        {"n_samples": 2417, "cardinality": 4.2371, "n_label_sets": 198, "imbalance_ratio": 53.4}
        | {"mean_ir": 7.197, "cvir": 1.884, "scumble": 0.104},
        {},
    ),
}


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    status = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    assert status == 0, err
    return json.loads(out)


@pytest.mark.parametrize("name", FACTS)
def test_real_files_have_their_facts(name: str, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers, positives = FACTS[name]
    entry = said(capsys, "stats", str(shared / "data" / name))
    for key, value in numbers.items():
        assert round(entry[key], len(str(value).partition(".")[2])) == value, key
    counted = {row["name"]: row["positives"] for row in entry["classes"]}
    assert {name: counted[name] for name in positives} == positives
    assert set(entry["groups"]) == {"head", "medium", "tail"}
    assert sorted(name for group in entry["groups"].values() for name in group) == sorted(counted)
    assert {"mean_ir", "cvir", "scumble", "gini"} <= set(entry)


def test_head_of_the_training_part_alone(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(shared / "data/ham10000/ham10000_7496_28.npz")
    entry = said(capsys, "stats", path, "--split", "train")
    assert entry["n_samples"] == 5387
    with_names = said(
        capsys, "stats", path, "--split", "test", "--labels", *["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]
    )
    assert with_names["n_samples"] == 1512
    assert with_names["classes"][0]["name"] == "akiec"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = 240
    frame = pd.DataFrame({"image": [f"i{k}.png" for k in range(rows)], "patient": rng.integers(0, 60, rows)})
    for name, share in (("a", 0.5), ("b", 0.2), ("c", 0.06)):
        frame[name] = (rng.random(rows) < share).astype(int)
    path = tmp_path / "labels.csv"
    frame.to_csv(path, index=False)
    return path


def test_recognised_with_a_reason(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "readers", str(table))["reader"] == "table"
    listed = {row["key"] for row in said(capsys, "readers")}
    assert {"nih", "chexpert", "coco", "voc", "arff", "hf", "dicom", "medmnist", "odir", "isic", "table"} <= listed


def test_a_written_split_is_a_set_with_these_parts(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "split.csv"
    entry = said(capsys, "split", str(table), "--seed", "3", "--fractions", "0.6", "0.2", "0.2", "--out", str(out))
    assert entry["seed"] == 3
    divided, plain = load_images(out), load_images(table)
    np.testing.assert_array_equal(divided.labels, plain.labels)
    assert divided.split is not None
    assert divided.groups is not None
    assert pd.DataFrame({"g": divided.groups, "s": divided.split}).groupby("g")["s"].nunique().max() == 1
    shares = pd.Series(divided.split).value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.6, abs=0.05)


def test_a_converted_set_has_the_same_statistics(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "convert", str(table), "--out", str(tmp_path / "saved"))
    before, after = said(capsys, "stats", str(table)), said(capsys, "stats", str(tmp_path / "saved"))
    assert before == after


def test_groups_by_another_rule(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = pd.read_csv(table)[["a", "b", "c"]].sum()
    entry = said(capsys, "stats", str(table), "--groups", "absolute")
    assert entry["groups"]["head"] == counts.index[counts > 100].tolist()
    assert entry["groups"]["tail"] == counts.index[counts < 20].tolist()
    assert main(["stats", str(table), "--groups", "nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


def test_every_measure_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    keys = {row["key"] for row in said(capsys, "measures")}
    assert {"mean_ir", "cvir", "scumble", "tcs", "gini", "irlbl", "lift"} <= keys


def test_predictions_are_not_taken_for_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text("Image Index,prob_Mass,prob_Edema\na.png,0.25,0.5\nb.png,0.125,0.75\n")
    assert main(["stats", str(path)]) == 2
    assert "looks like predictions of a model ('prob_Mass', 'prob_Edema')" in capsys.readouterr().err


def test_what_is_no_table_is_said_before_it_is_recognised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12\n")
    assert main(["readers", str(path)]) == 2
    assert "git-lfs pointer" in capsys.readouterr().err
