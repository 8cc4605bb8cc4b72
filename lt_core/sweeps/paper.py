"""The table of a comparison as text: Markdown for a page, LaTeX for a paper."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from lt_core.problems import Unknown
from lt_core.sweeps.paired import BETTER, WORSE
from lt_core.sweeps.results import MEASURES, TITLES

MARKS = {BETTER: "+", WORSE: "-"}
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    letter: f"\\{letter}" for letter in "&%$#_{}"
}


def cells(results: pd.DataFrame, metrics: Sequence[str] = MEASURES) -> pd.DataFrame:
    """Return text: a row a candidate, a column a metric, "mean [low, high]" with + or - where it differs for sure.

    Metrics that are not defined for any loss, as those of a group without classes, are left out.
    """
    if unknown := [metric for metric in metrics if metric not in set(results["metric"])]:
        raise Unknown.of("metric of the comparison", unknown[0], sorted(set(results["metric"])))
    by_place = results.set_index(["candidate", "metric"])
    labels, metrics = list(dict.fromkeys(results["candidate"])), _defined(results, metrics)
    text = {TITLES[m]: [_cell(by_place.loc[(label, m)]) for label in labels] for m in metrics}
    return pd.DataFrame({"loss": labels, **text})


def differences(results: pd.DataFrame, metrics: Sequence[str] = MEASURES) -> pd.DataFrame:
    """Return text: a row a candidate but the reference, a column a metric, "+0.012 [0.001, 0.023] better"."""
    rows = results[(results["verdict"] != "reference") & results["metric"].isin(list(metrics))]
    labels = list(dict.fromkeys(rows["candidate"]))
    by_place = rows.set_index(["candidate", "metric"])
    shown = _defined(results, metrics)
    return pd.DataFrame(
        {"loss": labels, **{TITLES[m]: [_gap(by_place.loc[(label, m)]) for label in labels] for m in shown}}
    )


def _defined(results: pd.DataFrame, metrics: Sequence[str]) -> list[str]:
    there = set(results.loc[results["mean"].notna(), "metric"])
    return [metric for metric in metrics if metric in there]


def markdown(table: pd.DataFrame) -> str:
    """Return a table of text as Markdown."""
    lines = [list(map(str, table.columns)), ["---"] * len(table.columns), *table.astype(str).to_numpy().tolist()]
    return "".join(f"| {' | '.join(text.replace('|', chr(92) + '|') for text in line)} |\n" for line in lines)


def latex(table: pd.DataFrame, *, caption: str = "") -> str:
    """Return a table of text as LaTeX for the package booktabs."""
    head, *body = [
        " & ".join(_escaped(str(text)) for text in line) + r" \\"
        for line in [list(table.columns), *table.to_numpy().tolist()]
    ]
    said = [rf"\caption{{{_escaped(caption)}}}"] if caption else []
    rules = [rf"\begin{{tabular}}{{l{'c' * (len(table.columns) - 1)}}}", r"\toprule", head, r"\midrule", *body]
    return "\n".join(
        [r"\begin{table}", r"\centering", *said, *rules, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""]
    )


def notes(results: pd.DataFrame, reference: str) -> str:
    """Return what a reader of the table must know: how many seeds, which intervals, what + and - mean."""
    n = int(results["n"].max())
    floor = 2.0 ** (1 - n)
    seeds = f"{n} seed" if n == 1 else f"{n} seeds"
    gone = [TITLES[metric] for metric in MEASURES if metric not in _defined(results, MEASURES)]
    left_out = f" Not defined for any loss, so left out: {', '.join(gone)}." if gone else ""
    still = results["n"].gt(1) & results["mean"].notna() & results["low"].isna()
    still |= results["n_pairs"].gt(1) & results["difference"].notna() & results["difference_low"].isna()
    same = " No interval where all seeds give the same value or difference." if still.any() else ""
    return (
        f"Mean over {seeds} with its 95 % interval (Student's t). + and -: better or worse than {reference} in paired "
        "differences by seed, t-test adjusted after Holm over the losses, below 0.05; no mark: cannot tell. "
        f"The exact sign-flip test cannot give less than {floor:.3g} with {seeds}.{same}{left_out}"
    )


def _cell(row: pd.Series[float]) -> str:
    if math.isnan(row["mean"]):
        return "not defined"
    ends = "" if math.isnan(row["low"]) else f" [{row['low']:.3f}, {row['high']:.3f}]"
    mark = MARKS.get(str(row["verdict"]))
    return f"{row['mean']:.3f}{ends}{' ' + mark if mark else ''}"


def _gap(row: pd.Series[float]) -> str:
    if math.isnan(row["difference"]):
        return "not defined"
    low, high = row["difference_low"], row["difference_high"]
    ends = "" if math.isnan(low) else f" [{_signed(low)}, {_signed(high)}]"
    return f"{_signed(row['difference'])}{ends} {row['verdict']}"


def _signed(value: float) -> str:
    """Return three places with a sign; what rounds to nothing has no minus."""
    return f"{round(value, 3) + 0.0:+.3f}"


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)
