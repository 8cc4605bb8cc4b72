"""Two models side by side: what differs in the settings of two runs, and in every class and group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation import Predictions
from lt_core.evaluation.cross_fitted import FITTED
from lt_core.evaluation.ratios import or_none
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.thresholds import tune
from lt_core.evaluation.uncertainty import compare, evaluate
from lt_core.evaluation.uncertainty.comparison import UNDECIDED
from lt_core.evaluation.uncertainty.evaluating import checked_beta
from lt_core.evaluation.uncertainty.pairing import alone, of_classes
from lt_core.params import checked
from lt_core.problems import Invalid
from lt_core.training.config import RunConfig
from lt_core.training.folder.store import Run
from lt_core.training.recalibrating import recalibrated_run

METRICS = ("ap", "f1", "auroc", "precision", "recall")
SAME = "same"
GROUPS = ("head", "medium", "tail")
ENDS = ("a", "b", "difference", "low", "high", "p", "p_adjusted", "verdict", "smallest_detectable", "method")


def compare_runs(
    a: Run,
    b: Run,
    *,
    part: str = "test",
    threshold: float = 0.5,
    thresholds: tuple[str, float | None] | None = None,
    calibrate: str | None = None,
    metrics: Sequence[str] = METRICS,
    **more: Any,
) -> dict[str, Any]:
    """Return B minus A as a JSON object; ``more`` (draws, seed, correction, beta) is as in ``differences``.

    ``a`` and ``b``: run, name, loss, seed; ``settings``: a row per setting that differs; ``macro``, ``groups`` and
    ``classes``: rows of metric, a, b, difference, low, high, verdict and what ``compare`` says beside them. Intervals
    and p-values are of the paired bootstrap over test images (by patient where known): they say nothing about seeds.
    ``thresholds`` is a method and its target: each run's own, tuned on its validation part, after it was calibrated by
    ``calibrate`` of ``recalibrated.WAYS``, fitted there too. ``note`` says what stands in the way of a fair comparison,
    ``notes`` how they were calibrated and what was left out: classes go by name, those of one run alone are.
    Runs without common images or truth are not paired: their rows have no intervals. Raises ``Invalid`` without a class
    in common, and where a run that chooses one class an image has another one alone.
    """
    of_a, of_b = (run.predictions(part) for run in (a, b))
    same = _same_images(of_a, of_b)
    given = (part, threshold, thresholds, calibrate, more.get("seed", 0))
    (one, cut_a, words_a), (other, cut_b, words_b) = (
        _entrant(_scored(said, run, same), run, *given) for said, run in ((of_a, a), (of_b, b))
    )
    notes = [f"{scored.title}: {note}" for scored in (one, other) for note in scored.notes]
    one, other, groups, cuts, left = in_common(one, other, list(a.dataset_card["groups"]), (cut_a, cut_b))
    try:
        found = differences(one, other, groups, cuts=cuts, metrics=metrics, **more)
    except Invalid as problem:
        if same:
            raise
        told = {key: more[key] for key in ("beta",) if key in more}
        found = _unpaired(one, other, groups, cuts, metrics, **told) | {"notes": [f"Not paired: {problem}."]}
    found["notes"] = [*notes, *left, *found["notes"]]
    return {
        "a": _about(a) | words_a,
        "b": _about(b) | words_b,
        "part": part,
        "threshold": threshold if thresholds is None else {"method": thresholds[0], "target": thresholds[1]},
        "same_images": same,
        "settings": setting_differences(a.config, b.config),
        **found,
        "note": _note(a, b, same),
    }


def in_common(
    a: Scored, b: Scored, groups: Sequence[str], cuts: Sequence[ArrayLike]
) -> tuple[Scored, Scored, list[str], list[ArrayLike], list[str]]:
    """Return A, B, groups and thresholds of the classes that both have, in A's order, and what was left out."""
    names = [name for name in a.class_names if name in b.class_names]
    if not names:
        raise Invalid(f"{a.title or 'A'} and {b.title or 'B'} have no class in common: there is nothing to compare")
    left = [*alone(a, names), *alone(b, names)]
    at = [[one.class_names.index(name) for name in names] for one in (a, b)]
    kept: list[ArrayLike] = [
        np.broadcast_to(np.asarray(cut, dtype=np.float64), len(one.class_names))[k]
        for one, cut, k in zip((a, b), cuts, at, strict=True)
    ]
    return of_classes(a, names), of_classes(b, names), [groups[k] for k in at[0]], kept, left


