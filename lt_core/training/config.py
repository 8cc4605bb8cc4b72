"""Everything that determines a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Annotated, Any

from lt_core.datasets import Source
from lt_core.datasets.splits import DEFAULT_METHOD, METHOD_LABELS, METHODS
from lt_core.params import Choice, Integer, Param, Real, Toggle, Value, checked, declared
from lt_core.problems import Invalid

SAMPLERS = Choice(
    ("plain", "class-aware"),
    labels=("plain: every image once an epoch", "class-aware: a class first, then one of its images"),
    help="Class-aware sampling shows rare classes as often as common ones; DB was made for it.",
)
SPLIT_METHODS = Choice(
    METHODS,
    labels=tuple(METHOD_LABELS[method] for method in METHODS),
    help="How the parts are drawn that the data set does not have.",
)


@dataclass(frozen=True)
class RunConfig:
    """A run, frozen and JSON both ways; every value is checked when it is made, by name.

    ``data`` is a ``Source``, ``loss_values`` only what differs from the loss's defaults, ``model`` a timm name,
    ``image_size`` None for the images' own.
    """

    data: Source
    loss: str
    loss_values: dict[str, Value] = field(default_factory=dict)
    _: KW_ONLY
    model: str = "test_resnet"
    epochs: Annotated[int, Integer(1, 1000, help="Passes over the training part.")] = 12
    learning_rate: Annotated[
        float, Real(1e-6, 1.0, step=1e-4, help="Peak of the schedule: a short warm-up, then a cosine to zero (AdamW).")
    ] = 3e-3
    weight_decay: Annotated[float, Real(0, 1, step=0.01, help="Decoupled weight decay of AdamW.")] = 0.02
    batch_size: Annotated[
        int, Integer(2, 4096, help="Images a step; a set of fewer than 1,000 images learns better with 16.")
    ] = 64
    seed: Annotated[int, Integer(0, 2**31 - 1, help="Of the parts, the first weights and the order of images.")] = 0
    split_method: Annotated[str, SPLIT_METHODS] = DEFAULT_METHOD
    sampler: Annotated[str, SAMPLERS] = "plain"
    reduction: Annotated[str, Choice(("authors", "mean", "batch", "sum"))] = "authors"
    device: Annotated[str, Choice(("auto", "cuda", "mps", "cpu"))] = "auto"
    select: Annotated[
        str, Choice(("best", "last"), help="Which epoch is reported: the best by macro AP on validation, or the last.")
    ] = "best"
    pretrained: Annotated[bool, Toggle(help="Start from weights trained on photographs, where they can be had.")] = (
        False
    )
    image_size: int | None = None
    name: str = ""

    def __post_init__(self) -> None:
        given = {param.name: getattr(self, param.name) for param in SETTINGS}
        for name, value in checked("run", SETTINGS, given).items():
            object.__setattr__(self, name, value)
        if self.image_size is not None and not 8 <= self.image_size <= 1024:
            raise Invalid(f"run.image_size must be in [8, 1024] pixels, got {self.image_size}")

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object that ``from_json`` turns back into this config."""
        entry = {f.name: getattr(self, f.name) for f in fields(self)}
        return entry | {"data": self.data.as_json(), "loss_values": dict(self.loss_values)}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> RunConfig:
        """Return the config that ``as_json`` wrote; keys of later versions are refused by name.

        A config without ``split_method`` is of a version that knew one way only, and means that one.
        """
        entry = {"split_method": "rarest-first", **entry}
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(entry) - known):
            raise Invalid(f"config.json has settings this version does not know: {', '.join(unknown)}")
        return cls(**{**entry, "data": Source.from_json(dict(entry["data"]))})


SETTINGS: tuple[Param, ...] = declared(RunConfig, owner="run")
"""The hyper-parameters of a run, as declared by its fields."""


def quick_config() -> RunConfig:
    """Return the run of about half a minute that pages offer where there is none yet."""
    return RunConfig(Source("chest-phantom"), "bce", epochs=4, name="30-second run")
