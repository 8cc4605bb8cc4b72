"""What a run needs in memory before its first step: parts, pixels, model, criterion, optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lt_core.datasets import LabeledImages, assign_parts, load, to_uint8_batch
from lt_core.losses import Criterion, get_loss
from lt_core.models import build_from, check_name, check_takes, options_of
from lt_core.problems import Problem
from lt_core.stats import groups_of, prior_of
from lt_core.training.config import RunConfig

SCHEME = "relative"


@dataclass(frozen=True, eq=False)
class Part:
    """One part in memory: pixels (n, H, W, ch) uint8, labels (n, C), their rows and ids in the data set."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.float32]
    rows: NDArray[np.intp]
    ids: NDArray[np.str_]


class Rng:
    """torch's generators as this run left them; outside the ``with`` the process keeps its own."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        outside = self._states()
        torch.manual_seed(seed)
        self._own = self._states()
        self._set(outside)
        self._outside = outside

    def __enter__(self) -> None:
        self._outside = self._states()
        self._set(self._own)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._own = self._states()
        self._set(self._outside)

    def _states(self) -> list[Tensor]:
        return [torch.get_rng_state(), *([torch.cuda.get_rng_state()] if self._cuda else [])]

    def _set(self, states: list[Tensor]) -> None:
        torch.set_rng_state(states[0])
        if self._cuda:
            torch.cuda.set_rng_state(states[1])


@dataclass(frozen=True, eq=False)
class Job:
    """A run ready to go."""

    config: RunConfig
    kind: Literal["multi", "single"]
    card: dict[str, Any]
    parts: dict[str, Part]
    model: nn.Module
    criterion: Criterion
    optimizer: torch.optim.Optimizer
    device: torch.device
    rng: Rng
    notes: tuple[str, ...]
    generator: torch.Generator | None = None
    """What a random loss draws from in training; None for one that is not random."""

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

    def batch(self, part: Part, rows: NDArray[np.intp]) -> Tensor:
        """Return images (b, ch, H, W) float32 on the device, normalised by the training part's mean and deviation."""
        images = normalised(torch.from_numpy(part.pixels[rows]).to(self.device), self.card)
        return images.contiguous(memory_format=torch.channels_last)

    def targets(self, part: Part, rows: NDArray[np.intp]) -> Tensor:
        """Return labels (b, C) with NaN for unknown, or class indices (b,) where the loss is a softmax."""
        labels = part.labels[rows]
        chosen = labels if self.card["link"] == "sigmoid" else np.nan_to_num(labels).argmax(axis=1)
        return torch.from_numpy(chosen).to(self.device)


def normalised(pixels: Tensor, card: dict[str, Any]) -> Tensor:
    """Return (b, ch, H, W) float32 from (b, H, W, ch) uint8, with the mean and deviation in ``card``."""
    mean = torch.tensor(card["mean"], device=pixels.device).view(1, -1, 1, 1)
    deviation = torch.tensor(card["std"], device=pixels.device).view(1, -1, 1, 1)
    result: Tensor = (pixels.permute(0, 3, 1, 2).float() / 255 - mean) / deviation
    return result


def pick_device(wanted: str) -> torch.device:
    """Return the device: for ``auto`` CUDA if there, else MPS, else the CPU; raise ``Problem`` for one that is not."""
    have = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted != "auto" and not have[wanted]:
        raise Problem(f"this machine has no {wanted} device: use device=auto")
    return torch.device(next(name for name, there in have.items() if there) if wanted == "auto" else wanted)


