"""What is asked of a run's settings and data before anything is done with them."""

from __future__ import annotations

from lt_core.datasets import LabeledImages, assign_parts, load
from lt_core.losses import get_loss
from lt_core.models import check_name
from lt_core.problems import Problem
from lt_core.training.config import RunConfig
from lt_core.training.labels_written import check_taken
from lt_core.training.methods.registry import method_of
from lt_core.training.softening import why_not_mixup, why_not_smoothing
from lt_core.training.stages import stages_of


def check_settings(config: RunConfig) -> None:
    """Raise ``Problem`` for settings that do not go together, before any data are read."""
    spec = get_loss(config.loss)
    spec.checked(config.loss_values)
    check_name(config.model)
    check_taken(config.loss, config.propensities)
    method_of(config)
    stages_of(config.stages, config.epochs, config.deferred_from, config.sampler)
    if config.mixup and (why := why_not_mixup(spec)):
        raise Problem(why)
    if config.label_smoothing and (why := why_not_smoothing(spec, config.loss_values)):
        raise Problem(why)
    if config.devices > 1:
        _check_shared(config)
    if config.stages == "drw" and not spec.takes_class_weights:
        raise Problem(
            f"{spec.key} judges a batch or an image as a whole: its classes cannot be weighted, use stages=one or drs"
        )


def _check_shared(config: RunConfig) -> None:
    """Raise ``Problem`` for what several processes cannot do together."""
    for name, off in (("mixup", 0.0), ("method", ""), ("compile", "off")):
        if getattr(config, name) != off:
            raise Problem(f"{name} is for one device: set devices=1, or {name}={off or 'nothing'}")
    if config.batch_size < 2 * config.devices:
        raise Problem(
            f"a batch of {config.batch_size} images is too small for {config.devices} devices: each needs two, set "
            f"batch_size to {2 * config.devices} or more"
        )


def trainable(config: RunConfig) -> LabeledImages:
    """Return the data set with its parts; raise ``Problem`` where nothing can be trained on it with this loss."""
    spec, loaded = get_loss(config.loss), load(config.data)
    if not isinstance(loaded, LabeledImages):
        raise Problem(f"{loaded.title} has class counts only, no images: choose a data set with images to train on")
    if spec.labels == "single" and loaded.kind == "multi":
        raise Problem(
            f"{config.loss} is for one class an image, but {loaded.title} is read as several labels an image: choose a "
            "multi-label loss, or say --option kind=single if every image has exactly one"
        )
    return assign_parts(loaded, seed=config.seed, method=config.split_method)
