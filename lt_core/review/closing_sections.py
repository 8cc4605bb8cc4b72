"""The last chapters of a report: limits, other information, and where the topics of the checklists are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lt_core.evaluation.optimism import title_of
from lt_core.review.material import Material
from lt_core.review.method_sections import stated
from lt_core.review.page import Markup, Section, bullets, facts, link, paragraph, table, text
from lt_core.review.tables import thresholds_known

FEW = 20
"""Positives below which a class is named as one of which little can be said."""
CLAIM = link(
    "https://doi.org/10.1148/ryai.2020200029",
    "Mongan, Moy and Kahn, Checklist for Artificial Intelligence in Medical Imaging (CLAIM), Radiology: Artificial "
    "Intelligence 2020",
)
CLAIM_2024 = link("https://doi.org/10.1148/ryai.240300", "Tejani et al., CLAIM: 2024 update, same journal, 2024")
TRIPOD = link("https://doi.org/10.1136/bmj-2023-078378", "Collins et al., TRIPOD+AI statement, BMJ 2024")
Given = Callable[[Material], bool]
YES, PART, NO = "given", "in part", "not stated"


def discussion(material: Material) -> Section:
    """What the numbers do not say."""
    listed = bullets([*_limits(material)])
    return Section("discussion", "Discussion: limits", listed + facts(stated(material, "limits", "implications")))


def _limits(material: Material) -> list[str]:
    said = ["The model is not a medical device and was not tested in patient care: not for diagnosis."]
    if material.synthetic:
        said.append("The images are drawn by a program: they show how losses behave, not how patients look.")
    said += _of_classes(material)
    if any(evaluation.n_patients is None for evaluation in material.models.values()):
        said.append("Which images are of the same patient is not known: where some are, the intervals are too narrow.")
    if any(evaluation.part == "val" for evaluation in material.models.values()):
        said.append("The evaluated part is validation, which chose the epoch: its numbers flatter the model.")
    if material.trained:
        said.append(
            "Each model is one run with one seed: the intervals are about the images, not about training it again."
        )
    for name in material.models:
        told = material.thresholds.get(name)
        if told and (gap := material.optimism.get(name, {}).get("macro", {}).get("optimism")) is not None:
            where = told.get("tuned_on") or "one part"
            of = title_of(material.optimism[name].get("measure", "f1"), material.optimism[name].get("average", "macro"))
            said.append(f"{name}: tuning thresholds on {where} flatters {of} there by about {gap:.3f}.")
    said.append("Labels are taken as they are: errors in them count as errors of the model, or as its merits.")
    return said


def _of_classes(material: Material) -> list[str]:
    """Which classes have few positives, and where a metric is not defined."""
    said = []
    rows = material.first.classes.to_dict("records")
    few = [str(row["class"]) for row in rows if row["n_positive"] < FEW]
    if few:
        said.append(f"Fewer than {FEW} positives among the evaluated images, which say little: {', '.join(few)}.")
    for name, evaluation in material.models.items():
        rows = evaluation.classes.to_dict("records")
        lost = [str(row["class"]) for row in rows if np.isnan(row["precision"]) or np.isnan(row["recall"])]
        if lost:
            listed = ", ".join(lost)
            said.append(f"{name}: nothing was called, or nothing is there, so that precision or recall of {listed} "
                        "is not defined.")  # fmt: skip
    return said


def other(material: Material) -> Section:
    """Versions, date, how to do it again, and what else people said."""
    parts = [facts(stated(material, "registration", "ethics", "funding", "contact"))]
    values = {"Date of this report": material.date or None, "Command": _code(material.command)}
    for name in material.trained:
        values[f"Command that trains {name}"] = _code(_training_command(material, name))
    parts.append(facts(values))
    versions = {name: value if value else "not installed" for name, value in material.versions.items()}
    parts.append(f"<h3>Versions</h3>\n{facts(versions) if versions else paragraph(None)}")
    if material.trained:
        parts.append(_all_settings(material))
    return Section("other", "Other information", "".join(parts))


def _code(said: str) -> Markup | None:
    return Markup(f"<code>{text(said)}</code>") if said else None


def _training_command(material: Material, name: str) -> str:
    from lt_core.problems import Problem
    from lt_core.training import RunConfig
    from lt_core.training.reproduce import as_command, pinned

    try:
        return as_command(pinned(RunConfig.from_json(material.config(name)), material.card(name)))
    except (Problem, KeyError, TypeError, ValueError):
        return ""


def _all_settings(material: Material) -> str:
    names = [
        key
        for key in dict.fromkeys(key for name in material.trained for key in material.config(name))
        if key not in ("data", "name")
    ]
    rows = [
        [key.replace("_", " "), *(_setting(material.config(name).get(key)) for name in material.trained)]
        for key in names
    ]
    head = ["Setting", *(material.trained if len(material.trained) > 1 else ["Value"])]
    shown = table(head, [rows], "Every setting of training.", numbers_from=9, name="All settings")
    return f"<h3>All settings</h3>\n{shown}"


def _setting(value: object) -> object:
    return "–" if value is None or value in ("", {}, []) else value


def _said(*names: str) -> Given:
    return lambda material: any(material.said.get(name) for name in names)


def _trained(material: Material) -> bool:
    return bool(material.trained)


def _set_nowhere(material: Material) -> bool:
    """Whether nobody says of a model where its thresholds were set: tuned, by hand, or at 0.5 from the start."""
    return any(not material.thresholds.get(name) and not thresholds_known(e) for name, e in material.models.items())


def _always(_: Material) -> bool:
    return True


TOPICS: tuple[tuple[str, str, str, Given, bool | Given], ...] = (
    # topic, chapter, its key, whether it is given, whether people must add to it
    ("Title: a study of artificial intelligence, and its kind", "Title", "", _always, True),
    ("Intended use and clinical role", "Purpose", "purpose", _said("purpose"), False),
    ("Study design and objectives", "Purpose", "purpose", _said("design"), False),
    ("Data sources", "Data", "data", lambda m: _trained(m) or _said("source")(m), True),
    ("Eligibility, participants", "Data", "data", _said("eligibility"), False),
    ("De-identification", "Data", "data", _said("de_identification"), False),
    ("Missing data: unknown labels", "Data", "data", _always, True),
    ("Reference standard, outcome", "Data", "data", _said("ground_truth"), False),
    ("Annotators, variability between and within them", "Data", "data", _said("annotators"), False),
    ("Sample size", "Data", "data", _said("sample_size"), False),
    ("Data partitions: how assigned", "Data", "data", _trained, True),
    ("Class imbalance", "Data; Results", "data", _always, False),
    ("Model: inputs, outputs, structure", "Model", "model", _trained, True),
    ("Initialisation of the parameters", "Model", "model", _trained, False),
    ("Software and versions", "Other information", "other", lambda m: bool(m.versions), False),
    ("Training: approach, hyper-parameters", "Training", "training", _trained, False),
    ("How the final model was selected", "Model", "model", _trained, False),
    ("Metrics of performance", "Evaluation; Results", "evaluation", _always, False),
    ("Statistical measures of uncertainty", "Evaluation; Results", "evaluation", _always, False),
    ("Thresholds, and where they were set", "Evaluation", "evaluation", _always, _set_nowhere),
    ("Calibration", "Results", "results", lambda m: bool(m.calibration), False),
    ("Robustness, fairness: slices", "Results", "results", lambda m: bool(m.sliced_by), True),
    ("Explainability", "", "", lambda _: False, False),
    ("Validation on external data", "Evaluation", "evaluation", _said("external"), False),
    ("Performance with its precision", "Results", "results", _always, False),
    ("Failure analysis", "Results: errors in numbers", "results", _always, True),
    ("Limitations", "Discussion", "discussion", _always, True),
    ("Implications for practice", "Discussion", "discussion", _said("implications"), False),
    ("Registration, protocol", "Other information", "other", _said("registration"), False),
    ("Ethical approval", "Other information", "other", _said("ethics"), False),
    ("Funding", "Other information", "other", _said("funding"), False),
)  # fmt: skip


def checklist(material: Material) -> Section:
    """Where each topic of CLAIM and TRIPOD+AI is, and whether this report has it."""
    rows = []
    for topic, chapter, key, given, more in TOPICS:
        left = more(material) if callable(more) else more
        state = (PART if left else YES) if given(material) else NO
        where = Markup(f'<a href="#{key}">{text(chapter)}</a>') if key else (chapter or "–")
        rows.append([topic, where, state])
    sources = Markup(f"<p>The chapters follow {CLAIM}, {CLAIM_2024}, and {TRIPOD}.</p>\n")
    said = (
        "Topics of these checklists, where they are here, and what is left to people to state. The numbers of their "
        "items are left out: look them up there before a submission."
    )
    shown = table(["Topic", "Chapter", "State"], [rows], said, numbers_from=9, name="Topics of the checklists")
    return Section("checklist", "Checklist", sources + shown)
