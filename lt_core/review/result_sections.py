"""The chapter of results: means, classes from head to tail, differences, calibration, errors, slices, tuning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lt_core.evaluation.result_table import TITLES
from lt_core.evaluation.uncertainty import Comparison, Evaluation, Value
from lt_core.evaluation.uncertainty.comparison import smallest_in_words
from lt_core.evaluation.uncertainty.warned import by_sentence
from lt_core.review import subgroups
from lt_core.review.figures import calibration_figure, classes_figure, difference_figure, head_to_tail
from lt_core.review.material import Material
from lt_core.review.page import Markup, Section, figure, number, paragraph, table, text
from lt_core.review.tables import MEAN, by_frequency

FIRST = ("precision", "recall", "specificity", "f1", "ap", "auroc")
MORE = ("prevalence", "npv", "f_beta", "mcc", "balanced_accuracy", "brier", "ece")
OF_MEANS = ("precision", "recall", "f1", "ap", "auroc", "brier")
WHOLE = {
    "accuracy": "Accuracy", "top_3_accuracy": "Top-3 accuracy", "top_5_accuracy": "Top-5 accuracy",
    "subset_accuracy": "Subset accuracy", "hamming_loss": "Hamming loss",
    "sample_precision": "Sample-averaged precision", "sample_recall": "Sample-averaged recall",
    "sample_f1": "Sample-averaged F1", "ranking_loss": "Ranking loss", "coverage_error": "Coverage",
    "label_ranking_ap": "Label-ranking AP", "ranking_loss_with_findings": "Ranking loss, images with findings",
    "coverage_error_with_findings": "Coverage, images with findings",
    "label_ranking_ap_with_findings": "Label-ranking AP, images with findings",
}  # fmt: skip
PANELS = 36
"""How many classes at most get a panel of calibration; the table has them all."""


def results(material: Material) -> Section:
    """Everything that was found."""
    parts = [_means(material), _classes(material, FIRST, "Classes, from head to tail"), _figures(material)]
    parts.append(_classes(material, MORE, "More measures of every class"))
    parts += [_compared(found, k, material) for k, found in enumerate(material.comparisons)]
    parts += [_calibrated(name, found, k) for k, (name, found) in enumerate(material.calibration.items())]
    parts.append(_errors(material))
    parts += [subgroups.slices(material), subgroups.tuning(material)]
    return Section("results", "Results", "".join(parts), new_page=True)


def _means(material: Material) -> str:
    several = len(material.models) > 1
    rows = []
    for name, found in material.models.items():
        titles = {f"mean of {group}": values for group, values in found.groups.items()}
        titles |= {
            MEAN: found.macro,
            "weighted by positives": found.weighted,
            "all cells together (micro)": found.micro,
        }
        for title, values in titles.items():
            if all(np.isnan(values[metric].value) for metric in OF_MEANS if metric in values):
                continue
            n = len(found.classes)
            if title.startswith("mean of ") and title != MEAN:
                n = int((found.classes["group"] == title.removeprefix("mean of ")).sum())
            cells = [_mean_cell(values.get(metric), n) for metric in OF_MEANS]
            rows.append([title, *([name] if several else []), n, *cells])
    if several:
        order = list(dict.fromkeys(row[0] for row in rows))
        rows.sort(key=lambda row: order.index(row[0]))
    head = ["Mean", *(["Model"] if several else []), "Classes", *(TITLES[metric] for metric in OF_MEANS)]
    said = (
        "Means over classes and over all cells, with 95 % intervals. Where a metric is not defined for some classes, "
    )
    shown = table(
        head, [rows], f"{said}the number it is averaged over is said.", numbers_from=2 if several else 1, name="Means"
    )
    warned = dict.fromkeys(sentence for found in material.models.values() for sentence in found.warnings)
    return f"<h3>Means</h3>\n{shown}{''.join(paragraph(sentence) for sentence in warned)}{_whole(material)}"


def _mean_cell(value: Value | None, n_classes: int = 0) -> Any:
    """The value of a mean, and over how many classes it is where those are not all."""
    if value is None:
        return "–"
    cell = number(value.value, value.low, value.high)
    some = value.n_classes is not None and 0 < value.n_classes < n_classes
    return Markup(f'{cell} <span class="range">of {value.n_classes} classes</span>') if some else cell


def _whole(material: Material) -> str:
    known = [key for key in WHOLE if any(key in found.whole for found in material.models.values())]
    if not known:
        return ""
    rows = [
        [WHOLE[key], *(_mean_cell(found.whole.get(key)) for found in material.models.values())] for key in known
    ]  # fmt: skip
    head = ["Measure of whole images", *(material.models if len(material.models) > 1 else ["Value"])]
    return table(head, [rows], "Measures taken image by image, with 95 % intervals.", name="Measures of whole images")


def _classes(material: Material, metrics: Sequence[str], title: str) -> str:
    """A row a class and model, head classes first, and a band of means at the end."""
    several = len(material.models) > 1
    by_name = {name: {row["class"]: row for row in e.classes.to_dict("records")} for name, e in material.models.items()}
    rows = []
    for label in dict.fromkeys(c for found in material.models.values() for c in head_to_tail(found)):
        for name, classes in by_name.items():
            if label in classes:
                rows.append(_class_row(label, name if several else "", classes[label], metrics))
    head = ["Class", *(["Model"] if several else []), "Group", "n positive", "Threshold"]
    head += [TITLES[metric] for metric in metrics]
    n = ", ".join(dict.fromkeys(f"{found.n:,} images" for found in material.models.values()))
    warned = _warnings(material)
    said = f"Every class on {n}, head classes first, with 95 % intervals under the values."
    shown = table(head, [rows], said, numbers_from=3 if several else 2, name=title)
    return f"<h3>{text(title)}</h3>\n{shown}{warned if metrics is FIRST else ''}"


def _class_row(label: str, model: str, row: Mapping[Any, Any], metrics: Sequence[str]) -> list[Any]:
    cells = [number(row[m], row[f"{m}_low"], row[f"{m}_high"]) for m in metrics]
    marked = f"{label} *" if row["warning"] else label
    return [marked, *([model] if model else []), row["group"] or "–", f"{row['n_positive']:,}", _cut(row), *cells]


def _cut(row: Mapping[Any, Any]) -> str:
    value = float(row["threshold"])
    return "largest" if np.isnan(value) else "nobody" if np.isinf(value) else f"{value:.3g}"


def _warnings(material: Material) -> str:
    said = by_sentence({name: found.classes for name, found in material.models.items()})
    return "".join(paragraph(f"* {', '.join(names)}: {warning}") for warning, names in said.items())


def _figures(material: Material) -> str:
    shown = [m for m in ("f1", "auroc") if all(m in found.classes for found in material.models.values())]
    return "".join(figure(classes_figure(material.models, metric), f"figure-{metric}") for metric in shown)


def _compared(found: Comparison, k: int, material: Material) -> str:
    metric = TITLES.get(found.metric, found.metric)
    first, second, letter = _called(found, k, material)
    title = f"{metric}: {second} against {first}"
    means = [[MEAN, *_difference(row)] for row in found.macro.to_dict("records")]
    groups = [[f"mean of {row['group']}", *_difference(row)] for row in found.groups.to_dict("records")]
    rows = by_frequency(found.classes).to_dict("records")
    classes = [[row["name"], *_difference(row)] for row in rows]
    said = (
        f"{letter} minus A on the same {found.n:,} images, {found.draws:,} paired draws, seed {found.seed}, with 95 % "
        f"intervals. p of classes, and of groups, is corrected for how many they are ({found.correction}); the verdict "
        f"goes by it. The last column is {smallest_in_words(found.correction)}; of the mean of all classes, without "
        "correction."
    )
    head = ["Class", "n positive", "A", letter, f"{letter} minus A", "p, corrected", f"Verdict on {letter}"]
    shown = table([*head, "Smallest shown"], [[*groups, *means], classes], said, css=("means", ""), name=title)
    notes = "".join(paragraph(note) for note in found.notes)
    drawing = figure(difference_figure(found, letter), f"figure-difference-{k}")
    return f"<h3>{text(title)}</h3>\n{shown}{notes}{drawing}"


def _called(found: Comparison, k: int, material: Material) -> tuple[str, str, str]:
    """Return what A and the other one are called, and the other one's letter.

    Where models go by letters, such as "C · name", as on the page, these hold here too; else the other one is B.
    """
    first, *others = material.models
    name = others[k] if len(others) == len(material.comparisons) else ""
    letter, dot, _ = name.partition(" · ")
    if dot and len(letter) == 1:
        return first, name, letter
    return f"{found.title_a or 'A'} (A)", f"{found.title_b or 'B'} (B)", "B"


def _difference(row: Mapping[Any, Any]) -> list[Any]:
    return [
        f"{int(row['n_positive']):,}",
        number(row["a"]),
        number(row["b"]),
        number(row["difference"], row["low"], row["high"], signed=True),
        _chance(float(row["p_adjusted"])),
        row["verdict"],
        number(row["smallest_detectable"]),
    ]


def _chance(p: float) -> str:
    return "not defined" if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _calibrated(name: str, found: pd.DataFrame, k: int) -> str:
    title = f"Calibration of {name}"
    names = list(dict.fromkeys(found["class"]))[:PANELS]
    drawing = calibration_figure(found[found["class"].isin(names)])
    said = (
        "Each dot is the images of one class with about the same predicted probability; bars are Wilson's 95 % "
        "intervals of how many of them have the finding."
    )
    return f"<h3>{text(title)}</h3>\n{figure(drawing, f'figure-calibration-{k}', said)}"


def _errors(material: Material) -> str:
    several = len(material.models) > 1
    by_name = {name: {row["class"]: row for row in e.classes.to_dict("records")} for name, e in material.models.items()}
    rows = []
    for label in dict.fromkeys(c for found in material.models.values() for c in head_to_tail(found)):
        for name, classes in by_name.items():
            if row := classes.get(label):
                missed, alarms = f"{row['fn']:,} of {row['n_positive']:,}", f"{row['fp']:,} of {row['n_negative']:,}"
                rows.append([label, *([name] if several else []), f"{row['tp']:,}", missed, alarms, f"{row['tn']:,}"])
    head = ["Class", *(["Model"] if several else [])]
    head += ["Found (TP)", "Missed (FN)", "False alarms (FP)", "Rightly not called (TN)"]
    said = "Images, at the thresholds of the table of classes; misses are of the positives, false alarms of the rest."
    shown = table(head, [rows], said, numbers_from=2 if several else 1, name="Errors in numbers")
    confused = "".join(_confusion(name, found) for name, found in material.models.items())
    return f"<h3>Errors in numbers</h3>\n{shown}{confused}"


def _confusion(name: str, found: Evaluation) -> str:
    if found.confusion is None or len(found.classes) > 20:
        return ""
    names = [str(name) for name in found.classes["class"]]
    rows = [[name, *(f"{int(n):,}" for n in row)] for name, row in zip(names, found.confusion, strict=True)]
    return table(
        ["True class", *names], [rows], f"Confusion matrix of {name}: the true class by row.", name="Confusion matrix"
    )
