"""The tables behind the Results page: the file is the command's, and every number says how its interval was made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lt_core.cli import main
from lt_core.evaluation.uncertainty import METRICS
from pages.ui.results import averages, class_tables, classes, sources
from pages.ui.results.numbers import METRICS as SHOWN
from pages.ui.results.numbers import evaluation_of
from tests.pages.test_results_pages import home, multi_run

__all__ = ["home"]


def test_the_page_and_the_command_write_the_same_file(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = sources._of_run("A", multi_run(home), "test")
    found = [(model, evaluation_of(model, np.full(3, 0.5)))]
    assert main(["evaluate", str(model.run.path), "--csv", str(tmp_path / "t.csv"), "--json"]) == 0
    capsys.readouterr()
    written = (tmp_path / "t.csv").read_text(encoding="utf-8")
    assert class_tables._csv(found) == written
    of = [line.split(",")[3] for line in written.splitlines()[1:]]
    assert of == ["class"] * 3 + ["group"] * 3 + ["macro", "weighted", "micro", "sample"]
    two = class_tables._csv([*found, *found])
    assert two.splitlines()[1].startswith("A · one,"), "two models are told apart by their letters"


def test_every_number_says_how_its_interval_was_made(home: Path) -> None:
    model = sources._of_run("A", multi_run(home), "test")
    evaluation = evaluation_of(model, np.full(3, 0.5))
    own = evaluation.classes.set_index("class")
    ways = {name: set(own[f"{name}_method"]) - {""} for name in METRICS}
    assert ways["recall"] != ways["auroc"] != ways["f1"], "only then does the test show anything"
    for name in SHOWN:
        rows = classes.metric_rows(model, evaluation, name).set_index("class")
        assert rows["method"].to_dict() == own[f"{name}_method"].to_dict(), name
        assert rows["value"].to_dict() == pytest.approx(own[name].to_dict(), nan_ok=True), name
        said = class_tables.column_help([(model, evaluation)], name)
        assert all(way in said for way in ways[name]), name
    table = averages.table_of(evaluation).set_index("average")
    for kind in ("macro", "weighted", "micro"):
        values = [getattr(evaluation, kind)[name] for name in averages.SHOWN if name in getattr(evaluation, kind)]
        assert set(table.loc[kind, "interval"].split(" or ")) == {v.method for v in values if not np.isnan(v.low)}
