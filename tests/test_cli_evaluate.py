"""``evaluate`` and ``compare`` on the command line, of files of predictions and of runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, roc_auc_score

from lt_core.cli import main
from lt_core.evaluation.calibration import fit_temperature
from lt_core.evaluation.cross_fitted import cross_fitted
from lt_core.evaluation.scored_file import read_scored
from lt_core.evaluation.thresholds import tune
from tests.evaluation.test_tail_gain import part
from tests.test_cli import refused, run

CLASSES = ("a", "b", "c", "d")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    """A truth with patients and parts, and the predictions of two models."""
    one, other = part(1, 0.0, n=400), part(1, -1.0, n=400)
    truth = pd.DataFrame(one.targets.astype(int), columns=list(CLASSES))
    truth.insert(0, "image", [f"{k}.png" for k in range(400)])
    truth["patient"], truth["split"] = one.patients, np.where(np.arange(400) < 200, "val", "test")
    truth.to_csv(tmp_path / "truth.csv", index=False)
    for name, model in (("one", one), ("other", other)):
        table = pd.DataFrame(model.probabilities, columns=[f"prob_{c}" for c in CLASSES])
        table.assign(image=truth["image"])[::-1].to_csv(tmp_path / f"{name}.csv", index=False)
    return str(tmp_path / "one.csv"), str(tmp_path / "other.csv"), str(tmp_path / "truth.csv")


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    entry = run(capsys, "evaluate", *arguments)
    assert isinstance(entry, dict)
    return entry


def test_the_published_predictions_give_the_published_facts(capsys: pytest.CaptureFixture[str], shared: Path) -> None:
    nih = shared / "data" / "nih"
    given = ("--predictions", str(nih / "nih_starter_predictions.csv"), "--draws", "50")
    entry = evaluated(capsys, *given, "--truth", str(nih / "nih_starter_Data_Entry.csv"))
    by_name = {row["name"]: row for row in entry["classes"]}
    assert entry["n"] == 621
    assert entry["macro"]["f1"] == pytest.approx(0.1376, abs=5e-5)
    assert by_name["Cardiomegaly"]["auroc"] == pytest.approx(0.9200, abs=5e-5)
    assert by_name["Pneumonia"]["auroc"] == pytest.approx(0.5789, abs=5e-5)
    assert by_name["Hernia"]["auroc"] == pytest.approx(0.8771, abs=5e-5)
    for row in entry["classes"]:
        for name in ("f1", "ap", "auroc", "recall"):
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"], (row["name"], name)
    assert len(entry["matches"]) == 14
    assert entry["join"]["n"] == 621
    assert any("Joined on 'Image Index'" in note for note in entry["notes"])


def test_every_number_is_scikit_learns(capsys: pytest.CaptureFixture[str], files: tuple[str, str, str]) -> None:
    entry = evaluated(capsys, "--predictions", files[0], "--truth", files[2], "--draws", "0")
    truth = pd.read_csv(files[2]).set_index("image")
    p = pd.read_csv(files[0]).set_index("image").loc[truth.index]
    assert [row["name"] for row in entry["classes"]] == list(CLASSES)
    for row in entry["classes"]:
        y, scores = truth[row["name"]], p[f"prob_{row['name']}"]
        assert row["f1"] == pytest.approx(f1_score(y, scores >= 0.5), abs=1e-12)
        assert row["ap"] == pytest.approx(average_precision_score(y, scores), abs=1e-12)
        assert row["auroc"] == pytest.approx(roc_auc_score(y, scores), abs=1e-12)
        assert row["n_positive"] == y.sum()
    assert entry["n_patients"] == 200
    assert set(entry["groups"]) == {"head", "medium", "tail"}
    assert sum(group["n_classes"] for group in entry["groups"].values()) == 4


def test_thresholds_are_tuned_on_validation_and_applied_to_test(
    capsys: pytest.CaptureFixture[str], files: tuple[str, str, str]
) -> None:
    given = ("--predictions", files[0], "--truth", files[2], "--draws", "0")
    entry = evaluated(capsys, *given, "--split", "test", "--thresholds", "f1")
    wanted = tune(part(1, 0.0, n=400).only(np.arange(200)), "f1").for_classes(CLASSES)
    assert [row["threshold"] for row in entry["classes"]] == pytest.approx(wanted, rel=1e-12)
    assert entry["n"] == 200
    assert entry["thresholds"]["tuned_on"] == "val"
    assert set(entry["optimism"]["macro"]) >= {"apparent", "honest", "optimism"}
    assert not any("flatters" in note for note in entry["notes"])
    same = evaluated(capsys, *given, "--thresholds", "sensitivity:0.8", "--one-for-all")
    assert any("flatters" in note for note in same["notes"])
    assert len({row["threshold"] for row in same["classes"]}) == 1
    assert same["optimism"]["measure"] == "sensitivity"
    assert not same["optimism"]["per_class"]
    assert same["optimism"]["macro"]["apparent"] >= 0.8
    assert any(" in micro sensitivity here" in note for note in same["notes"])
    assert main(["evaluate", *given, "--thresholds", "sensitivity:0.8", "--one-for-all", "--draws", "20"]) == 0
    out = capsys.readouterr().out
    assert same["optimism"]["words"] in out
    assert "warning: AP of 2 classes with fewer than 50 positives" in out
    assert re.search(r"warning: c: 1\d patients with a positive: .* The interval of AUROC is cautious", out)
    other = evaluated(capsys, *given, "--thresholds", "youden", "--validation", files[1])
    assert other["thresholds"]["method"] == "youden"


def test_the_table_is_written_for_papers_and_spreadsheets(
    capsys: pytest.CaptureFixture[str], files: tuple[str, str, str], tmp_path: Path
) -> None:
    out = [f"--{kind}={tmp_path / f't.{kind}'}" for kind in ("csv", "excel", "latex", "markdown")]
    entry = evaluated(capsys, "--predictions", files[0], "--truth", files[2], "--draws", "20", *out)
    table = pd.read_csv(tmp_path / "t.csv", na_values=["not defined"]).set_index("name")
    assert table.loc["a", "f1_low"] == pytest.approx(entry["classes"][0]["f1_low"])
    for name in ("macro", "weighted", "micro"):
        assert table.loc[name, "auroc"] == pytest.approx(entry[name]["auroc"])
    for name in entry["groups"]:
        assert np.isclose(table.loc[name, "f1"], entry["groups"][name]["f1"] or np.nan, equal_nan=True)
    assert table.loc["sample", "recall"] == pytest.approx(entry["whole"]["sample_recall"])
    assert table.loc["micro", "tp"] == sum(row["tp"] for row in entry["classes"])
    assert (tmp_path / "t.excel").read_bytes() == b"\xef\xbb\xbf" + (tmp_path / "t.csv").read_bytes()
    f1 = f"{entry['classes'][0]['f1']:.3f} [{entry['classes'][0]['f1_low']:.3f}, "
    for kind in ("latex", "markdown"):
        assert f1 in (tmp_path / f"t.{kind}").read_text()
    assert "400 images of 200 patients" in (tmp_path / "t.markdown").read_text()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "takes a RUN, or --predictions"),
        (["somewhere", "--truth", "x"], "--truth is for --predictions"),
        (["--predictions", "{0}", "--truth", "{2}", "--thresholds", "f2"], "unknown way to tune"),
        (["--predictions", "{0}", "--truth", "{2}", "--thresholds", "precision"], "need a target"),
        (["--predictions", "{0}", "--truth", "{2}", "--thresholds", "precision:x"], "METHOD:TARGET"),
        (["--predictions", "{0}", "--truth", "{2}", "--scale", "odds"], "unknown scale 'odds'"),
        (["--predictions", "{0}"], "no labels"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], files: tuple[str, str, str], flags: list[str], said: str
) -> None:
    assert said in refused(capsys, "evaluate", *(flag.format(*files) for flag in flags))


def test_values_above_1_are_refused_by_class_and_count(
    capsys: pytest.CaptureFixture[str], files: tuple[str, str, str]
) -> None:
    table = pd.read_csv(files[0])
    table.loc[:11, "prob_c"] = 7.0
    table.to_csv(files[0], index=False)
    said = refused(capsys, "evaluate", "--predictions", files[0], "--truth", files[2])
    assert "c has 12 values above 1" in said
    assert "--scale logits" in said
    ranked = evaluated(capsys, "--predictions", files[0], "--truth", files[2], "--scale", "scores", "--draws", "0")
    assert ranked["classes"][2]["brier"] is None


def test_a_report_reads_files_as_evaluate_does(
    capsys: pytest.CaptureFixture[str], files: tuple[str, str, str], tmp_path: Path
) -> None:
    strange = pd.read_csv(files[0]).rename(columns={"prob_c": "prob_see", "image": "ct"}).assign(image="x")
    strange.to_csv(tmp_path / "strange.csv", index=False)
    given = ("--truth", files[2], "--id", "ct", "--alias", "see=c", "--validation", str(tmp_path / "strange.csv"))
    given = ("--predictions", str(tmp_path / "strange.csv"), *given, "--thresholds", "f1", "--draws", "0")
    html = tmp_path / "r.html"
    told = run(capsys, "report", *given, "--out", str(html), "--beta", "0.5")
    assert isinstance(told, dict)
    wanted = evaluated(capsys, *given)["macro"]["f1"]
    assert told["macro_f1"] == {"strange": pytest.approx(wanted)}
    text = html.read_text()
    assert "one for each class" in text
    assert "on strange.csv" in text
    assert "beta = 0.5" in text
    assert "--id is for --predictions" in refused(capsys, "report", "run", "--id", "x", "--out", str(html))


def test_two_files_are_compared_in_pairs(capsys: pytest.CaptureFixture[str], files: tuple[str, str, str]) -> None:
    given = ("--truth", files[2], "--metric", "f1", "--draws", "200")
    entry = run(capsys, "compare", files[1], files[0], *given)
    assert isinstance(entry, dict)
    for rows in (entry["classes"], entry["groups"], entry["macro"]):
        for row in rows:
            assert {"difference", "low", "high", "verdict"} <= set(row)
    head = entry["classes"][0]
    assert head["verdict"] == "better"
    assert 0 < head["low"] < head["difference"] < head["high"]
    assert main(["compare", files[1], files[0], *given]) == 0
    out = capsys.readouterr().out
    assert f"  {head['smallest_detectable']:.4f}" in out
    assert "corrected after holm over the classes" in out
    assert "four times in five after that correction, were no other class" in out
    itself = run(capsys, "compare", files[0], files[0], *given)
    assert isinstance(itself, dict)
    assert {row["verdict"] for row in itself["classes"]} == {"same"}
    table = pd.read_csv(files[1])
    table[["prob_d", "prob_a", "image", "prob_b"]].to_csv(files[1], index=False)
    fewer = run(capsys, "compare", files[1], files[0], *given, "--correction", "bh")
    assert isinstance(fewer, dict)
    assert [row["difference"] for row in fewer["classes"]] == [entry["classes"][k]["difference"] for k in (0, 1, 3)]
    assert fewer["correction"] == "benjamini-hochberg"
    assert "Classes of one.csv alone were left out: c." in fewer["notes"]
    assert "unknown metric" in refused(capsys, "compare", *files[:2], "--truth", files[2], "--metric", "f7")


def test_probabilities_are_calibrated_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str], files: tuple[str, str, str], tmp_path: Path
) -> None:
    given = ("--predictions", files[0], "--truth", files[2], "--draws", "0")
    whole = read_scored(Path(files[0]), files[2])
    crossed = evaluated(capsys, *given, "--calibrate", "isotonic", "--seed", "2", "--thresholds", "f1")
    wanted = cross_fitted(whole, "isotonic", seed=2)
    assert wanted.probabilities is not None
    brier = [brier_score_loss(y, p) for y, p in zip(wanted.targets.T, wanted.probabilities.T, strict=True)]
    assert [row["brier"] for row in crossed["classes"]] == pytest.approx(brier, abs=1e-12)
    assert [row["threshold"] for row in crossed["classes"]] == pytest.approx(tune(wanted, "f1").values)
    assert crossed["calibration"]["folds"] == 5
    assert any("did not see its patient" in note for note in crossed["notes"])
    assert crossed["optimism"]["note"].startswith("The calibrations were fitted crosswise")
    # where the truth has a validation part beside the one asked for, it is fitted there
    beside = evaluated(capsys, *given, "--calibrate", "temperature", "--split", "test")
    val, test = (read_scored(Path(files[0]), files[2], part=part) for part in ("val", "test"))
    hotter = fit_temperature(val)(test).probabilities
    assert hotter is not None
    brier = [brier_score_loss(y, p) for y, p in zip(test.targets.T, hotter.T, strict=True)]
    assert [row["brier"] for row in beside["classes"]] == pytest.approx(brier, abs=1e-12)
    assert beside["calibration"]["words"] == "temperature, one for all classes, fitted on val"
    two = ("--truth", files[2], "--metric", "brier", "--draws", "20")
    pair = run(capsys, "compare", *files[:2], *two, "--calibrate", "temperatures")
    assert isinstance(pair, dict)
    for row, p, y in zip(
        pair["classes"], cross_fitted(whole, "temperatures").probabilities.T, whole.targets.T, strict=True  # type: ignore[union-attr]
    ):  # fmt: skip
        assert row["a"] == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert pair["b"]["calibration"].endswith("the other folds of the same images")
    run(capsys, "report", *given, "--calibrate", "isotonic", "--out", str(tmp_path / "r.html"))
    assert "isotonic regression, fitted on the other folds of the same images" in (tmp_path / "r.html").read_text()
    assert "did you mean" in refused(capsys, "evaluate", *given, "--calibrate", "isotonics")
    assert "the training counts" in refused(capsys, "evaluate", *given, "--calibrate", "logit-adjustment")