def prepare(config: RunConfig) -> Job:
    """Return the job of ``config``; raise ``Problem`` for whatever of it cannot be done, the cheapest checks first."""
    spec = get_loss(config.loss)
    spec.checked(config.loss_values)
    check_name(config.model)
    device = pick_device(config.device)
    loaded = load(config.data)
    if not isinstance(loaded, LabeledImages):
        raise Problem(f"{loaded.title} has class counts only, no images: choose a data set with images to train on")
    if spec.labels == "single" and loaded.kind == "multi":
        raise Problem(
            f"{config.loss} is for one class an image, but {loaded.title} is read as several labels an image: choose a "
            "multi-label loss, or say --option kind=single if every image has exactly one"
        )
    data = assign_parts(loaded, seed=config.seed, method=config.split_method)
    train = part_of(data, "train", config.image_size, None)
    shape = train.pixels.shape[1:]
    parts = {"train": train, **{name: part_of(data, name, config.image_size, shape) for name in ("val", "test")}}
    prior = prior_of(data)
    card = _card(data, parts, prior.positives) | {
        "model_options": options_of(config.model),
        "link": "sigmoid" if spec.labels == "multi" else "softmax",
    }
    rng = Rng(config.seed, device)
    with rng:
        model, note = build_from(
            config.model,
            n_classes=data.n_classes,
            in_chans=shape[2],
            pretrained=config.pretrained,
            image_size=max(shape[:2]),
        )
    check_takes(model, config.model, in_chans=shape[2], height=shape[0], width=shape[1])
    # channels last is never slower on a processor and up to 1.5 times faster for the shortlist's small backbones
    model.to(device).to(memory_format=torch.channels_last)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    flat = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": config.weight_decay}, {"params": flat, "weight_decay": 0.0}],
        lr=config.learning_rate,
    )
    criterion = spec.criterion(prior=prior, reduction=config.reduction, **cast(dict[str, Any], config.loss_values))
    unseen = [data.class_names[c] for c in prior.unseen]
    notes = [note, f"no training example of {', '.join(unseen)}: counted as 1" if unseen and spec.needs_prior else ""]
    notes = [entry for entry in notes if entry]
    draws = None if spec.draw is None else torch.Generator().manual_seed(config.seed)
    return Job(config, data.kind, card, parts, model, criterion, optimizer, device, rng, tuple(notes), draws)


def part_of(data: LabeledImages, name: str, size: int | None, shape: tuple[int, ...] | None) -> Part:
    """Return one part in memory, at ``size`` or the images' own; ``shape`` (H, W, ch) is the training part's."""
    rows = data.rows(name) if data.split is not None and (data.split == name).any() else np.zeros(0, np.intp)
    rows = rows[~np.isnan(data.labels[rows]).all(axis=1)]
    if name == "train" and len(rows) < 2:
        raise Problem(f"{data.title} has {len(rows)} labelled training images: at least 2 are needed")
    missing = np.intersect1d(rows, np.asarray(list(data.images.missing()), dtype=np.intp))
    if len(missing):
        first = data.ids[missing[0]] if data.ids is not None else f"row {missing[0]}"
        raise Problem(
            f"{data.title}: {len(missing):,} of {len(rows):,} {name} images are missing, the first is {first}: "
            "name their folder (--images), or remove those rows from the table"
        )
    if shape is not None and not len(rows):
        return Part(np.zeros((0, *shape), np.uint8), data.labels[rows], rows, rows.astype(np.str_))
    pixels = to_uint8_batch(data.images, rows, size=size, channels=shape[2] if shape else None)
    if shape is not None and pixels.shape[1:] != shape:
        raise Problem(
            f"the {name} images of {data.title} are {pixels.shape[1]} x {pixels.shape[2]} pixels, the training images "
            f"{shape[0]} x {shape[1]}: choose one image size for all"
        )
    ids = data.ids[rows] if data.ids is not None else rows.astype(np.str_)
    return Part(pixels, data.labels[rows], rows, ids)


def _card(data: LabeledImages, parts: dict[str, Part], positives: NDArray[np.float64]) -> dict[str, Any]:
    pixels = parts["train"].pixels
    deviation = np.maximum(pixels.std(axis=(0, 1, 2), dtype=np.float64) / 255, 1e-3)
    return {
        "key": data.key,
        "title": data.title,
        "kind": data.kind,
        "synthetic": data.synthetic,
        "class_names": list(data.class_names),
        "positives_per_class": [int(n) for n in positives],
        "n_train": len(parts["train"].rows),
        "group_scheme": SCHEME,
        "groups": list(groups_of(positives, scheme=SCHEME)),
        "parts": {name: len(part.rows) for name, part in parts.items()},
        "shape": [int(n) for n in pixels.shape[1:]],
        "mean": (pixels.mean(axis=(0, 1, 2), dtype=np.float64) / 255).tolist(),
        "std": deviation.tolist(),
    }