def differences(
    a: Scored,
    b: Scored,
    groups: Sequence[str],
    *,
    cuts: Sequence[ArrayLike] = (0.5, 0.5),
    metrics: Sequence[str] = METRICS,
    draws: int = 1000,
    seed: int = 0,
    correction: str = "holm",
    beta: float = 2.0,
) -> dict[str, Any]:
    """Return n, ``macro``, ``groups`` and ``classes``, rows of each metric, and ``notes``, of B minus A.

    ``groups`` is "head", "medium" or "tail" for each class of ``a``, ``cuts`` the thresholds of A and of B. Classes go
    by name, in the order of A; those of one model alone are left out. A group that has no class has a row without
    numbers. ``correction`` is of p-values for their number (``multiple.adjusted``), ``beta`` of F-beta.
    """
    a, b, groups, cuts, left = in_common(a, b, groups, cuts)
    beta = checked_beta(beta)
    alike = _alike(a, b, cuts)
    order = {name: k for k, name in enumerate(a.class_names)}
    macro, by_group, classes = [], [], []
    said: dict[str, Any] = {}
    for metric in metrics:
        found = compare(a, b, metric=metric, thresholds_a=cuts[0], thresholds_b=cuts[1], groups=groups, draws=draws,
                        seed=seed, correction=correction, beta=beta).as_json()  # fmt: skip
        said = {key: found[key] for key in ("n", "n_patients", "draws", "seed", "correction")}
        left += found["notes"]
        macro.append({"metric": metric, "n_classes": found["macro"]["n_classes"], **_ends(found["macro"], alike.all())})
        there = {row["group"]: row for row in found["groups"]}
        by_group += [
            {"group": g, "metric": metric, **_ends(there.get(g, {}), alike[np.asarray(groups) == g].all())}
            for g in GROUPS
        ]
        classes += [
            {"class": row["name"], "group": row["group"], "n_positive": row["n_positive"], "metric": metric,
             **_ends(row, alike[order[row["name"]]])} for row in found["classes"]
        ]  # fmt: skip
    classes.sort(key=lambda row: order[row["class"]])
    by_group.sort(key=lambda row: GROUPS.index(row["group"]))
    notes = list(dict.fromkeys(left))
    return {**said, "beta": beta, "macro": macro, "groups": by_group, "classes": classes, "notes": notes}


def _unpaired(
    a: Scored, b: Scored, groups: Sequence[str], cuts: Sequence[ArrayLike], metrics: Sequence[str], beta: float = 2.0
) -> dict[str, Any]:
    """The same rows without intervals, of models that were asked different questions."""
    one, other = (
        evaluate(m, thresholds=cut, groups=groups, draws=0, beta=beta) for m, cut in zip((a, b), cuts, strict=True)
    )

    def row(metric: str, x: float, y: float) -> dict[str, Any]:
        return {"metric": metric, **_ends({"a": or_none(x), "b": or_none(y), "difference": or_none(y - x)})}

    return {
        "n": len(a),
        "macro": [row(m, one.macro[m].value, other.macro[m].value) for m in metrics],
        "groups": [
            {"group": g, **row(m, one.groups[g][m].value, other.groups[g][m].value)} for g in GROUPS for m in metrics
        ],
        "classes": [
            {"class": name, "group": groups[k], "n_positive": int(one.classes["n_positive"][k]),
             **row(m, one.classes[m][k], other.classes[m][k])} for k, name in enumerate(a.class_names) for m in metrics
        ],
    }  # fmt: skip


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


def _scored(said: Predictions, run: Run, same: bool) -> Scored:
    """Predictions of a run; on the same images rows go by their number, for names need not be distinct."""
    scored = Scored.of(said, title=run.name)
    return replace(scored, ids=said.rows.astype(np.str_)) if same else scored


def _entrant(
    scored: Scored, run: Run, part: str, threshold: float, thresholds: tuple[str, float | None] | None,
    calibrate: str | None, seed: int,
) -> tuple[Scored, float | NDArray[np.float64], dict[str, str]]:  # fmt: skip
    """Return the predictions as they are calibrated, the thresholds, and how they were calibrated, for ``_about``."""
    wanted = part != "val" and (thresholds is not None or calibrate in FITTED)
    validation = Scored.of(run.predictions("val"), title=run.name) if wanted else None
    told = {}
    if calibrate is not None:
        found = recalibrated_run(run, scored, validation, calibrate, seed=seed)
        scored, validation, told = found.scored, found.validation, {"calibration": found.words}
    if thresholds is None:
        return scored, threshold, told
    method, target = thresholds
    return scored, tune(scored if validation is None else validation, method, target=target).values, told


def _alike(a: Scored, b: Scored, cuts: Sequence[ArrayLike]) -> NDArray[np.bool_]:
    """In which of their classes (C,) both models say the same of the same images, word for word."""
    n = len(a.class_names)
    if not np.array_equal(a.ids, b.ids):
        return np.zeros(n, np.bool_)
    equal_cuts = np.broadcast_to(np.asarray(cuts[0]) == np.asarray(cuts[1]), n)
    return np.asarray((a.scores == b.scores).all(axis=0) & equal_cuts)


def _ends(row: dict[str, Any], alike: bool | np.bool_ = False) -> dict[str, Any]:
    """The numbers of a row; the verdict is "same" of models that say the same, and of no others."""
    ends = {name: row.get(name) for name in ENDS}
    if ends["verdict"] is None:
        ends["verdict"] = UNDECIDED
    if alike and ends["difference"] is not None:
        ends["verdict"] = SAME
    return ends


def _about(run: Run) -> dict[str, Any]:
    config = run.config
    return {"run": str(run.path), "name": run.name, "loss": config.loss, "seed": config.seed, "state": run.state}


def _same_images(a: Predictions, b: Predictions) -> bool:
    """Whether both are about the same rows of the same images, with the same truth in the classes they share."""
    names = [name for name in a.class_names if name in b.class_names]
    truth = [np.nan_to_num(p.targets[:, [p.class_names.index(name) for name in names]], nan=-1) for p in (a, b)]
    pairs = ((a.ids, b.ids), (a.rows, b.rows), truth)
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in pairs)


def _note(a: Run, b: Run, same_images: bool) -> str:
    said = [] if same_images else ["the two runs were tested on different images"]
    if a.config.seed != b.config.seed:
        said.append("the two runs have different seeds: a part of every difference is chance")
    return "; ".join(said) or (
        "one run a side: how much another seed would change is not known (see the comparison of losses)"
    )
