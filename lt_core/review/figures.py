"""The figures of a report: classes with their intervals, differences between two models, calibration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lt_core.charts.palette import GROUP_COLOURS, PLAIN, QUIET, SERIES
from lt_core.evaluation.result_table import TITLES
from lt_core.evaluation.uncertainty import Comparison, Evaluation
from lt_core.problems import Unknown
from lt_core.review.drawing import FAINT, INK, Drawing, width_of
from lt_core.review.tables import by_frequency, named

WIDTH = 680.0
"""Pixels, which fill a page of A4 between its margins."""
TOP, BOTTOM, RIGHT = 62.0, 46.0, 22.0
ROW, STEP = 21.0, 12.0
LONGEST = 34
"""Letters of a class name that are shown; the table has all of them."""
PANEL, GAP = 128.0, 36.0


@dataclass(frozen=True)
class Dot:
    """A value with the ends of its interval, NaN where not defined, in a colour and shape."""

    value: float
    low: float
    high: float
    colour: str
    shape: int = 0


def classes_figure(evaluations: Mapping[str, Evaluation] | Evaluation, metric: str = "f1") -> Drawing:
    """Return a metric of every class with its interval, a row a class, from head to tail; models under each other.

    Colours are the groups' where there is one model, else the models'. Raises ``Unknown`` for a metric not there.
    """
    models = named(evaluations)
    first = next(iter(models.values()))
    for evaluation in models.values():
        if metric not in evaluation.classes:
            raise Unknown.of("metric", metric, [name for name in TITLES if name in evaluation.classes])
    tables = [{row["class"]: row for row in e.classes.to_dict("records")} for e in models.values()]
    rows: list[tuple[str, list[Dot]]] = []
    for name in head_to_tail(first):
        dots = []
        for k, table in enumerate(tables):
            if name not in table:
                continue
            row = table[name]
            colour = SERIES[k % len(SERIES)] if len(models) > 1 else GROUP_COLOURS.get(str(row["group"]), PLAIN)
            dots.append(Dot(row[metric], row[f"{metric}_low"], row[f"{metric}_high"], colour, k))
        rows.append((_label(name, tables[0][name]["n_positive"]), dots))
    if len(models) > 1:
        keys = {name: (SERIES[k % len(SERIES)], k) for k, name in enumerate(models)}
    else:
        keys = {name: (colour, 0) for name, colour in GROUP_COLOURS.items() if name in set(first.classes["group"])}
    title = f"{TITLES.get(metric, metric)} of every class with its 95 % interval"
    ends = [end for _, dots in rows for dot in dots for end in (dot.value, dot.low, dot.high) if not math.isnan(end)]
    ticks = ticks_of(min([0.0, *ends]), max([1.0, *ends]))
    return _forest(rows, keys, ticks, title=title, axis=TITLES.get(metric, metric), alt=_in_words(models, metric))


def difference_figure(comparison: Comparison, model: str = "B") -> Drawing:
    """Return B minus A of every class with its interval, from head to tail, and the line of no difference.

    ``model`` is the letter of the one that is held against A.
    """
    table = by_frequency(comparison.classes)
    rows = [
        (_label(str(row["name"]), int(row["n_positive"])),
         [Dot(row["difference"], row["low"], row["high"], GROUP_COLOURS.get(str(row["group"]), PLAIN))])
        for row in table.to_dict("records")
    ]  # fmt: skip
    ends = [end for _, dots in rows for dot in dots for end in (dot.value, dot.low, dot.high) if not math.isnan(end)]
    reach = max([0.05, *(abs(end) for end in ends)])
    counts = table["verdict"].value_counts()
    said = ", ".join(f"{counts[word]} {word}" for word in ("better", "worse", "cannot tell") if word in counts)
    named_metric = TITLES.get(comparison.metric, comparison.metric)
    keys = {name: (colour, 0) for name, colour in GROUP_COLOURS.items() if name in set(table["group"])}
    axis = f"{named_metric}, {model} minus A"
    return _forest(
        rows, keys, ticks_of(-reach, reach), title=f"Difference in {axis}, with its 95 % interval", axis=axis,
        alt=f"{model} is, over {len(table)} classes: {said}.", zero=0.0,
    )  # fmt: skip


def calibration_figure(table: pd.DataFrame) -> Drawing:
    """Return a small panel a class: observed share of positives over the predicted probability, with intervals.

    ``table`` is that of ``evaluation.reliability``. The diagonal is perfect calibration.
    """
    names = list(dict.fromkeys(table["class"]))
    across = int((WIDTH + GAP - 40) // (PANEL + GAP))
    down = math.ceil(len(names) / across)
    alt = f"{len(names)} panels, one for each class; above the diagonal a finding is more frequent than predicted."
    drawing = Drawing(WIDTH, TOP - 24 + down * (PANEL + 44), "Observed frequency over predicted probability", alt)
    drawing.text(0, 16, drawing.title, size=13, bold=True)
    for k, name in enumerate(names):
        x, y = 32 + (k % across) * (PANEL + GAP), TOP - 14 + (k // across) * (PANEL + 44)
        _panel(drawing, x, y, str(name), table[table["class"] == name])
    return drawing


def _panel(drawing: Drawing, x: float, y: float, name: str, table: pd.DataFrame) -> None:
    drawing.text(x, y - 5, shortened(name, 21), size=10.5, bold=True)
    low = y + PANEL
    for share in (0.0, 0.5, 1.0):
        drawing.line(x, low - share * PANEL, x + PANEL, low - share * PANEL)
        drawing.line(x + share * PANEL, low, x + share * PANEL, y)
        drawing.text(x - 4, low - share * PANEL + 3.5, f"{share:g}", "end", size=9)
        drawing.text(x + share * PANEL, low + 12, f"{share:g}", "middle", size=9)
    drawing.line(x, low, x + PANEL, y, QUIET)
    for row in table.to_dict("records"):
        at = x + row["predicted"] * PANEL
        drawing.line(at, low - row["observed_low"] * PANEL, at, low - row["observed_high"] * PANEL, SERIES[0], 1.4)
        drawing.mark(at, low - row["observed"] * PANEL, SERIES[0], size=2.8)


def head_to_tail(evaluation: Evaluation) -> list[str]:
    """Return the class names by group, then by positives, the most first."""
    return [str(name) for name in by_frequency(evaluation.classes)["class"]]


def ticks_of(low: float, high: float) -> list[float]:
    """Return round numbers, about six, the first and the last at or beyond ``low`` and ``high``."""
    raw = max(high - low, 1e-6) / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * k, 9) for k in range(first, max(last, first + 1) + 1)]


def shortened(name: str, most: int = LONGEST) -> str:
    """Return a name of at most ``most`` letters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _label(name: str, n: int) -> str:
    return f"{shortened(name)}  (n = {n:,})"


