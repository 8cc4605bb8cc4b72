"""What a run needs in memory before its first step: parts, pixels, model, criterion, optimizer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lt_core.datasets import LabeledImages, assign_parts, load
from lt_core.losses import Criterion, get_loss
from lt_core.models import build_from, check_name, check_takes, options_of
from lt_core.models.heads import head_scale, with_cosine_head
from lt_core.problems import Problem
from lt_core.stats import prior_of
from lt_core.training.augment import Augment
from lt_core.training.choosing import choose
from lt_core.training.config import RunConfig
from lt_core.training.feed import Feed, Layout
from lt_core.training.gradient_monitor import GradientMonitor
from lt_core.training.parts import Part, card_of, part_of
from lt_core.training.pixel_making import Progress
from lt_core.training.rng import Rng
from lt_core.training.softening import why_not_mixup, why_not_smoothing
from lt_core.training.stages import stages_of

AUGMENTING, MIXING = 1, 2
"""What a place of the run draws beside its step: told apart by a last number."""
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(eq=False)
class Job:
    """A run ready to go; ``optimizer`` is replaced where a stage trains other weights."""

    config: RunConfig
    kind: Literal["multi", "single"]
    card: dict[str, Any]
    parts: dict[str, Part]
    feeds: dict[str, Feed]
    model: nn.Module
    criterion: Criterion
    optimizer: torch.optim.Optimizer
    device: torch.device
    rng: Rng
    notes: tuple[str, ...]
    generator: torch.Generator | None = None
    """What a random loss draws from in training; None for one that is not random."""
    half: torch.dtype | None = None
    """The half precision the network computes in; None for float32."""
    scaler: torch.amp.GradScaler | None = None
    monitor: GradientMonitor | None = None
    """Where the gradient that each class receives is summed; None where nobody asked."""
    compiled: nn.Module | None = None
    """The model as ``torch.compile`` wraps it; None where it is not compiled."""

    @property
    def net(self) -> nn.Module:
        """What images go through: the model, compiled where that was chosen."""
        return self.model if self.compiled is None else self.compiled

    @property
    def draw(self) -> dict[str, torch.Generator]:
        """What the criterion is given in training beside logits and targets."""
        return {} if self.generator is None else {"generator": self.generator}

    @property
    def train(self) -> Part:
        """The training part."""
        return self.parts["train"]

    def part(self, name: str) -> Part:
        """Return one part."""
        return self.parts[name]

    def batches(self, part: str, order: Sequence[NDArray[np.intp]], *where: int) -> Generator[Tensor, None, None]:
        """Yield images (b, ch, H, W) float32 on the device for each array of rows, the next ones being fetched.

        In training ``where`` is the epoch and the first step: images are augmented as the config says. Without, they
        are as they are. Close the generator when it is not used to its end.
        """
        if not where:
            return self.feeds[part].batches(order)
        epoch, first = where
        seeds = (self.rng.seed_at(epoch, first + k, AUGMENTING) for k in range(len(order)))
        return self.feeds[part].batches(order, seeds)

    def targets(self, part: Part, rows: NDArray[np.intp]) -> Tensor:
        """Return labels (b, C) with NaN for unknown, or class indices (b,) where the loss is a softmax."""
        labels = part.labels[rows]
        chosen = labels if self.card["link"] == "sigmoid" else np.nan_to_num(labels).argmax(axis=1)
        return torch.from_numpy(chosen).to(self.device)

    def cast(self) -> AbstractContextManager[object]:
        """Return the block in which the network runs: autocast in half precision, nothing in float32."""
        return nullcontext() if self.half is None else torch.autocast(self.device.type, dtype=self.half)

    @contextmanager
    def step_seeded(self, *where: int) -> Iterator[None]:
        """The block of one step: whatever it draws depends on the seed and on ``where`` only."""
        if self.generator is not None:
            self.generator.manual_seed(self.rng.seed_at(*where))
        with self.rng.at(*where):
            yield


def pick_device(wanted: str) -> torch.device:
    """Return the device: for ``auto`` CUDA if there, else MPS, else the CPU; raise ``Problem`` for one that is not."""
    have = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted != "auto" and not have[wanted]:
        raise Problem(f"this machine has no {wanted} device: use device=auto")
    return torch.device(next(name for name, there in have.items() if there) if wanted == "auto" else wanted)


def pick_precision(wanted: str, device: torch.device) -> torch.dtype | None:
    """Return the half precision for ``wanted`` on ``device``, None for float32.

    ``auto`` is bfloat16 on a CUDA device that computes in it, and float32 anywhere else. Raises ``Problem`` for
    float16 without a CUDA device: there it is slow, and has no scaler.
    """
    if wanted == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else None
    if wanted == "float16" and device.type != "cuda":
        raise Problem("float16 wants a CUDA device: use precision=auto")
    return DTYPES.get(wanted)


def optimizer_for(config: RunConfig, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer over the weights of ``model`` that are not frozen; biases and norms are not decayed."""
    free = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in free if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in free if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum, nesterov=config.momentum > 0)
    return torch.optim.AdamW(groups, lr=config.learning_rate)


