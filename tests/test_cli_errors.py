"""``errors``, ``slices``, ``thresholds`` and the report's slices on the command line, held against plain counting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lt_core.datasets import Source
from lt_core.evaluation import Predictions
from lt_core.evaluation.thresholds import tune
from lt_core.training import RunConfig
from lt_core.training.folder.store import write_json
from tests.evaluation.test_tail_gain import part
from tests.test_cli import refused, run
from tests.test_cli_evaluate import CLASSES

Files = tuple[str, str]
N = 400


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Predictions, their rows turned round, and a truth with patients, parts, sex and age; some ages are not known."""
    record = part(1, 0.0, n=N)
    rng = np.random.default_rng(4)
    truth = pd.DataFrame(record.targets.astype(int), columns=list(CLASSES))
    truth.insert(0, "image", [f"{k}.png" for k in range(N)])
    truth["patient"], truth["split"] = record.patients, np.where(np.arange(N) < N // 2, "val", "test")
    truth["sex"] = rng.choice(["F", "M"], N)
    truth["age"] = np.where(rng.random(N) < 0.1, np.nan, rng.integers(1, 95, N))
    truth.to_csv(tmp_path / "truth.csv", index=False)
    table = pd.DataFrame(record.probabilities, columns=[f"prob_{c}" for c in CLASSES])
    table.assign(image=truth["image"])[::-1].to_csv(tmp_path / "predictions.csv", index=False)
    return str(tmp_path / "predictions.csv"), str(tmp_path / "truth.csv")


def asked(capsys: pytest.CaptureFixture[str], command: str, files: Files, *flags: str) -> dict[str, Any]:
    entry = run(capsys, command, "--predictions", files[0], "--truth", files[1], *flags)
    assert isinstance(entry, dict)
    return entry


def together(files: Files) -> pd.DataFrame:
    """Truth and probabilities side by side, by pandas."""
    return pd.read_csv(files[1]).merge(pd.read_csv(files[0]), on="image")


def f1(y: pd.Series, called: pd.Series) -> float:
    hits = int((y & called).sum())
    return 2 * hits / (int(y.sum()) + int(called.sum()))


def test_errors_are_the_images_that_counting_finds(capsys: pytest.CaptureFixture[str], files: Files) -> None:
    entry = asked(capsys, "errors", files, "--threshold", "0.4", "--most", "500", "--class", "b", "--class", "a")
    table = together(files)
    assert [row["name"] for row in entry["classes"]] == ["a", "b"], "in the order of the classes"
    for row in entry["classes"]:
        y, p = table[row["name"]] == 1, table[f"prob_{row['name']}"]
        missed, alarms = table[y & (p < 0.4)], table[~y & (p >= 0.4)]
        assert (row["n_missed"], row["n_false_alarms"]) == (len(missed), len(alarms))
        assert (row["n_positive"], row["n_negative"]) == (int(y.sum()), int((~y).sum()))
        assert row["miss_rate"] == pytest.approx(len(missed) / y.sum())
        assert row["miss_rate_low"] < row["miss_rate"] < row["miss_rate_high"]
        assert row["false_alarm_rate_low"] < row["false_alarm_rate"] < row["false_alarm_rate_high"]
        worst = missed.sort_values(f"prob_{row['name']}")["image"].tolist()
        assert [case["id"] for case in row["misses"]] == worst
        surest = alarms.sort_values(f"prob_{row['name']}", ascending=False)["image"].tolist()
        assert [case["id"] for case in row["false_alarms"]] == surest
    assert (entry["n"], entry["n_patients"]) == (N, table["patient"].nunique())
    fewer = asked(capsys, "errors", files, "--threshold", "0.4", "--most", "2", "--class", "a")["classes"][0]
    assert fewer["misses"] == entry["classes"][0]["misses"][:2]


def test_what_is_called_instead_and_the_probe_are_counted(capsys: pytest.CaptureFixture[str], files: Files) -> None:
    entry = asked(capsys, "errors", files, "--class", "a", "--metric", "recall")
    table = together(files)
    pairs = entry["missed_called"]["pairs"]
    assert {(row["missed"], row["called"]) for row in pairs} == {
        pair for other in "bcd" for pair in (("a", other), (other, "a"))
    }
    for row in pairs:
        missed, called = row["missed"], row["called"]
        among = table[(table[missed] == 1) & (table[f"prob_{missed}"] < 0.5) & (table[called] == 0)]
        wrong = int((among[f"prob_{called}"] >= 0.5).sum())
        assert (row["n"], row["n_called"]) == (len(among), wrong)
        assert row["rate"] == (None if among.empty else pytest.approx(wrong / len(among)))
    (probe,) = entry["shortcut"]
    assert [row["beside"] for row in probe["beside"]] == ["b", "c", "d"]
    for row in probe["beside"]:
        for side, value in (("with", 1), ("without", 0)):
            here = table[(table["a"] == 1) & (table[row["beside"]] == value)]
            assert row[f"n_positive_{side}"] == len(here)
            assert row[f"value_{side}"] == (None if here.empty else pytest.approx((here["prob_a"] >= 0.5).mean()))


def test_slices_are_the_metric_of_each_part_of_the_table(capsys: pytest.CaptureFixture[str], files: Files) -> None:
    table = together(files)
    entry = asked(capsys, "slices", files, "--by", "sex", "--class", "a", "--class", "c")
    assert {(row["slice"], row["class"]) for row in entry["rows"]} == {(s, c) for s in "FM" for c in "ac"}
    for row in entry["rows"]:
        inside = table["sex"] == row["slice"]
        for where, value, n in ((inside, "value", "n"), (~inside, "rest", "n_rest")):
            here = table[where]
            assert row[n] == len(here)
            assert row[value] == pytest.approx(f1(here[row["class"]] == 1, here[f"prob_{row['class']}"] >= 0.5))
            assert row["low"] <= row["value"] <= row["high"]
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    bands = asked(capsys, "slices", files, "--by", "age", "--metric", "recall", "--edges", "30", "60")
    ages = table["age"]
    wanted = {"below 30": ages < 30, "30 to below 60": (ages >= 30) & (ages < 60), "60 and more": ages >= 60}
    wanted["not known"] = ages.isna()
    assert {row["slice"]: row["n"] for row in bands["slices"]} == {name: int(m.sum()) for name, m in wanted.items()}
    assert len(bands["rows"]) == 16


def test_rules_choose_what_tune_chooses_and_are_applied_to_the_part_asked_for(
    capsys: pytest.CaptureFixture[str], files: Files
) -> None:
    flags = ("--split", "test", "--tune-on", "val", "--rule", "f1", "--rule", "sensitivity:0.8", "--draws", "40")
    entry = asked(capsys, "thresholds", files, *flags)
    record = part(1, 0.0, n=N).only(np.arange(N // 2))
    table = together(files)
    test = table[table["split"] == "test"]
    assert entry["tuned_on"] == {"part": "val", "n": 200, "n_patients": 100, "same_images": False}
    assert (entry["part"], entry["n"]) == ("test", 200)
    for rule, wanted in zip(entry["rules"], (tune(record, "f1"), tune(record, "sensitivity", target=0.8)), strict=True):
        at = wanted.for_classes(CLASSES)
        assert [row["threshold"] for row in rule["classes"]] == pytest.approx(at, rel=1e-12)
        for row, cut in zip(rule["classes"], at, strict=True):
            assert row["f1"] == pytest.approx(f1(test[row["class"]] == 1, test[f"prob_{row['class']}"] >= cut))
            assert row["f1_low"] <= row["f1"] <= row["f1_high"]
            assert row["optimism"] == pytest.approx(row["apparent"] - row["honest"])
            assert row["n_positive_tuning"] == int((table[table["split"] == "val"][row["class"]] == 1).sum())
        assert rule["macro"]["f1"] == pytest.approx(np.mean([row["f1"] for row in rule["classes"]]))
    itself = asked(capsys, "thresholds", files, "--rule", "f1", "--draws", "20")
    assert itself["tuned_on"]["same_images"]
    assert [row["f1"] for row in itself["rules"][0]["classes"]] == pytest.approx(
        [row["apparent"] for row in itself["rules"][0]["classes"]]
    )
    assert any("flatters" in note for note in itself["notes"])


def test_a_run_is_sliced_by_what_its_set_says_of_each_image(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The predictions hold the test images in another order than the table: rows tell them apart."""
    path, order = run_on_images(tmp_path)
    entry = run(capsys, "slices", str(path), "--by", "view", "--class", "x")
    assert isinstance(entry, dict)
    table, chance = pd.read_csv(tmp_path / "set.csv"), np.full(40, np.nan)
    chance[order] = np.load(path / "predictions-test.npz")["logits"][:, 0]
    for row in entry["rows"]:
        here = ((table["view"] == row["slice"]) & (table["split"] == "test")).to_numpy()
        assert row["n"] == here.sum()
        assert row["value"] == pytest.approx(f1(table["x"][here] == 1, pd.Series(chance)[here] >= 0))
    assert {row["slice"] for row in entry["rows"]} == {"AP", "PA"}
    whole = run(capsys, "errors", str(path), "--class", "x", "--most", "0")
    assert isinstance(whole, dict)
    assert whole["n"] == len(order)


def run_on_images(folder: Path) -> tuple[Path, np.ndarray]:
    """Return a run on 40 small images of a table, and the rows of its predictions on the test part."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"image": [f"{k}.png" for k in range(40)]})
    table["split"] = np.where(np.arange(40) % 2, "test", "train")
    table["x"], table["y"] = rng.integers(0, 2, 40), rng.integers(0, 2, 40)
    table["view"] = rng.choice(["PA", "AP"], 40)
    table.to_csv(folder / "set.csv", index=False)
    for name in table["image"]:
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / name)
    order = rng.permutation(np.flatnonzero(table["split"] == "test"))
    path = folder / "run"
    path.mkdir()
    write_json(path / "config.json", RunConfig(Source(str(folder / "set.csv"), labels=("x", "y")), "bce").as_json())
    card: dict[str, Any] = {"title": "set", "kind": "multi", "class_names": ["x", "y"], "groups": ["head", "head"]}
    card |= {"parts": {"train": 20, "test": 20}, "shape": [8, 8, 1], "mean": [0.5], "std": [0.25], "n_train": 20}
    card |= {"positives_per_class": [10, 10]}
    write_json(path / "dataset.json", card)
    logits = rng.normal(size=(20, 2)).astype(np.float32)
    truth = table[["x", "y"]].to_numpy(np.float32)[order]
    ids = table["image"].to_numpy(str)[order]
    Predictions(("x", "y"), logits, truth, order, ids, "multi", "test").save(path / "predictions-test.npz")
    return path, order


def test_people_get_tables(capsys: pytest.CaptureFixture[str], files: Files) -> None:
    from lt_core.cli import main

    given = ["--predictions", files[0], "--truth", files[1]]
    for command, flags, said in (
        ("errors", ["--most", "1"], "Shortcut probe: f1"),
        ("slices", ["--by", "sex"], "f1 by sex. A slice for each value."),
        ("thresholds", ["--rule", "youden", "--draws", "20"], "youden: largest Youden index"),
    ):
        assert main([command, *given, *flags]) == 0
        out = capsys.readouterr().out
        assert said in out
        assert "400 images of 200 patients. Low and high are 95 % intervals." in out


def test_the_report_has_the_slices_and_the_optimism(
    capsys: pytest.CaptureFixture[str], files: Files, tmp_path: Path
) -> None:
    out = tmp_path / "report.html"
    flags = ("--split", "test", "--thresholds", "f1", "--by", "sex", "--by", "age", "--draws", "20", "--out", str(out))
    asked(capsys, "report", files, *flags)
    text = out.read_text(encoding="utf-8")
    for title in ("F1 by sex", "F1 by age", "How much tuning thresholds flatters"):
        assert f"<h3>{title}</h3>" in text
    table = together(files)
    females = table[(table["split"] == "test") & (table["sex"] == "F")]
    cut = tune(part(1, 0.0, n=N).only(np.arange(N // 2)), "f1").for_classes(CLASSES)[0]
    assert f"{f1(females['a'] == 1, females['prob_a'] >= cut):.3f} <span" in text.split("F1 by sex</h3>")[1]
    nested = asked(capsys, "thresholds", files, *flags[:2], "--tune-on", "val", "--rule", "f1", "--draws", "20")
    assert nested["rules"][0]["measure"] == "f1"
    assert "Of F1, which is tuned for." in text
    honest = nested["rules"][0]["macro"]["honest"]
    assert f"{honest:.3f}" in text.split("How much tuning thresholds flatters</h3>")[1]


@pytest.mark.parametrize(
    ("command", "flags", "said"),
    [
        ("errors", [], "errors takes a RUN, or --predictions"),
        ("errors", ["{}", "--class", "e"], "unknown class 'e'"),
        ("errors", ["{}", "--most", "-1"], "must be at least 0, got -1"),
        ("errors", ["{}", "--metric", "f2"], "unknown metric of the probe 'f2'"),
        ("slices", ["{}"], "wants --by COLUMN; of these images is known: "),
        ("slices", ["{}", "--by", "sez"], "did you mean 'sex'"),
        ("slices", ["{}", "--by", "sex", "--edges", "2"], "not cut at edges"),
        ("thresholds", ["{}", "--rule", "precision"], "need a target"),
        ("report", ["{}", "--by", "sez", "--out", "x.html"], "did you mean 'sex'"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], files: Files, command: str, flags: list[str], said: str
) -> None:
    given = ["--predictions", files[0], "--truth", files[1], "--draws", "0"]
    words = [word for flag in flags for word in (given if flag == "{}" else [flag])]
    assert said in refused(capsys, command, *words)
