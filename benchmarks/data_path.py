"""Does the data path starve the model? ``python -m benchmarks.data_path [--quick]``.

Training steps (forward, backward, no optimizer) in images/s, in one run and in turn: (a) on one batch that stays in
memory, (b) on batches of our feed from the pixel cache, without augmentation and with a preset, (c) on batches of a
DataLoader with Pillow and torchvision's transforms, as timm does it (as many workers as processors, decoded again in
every epoch). The images are noisy PNG files of twice the size, made here. The target: (b) at least 95 % of (a).

Each round runs all ways one after the other; shown is the best round of each, and the median over the rounds of its
share of (a) in the same round: by the clock, and by processor time (of this process and its workers), which on a
machine with other work is the one to trust: of a processor that is never idle, it is the same share.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision.transforms import v2

from lt_core.datasets import FileImages, LabeledImages, Source
from lt_core.models import build, options_of
from lt_core.training.augmenting.apply import Augment
from lt_core.training.feed import Feed
from lt_core.training.pixels.cache import cached_pixels

CLASSES = 14
MEAN, DEVIATION = 0.5, 0.25
SETTINGS = {  # backbone, edge, batch, images, batches a round: on a processor
    "cpu": (("test_resnet", 64, 64, 2048, 12), ("resnet18", 128, 16, 512, 4), ("resnet18", 224, 8, 256, 3)),
    "cuda": (("test_resnet", 64, 64, 4096, 60), ("resnet18", 128, 64, 4096, 60), ("resnet18", 224, 64, 2048, 30)),
}


class Files(Dataset[Tensor]):
    """The plain way: a file is opened, resized, changed and normalised when it is asked for."""

    def __init__(self, paths: list[Path], size: int, augmented: bool) -> None:
        self.paths = paths
        changes = [
            v2.RandomAffine(8, translate=(0.05, 0.05), scale=(0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR),
            v2.ColorJitter(brightness=0.15, contrast=0.2),
        ]
        self.transform = v2.Compose(
            [
                v2.Resize((size, size)),
                *(changes if augmented else []),
                v2.PILToTensor(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([MEAN], [DEVIATION]),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        with Image.open(self.paths[index]) as image:
            result: Tensor = self.transform(image.convert("L"))
        return result


def written(folder: Path, count: int, edge: int) -> list[Path]:
    """Write grey PNG files with the structure of a photograph: smooth, with noise."""
    rng = np.random.default_rng(0)
    paths = [folder / f"{k:05}.png" for k in range(count)]
    for path in paths:
        smooth = Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).resize((edge, edge))
        noisy = np.asarray(smooth, np.int16) + rng.integers(-6, 7, (edge, edge))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, compress_level=3)
    return paths


def trained(model: nn.Module, batches: Iterable[Tensor], device: torch.device) -> tuple[float, float]:
    """Return images/s by the clock, the first batch not counted (a loader starts with it), and by processor time."""
    spent, start, seen, all_seen = processor_seconds(), 0.0, 0, 0
    for step, images in enumerate(batches):
        model.zero_grad(set_to_none=True)
        model(images).square().mean().backward()
        all_seen += len(images)
        if step == 0:
            _done(device)
            start = time.perf_counter()
        else:
            seen += len(images)
    _done(device)
    return seen / (time.perf_counter() - start), all_seen / (processor_seconds() - spent)


def processor_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _done(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def ways(
    data: LabeledImages, paths: list[Path], size: int, batch: int, steps: int, device: torch.device
) -> dict[str, Callable[[], Iterable[Tensor]]]:
    """Return what gives batches, by name, the resident batch first."""
    rng = np.random.default_rng(1)
    pixels = cached_pixels(data, np.arange(len(paths)), size=size, channels=1)

    def order() -> list[np.ndarray[Any, Any]]:
        return [rng.permutation(len(paths))[:batch] for _ in range(steps + 1)]

    def feed(preset: str) -> Callable[[], Iterable[Tensor]]:
        made = Feed(pixels, [MEAN], [DEVIATION], device, Augment(preset))
        return lambda: made.batches(order(), range(steps + 1))

    def loader(augmented: bool) -> Callable[[], Iterable[Tensor]]:
        files = Files(paths, size, augmented)
        workers = len(os.sched_getaffinity(0))

        def batches() -> Iterator[Tensor]:
            drawn = RandomSampler(files, num_samples=batch * (steps + 1))
            cuda = device.type == "cuda"
            for images in DataLoader(files, batch, sampler=drawn, num_workers=workers, pin_memory=cuda):
                yield images.to(device, memory_format=torch.channels_last, non_blocking=True)

        return batches

    resident = Feed(pixels, [MEAN], [DEVIATION], device).batch(order()[0])
    return {
        "a resident batch": lambda: iter([resident] * (steps + 1)),
        "b feed": feed("none"),
        "b feed, radiograph": feed("radiograph"),
        "b feed, fundus": feed("fundus"),
        "c DataLoader": loader(augmented=False),
        "c DataLoader, the like": loader(augmented=True),
    }


def measured(name: str, setting: tuple[int, int, int, int], device: torch.device, rounds: int) -> None:
    """Print images/s of every way with one backbone."""
    size, batch, count, steps = setting
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "images"
        folder.mkdir()
        os.environ["LONGTAIL_LAB_HOME"] = scratch
        paths = written(folder, count, 2 * size)
        images = FileImages(folder, [path.name for path in paths])
        labels = np.zeros((count, CLASSES), np.float32)
        names = tuple(f"class {c}" for c in range(CLASSES))
        data = LabeledImages("made", "made", names, labels, images, "multi", Source("made"))
        start = time.perf_counter()
        found = ways(data, paths, size, batch, steps, device)
        spent = time.perf_counter() - start
        model = build(name, n_classes=CLASSES, in_chans=1, image_size=size, options=options_of(name))
        model = model.to(device).to(memory_format=torch.channels_last).train()
        seen: dict[str, list[tuple[float, float]]] = {way: [] for way in found}
        for _ in range(rounds):
            for way, batches in found.items():
                seen[way].append(trained(model, batches(), device))
    print(f"\n{name} at {size} px, batches of {batch}, {device}; {count:,} files decoded once in {spent:.1f} s")
    base = seen["a resident batch"]
    for way, values in seen.items():
        best = max(clock for clock, _ in values)
        clock, processor = (
            statistics.median(value[k] / a[k] for value, a in zip(values, base, strict=True)) for k in range(2)
        )
        print(f"  {way:24}{best:9.0f} images/s; of (a): {clock:7.1%} by the clock, {processor:7.1%} by processor time")


def main() -> None:
    """Measure on the processor, and on CUDA where it is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="the default backbone only, three rounds")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, help="training steps a round and way, otherwise by device and backbone")
    parser.add_argument("--device", choices=("cpu", "cuda"))
    given = parser.parse_args()
    threads, (load, *_) = torch.get_num_threads(), os.getloadavg()
    print(f"{len(os.sched_getaffinity(0))} processors, torch with {threads} threads, load {load:.1f} before")
    for kind in ("cpu", "cuda"):
        if given.device not in (None, kind) or (kind == "cuda" and not torch.cuda.is_available()):
            continue
        for name, *setting in SETTINGS[kind][: 1 if given.quick else None]:
            size, batch, count, steps = setting
            shape = (size, batch, count, given.steps or steps)
            measured(name, shape, torch.device(kind), 3 if given.quick else given.rounds)
    print(f"load {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
