"""How fast the shortlist's backbones are: `python -m benchmarks.backbones [--sizes 64 224] [--compile] [NAME ...]`.

Images a second, training (forward, backward, AdamW) and inference, float32, contiguous and channels last, one thread.
Time is the processor time of this process, not the clock, so that a busy machine changes it little; the best of
`--rounds` counts. On a GPU (`--device cuda`) it is the clock, with one synchronisation a round.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import torch
from torch import nn

from lt_core.models import build, shortlist

LEAST = 0.4
"""Seconds a round takes at least."""


def images_per_second(step: Callable[[], None], batch: int, device: str, rounds: int) -> float:
    """Return the images a second of the best of a few rounds, after one step that does not count."""
    clock = time.perf_counter if device == "cuda" else time.process_time

    def now() -> float:
        if device == "cuda":
            torch.cuda.synchronize()
        return clock()

    start = now()
    step()
    first = now() - start
    steps = max(1, round(LEAST / max(first, 1e-4)))
    best = 0.0
    for _ in range(rounds):
        start = now()
        for _ in range(steps):
            step()
        best = max(best, steps * batch / (now() - start))
    return best


def steps_of(model: nn.Module, images: torch.Tensor) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return a training step and an inference step."""
    targets = torch.zeros(len(images), 14, device=images.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def train() -> None:
        loss = nn.functional.binary_cross_entropy_with_logits(model(images), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def infer() -> None:
        with torch.inference_mode():
            model(images)

    return train, infer


def measure(name: str, size: int, batch: int, device: str, compiled: bool, rounds: int) -> list[float]:
    """Return images a second: training contiguous and channels last, inference contiguous and channels last."""
    values: list[list[float]] = [[], []]
    for layout in (torch.contiguous_format, torch.channels_last):
        model = build(name, n_classes=14, in_chans=1, image_size=size).to(device)
        model = model.to(memory_format=layout).train()
        images = torch.randn(batch, 1, size, size, device=device).contiguous(memory_format=layout)
        run = torch.compile(model) if compiled else model
        train, infer = steps_of(run, images)
        values[0].append(images_per_second(train, batch, device, rounds))
        model.eval()
        values[1].append(images_per_second(infer, batch, device, rounds))
    return [*values[0], *values[1]]


def main() -> None:
    """Print a row a backbone and size; the last column is training against the first backbone of that size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[card.name for card in shortlist()])
    parser.add_argument("--sizes", nargs="+", type=int, default=[64, 224])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(f"torch {torch.__version__}, {given.device}, batch {given.batch}, compile {'on' if given.compile else 'off'}")
    columns = "".join(f"{name:>9}" for name in ("train", "train cl", "infer", "infer cl"))
    print(f"{'backbone':32}{'px':>5}{columns}{'train, relative':>17}", flush=True)
    for size in given.sizes:
        first = 0.0
        for name in given.names:
            try:
                values = measure(name, size, given.batch, given.device, given.compile, given.rounds)
            except Exception as error:  # a row that fails must not take the others with it
                print(f"{name:32}{size:>5}  {type(error).__name__}: {' '.join(str(error).split())[:90]}")
                continue
            first = first or max(values[:2])
            print(f"{name:32}{size:>5}" + "".join(f"{v:9.1f}" for v in values) + f"{max(values[:2]) / first:17.3f}",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
