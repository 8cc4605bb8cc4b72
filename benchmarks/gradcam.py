"""What maps cost: 64 maps of one class against one forward and backward pass of the same 64 images.

``python -m benchmarks.gradcam [backbone ...]``: both in turn in one process, so that they meet the same machine; on a
processor its own time is counted, which other processes do not lengthen much. The yardstick is what a training step
pays for: logits of the batch and the gradient of every weight. A map needs the features' gradient at one layer only,
so it should cost less than 1; the target is at most 1.5.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from lt_core.explain import all_methods, cam_batch, choose_layer, target_layers
from lt_core.models import build

BACKBONES = ("test_resnet", "resnet18", "convnext_atto", "vit_tiny_patch16_224")
BATCH, CLASSES, PIXELS, ROUNDS = 64, 14, 64, 5
TARGET = 1.5


def main() -> None:
    """Print a line a backbone and gradient method: seconds of both, and their ratio."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"{device}, {torch.get_num_threads()} threads; {BATCH} images of {PIXELS} x {PIXELS}, medians of {ROUNDS}")
    print(f"{'backbone':24} {'method':12} {'layer':16} {'pass ms':>9} {'maps ms':>9} {'ratio':>6}")
    for name in sys.argv[1:] or BACKBONES:
        for method, layer, plain, maps, ratio in measured(name, device):
            verdict = "" if ratio <= TARGET else f"   above {TARGET:g}"
            print(
                f"{name:24} {method:12} {layer:16} {plain * 1e3:9.1f} {maps * 1e3:9.1f} {ratio:6.2f}{verdict}",
                flush=True,
            )


def measured(name: str, device: torch.device) -> list[tuple[str, str, float, float, float]]:
    """Return method, layer, seconds of a forward and backward pass, seconds of the maps, and their median ratio."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    torch.manual_seed(0)
    model = build(name, n_classes=CLASSES, in_chans=1, image_size=PIXELS).to(device).eval()
    images = torch.rand(BATCH, 1, PIXELS, PIXELS, device=device)
    layer = choose_layer(target_layers(model, (1, PIXELS, PIXELS)))

    def timed(work: Callable[[], object]) -> float:
        begin = clock()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return clock() - begin

    def plain() -> None:
        model(images)[:, 3].sum().backward()
        model.zero_grad(set_to_none=True)

    rows = []
    for method in all_methods():
        if not method.gradient:
            continue
        maps = partial(cam_batch, model, images, 3, method=method.key, layer=layer)
        timed(plain), timed(maps)
        pairs = [(timed(plain), timed(maps)) for _ in range(ROUNDS)]
        rows.append(
            (
                method.key,
                layer.name,
                statistics.median(a for a, _ in pairs),
                statistics.median(b for _, b in pairs),
                statistics.median(b / a for a, b in pairs),
            )
        )
    return rows


if __name__ == "__main__":
    main()
