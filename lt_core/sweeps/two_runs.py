"""Two runs side by side: what differs in their settings, and in every class and group."""

from __future__ import annotations

import math
from typing import Any

from lt_core.evaluation import Predictions, Report, report
from lt_core.params import checked
from lt_core.problems import Problem
from lt_core.sweeps.paired import UNDECIDED
from lt_core.training.config import RunConfig
from lt_core.training.store import Run

METRICS = ("ap", "f1", "auroc", "precision", "recall")
GROUPS = ("head", "medium", "tail")


def compare_runs(a: Run, b: Run, *, part: str = "test", threshold: float = 0.5) -> dict[str, Any]:
    """Return B minus A as a JSON object.

    ``a`` and ``b``: run, name, loss, seed; ``settings``: a row per setting that differs; ``macro``, ``groups`` and
    ``classes``: rows of ``metric, a, b, difference, low, high, verdict``. One run a side says nothing about seeds, and
    no interval over the test images is given yet: ``low`` and ``high`` are None, the verdict is "cannot tell" (or
    "same"). ``note`` says what stands in the way of a fair comparison. Raises ``Problem`` where the runs answer
    different questions: other classes, or another number of images.
    """
    said_a, said_b = (_report(run, part, threshold) for run in (a, b))
    of_a, of_b = (run.predictions(part) for run in (a, b))
    if of_a.class_names != of_b.class_names:
        raise Problem(f"{a.path.name} and {b.path.name} have different classes: only runs on the same data compare")
    macro = [_row(metric, said_a.macro[metric], said_b.macro[metric]) for metric in METRICS]
    groups = [
        {"group": group, **_row(metric, said_a.groups[group][metric], said_b.groups[group][metric])}
        for group in GROUPS
        for metric in METRICS
    ]
    classes_a, classes_b = (said.as_json()["classes"] for said in (said_a, said_b))
    classes = [
        {"class": x["name"], "group": x["group"], "n_positive": x["n_positive"], **_row(metric, x[metric], y[metric])}
        for x, y in zip(classes_a, classes_b, strict=True)
        for metric in METRICS
    ]
    return {
        "a": _about(a),
        "b": _about(b),
        "part": part,
        "n": len(of_a),
        "threshold": threshold,
        "same_images": _same_images(of_a, of_b),
        "settings": setting_differences(a.config, b.config),
        "macro": macro,
        "groups": groups,
        "classes": classes,
        "note": _note(a, b, _same_images(of_a, of_b)),
    }


def setting_differences(a: RunConfig, b: RunConfig) -> list[dict[str, Any]]:
    """Return ``{setting, a, b}`` for every setting that differs; the loss's values with their defaults, by loss."""
    one, other = _settings(a), _settings(b)
    names = [name for name in dict.fromkeys([*one, *other]) if one.get(name) != other.get(name) and name != "name"]
    return [{"setting": name, "a": one.get(name), "b": other.get(name)} for name in names]


def _settings(config: RunConfig) -> dict[str, Any]:
    from lt_core.losses.registry import get_loss

    entry = config.as_json()
    spec = get_loss(config.loss)
    values = checked(spec.key, spec.params, entry.pop("loss_values"))
    return entry | {f"{config.loss}.{name}": value for name, value in values.items()}


def _report(run: Run, part: str, threshold: float) -> Report:
    return report(run.predictions(part), threshold=threshold, groups=run.dataset_card["groups"])


def _row(metric: str, a: float | int | None, b: float | int | None) -> dict[str, Any]:
    gap = None if a is None or b is None else float(b) - float(a)
    same = gap is not None and math.isclose(gap, 0.0, abs_tol=1e-12)
    ends: dict[str, Any] = {"low": None, "high": None}
    return {"metric": metric, "a": a, "b": b, "difference": gap, **ends, "verdict": "same" if same else UNDECIDED}


def _about(run: Run) -> dict[str, Any]:
    config = run.config
    return {"run": str(run.path), "name": run.name, "loss": config.loss, "seed": config.seed, "state": run.state}


def _same_images(a: Predictions, b: Predictions) -> bool:
    return len(a) == len(b) and bool((a.ids == b.ids).all())


def _note(a: Run, b: Run, same_images: bool) -> str:
    if not same_images:
        return "the two runs were tested on different images: differences mix the models with the images"
    if a.config.seed != b.config.seed:
        return "the two runs have different seeds: a part of every difference is chance"
    return "one run a side: how much another seed would change is not known (see the comparison of losses)"
