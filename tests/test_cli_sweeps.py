"""``sweep`` and ``compare`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from lt_core.sweeps import performing
from tests.sweeps.fake_training import FAKE
from tests.test_cli import refused, run

PLAN = {
    "base": {"data": "digits", "loss": "asl"},
    "epochs": 3,
    "search": "random",
    "trials": 4,
    "axes": [{"name": "learning_rate"}, {"name": "loss.gamma_neg"}],
}
LOSSES = {"kind": "compare", "base": {"data": "digits"}, "epochs": 3, "seeds": [0, 1], "losses": ["bce", "asl"]}


@pytest.fixture(autouse=True)
def _no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performing, "torch_trainer", lambda: FAKE)


def written(path: Path, plan: dict[str, object]) -> str:
    path.write_text(json.dumps(plan))
    return str(path)


def test_a_search_and_going_on_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = written(tmp_path / "p.json", PLAN)
    first = run(capsys, "sweep", plan, "--out", str(tmp_path / "s"), "--csv", str(tmp_path / "s.csv"))
    assert isinstance(first, dict)
    assert first["state"] == "finished"
    values = [row["value"] for row in first["settings"]]
    assert values == sorted(values, reverse=True)
    assert len(pd.read_csv(tmp_path / "s.csv")) == 4
    assert run(capsys, "sweep", plan, "--out", str(tmp_path / "s")) == first
    assert run(capsys, "sweep", str(tmp_path / "s")) == first


def test_without_a_folder_a_plan_has_one_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = written(tmp_path / "my-plan.json", PLAN)
    first, again = run(capsys, "sweep", plan), run(capsys, "sweep", plan)
    assert isinstance(first, dict)
    assert Path(first["sweep"]).name == "sweep-my-plan"
    assert again == first


def test_a_comparison_writes_the_tables_of_a_paper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = written(tmp_path / "c.json", LOSSES)
    files = [f"--{kind}={tmp_path / f'c.{kind}'}" for kind in ("markdown", "latex", "csv")]
    entry = run(capsys, "sweep", plan, "--out", str(tmp_path / "c"), *files)
    assert isinstance(entry, dict)
    asl = next(row for row in entry["results"] if row["candidate"] == "asl" and row["metric"] == "ap_macro")
    seeds = {(row["candidate"], row["seed"]): row["ap_macro"] for row in entry["seeds"]}
    gaps = [seeds["asl", seed] - seeds["bce", seed] for seed in (0, 1)]
    assert asl["difference"] == pytest.approx(sum(gaps) / 2)
    assert "| asl |" in (tmp_path / "c.markdown").read_text()
    assert r"\toprule" in (tmp_path / "c.latex").read_text()
    assert len(pd.read_csv(tmp_path / "c.csv")) == len(entry["results"])


def test_runs_are_compared_by_name_or_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "sweep", written(tmp_path / "c.json", LOSSES), "--out", str(tmp_path / "c"))
    a, b, c = (str(tmp_path / "c" / "trials" / key) for key in ("00-bce-s0", "01-asl-s0", "01-asl-s1"))
    pair = run(capsys, "compare", a, b)
    assert isinstance(pair, dict)
    assert pair["a"]["loss"] == "bce"
    assert {"difference", "low", "high", "verdict"} <= set(pair["macro"][0])
    three = run(capsys, "compare", a, b, c)
    assert isinstance(three, dict)
    assert three["pairs"][0] == pair
    assert len(three["pairs"]) == 2


def test_what_a_person_reads_names_every_loss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from lt_core.cli import main

    assert main(["sweep", written(tmp_path / "c.json", LOSSES), "--out", str(tmp_path / "c")]) == 0
    out = capsys.readouterr().out
    assert "finished: 4 of 4 runs" in out
    assert "exact sign-flip test" in out
    assert main(["compare", *(str(tmp_path / "c" / "trials" / key) for key in ("00-bce-s0", "01-asl-s0"))]) == 0
    assert "another seed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("plan", "flags", "words"),
    [
        (PLAN, ["--executor", "slurm"], "--executor must be one of local, ray"),
        (PLAN, ["--workers", "-1"], "--workers must be"),
        (PLAN | {"axes": [{"name": "loss.gamma_neg", "high": 99}]}, [], "loss.gamma_neg must be in [0, 8], got 99"),
        (PLAN | {"base": {"data": "digits", "loss": "aslx"}}, [], "did you mean 'asl'"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], plan: dict[str, object], flags: list[str], words: str
) -> None:
    assert words in refused(capsys, "sweep", written(tmp_path / "p.json", plan), "--out", str(tmp_path / "s"), *flags)


def test_one_run_alone_is_nothing_to_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "two runs or more" in refused(capsys, "compare", str(tmp_path))
