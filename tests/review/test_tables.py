"""Tables for papers and spreadsheets: every number is there, nothing in a name runs or breaks a line."""

from __future__ import annotations

import csv as reader
import io
import re

import numpy as np
import pytest
from sklearn.metrics import f1_score

from lt_core.evaluation.uncertainty import Evaluation, Value
from lt_core.problems import Invalid, Unknown
from lt_core.review import caption, class_table, csv, excel_csv, latex, markdown
from lt_core.review.tables import plus_minus
from tests.review.conftest import NAMES, scored_of

Models = dict[str, Evaluation]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(reader.DictReader(io.StringIO(text)))


def test_the_csv_holds_scikit_learns_f1_and_the_counts_of_every_class(evaluation: Evaluation) -> None:
    scored = scored_of(0)
    assert scored.probabilities is not None
    wanted = f1_score(scored.targets, scored.probabilities >= 0.5, average=None, zero_division=0)
    rows = [row for row in rows_of(csv(evaluation)) if row["of"] == "class"]
    assert [float(row["f1"]) for row in rows] == pytest.approx(wanted.tolist(), abs=1e-12)
    assert [int(row["n_positive"]) for row in rows] == scored.targets.sum(axis=0).astype(int).tolist()
    assert {(row["n_images"], row["n_patients"], row["draws"], row["seed"]) for row in rows} == {
        ("80", "40", "40", "0")
    }
    means = {row["of"]: row for row in rows_of(csv(evaluation)) if row["of"] != "group"}
    assert float(means["macro"]["f1"]) == pytest.approx(wanted.mean(), abs=1e-12)
    assert means["micro"]["brier"] == ""


def test_no_cell_of_a_csv_is_a_formula(evaluation: Evaluation) -> None:
    cells = [cell for row in rows_of(csv(evaluation)) for cell in row.values()]
    risky = [
        cell for cell in cells if cell[:1] in "=+-@\t\r" and cell and not re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell)
    ]
    assert risky == []
    assert any(cell == f"'{NAMES[0]}" for cell in cells)


def test_excel_is_told_that_a_file_is_utf_8(evaluation: Evaluation) -> None:
    data = excel_csv(evaluation, data="Röntgen")
    assert data.startswith(b"\xef\xbb\xbf")
    assert data[3:].decode("utf-8") == csv(evaluation, data="Röntgen")


def test_a_class_that_is_never_there_is_not_defined_and_never_a_number(evaluation: Evaluation) -> None:
    row = next(row for row in rows_of(csv(evaluation)) if row["name"] == "never there")
    assert row["recall"] == row["auroc"] == row["ap"] == "not defined"
    table = class_table(evaluation)
    assert table.set_index("Class").loc["never there", "AUROC"] == "not defined"
    assert table.set_index("Class").loc["never there", "n positive"] == "0"


def test_positives_of_a_mean_are_those_of_its_classes(evaluation: Evaluation) -> None:
    positives = scored_of(0).targets.sum(axis=0)
    table = class_table(evaluation).set_index("Class")["n positive"]
    assert table["mean of head"] == str(int(positives[:2].sum()))
    assert table["mean of all classes"] == str(int(positives.sum()))


def test_several_models_stand_under_each_other_class_by_class(evaluations: Models) -> None:
    table = class_table(evaluations, ("ap",))
    assert table["Model"].tolist() == list(evaluations) * (len(table) // 2)
    assert (table["Class"][::2].to_numpy() == table["Class"][1::2].to_numpy()).all()
    for name, evaluation in evaluations.items():
        alone = class_table(evaluation, ("ap",))
        assert table[table["Model"] == name]["AP"].tolist() == alone["AP"].tolist()


SPECIAL = re.compile(r"(?<!\\)[&%$#_{}~^]|\\(?![&%$#_{}\\]|text[a-z]+\{\})")


@pytest.mark.parametrize("form", ["brackets", "plus-minus"])
def test_latex_has_no_letter_that_is_not_escaped(evaluations: Models, form: str) -> None:
    text = latex(evaluations, ("f1", "auroc"), data="100 % of <x>", form=form)  # type: ignore[arg-type]
    body = text.split("\\midrule\n")[1].split("\\bottomrule")[0]
    for line in body.splitlines():
        assert line.endswith(r" \\"), line
        assert not line.startswith(("[", "*")), "an argument of the line break before"
        cells = re.split(r"(?<!\\)&", line.removesuffix(r" \\").replace(r"$\pm$", "").replace("{[}", ""))
        assert len(cells) == 6, line
        for cell in cells:
            left = re.sub(r"\\text[a-z]+\{\}", "", cell)
            assert not SPECIAL.search(left), cell
            assert not set("<>|±") & set(left), cell
    said = text.split("\\caption{")[1].split("}\n\\begin{tabular}")[0]
    assert "\n" not in said
    assert r"100 \% of \textless{}x\textgreater{}" in said
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") == 1


def test_every_line_of_markdown_has_the_same_cells_and_no_html(evaluations: Models) -> None:
    text = markdown(evaluations, ("f1",))
    lines = text.split("\n\n")[0].splitlines()
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines} == {6}
    assert not re.search(r"(?<!\\)<", text)


def test_plus_minus_is_half_the_width_and_only_where_the_interval_is_even() -> None:
    assert plus_minus(Value(0.5, 0.4, 0.6, "")) == "0.500 ± 0.100"
    assert plus_minus(Value(0.0, 0.0, 0.1, "")) == "0.000 [0.000, 0.100]"
    assert plus_minus(Value(np.nan, np.nan, np.nan, "")) == "not defined"
    assert plus_minus(Value(0.5, np.nan, np.nan, "")) == "0.500"


def test_the_caption_says_who_how_and_where_the_cut_is(evaluation: Evaluation) -> None:
    said = caption(evaluation, data="Some set")
    for part in ("Some set", "test part", "80 images", "40 patients", "40 bootstrap draws", "seed 0", "0.5", "95 %"):
        assert part in said
    for metric in ("precision", "f1", "auroc"):
        assert evaluation.classes[f"{metric}_method"].iloc[0] in said


def test_what_cannot_be_tabled_is_refused(evaluation: Evaluation) -> None:
    with pytest.raises(Unknown, match="sharpness"):
        class_table(evaluation, ("sharpness",))
    with pytest.raises(Unknown, match="sharpness"):
        csv(evaluation, ("sharpness",))
    with pytest.raises(Invalid, match="at least one"):
        class_table({})
