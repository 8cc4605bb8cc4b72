"""The classes of one or several evaluations as a table of text, as LaTeX and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from lt_core.evaluation.result_table import SHOWN, TITLES, cell, result_table
from lt_core.evaluation.uncertainty import Evaluation, Value
from lt_core.problems import Invalid
from lt_core.sweeps import paper

Form = Literal["brackets", "plus-minus"]
MEAN = "mean of all classes"
LOPSIDED = 0.2
"""How far the middle of an interval may lie from the value, in half widths, to be written as ±."""
_LATEX = {
    "±": r"$\pm$", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "−": "$-$", "·": r"\textperiodcentered{}",
}  # fmt: skip
_MARKDOWN = {letter: f"\\{letter}" for letter in "\\`*_[]<>"}


def class_table(
    evaluations: Mapping[str, Evaluation] | Evaluation, metrics: Sequence[str] = SHOWN, *, form: Form = "brackets"
) -> pd.DataFrame:
    """Return text: a row a class (and model) from head to tail, then the means of head, medium, tail and all.

    Columns are Class, Model (where there are several), n positive, Threshold and the metrics. A cell is
    "0.351 [0.310, 0.400]", or with ``form`` "plus-minus" "0.351 ± 0.045" (see ``plus_minus``); or "not defined".
    Positives of a mean are the sum over its classes. Raises ``Unknown`` for a metric that is not there.
    """
    models = named(evaluations)
    tables = [_one(evaluation, metrics, form) for evaluation in models.values()]
    if len(tables) == 1:
        return tables[0]
    for name, table in zip(models, tables, strict=True):
        table.insert(1, "Model", name)
    order = dict.fromkeys(row for table in tables for row in table["Class"])
    ordered = [table[table["Class"] == row] for row in order for table in tables]
    return pd.DataFrame(pd.concat(ordered, ignore_index=True))


def named(evaluations: Mapping[str, Evaluation] | Evaluation) -> dict[str, Evaluation]:
    """Return the evaluations by what their models are called; raise ``Invalid`` where there is none."""
    if isinstance(evaluations, Evaluation):
        return {evaluations.title or "model": evaluations}
    if not evaluations:
        raise Invalid("a table wants at least one evaluation, got none")
    return dict(evaluations)


def _one(evaluation: Evaluation, metrics: Sequence[str], form: Form) -> pd.DataFrame:
    table = result_table(evaluation, metrics)
    found = evaluation.classes
    n_classes = len(found)
    means = _means(evaluation)
    for row in range(len(table)):
        title = str(table.loc[row, "Class"])
        if row >= n_classes:
            title = MEAN if title == "macro" else title
            table.loc[row, "Class"] = title
            mine = found if title == MEAN else found[found["group"] == title.removeprefix("mean of ")]
            table.loc[row, "n positive"] = f"{int(mine['n_positive'].sum()):,}"
        if form == "plus-minus":
            for metric in metrics:
                value = value_of(found.iloc[row], metric) if row < n_classes else means[title][metric]
                table.loc[row, TITLES.get(metric, metric)] = plus_minus(value)
    order = [*by_frequency(found).index, *range(n_classes, len(table))]
    return table.loc[order].reset_index(drop=True)


def by_frequency(classes: pd.DataFrame) -> pd.DataFrame:
    """Return rows of classes, with columns group and n_positive, by group, then by positives, the most first."""
    place = classes["group"].map({"head": 0, "medium": 1, "tail": 2}).fillna(3)
    keys = pd.DataFrame({"place": place, "n": -classes["n_positive"]})
    return classes.loc[keys.sort_values(["place", "n"], kind="stable").index]


def _means(evaluation: Evaluation) -> dict[str, dict[str, Value]]:
    """Return the values of each mean over classes by its title, the groups first."""
    return {f"mean of {name}": values for name, values in evaluation.groups.items()} | {MEAN: evaluation.macro}


def value_of(row: Any, metric: str) -> Value:
    """Return a metric of a row of ``Evaluation.classes``."""
    return Value(row[metric], row[f"{metric}_low"], row[f"{metric}_high"], row[f"{metric}_method"])


def plus_minus(value: Value) -> str:
    """Return "0.351 ± 0.045", the latter half the width of the interval; "not defined" without a value.

    An interval whose middle is further from the value than a fifth of that would be told wrongly: its ends are given.
    """
    half, middle = (value.high - value.low) / 2, (value.high + value.low) / 2
    if not abs(middle - value.value) <= LOPSIDED * half:
        return cell(value.value, value.low, value.high)
    return f"{value.value:.3f} ± {half:.3f}"


def caption(
    evaluations: Mapping[str, Evaluation] | Evaluation,
    metrics: Sequence[str] = SHOWN,
    *,
    data: str = "",
    form: Form = "brackets",
) -> str:
    """Return the sentences under a table: data, part, images, patients, intervals, thresholds, draws and seed."""
    models = named(evaluations)
    said = dict.fromkeys(_about(evaluation, data) for evaluation in models.values())
    if len(said) > 1:
        said = dict.fromkeys(f"{name}: {_about(evaluation, data)}" for name, evaluation in models.items())
    first = next(iter(models.values()))
    ends = (
        "In brackets 95 % intervals" if form == "brackets" else "± is half a 95 % interval, lopsided ones in brackets"
    )
    cuts = {name: thresholds_said(evaluation) for name, evaluation in models.items()}
    ways = set(cuts.values()) if len(set(cuts.values())) == 1 else [f"{name}: {cut}" for name, cut in cuts.items()]
    draws = dict.fromkeys(_draws(evaluation) for evaluation in models.values())
    return (
        f"{' '.join(said)} {ends}: {methods_said(first, metrics)}. {' '.join(draws)}Thresholds: {'; '.join(ways)}. "
        "Not defined: 0/0. Means are over the classes where the metric is defined."
    )


def _about(evaluation: Evaluation, data: str) -> str:
    who = "" if evaluation.n_patients is None else f" of {evaluation.n_patients:,} patients"
    part = f"{evaluation.part} part, " if evaluation.part else ""
    return f"{f'{data}, ' if data else ''}{part}{evaluation.n:,} images{who}."


def _draws(evaluation: Evaluation) -> str:
    unit = "images" if evaluation.n_patients in (None, evaluation.n) else "patients"
    return f"{evaluation.draws:,} bootstrap draws of {unit}, seed {evaluation.seed}. " if evaluation.draws else ""


def methods_of(evaluation: Evaluation, metrics: Sequence[str]) -> dict[str, list[str]]:
    """Return how the intervals of the classes were made: the way, and the titles of the metrics made so."""
    by_way: dict[str, list[str]] = {}
    for metric in metrics:
        if metric in evaluation.classes:
            ways = dict.fromkeys(str(way) for way in evaluation.classes[f"{metric}_method"] if way)
            by_way.setdefault(" or ".join(ways) or "none", []).append(TITLES.get(metric, metric))
    return by_way


def methods_said(evaluation: Evaluation, metrics: Sequence[str]) -> str:
    """Return the same in a line, such as "Precision: Wilson; AUROC: DeLong"."""
    return "; ".join(f"{', '.join(names)}: {way}" for way, names in methods_of(evaluation, metrics).items())


def thresholds_said(evaluation: Evaluation) -> str:
    """Return the thresholds in words: "0.5 for every class", or their range, or the largest score."""
    values = evaluation.classes["threshold"].to_numpy(np.float64)
    if np.isnan(values).all():
        return "none, the class with the largest score is called"
    if len(set(values)) == 1:
        return f"{values[0]:.3g} for every class"
    finite = values[np.isfinite(values)]
    return f"one for each class, {finite.min():.3g} to {finite.max():.3g}" if len(finite) else "nobody is called"


def thresholds_known(evaluation: Evaluation) -> bool:
    """Return whether the thresholds need no word on where they were set: 0.5 for every class, or none at all."""
    values = evaluation.classes["threshold"].to_numpy(np.float64)
    return bool((np.isnan(values) | (values == 0.5)).all())


def latex(
    evaluations: Mapping[str, Evaluation] | Evaluation,
    metrics: Sequence[str] = SHOWN,
    *,
    data: str = "",
    form: Form = "brackets",
) -> str:
    """Return ``class_table`` as LaTeX for the package booktabs, with its caption; every special letter is escaped."""
    table = _one_line(class_table(evaluations, metrics, form=form))
    text = paper.latex(table, caption=" ".join(caption(evaluations, metrics, data=data, form=form).split()))
    text = "".join(_LATEX.get(letter, letter) for letter in text)
    return re.sub(r"\n([\[*])", r"\n{\1}", text)  # after a row's two backslashes these would be an argument of them


def markdown(
    evaluations: Mapping[str, Evaluation] | Evaluation,
    metrics: Sequence[str] = SHOWN,
    *,
    data: str = "",
    form: Form = "brackets",
) -> str:
    """Return ``class_table`` as Markdown with its caption under it; what comes from outside stays plain text."""
    table = _one_line(class_table(evaluations, metrics, form=form))
    known = {"Class", "Model"}
    for column in known & set(table.columns):
        table[column] = table[column].map(_plain)
    said = _plain(" ".join(caption(evaluations, metrics, data=data, form=form).split()))
    return f"{paper.markdown(table)}\n{said}\n"


def _one_line(table: pd.DataFrame) -> pd.DataFrame:
    """A line break in a name would end a row."""
    return table.map(lambda text: " ".join(str(text).split()))


def _plain(text: str) -> str:
    return "".join(_MARKDOWN.get(letter, letter) for letter in text)
