"""Everything that determines a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from typing import Annotated, Any

from lt_core.datasets import Source
from lt_core.datasets.splits import DEFAULT_METHOD
from lt_core.params import Param, Toggle, Value, checked, declared
from lt_core.problems import Invalid
from lt_core.stats.groups import Grouping
from lt_core.training import domains as of
from lt_core.training import labels_written


@dataclass(frozen=True)
class RunConfig:
    """A run, frozen and JSON both ways; every value is checked when it is made, by name.

    ``data`` is a ``Source``, ``loss_values`` only what differs from the loss's defaults, ``model`` a timm name,
    ``weights`` a file to start from (timm's own where it is empty and ``pretrained`` is on), ``image_size`` None for
    the images' own, ``groups`` how head, medium and tail are told apart (relative, absolute, quantile, RULE:HEAD:TAIL
    or a JSON object of class names and groups). ``method`` is one of ``training.methods`` with ``method_values`` of its
    hyper-parameters, ``teacher`` the folder of the finished run that it learns from. ``propensities`` is, for every
    class by name, the chance in (0, 1] that a true label was written down, for losses that correct for the others;
    empty where they are to take Jain's model.
    """

    data: Source
    loss: str
    loss_values: dict[str, Value] = field(default_factory=dict)
    _: KW_ONLY
    model: str = "test_resnet"
    epochs: Annotated[int, of.EPOCHS] = 12
    learning_rate: Annotated[float, of.LEARNING_RATE] = 3e-3
    weight_decay: Annotated[float, of.WEIGHT_DECAY] = 0.02
    batch_size: Annotated[int, of.BATCH_SIZE] = 64
    seed: Annotated[int, of.SEED] = 0
    split_method: Annotated[str, of.SPLIT_METHODS] = DEFAULT_METHOD
    sampler: Annotated[str, of.SAMPLERS] = "plain"
    stages: Annotated[str, of.STAGES] = "one"
    deferred_from: Annotated[float, of.DEFERRED_FROM] = 0.8
    deferred_beta: Annotated[float, of.DEFERRED_BETA] = 0.9999
    reduction: Annotated[str, of.REDUCTIONS] = "authors"
    optimizer: Annotated[str, of.OPTIMIZERS] = "adamw"
    momentum: Annotated[float, of.MOMENTUM] = 0.9
    schedule: Annotated[str, of.SCHEDULES] = "cosine"
    warmup: Annotated[float, of.WARMUP] = 0.05
    clip_norm: Annotated[float, of.CLIP] = 0.0
    ema: Annotated[float, of.EMA] = 0.0
    label_smoothing: Annotated[float, of.SMOOTHING] = 0.0
    mixup: Annotated[float, of.MIXUP] = 0.0
    augment: Annotated[str, of.AUGMENTS] = "none"
    head: Annotated[str, of.HEADS] = "linear"
    freeze: Annotated[str, of.FREEZES] = "none"
    pretrained: Annotated[bool, Toggle(help="Start from weights trained on photographs, where they can be had.")] = (
        False
    )
    channels: Annotated[str, of.CHANNELS] = "images"
    bad_images: Annotated[str, of.BAD_IMAGES] = "refuse"
    select: Annotated[str, of.SELECTS] = "best"
    metric: Annotated[str, of.METRICS] = "ap_macro"
    patience: Annotated[int, of.PATIENCE] = 0
    device: Annotated[str, of.DEVICES] = "auto"
    devices: Annotated[int, of.PROCESSES] = 1
    precision: Annotated[str, of.PRECISIONS] = "auto"
    layout: Annotated[str, of.LAYOUTS] = "auto"
    compile: Annotated[str, of.COMPILES] = "off"
    accumulate: Annotated[int, of.ACCUMULATE] = 1
    monitor: Annotated[bool, Toggle(help="Keep the gradient that each class receives: pull, push and their ratio.")] = (
        False
    )
    tensorboard: Annotated[bool, Toggle(help="Write TensorBoard event files too, into the run's folder.")] = False
    image_size: int | None = None
    weights: str = ""
    groups: str = "relative"
    method: str = ""
    method_values: dict[str, Value] = field(default_factory=dict)
    teacher: str = ""
    propensities: dict[str, float] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        given = {param.name: getattr(self, param.name) for param in SETTINGS}
        for name, value in checked("run", SETTINGS, given).items():
            object.__setattr__(self, name, value)
        if self.image_size is not None and not 8 <= self.image_size <= 1024:
            raise Invalid(f"run.image_size must be in [8, 1024] pixels, got {self.image_size}")
        object.__setattr__(self, "groups", str(Grouping.of(self.groups)))
        object.__setattr__(self, "propensities", labels_written.checked(self.propensities))

    def with_loss(self, loss: str, values: Mapping[str, Value], **changed: Any) -> RunConfig:
        """Return this config with another loss and its values; propensities go with it where it has use for them."""
        if self.propensities and "propensities" not in changed and not labels_written.taken_by(loss):
            changed["propensities"] = {}
        return replace(self, loss=loss, loss_values=dict(values), **changed)

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object that ``from_json`` turns back into this config."""
        entry = {f.name: getattr(self, f.name) for f in fields(self)}
        values = {name: dict(entry[name]) for name in ("loss_values", "method_values", "propensities")}
        return entry | values | {"data": self.data.as_json()}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> RunConfig:
        """Return the config that ``as_json`` wrote; keys of later versions are refused by name.

        A config without ``split_method`` is of a version that knew one way only, and means that one; every other
        setting an old config lacks did not exist then, and its default is what was done.
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