def _forest(
    rows: Sequence[tuple[str, list[Dot]]], keys: Mapping[str, tuple[str, int]], ticks: Sequence[float], *,
    title: str, axis: str, alt: str, zero: float | None = None,
) -> Drawing:  # fmt: skip
    """A row a class, its dots under each other; ``keys`` say what colours and shapes mean."""
    many = max((len(dots) for _, dots in rows), default=1)
    row = ROW if many < 2 else STEP * many + 8
    left = 14 + max((width_of(label) for label, _ in rows), default=0.0)
    bottom = TOP + row * len(rows)
    drawing = Drawing(WIDTH, bottom + BOTTOM, title, alt)
    drawing.text(0, 16, title, size=13, bold=True)
    _key(drawing, left, keys)

    def place(value: float) -> float:
        return left + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (WIDTH - RIGHT - left)

    decimals = max(1, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    for tick in ticks:
        drawing.line(place(tick), TOP - 6, place(tick), bottom)
        drawing.text(place(tick), bottom + 15, f"{tick:.{decimals}f}", "middle")
    drawing.text((left + WIDTH - RIGHT) / 2, bottom + 34, axis, "middle")
    if zero is not None:
        drawing.line(place(zero), TOP - 6, place(zero), bottom, INK, 1.2)
    for k, (label, dots) in enumerate(rows):
        top = TOP + row * k
        if many > 1 and k:
            drawing.line(0, top, WIDTH - RIGHT, top, FAINT, 0.6)
        drawing.text(left - 10, top + row / 2 + 4, label, "end")
        for j, dot in enumerate(dots):
            _dot(drawing, dot, top + (row - STEP * (len(dots) - 1)) / 2 + STEP * j, place, left)
    return drawing


def _key(drawing: Drawing, left: float, keys: Mapping[str, tuple[str, int]]) -> None:
    wide = sum(22 + width_of(shortened(name)) for name in keys)
    x = left if left + wide <= WIDTH else 6.0
    for name, (colour, shape) in keys.items():
        drawing.mark(x + 5, 36, colour, shape)
        drawing.text(x + 15, 40, shortened(name))
        x += 24 + width_of(shortened(name))


def _dot(drawing: Drawing, dot: Dot, y: float, place: Callable[[float], float], left: float) -> None:
    if math.isnan(dot.value):
        drawing.text(left + 5, y + 4, "not defined", size=10, colour=QUIET)
        return
    if not (math.isnan(dot.low) or math.isnan(dot.high)):
        drawing.line(place(dot.low), y, place(dot.high), y, dot.colour, 2)
    drawing.mark(place(dot.value), y, dot.colour, dot.shape)


def _in_words(models: Mapping[str, Evaluation], metric: str) -> str:
    said = []
    for name, evaluation in models.items():
        values = evaluation.classes.set_index("class")[metric].dropna()
        if values.empty:
            said.append(f"{name}: not defined for any class.")
            continue
        best, worst = str(values.idxmax()), str(values.idxmin())
        said.append(
            f"{name}: from {float(np.min(values)):.2f} ({worst}) to {float(np.max(values)):.2f} ({best}), defined for "
            f"{len(values)} of {len(evaluation.classes)} classes."
        )
    return " ".join(said)
