"""What it costs to watch the gradient each class receives, as a share of the training step.

``python -m benchmarks.gradient_monitor [backbone ...]``: one model on a resident batch, steps with and without the
monitor in turn, so that both meet the same machine; on a processor its own time is counted, which other processes do
not lengthen much. Beside it, what the monitor does alone, as a share of a step. The target is less than 5 % of a step.
The smallest backbone is the worst case: the monitor's work depends on the batch and the classes alone.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from lt_core.losses import get_loss
from lt_core.models import build
from lt_core.training.gradient_monitor import GradientMonitor

BACKBONES = ("test_resnet", "mobilenetv3_small_100", "resnet18")
BATCH, CLASSES, PIXELS = 64, 14, 64
STEPS = 40
TARGET = 5.0


def main() -> None:
    """Print a line a backbone: a step without the monitor, a step with it, and the cost."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"{device}, {torch.get_num_threads()} threads; batch {BATCH} of {PIXELS} x {PIXELS}, {CLASSES} classes")
    print(f"medians of {STEPS}")
    print(f"{'backbone':24} {'step ms':>9} {'cost %':>8} {'alone us':>9} {'alone %':>8}")
    for name in sys.argv[1:] or BACKBONES:
        step, cost, alone = measured(name, device)
        verdict = "" if max(cost, 100 * alone / step) < TARGET else f"   above {TARGET:g} %"
        print(
            f"{name:24} {step * 1e3:9.2f} {cost:8.2f} {alone * 1e6:9.0f} {100 * alone / step:8.2f}{verdict}", flush=True
        )


def measured(name: str, device: torch.device) -> tuple[float, float, float]:
    """Return seconds of a step, what the monitor adds to neighbouring steps in percent, and its own seconds."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    torch.manual_seed(0)
    model = build(name, n_classes=CLASSES, in_chans=1, image_size=PIXELS).to(device).train()
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    criterion = get_loss("bce").criterion()
    images = torch.rand(BATCH, 1, PIXELS, PIXELS, device=device).to(memory_format=torch.channels_last)
    targets = (torch.rand(BATCH, CLASSES, device=device) < 0.1).float()
    monitor = GradientMonitor(CLASSES, device)

    def timed(work: Callable[[], object]) -> float:
        begin = clock()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return clock() - begin

    def step(watch: bool) -> None:
        logits = model(images)
        if watch:
            monitor.watch(logits, targets)
        optimizer.zero_grad(set_to_none=True)
        criterion(logits, targets).backward()
        optimizer.step()

    for _ in range(5):
        step(True)
    pairs = []
    for turn in range(STEPS):
        order = (False, True) if turn % 2 else (True, False)
        seconds = {watch: timed(partial(step, watch)) for watch in order}
        pairs.append((seconds[False], seconds[True]))
    cost = statistics.median(watched / plain - 1 for plain, watched in pairs) * 100
    gradient = torch.randn(BATCH, CLASSES, device=device)
    alone = statistics.median(timed(lambda: monitor.add(gradient, targets)) for _ in range(10 * STEPS))
    return statistics.median(plain for plain, _ in pairs), cost, alone


if __name__ == "__main__":
    main()
