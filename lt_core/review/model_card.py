"""A report on one or several models as one HTML file: a model card under the headings of CLAIM and TRIPOD+AI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lt_core.evaluation.errors import Sliced
from lt_core.evaluation.uncertainty import Comparison, Evaluation
from lt_core.problems import Unknown
from lt_core.review.closing_sections import checklist, discussion, other
from lt_core.review.material import STATEMENTS, Material
from lt_core.review.method_sections import data, evaluation, model, purpose, training
from lt_core.review.page import document, paragraph
from lt_core.review.result_sections import results
from lt_core.review.tables import named

NOTICE = "Not for diagnosis. A research and teaching report: the model has not been validated for patients."


def model_card(
    evaluations: Mapping[str, Evaluation] | Evaluation,
    *,
    about: Mapping[str, Mapping[str, Any]] | None = None,
    comparison: Comparison | Sequence[Comparison] | None = None,
    calibration: Mapping[str, pd.DataFrame] | None = None,
    probabilities: Mapping[str, str] | None = None,
    thresholds: Mapping[str, Mapping[str, Any]] | None = None,
    optimism: Mapping[str, Mapping[str, Any]] | None = None,
    slices: Mapping[str, Sequence[Sliced]] | None = None,
    said: Mapping[str, str] | None = None,
    versions: Mapping[str, Any] | None = None,
    title: str = "",
    date: str = "",
    command: str = "",
) -> str:
    """Return one HTML file that works offline, prints on A4 and holds no script.

    ``evaluations`` are by the names of their models. ``about``, by the same names, is what ``about_run`` returns of a
    run, or ``{"predictions": ..., "truth": ...}`` of a file. ``calibration`` holds tables of ``reliability``,
    ``probabilities`` how they were calibrated in words (``Recalibrated.words``),
    ``thresholds`` and ``optimism`` JSON objects of ``Thresholds`` (or ``{"by_hand": how, "set_on": part}``) and
    ``Optimism``, ``slices`` what ``by_slice`` returns, all by model. ``said`` is what only people know, by the keys of
    ``STATEMENTS``; what is missing is "not stated". ``versions`` is by package. ``date`` and ``command`` are put in as
    they are, so that equal input is an equal file.
    Raises ``Invalid`` without an evaluation, ``Unknown`` for a statement of another name.
    """
    for name in said or {}:
        if name not in STATEMENTS:
            raise Unknown.of("statement", name, list(STATEMENTS))
    found = (comparison,) if isinstance(comparison, Comparison) else tuple(comparison or ())
    material = Material(
        named(evaluations), about or {}, found, calibration or {}, thresholds or {}, optimism or {}, slices or {},
        said or {}, versions or {}, date, command, probabilities or {},
    )  # fmt: skip
    chapters = (purpose, data, model, training, evaluation, results, discussion, other, checklist)
    names = ", ".join(material.models)
    heading = title or (f"Model card: {names}" if len(material.models) == 1 else f"Report on {names}")
    return document(heading, _lead(material), [chapter(material) for chapter in chapters])


def _lead(material: Material) -> str:
    first = material.first
    said = [f"A classifier of images with {len(first.classes)} classes"]
    if len(material.models) > 1:
        said = [f"{len(material.models)} classifiers of images with {len(first.classes)} classes"]
    part = f"the {first.part} part" if first.part else "a file of predictions"
    who = f", {first.n_patients:,} patients" if first.n_patients is not None else ""
    said.append(f", evaluated class by class on {part}: {first.n:,} images{who}.")
    for name, found in material.models.items():
        f1, auroc = found.macro["f1"], found.macro["auroc"]
        if not np.isnan(f1.value):
            ranked = "" if np.isnan(auroc.value) else f", macro AUROC {auroc.value:.3f}{_ends(auroc.low, auroc.high)}"
            said.append(f" {name}: macro F1 {f1.value:.3f}{_ends(f1.low, f1.high)}{ranked}.")
    dated = f" {material.date}." if material.date else ""
    return paragraph(f"{''.join(said)}{dated}", "lead") + paragraph(NOTICE, "notice")


def _ends(low: float, high: float) -> str:
    return "" if np.isnan(low) or np.isnan(high) else f" [{low:.3f}, {high:.3f}]"
