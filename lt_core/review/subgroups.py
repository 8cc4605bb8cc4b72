"""Two sections of results: the classes in slices of the images, and how much tuning thresholds flatters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lt_core.evaluation.errors import Sliced
from lt_core.evaluation.optimism import MEASURE_NAMES
from lt_core.evaluation.result_table import TITLES
from lt_core.evaluation.thresholds import in_words
from lt_core.review.figures import head_to_tail
from lt_core.review.material import Material
from lt_core.review.page import number, paragraph, table, text
from lt_core.review.tables import MEAN

SHORT = {"fewer than": "too few", "no ": "none", "not defined": "not defined", "there is no": "no other slice"}
"""How a note on a slice begins, and what stands in the table for it."""


def slices(material: Material) -> str:
    """Return a table for each column that the images were sliced by, a row a class, slice and model."""
    columns = dict.fromkeys((one.slices.column, one.metric) for found in material.slices.values() for one in found)
    return "".join(_slices(material, column, metric) for column, metric in columns)


def _slices(material: Material, column: str, metric: str) -> str:
    found = {
        name: one
        for name, several in material.slices.items()
        for one in several
        if (one.slices.column, one.metric) == (column, metric)
    }
    several = len(material.models) > 1
    labels = list(dict.fromkeys(c for evaluation in material.models.values() for c in head_to_tail(evaluation)))
    rows = [(name, row) for name, one in found.items() for row in one.table.to_dict("records")]
    names = list(dict.fromkeys(slice_ for one in found.values() for slice_ in one.slices.names))
    rows.sort(key=lambda entry: (labels.index(entry[1]["class"]), names.index(entry[1]["slice"])))
    rows += [(name, {"class": MEAN, **row}) for name, one in found.items() for row in one.macro.to_dict("records")]
    body = [[row["class"], row["slice"], *([name] if several else []), *_cells(row)] for name, row in rows]
    head = ["Class", "Slice", *(["Model"] if several else []), "n", "n positive", TITLES.get(metric, metric)]
    head += ["All other images", "Difference", "p, corrected", "Verdict"]
    title = f"{TITLES.get(metric, metric)} by {column}"
    shown = table(head, [body], _caption(next(iter(found.values()))), numbers_from=3 if several else 2, name=title)
    said = "".join(paragraph(_story(one, name if several else "")) for name, one in found.items())
    return f"<h3>{text(title)}</h3>\n{said}{shown}"


def _cells(row: Mapping[Any, Any]) -> list[Any]:
    p = float(row["p_adjusted"])
    return [
        f"{row['n']:,}",
        f"{row['n_positive']:,}",
        number(row["value"], row["low"], row["high"]),
        number(row["rest"], row["rest_low"], row["rest_high"]),
        number(row["difference"], row["difference_low"], row["difference_high"], signed=True),
        "–" if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}",
        _verdict(row),
    ]


def _verdict(row: Mapping[Any, Any]) -> str:
    note = str(row["note"])
    return next((said for begin, said in SHORT.items() if note.startswith(begin)), note) or str(row["verdict"])


def _caption(found: Sliced) -> str:
    return (
        f"{found.slices.rule} Each slice against all other images, with 95 % intervals ({found.method}; of differences "
        f"MOVER). p is corrected for all classes and slices that could be tested ({found.correction}), of two slices "
        "once; that of means over classes for the slices. Too few: fewer than five "
        "patients with positives in the slice or in the rest; none: no positives in one of them."
    )


def _story(found: Sliced, model: str) -> str:
    """Return how many slices differ from the rest for sure, and which, the surest first."""
    rows = found.tests
    told = rows[rows["verdict"] != "cannot tell"].sort_values("p_adjusted").to_dict("records")
    tested = int(rows["p"].notna().sum())
    listed = "; ".join(
        f"{row['class']} {row['verdict']} in {row['slice']} ({row['value']:.3f} against {row['rest']:.3f})"
        for row in told[:6]
    )
    begin = f"{model}: {len(told)}" if model else str(len(told))
    more = f" and {len(told) - 6} more" if len(told) > 6 else ""
    verb, colon = "differs" if len(told) == 1 else "differ", ": " if told else ""
    return f"{begin} of the {tested} that could be tested {verb} from the rest for sure{colon}{listed}{more}."


def tuning(material: Material) -> str:
    """Return how much too high F1 is where thresholds were tuned, class by class; "" where none were."""
    found = {name: told for name, told in material.optimism.items() if name in material.models}
    if not found:
        return ""
    several = len(material.models) > 1
    classes = {name: {row["name"]: row for row in told["classes"]} for name, told in found.items()}
    order = dict.fromkeys(c for name in found for c in head_to_tail(material.models[name]))
    means = [
        [
            MEAN if told.get("average") != "micro" else "all cells together",
            *([name] if several else []),
            "–",
            *_gap(told["macro"]),
        ]
        for name, told in found.items()
    ]
    body = [
        [label, *([name] if several else []), f"{rows[label]['n_positive']:,}", *_gap(rows[label])]
        for label in order
        for name, rows in classes.items()
        if label in rows
    ]
    of = {MEASURE_NAMES.get(str(told.get("measure", "f1")), "") for told in found.values()}
    one = f" {of.pop()}" if len(of) == 1 else ""
    head = [
        "Class",
        *(["Model"] if several else []),
        "n positive",
        f"Apparent{one}",
        f"Honest{one}",
        "Too high by",
        "sd",
    ]
    title = "How much tuning thresholds flatters"
    said = " ".join(dict.fromkeys(_how(material, name, told) for name, told in found.items()))
    shown = table(head, [means, body], said, numbers_from=2 if several else 1, css=("means", ""), name=title)
    return f"<h3>{text(title)}</h3>\n{shown}"


def _gap(row: Mapping[str, Any]) -> Iterable[Any]:
    values = (float("nan") if row[key] is None else float(row[key]) for key in ("apparent", "honest", "optimism", "sd"))
    return [number(value, signed=k == 2) for k, value in enumerate(values)]


def _how(material: Material, name: str, told: Mapping[str, Any]) -> str:
    tuned = material.thresholds.get(name, {})
    where = tuned.get("tuned_on") or "the part that tuned"
    what = MEASURE_NAMES.get(str(told.get("measure", "f1")), "")
    each = "" if told.get("per_class", True) else "one for all classes, "
    note = f" {told['note']}" if told.get("note") else ""
    return (
        f"Of {what}, which is tuned for. "
        f"Thresholds by {in_words(told['method'], tuned.get('target'))}, {each}tuned on {where}. "
        "Apparent: scored on the "
        f"images that tuned them. Honest: {told['folds']} folds of patients, each scored at the thresholds of the "
        f"others, mean of {told['repeats']} repeats. sd: of the difference over the repeats, which is not an interval. "
        "The tables above are at the thresholds tuned on all of that part."
        f"{note}"
    )
