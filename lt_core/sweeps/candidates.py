"""Which entries a comparison of losses may have: every loss that fits, alone and with the method that goes with it."""

from __future__ import annotations

from typing import Literal

from lt_core.losses import LossSpec, all_losses
from lt_core.params import Value
from lt_core.sweeps.compare_plan import Candidate
from lt_core.training.config import SETTINGS

METHOD = ("stages", "deferred_from", "deferred_beta", "head", "sampler")
"""Settings that belong to a loss rather than to the optimizer: the optimizer is the same for all of a comparison."""
WORDS = {"cosine": "cosine head", "class-aware": "class-aware", "square-root": "square-root sampler"}
FIRST = {"multi": ("bce", "focal", "asl", "db+"), "single": ("ce", "focal_ce", "ldam+", "logit_adjusted_ce")}
"""What a comparison begins with, by the kind of the labels."""
SHORT = {
    "bce": "BCE", "weighted_bce": "weighted BCE", "focal": "focal", "focal_ce": "focal", "ce": "CE", "asl": "ASL",
    "asl_single": "ASL", "db": "DB", "ldam": "LDAM", "ldam_multilabel": "LDAM", "lmf": "LMF", "lmf_multilabel": "LMF",
    "ral": "RAL", "ral_single": "RAL", "class_balanced": "class-balanced", "class_balanced_ce": "class-balanced",
    "logit_adjusted_bce": "logit-adjusted BCE", "logit_adjusted_ce": "logit-adjusted CE", "apl": "APL",
    "splc": "SPLC", "zlpr": "ZLPR", "equalization": "EQL", "equalization_v2": "EQL v2",
}  # fmt: skip
"""Labels fit for a table, where the title of a loss is too long for one."""


def candidates_for(kind: Literal["multi", "single"]) -> dict[str, Candidate]:
    """Return what can be compared on labels of ``kind``, by a name that lasts.

    A loss is there under its key, and under ``KEY+`` once more with the method settings that its declaration suggests
    (``trained_with``: LDAM-DRW, DB with class-aware sampling), where these differ from the defaults. Sigmoid losses
    can be trained on single labels too, and come last there.
    """
    fits = sorted((spec for spec in all_losses() if kind in (spec.labels, "single")), key=lambda s: s.labels != kind)
    found: dict[str, Candidate] = {}
    for spec in fits:
        label = _short(spec) if spec.labels == kind else f"sigmoid {_short(spec)}"
        found[spec.key] = Candidate(spec.key, label=label)
        if settings := suggested_method(spec):
            found[f"{spec.key}+"] = Candidate(spec.key, settings=settings, label=_label(label, settings))
    return found


def suggested_method(spec: LossSpec) -> dict[str, Value]:
    """Return the method settings that go with a loss, its authors' or our own advice, and that are not the defaults."""
    default = {param.name: param.default for param in SETTINGS}
    given = {name: value for r in spec.trained_with for name, value in r.settings.items()}
    return {name: given[name] for name in METHOD if name in given and given[name] != default[name]}


def _label(label: str, settings: dict[str, Value]) -> str:
    """Return ``LDAM-DRW``, or the loss and what it comes with."""
    if "stages" in settings:
        return f"{label}-{str(settings['stages']).upper()}"
    return ", ".join([label, *(WORDS.get(str(value), str(value)) for value in settings.values())])


def _short(spec: LossSpec) -> str:
    return SHORT.get(spec.key, spec.title)
