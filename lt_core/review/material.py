"""What a report is made of: evaluations and what is known of the models, in plain types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from lt_core.evaluation.errors import Sliced
from lt_core.evaluation.uncertainty import Comparison, Evaluation

if TYPE_CHECKING:
    from lt_core.losses.spec import LossSpec
    from lt_core.training import Run

STATEMENTS = {
    "purpose": "Intended use and clinical role",
    "design": "Study design",
    "source": "Source of the images",
    "eligibility": "Eligibility and selection",
    "de_identification": "De-identification",
    "ground_truth": "Reference standard (ground truth)",
    "annotators": "Annotators and their agreement",
    "sample_size": "Sample size",
    "external": "Test on external data",
    "limits": "Limits",
    "implications": "Implications for practice",
    "ethics": "Ethical approval",
    "registration": "Registration and protocol",
    "funding": "Funding and interests",
    "contact": "Authors and contact",
}
"""What only people know, by the names under which a report takes it."""


@dataclass(frozen=True, eq=False)
class Material:
    """Everything a report says; what is missing is "not stated". See ``model_card`` for the fields."""

    models: Mapping[str, Evaluation]
    about: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    comparisons: Sequence[Comparison] = ()
    calibration: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    thresholds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    optimism: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    slices: Mapping[str, Sequence[Sliced]] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)
    date: str = ""
    command: str = ""
    probabilities: Mapping[str, str] = field(default_factory=dict)

    @property
    def first(self) -> Evaluation:
        """The evaluation of the first model."""
        return next(iter(self.models.values()))

    def of(self, name: str) -> Mapping[str, Any]:
        """Return what is known of a model, empty where nothing is."""
        return self.about.get(name, {})

    def config(self, name: str) -> Mapping[str, Any]:
        """Return the settings of the run of a model, empty for predictions from a file."""
        found = self.of(name).get("config")
        return found if isinstance(found, Mapping) else {}

    def card(self, name: str) -> Mapping[str, Any]:
        """Return the card of the data that a model was trained on, empty where it is not known."""
        found = self.of(name).get("data")
        return found if isinstance(found, Mapping) else {}

    @property
    def sliced_by(self) -> list[str]:
        """The columns that the images were sliced by."""
        return list(dict.fromkeys(one.slices.column for found in self.slices.values() for one in found))

    @property
    def trained(self) -> list[str]:
        """The models whose training is known."""
        return [name for name in self.models if self.config(name)]

    @property
    def synthetic(self) -> bool:
        """Whether a model was trained on drawn images."""
        return any(self.card(name).get("synthetic") for name in self.models)


def about_run(run: Run) -> dict[str, Any]:
    """Return what a report says of a run: folder, settings, data, reported epoch, seconds, device; None = unknown."""
    events = run.events()
    started = next((entry for entry in events if entry["event"] == "started"), {})
    seconds = [entry["seconds"] for entry in events if entry["event"] in ("finished", "stopped") and "seconds" in entry]
    return {
        "run": run.key,
        "config": run.config.as_json(),
        "data": run.dataset_card,
        "epoch": run.reported_epoch,
        "seconds": seconds[-1] if seconds else None,
        "device": started.get("device"),
        "precision": started.get("precision"),
    }


def loss_of(config: Mapping[str, Any]) -> LossSpec | None:
    """Return the declaration of the loss of a run; None where this installation does not have it."""
    from lt_core.losses import get_loss
    from lt_core.problems import Problem

    try:
        return get_loss(str(config["loss"]))
    except (Problem, KeyError):
        return None
