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

from lt_core.datasets import LabeledImages
from lt_core.losses import Criterion, get_loss
from lt_core.models import build_from, check_takes, options_of
from lt_core.models.heads import head_scale, with_cosine_head
from lt_core.stats import ClassPrior
from lt_core.training.augmenting.apply import Augment
from lt_core.training.checking import check_settings, trainable
from lt_core.training.config import RunConfig
from lt_core.training.feed import Feed, Layout
from lt_core.training.gradient_monitor import GradientMonitor
from lt_core.training.labels_written import in_order
from lt_core.training.methods.hooks import Method
from lt_core.training.methods.registry import method_of
from lt_core.training.methods.unlabelled import PART as UNLABELLED
from lt_core.training.methods.unlabelled import unlabelled_part
from lt_core.training.parts import Part, card_of, left_out_note, part_of
from lt_core.training.picking import pick_device, pick_precision
from lt_core.training.pixels import Progress
from lt_core.training.probe.choosing import choose
from lt_core.training.ranks import ALONE, Ranks
from lt_core.training.rng import Rng

AUGMENTING, MIXING, SHARING = 1, 2, 3
"""What a place of the run draws beside its step: told apart by a last number."""


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
    method: Method | None = None
    """What is done beyond the loss; None where nothing is."""
    ranks: Ranks = ALONE
    """This process among those that train the model together."""
    wrapped: nn.Module | None = None
    """The model as it is trained by several processes; None where there is one."""

    @property
    def net(self) -> nn.Module:
        """What images go through: the model, compiled where that was chosen."""
        return self.model if self.compiled is None else self.compiled

    @property
    def trained(self) -> nn.Module:
        """What images go through where a backward pass follows."""
        return self.net if self.wrapped is None else self.wrapped

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

    def dropping_out(self, *where: int) -> AbstractContextManager[None]:
        """Return the block of one forward pass: each piece of a batch and each process drops units of its own."""
        if self.ranks.size > 1:
            return self.rng.at(*where, SHARING, self.ranks.rank)
        return self.rng.at(*where) if len(where) > 2 else nullcontext()  # a whole batch is seeded as the step is

    @contextmanager
    def step_seeded(self, *where: int) -> Iterator[None]:
        """The block of one step: whatever it draws depends on the seed and on ``where`` only."""
        if self.generator is not None:
            self.generator.manual_seed(self.rng.seed_at(*where))
        with self.rng.at(*where):
            yield


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
    ranks: Ranks = ALONE,
) -> Job:
    """Return the job of ``config``; raise ``Problem`` for whatever of it cannot be done, the cheapest checks first.

    ``progress(done, of)`` is called while images are decoded, which happens once for a data set; ``chosen`` is how a
    run that goes on has been computed so far; ``ranks`` are the processes that do it together.
    """
    spec = get_loss(config.loss)
    check_settings(config)
    device = ranks.device or pick_device(config.device)
    half = pick_precision(config.precision, device)
    data, beyond = trainable(config), method_of(config)
    written = in_order(config.propensities, data.class_names)
    with_unlabelled = beyond is not None and "unlabelled" in beyond.needs
    with ranks.one_by_one():
        parts = _parts(data, config, with_unlabelled, progress=progress, should_stop=should_stop)
    shape = parts["train"].pixels.shape[1:]
    seen = parts["train"].rows
    prior = ClassPrior(data.positives(seen), len(seen), written, data.class_names)
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
    with ranks.one_by_one():
        asked: dict[str, Any] = {"n_classes": data.n_classes, "shape": shape, "n_train": len(parts["train"].rows)}
        picked = choose(config, device, half, before=chosen, **asked)
    card["chosen"] = ranks.from_first(picked)
    layout: Layout = card["chosen"]["layout"]
    form = torch.contiguous_format if layout == "contiguous" else torch.channels_last
    model.to(device).to(memory_format=form)
    changes = {name: Augment(config.augment) for name in ("train", UNLABELLED)}
    feeds = {
        name: Feed(part.pixels, card["mean"], card["std"], device, changes.get(name), layout, ranks.share)
        for name, part in parts.items()
    }
    criterion = spec.criterion(prior=prior, reduction=config.reduction, **cast(dict[str, Any], config.loss_values))
    card["logit_scale"] = criterion.logit_scale
    unseen = [data.class_names[c] for c in prior.unseen]
    counted_as_1 = f"no training example of {', '.join(unseen)}: counted as 1" if unseen and spec.needs_prior else ""
    notes = [note, parts["train"].note, left_out_note(parts), counted_as_1]
    job = Job(
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
        None if beyond is None else beyond.start(config.method_values),
        ranks,
    )
    if job.method is not None:
        job.method.begin(job)
    return job


def _parts(
    data: LabeledImages,
    config: RunConfig,
    with_unlabelled: bool,
    *,
    progress: Progress | None,
    should_stop: Callable[[], bool] | None,
) -> dict[str, Part]:
    """Return train, val and test and, where a method wants it, what of the training part has no label."""
    train = part_of(data, "train", config, progress=progress, should_stop=should_stop)
    shape = train.pixels.shape[1:]
    parts = {"train": train}
    for name in ("val", "test"):
        parts[name] = part_of(data, name, config, shape, progress=progress, should_stop=should_stop)
    if with_unlabelled:
        parts[UNLABELLED] = unlabelled_part(data, config, shape, progress=progress, should_stop=should_stop)
    return parts