def prepare(
    config: RunConfig,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    chosen: Mapping[str, Any] | None = None,
) -> Job:
    """Return the job of ``config``; raise ``Problem`` for whatever of it cannot be done, the cheapest checks first.

    ``progress(done, of)`` is called while images are decoded, which happens once for a data set; ``chosen`` is how a
    run that goes on has been computed so far.
    """
    spec = get_loss(config.loss)
    check_settings(config)
    device = pick_device(config.device)
    half = pick_precision(config.precision, device)
    data = _trainable(config)
    train = part_of(data, "train", config, progress=progress, should_stop=should_stop)
    shape = train.pixels.shape[1:]
    others = {
        name: part_of(data, name, config, shape, progress=progress, should_stop=should_stop) for name in ("val", "test")
    }
    parts = {"train": train, **others}
    prior = prior_of(data)
    card = card_of(data, parts, prior.positives, config.groups) | {
        "model_options": options_of(config.model),
        "link": "sigmoid" if spec.labels == "multi" else "softmax",
    }
    rng = Rng(config.seed, device)
    with rng.initial():
        model, note = build_from(
            config.model,
            n_classes=data.n_classes,
            in_chans=shape[2],
            pretrained=config.pretrained,
            weights=Path(config.weights) if config.weights else None,
            image_size=max(shape[:2]),
        )
        if config.head == "cosine":
            with_cosine_head(model, scale=head_scale(config.loss))
    check_takes(model, config.model, in_chans=shape[2], height=shape[0], width=shape[1])
    # channels last is never slower on a processor and up to 1.5 times faster for the shortlist's small backbones
    card["chosen"] = choose(config, device, half, n_classes=data.n_classes, shape=shape, before=chosen)
    layout: Layout = card["chosen"]["layout"]
    form = torch.contiguous_format if layout == "contiguous" else torch.channels_last
    model.to(device).to(memory_format=form)
    feeds = {
        name: Feed(
            part.pixels, card["mean"], card["std"], device, Augment(config.augment) if name == "train" else None, layout
        )
        for name, part in parts.items()
    }
    criterion = spec.criterion(prior=prior, reduction=config.reduction, **cast(dict[str, Any], config.loss_values))
    unseen = [data.class_names[c] for c in prior.unseen]
    notes = [note, f"no training example of {', '.join(unseen)}: counted as 1" if unseen and spec.needs_prior else ""]
    return Job(
        config,
        data.kind,
        card,
        parts,
        feeds,
        model,
        criterion.to(device),
        optimizer_for(config, model),
        device,
        rng,
        tuple(entry for entry in notes if entry),
        None if spec.draw is None else torch.Generator().manual_seed(config.seed),
        half,
        torch.amp.GradScaler("cuda") if half is torch.float16 else None,
        GradientMonitor(data.n_classes, device) if config.monitor else None,
        cast(nn.Module, torch.compile(model)) if card["chosen"]["compile"] else None,
    )


def check_settings(config: RunConfig) -> None:
    """Raise ``Problem`` for settings that do not go together, before any data are read."""
    spec = get_loss(config.loss)
    spec.checked(config.loss_values)
    check_name(config.model)
    stages_of(config.stages, config.epochs, config.deferred_from, config.sampler)
    if config.mixup and (why := why_not_mixup(spec)):
        raise Problem(why)
    if config.label_smoothing and (why := why_not_smoothing(spec, config.loss_values)):
        raise Problem(why)
    if config.stages == "drw" and not spec.takes_class_weights:
        raise Problem(
            f"{spec.key} judges a batch or an image as a whole: its classes cannot be weighted, use stages=one or drs"
        )


def _trainable(config: RunConfig) -> LabeledImages:
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
